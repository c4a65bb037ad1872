"""JSON in and out: strict parsing, one way to write values, opaque cursors."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from governance.errors import Malformed

DEEPEST = 64
"""Levels of nesting that a JSON body may have."""

_CURSOR_TAG = "countersign/cursor/v1\n"


def parse(body: bytes) -> Any:
    """A JSON body. Numbers with a fraction and whole numbers beyond 15 digits become their own text.

    Raises Malformed for bad UTF-8, duplicate keys, NaN, NUL characters, lone surrogates and deep nesting: two readers
    of such a body would see two different things, or the record could not keep it.
    """
    try:
        value = json.loads(
            body.decode("utf-8-sig"),
            parse_float=str,
            parse_int=_whole,
            parse_constant=_no_constant,
            object_pairs_hook=_unique,
        )
    except UnicodeDecodeError:
        raise Malformed("the body is not UTF-8") from None
    except RecursionError:
        raise Malformed(f"the body is nested more than {DEEPEST} levels deep") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    for text in _texts(value, DEEPEST):
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise Malformed("the body holds a NUL character or a lone surrogate, which no record can keep")
    return value


def _whole(digits: str) -> int | str:
    return int(digits) if len(digits) <= 15 else digits


def _no_constant(name: str) -> Any:
    raise Malformed(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Malformed("a key stands twice in one object of the body")
    return found


def _texts(value: Any, levels: int) -> Iterator[str]:
    if levels < 0:
        raise Malformed(f"the body is nested more than {DEEPEST} levels deep")
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner, levels - 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, levels - 1)


def stamp(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def dumps(value: Any) -> str:
    """JSON text: money as decimal strings, dates ISO, times RFC 3339 in UTC."""
    return json.dumps(value, default=_written, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def request_hash(*parts: str) -> str:
    """The hex SHA-256 under which the answer to a request is remembered."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def sorted_dumps(value: Any) -> str:
    """JSON text that does not depend on the order of keys."""
    return json.dumps(value, default=_written, sort_keys=True)


def cursor(listing: str, at: datetime, last: str) -> str:
    """Where a listing (its name and filters) goes on: after the item of this time and id."""
    place = json.dumps([stamp(at), last])
    check = hashlib.sha256(f"{_CURSOR_TAG}{listing}\n{place}".encode()).hexdigest()[:16]
    return base64.urlsafe_b64encode(f"{check}{place}".encode()).decode().rstrip("=")


def read_cursor(listing: str, text: str | None) -> tuple[datetime, str] | None:
    """The place that `cursor` wrote for the same listing. Raises Malformed for any other text."""
    if text is None:
        return None
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
        at, last = json.loads(found[16:])
        place = datetime.fromisoformat(at), str(last)
    except (ValueError, TypeError, binascii.Error, RecursionError):
        place = None
    # Written again it must be the same: the check covers the place and the filters, and base64 has spare bits.
    if place is None or place[0].tzinfo is None or cursor(listing, *place) != text:
        raise Malformed("this cursor is not one that this listing gave out: begin again without it")
    return place
