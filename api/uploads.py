"""Documents out of a request: files of a multipart form, or one raw body."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.datastructures import UploadFile
from starlette.requests import Request

from api.intake.door import File
from governance.errors import Malformed

MOST_FILES = 100
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def file_name(name: str | None) -> str:
    """The last part of a name as it came, without what no name should hold."""
    last = re.split(r"[/\\]", name or "")[-1]
    return _NOT_IN_NAMES.sub("", last).strip()[:200] or "document"


async def files_of(request: Request, name: str | None) -> Sequence[File]:
    """The files of a request. Raises Malformed where there are none, TooLarge from the edge."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form(max_files=MOST_FILES, max_fields=MOST_FILES) as form:
            found = [
                File(file_name(part.filename), await part.read(), part.content_type)
                for _, part in form.multi_items()
                if isinstance(part, UploadFile)
            ]
    else:
        body = await request.body()
        found = [File(file_name(name), body, kind or None)] if body else []
    if not found:
        raise Malformed("no document was sent: send files in a multipart form, or one file as the body")
    return found
