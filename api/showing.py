"""A page of a case's document as a picture: the right to see it is that to the document, and so is what is noted."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.auth import Scope
from api.intake.render import PagePictures, has_pages
from governance.errors import NotFound
from governance.record import cases, standing

LARGEST_PAGE = 9_999


def kept(scope: Scope, case_id: str) -> tuple[bytes, str]:
    """(content, SHA-256) of a document that has pages. Raises NotFound where there is none, or it was erased."""
    found = cases.document(scope.conn, case_id)
    if found.content is None:
        raise NotFound("The document of this case was erased.")
    if not has_pages(found.content):
        raise NotFound("This kind of document has no pages to show: save it and open it.")
    return found.content, found.sha256


def tag(sha256: str, page: int) -> str:
    """The entity tag of a page: it changes with the document alone."""
    return f'"{sha256}-{page}"'


def picture(request: Request, pictures: PagePictures, content: bytes, sha256: str, page: int) -> Response:
    """The page as a PNG for this person's browser alone, which asks each time whether it still may show it."""
    headers = {"Cache-Control": "private, no-cache", "ETag": tag(sha256, page), "Vary": "Authorization, Cookie"}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(pictures.png(content, page), 200, headers, "image/png")


def note(scope: Scope, case_id: str, sha256: str) -> None:
    """The person has the document before their eyes; of one that was replaced meanwhile nothing is noted."""
    if cases.get(scope.conn, case_id)["document_sha256"] == sha256:
        standing.opened(scope.conn, case_id, "document")
