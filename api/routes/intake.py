"""The way in over HTTP: documents, case rows and signed webhooks become cases."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from api import problems, signature, uploads, wire
from api.auth import Caller, CallerOf, IdempotencyKey, Scope
from api.intake import rows
from api.intake.door import CaseRow, File, IntakeDoor, Item
from api.readers import Readers
from api.schemas import CaseRowBody, CaseRows, QueueName
from api.strict import StrictRoute, answer
from api.system import System
from governance import permit
from governance.errors import Malformed, NotFound, Unreadable

router = APIRouter(prefix="/v1", tags=["intake"], route_class=StrictRoute)
_CASE_ROWS: TypeAdapter[CaseRowBody | list[CaseRowBody]] = TypeAdapter(CaseRows)

_DOCUMENTS = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}
                    },
                    "required": ["file"],
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
_ANY_BODY = {"requestBody": {"required": True, "content": {"*/*": {"schema": {}}}}}


async def _files(
    request: Request, name: Annotated[str | None, Query(max_length=1000, description="Name of a raw body.")] = None
) -> Sequence[File]:
    return await uploads.files_of(request, name)


async def _body(request: Request) -> bytes:
    return await request.body()


def _receive(
    caller: Caller, readers: Readers, items: Sequence[Item], key: str | None, asked: str, queue: str | None = None
) -> Response:
    """Bring items in as the caller; 202 and what became of each, or Unreadable where all were rejected."""

    def receive() -> dict[str, Any]:
        # The door has transactions of its own, and a source key that is known stays one case: should the answer be
        # lost after them, the same request again finds what they stored.
        reader = readers.documents() if any(isinstance(item, File) for item in items) else readers.rows
        door = IntakeDoor(caller.database, caller.key, reader, queue=queue)
        receipts = [receipt.as_dict() for receipt in door.receive(items)]
        if all(receipt["status"] == "rejected" for receipt in receipts):
            reasons = "; ".join(str(receipt["reason"]) for receipt in receipts[:3])
            raise Unreadable(f"nothing of this could become a case: {reasons}", items=receipts)
        return {"items": receipts}

    def act(scope: Scope) -> tuple[int, Any]:
        permit.may_submit(scope.actor)
        return 202, receive()

    if key is not None:
        return caller.write(act, idempotency_key=key, request=asked)
    # Without a key nothing has to be held while documents are read.
    with caller.transaction() as scope:
        permit.may_submit(scope.actor)
    return answer(receive(), 202)


def _of_files(files: Sequence[File]) -> str:
    return wire.sorted_dumps([[file.name, hashlib.sha256(file.content).hexdigest()] for file in files])


def _case_rows(body: CaseRowBody | list[CaseRowBody], system: System) -> list[Item]:
    """Raises Malformed with the place of every row that cannot be a case."""
    found: list[Item] = []
    errors: list[dict[str, str]] = []
    for index, row in enumerate(body if isinstance(body, list) else [body]):
        cells = {name: value for name, value in row.model_dump().items() if value is not None}
        try:
            made = rows.case_row(cells, index=index + 1, default_currency=system.settings.default_currency)
            found.append(CaseRow(made))
        except Malformed as error:
            pointer = f"/{index}" if isinstance(body, list) else ""
            errors.append({"in": "body", "pointer": pointer, "detail": error.detail})
    if errors:
        raise Malformed(f"{len(errors)} of the rows cannot be cases: {errors[0]['detail']}", errors=errors)
    return found


@router.post("/documents", status_code=202, openapi_extra=_DOCUMENTS)
def post_documents(
    request: Request,
    caller: CallerOf,
    files: Annotated[Sequence[File], Depends(_files)],
    idempotency_key: IdempotencyKey,
    queue: Annotated[QueueName | None, Query(description="Where a document goes that does not say.")] = None,
) -> Response:
    """Documents or row files become cases. One result a document or row; the caller is the initiator."""
    asked = wire.request_hash("documents", str(queue), _of_files(files))
    return _receive(caller, request.app.state.readers, files, idempotency_key, asked, queue)


@router.post("/cases", status_code=202)
def post_cases(request: Request, caller: CallerOf, body: CaseRows, idempotency_key: IdempotencyKey) -> Response:
    """One case row, or a list of them. Either all are well formed or none is taken."""
    items = _case_rows(body, request.app.state.system)
    sent = [row.model_dump() for row in body] if isinstance(body, list) else body.model_dump()
    asked = wire.request_hash("cases", wire.sorted_dumps(sent))
    return _receive(caller, request.app.state.readers, items, idempotency_key, asked)


@router.post("/webhooks/{source}", status_code=202, openapi_extra=_ANY_BODY)
def post_webhook(request: Request, source: str, body: Annotated[bytes, Depends(_body)]) -> Response:
    """Case rows (JSON) or one document, signed as Standard Webhooks say with the secret of the source.

    The webhook-id is remembered: the same message again gets the first answer and changes nothing, another message
    under the same id is refused.
    """
    system: System = request.app.state.system
    secret = system.settings.webhook_secrets.get(source)
    if secret is None:
        raise NotFound("there is no webhook of this name")
    headers = {name.lower(): value for name, value in request.headers.items()}
    message = signature.verify(secret.get_secret_value(), headers, body, datetime.now(UTC))
    caller = Caller(system.database, system.token("intake"))
    key = f"webhook {hashlib.sha256(f'{source} {message}'.encode()).hexdigest()}"
    asked = wire.request_hash("webhook", source, hashlib.sha256(body).hexdigest())
    is_json = headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
    if is_json:
        try:
            stated = _CASE_ROWS.validate_python(wire.parse(body))
        except ValidationError as error:
            return problems.of_validation([{**item, "loc": ("body", *item["loc"])} for item in error.errors()])
        return _receive(caller, request.app.state.readers, _case_rows(stated, system), key, asked)
    if not body:
        raise Malformed("the webhook has no body")
    file = File(uploads.file_name(f"{source}-{message}"), body, headers.get("content-type"))
    return _receive(caller, request.app.state.readers, [file], key, asked)
