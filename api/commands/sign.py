"""countersign sign: approve with a signature by a key of one's own, over exactly what is shown here."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

HELP = "approve a recommendation with a signature by your own key"
COLUMNS = ("recommendation_id", "decision_id", "state", "digest", "signature")
_SECONDS = 30.0
_LARGEST = 4 * 1024 * 1024


class Desk(Protocol):
    """Where recommendations are read and decided."""

    def read(self, recommendation_id: str) -> Mapping[str, Any]: ...

    def approve(self, recommendation_id: str, given: Mapping[str, str]) -> Mapping[str, Any]: ...


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recommendation", metavar="RECOMMENDATION_ID")
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="made by: countersign key signing new")
    parser.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="with the key's passphrase (default: asked for)"
    )
    parser.add_argument("--url", metavar="URL", help="of the service (default: the database that HOME knows)")
    parser.add_argument("--seat", metavar="ROLE", help="which seat, where several fit")
    parser.add_argument("--for", dest="acting_for", metavar="ID", help="who delegated the seat to you")
    parser.add_argument("--comment", metavar="TEXT")
    parser.add_argument("--yes", action="store_true", help="sign without asking")


def run(args: argparse.Namespace) -> int:
    from api.acting import person_key
    from api.commands.asking import confirmed, passphrase
    from api.commands.listing import say
    from api.commands.output import cell, emit
    from api.signing import read_key, statement_of
    from governance.decision import signed_statement
    from governance.signature import sign_statement

    api_key = person_key(args)
    with _desk(args, api_key) as desk:
        what = statement_of(desk.read(args.recommendation), args.recommendation)
        width = max(len(name) for name, _ in what.lines)
        for name, value in (*what.lines, ("digest", what.digest)):
            say(f"  {name:<{width}}  {cell(value)}")
        if not args.yes and not confirmed("You approve this in your name."):
            say("nothing was signed")
            return 1
        key = read_key(args.key, passphrase(args.passphrase_file))
        signature = sign_statement(signed_statement(what.tenant, what.recommendation_id, what.digest), key)
        given = {"digest": what.digest, "signature": signature}
        more = {"seat": args.seat, "acting_for": args.acting_for, "comment": args.comment}
        made = desk.approve(args.recommendation, given | {name: text for name, text in more.items() if text})
    emit(args, COLUMNS, [{**made, "digest": what.digest, "signature": signature}])
    return 0


@contextlib.contextmanager
def _desk(args: argparse.Namespace, api_key: str) -> Iterator[Desk]:
    if args.url is not None:
        with _over_http(args.url, api_key) as remote:
            yield remote
        return
    from api.wiring import connect

    with connect(args.home) as system:
        yield _Database(system.database, api_key)


class _Database:
    """The record itself, as the person whose key it is."""

    def __init__(self, database: Any, api_key: str) -> None:
        self._database, self._key = database, api_key

    def read(self, recommendation_id: str) -> Mapping[str, Any]:
        from api import shapes
        from governance import permit
        from governance.record import people, standing

        with self._database.transaction("review", self._key) as conn:
            permit.may_read(people.whoami(conn))
            found = shapes.one_recommendation(conn, recommendation_id)
            standing.opened(conn, found["case_id"], "case")
            return found

    def approve(self, recommendation_id: str, given: Mapping[str, str]) -> Mapping[str, Any]:
        from api import deciding
        from governance.decision import Decision, DecisionKind
        from governance.record import people

        values: dict[str, Any] = dict(given)
        decision = Decision(DecisionKind.APPROVE, **values)
        with (
            deciding.noting(self._database, self._key, recommendation_id, "approve"),
            self._database.transaction("review", self._key) as conn,
        ):
            return deciding.decide(conn, people.whoami(conn), recommendation_id, decision)


@contextlib.contextmanager
def _over_http(url: str, api_key: str) -> Iterator[Desk]:
    import httpx

    from api.oidc_provider import safe_url

    base = safe_url(url, "--url").rstrip("/")
    headers = {"authorization": f"Bearer {api_key}", "accept-encoding": "identity"}
    with httpx.Client(
        base_url=base, headers=headers, timeout=_SECONDS, follow_redirects=False, trust_env=False
    ) as client:
        yield _Service(client)


class _Service:
    """The HTTP service. What it says is checked by who signs; its refusals are shown as they are."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def read(self, recommendation_id: str) -> Mapping[str, Any]:
        return self._ask("GET", _address(recommendation_id))

    def approve(self, recommendation_id: str, given: Mapping[str, str]) -> Mapping[str, Any]:
        answer = self._ask("POST", _address(recommendation_id) + "/decisions", {"decision": "approve", **given})
        return {"recommendation_id": recommendation_id, **{name: answer[name] for name in ("decision_id", "state")}}

    def _ask(self, method: str, path: str, body: Mapping[str, str] | None = None) -> dict[str, Any]:
        import httpx

        from api import wire
        from governance.errors import Malformed, Refusal, Unavailable

        read = b""
        try:
            with self._client.stream(method, path, json=body) as response:
                for chunk in response.iter_raw():
                    read += chunk
                    if len(read) > _LARGEST:
                        raise Unavailable("the service's answer is larger than the limit")
        except httpx.HTTPError as error:
            raise Unavailable(f"the service does not answer: {type(error).__name__}") from error
        try:
            value = wire.parse(read)
        except Malformed:
            value = None
        if not isinstance(value, dict):
            raise Unavailable(f"the service answered {response.status_code} without anything that can be read")
        if not response.is_success:
            raise Refusal(str(value.get("detail", response.status_code)))
        return value


def _address(recommendation_id: str) -> str:
    from urllib.parse import quote

    return f"/v1/recommendations/{quote(recommendation_id, safe='')}"
