"""Invoices that may be the same one, as a page shows them: both side by side, what differs marked, what speaks for it.

The findings are JSON of any shape, also of older programs: what is missing is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from api.console.loose import Pair, chosen, items, mapping, text, texts
from api.console.pages import ConsoleRoute
from api.console.plain import label, percent, phrase
from api.console.session import DeskOf
from api.strict import Id
from governance.errors import NotFound
from governance.record import worklist

router = APIRouter(prefix="/console", route_class=ConsoleRoute, include_in_schema=False)

_BUT = "but: "
_CASE_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_PLAIN = (
    "invoice_number", "supplier", "amount", "currency", "invoice_date", "posting_date", "purchase_order", "entity",
)  # fmt: skip
_FIELDS = {
    "invoice_number": "Invoice number", "supplier_id": "Supplier record", "tax_id": "Tax id", "description": "Text",
    "document_type": "Document",
}  # fmt: skip
_AGREEMENT = {
    "same": "Same", "differs": "Differs", "missing_here": "Missing here", "missing_there": "Missing there",
}  # fmt: skip
_FAMILIES = {
    "number": "Invoice number", "vendor": "Supplier", "order": "Purchase order", "text": "Text",
    "habits": "Supplier's habits",
}  # fmt: skip
_KINDS = {
    "resubmitted": "sent again", "format": "number written otherwise", "ocr": "misread number",
    "typo": "mistyped number", "suffix": "number with an addition", "renumbered": "new number",
    "other_vendor_record": "other supplier record", "other_entity": "other entity", "split": "split into parts",
    "currency": "other currency", "date": "other date", "penny": "amount off by cents", "amount": "other amount",
    "credit_and_rebill": "credited and billed again",
}  # fmt: skip
_STATES = {
    "paid": "paid", "partly_paid": "paid in part", "reversed": "credited", "duplicate": "marked as a duplicate",
    "released": "released for payment", "on_hold": "on hold", "open": "not paid", "unknown": "not known",
}  # fmt: skip
_HALF, _READABLE = 100.0, 40


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a text. `only`: it stands on this side alone. `said`: what a reader would not hear, in words."""

    text: str
    only: bool = False
    said: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One field of both invoices. `agreement`: same | differs | missing. `alike`: both are written in the same way."""

    name: str
    own: tuple[Mark, ...]
    twin: tuple[Mark, ...]
    agreement: str
    words: str

    @property
    def alike(self) -> bool:
        return self.agreement == "same" and self.own == self.twin


@dataclass(frozen=True, slots=True)
class Bar:
    """What one family of fields adds, for or against, in log odds. `start` and `width` lie on a scale of 0 to 200."""

    name: str
    adds: str
    speaks_for: bool
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class State:
    """What became of one invoice: a name for its colour, a word for a badge, a sentence."""

    name: str
    badge: str
    says: str


@dataclass(frozen=True, slots=True)
class Twin:
    """An invoice that may be the same one. `facts`: what is known of it where it was not compared."""

    title: str
    probability: str | None
    without_memory: str | None
    kind: str | None
    renumbered: bool
    case_id: str | None
    reasons: tuple[str, ...]
    against: tuple[str, ...]
    lines: tuple[Line, ...]
    same: int
    bars: tuple[Bar, ...]
    own_state: State | None
    twin_state: State | None
    verdict: str | None
    to_do: str | None
    group: Pair | None
    memory: tuple[Pair, ...]
    facts: tuple[Pair, ...]


def read(value: object) -> tuple[Twin, ...]:
    """The `duplicates` of a recommendation's findings, in whatever shape they were filed."""
    return tuple(_twin(one) for one in map(mapping, items(value)) if one)


def _twin(one: Mapping[str, Any]) -> Twin:
    memory = tuple(_memory(one.get("memory")))
    said = [reason for reason in texts(one.get("reasons")) if not _remembered(reason, memory)]
    lines = tuple(_lines(one.get("fields")))
    kind = text(one.get("kind"))
    return Twin(
        title=_title(one),
        probability=percent(one.get("probability")),
        without_memory=percent(one.get("probability_without_memory")),
        kind=_KINDS.get(kind, phrase(kind)) if kind else None,
        renumbered=one.get("queue") == "renumbered",
        case_id=_case_id(one.get("case_id")),
        reasons=tuple(reason for reason in said if not reason.startswith(_BUT)),
        against=tuple(reason.removeprefix(_BUT) for reason in said if reason.startswith(_BUT)),
        lines=lines,
        same=sum(line.agreement == "same" for line in lines),
        bars=_bars(one.get("parts")),
        own_state=_state(one.get("own_state")),
        twin_state=_state(one.get("twin_state")),
        verdict=text(mapping(one.get("exact_check")).get("says")),
        to_do=text(mapping(one.get("remedy")).get("why")),
        group=_group(one.get("group")),
        memory=memory,
        facts=() if lines else chosen(one, _PLAIN),
    )


def _title(one: Mapping[str, Any]) -> str:
    """By the supplier's own number and the id of the books, where that is none that only a program reads."""
    number, known = text(one.get("invoice_number")), text(one.get("invoice_id"))
    called = number or known or "?"
    beside = f" ({known})" if known and known != called and len(known) <= _READABLE else ""
    return f"{'Earlier' if one.get('earlier') else 'Later'} invoice {called}{beside}"


def _case_id(value: object) -> str | None:
    """An id of a case; what only looks like the way to another page is none."""
    return value if isinstance(value, str) and _CASE_ID.fullmatch(value) else None


def _lines(value: object) -> Iterator[Line]:
    for one in map(mapping, items(value)):
        name, agreement = text(one.get("name")), text(one.get("agreement"))
        if name is None or agreement not in _AGREEMENT:
            continue
        parts = [(text(items(part)[0]), items(part)[1]) for part in items(one.get("segments")) if len(items(part)) == 2]
        yield Line(
            _FIELDS.get(name, label(name)),
            _marks(parts, "own", text(one.get("own"))),
            _marks(parts, "twin", text(one.get("twin"))),
            "missing" if agreement.startswith("missing") else agreement,
            _AGREEMENT[agreement],
        )


def _marks(parts: list[tuple[str | None, Any]], side: str, whole: str | None) -> tuple[Mark, ...]:
    """One side of the parts; the whole text, unmarked, where the parts do not make it up."""
    found = tuple(_mark(str(words), of == side) for of, words in parts if of in ("same", side) and words != "")
    if not found or "".join(str(words) for of, words in parts if of in ("same", side)).strip() != whole:
        return (Mark(whole),) if whole else ()
    return found


def _mark(words: str, only: bool) -> Mark:
    if not only:
        return Mark(words)
    blank = not words.strip()
    return Mark("\u2423" * len(words) if blank else words, True, "space" if blank else None)


def _bars(value: object) -> tuple[Bar, ...]:
    """The largest takes half of the scale, to the right of its middle where it speaks for one bill."""
    found = [
        (name, float(adds))
        for one in map(mapping, items(value))
        if (name := text(one.get("field"))) is not None
        and isinstance(adds := one.get("adds"), int | float)
        and abs(adds) < 1e6
    ]
    most = max((abs(adds) for _, adds in found), default=0.0)
    return tuple(
        Bar(
            _FAMILIES.get(name, label(name)),
            f"{adds:+.1f}".replace("-", "\u2212"),
            adds > 0,
            round(_HALF if adds > 0 else _HALF * (1 - abs(adds) / most), 1),
            round(max(_HALF * abs(adds) / most, 1.0), 1),
        )
        for name, adds in found
        if adds
    )


def _state(value: object) -> State | None:
    found = mapping(value)
    name = text(found.get("state"))
    if name is None:
        return None
    badge = _STATES.get(name, phrase(name))
    return State(name if name in _STATES else "unknown", badge, text(found.get("says")) or badge)


def _group(value: object) -> Pair | None:
    """(what they are together and what is at risk, their ids)"""
    found = mapping(value)
    members = texts(found.get("members"))
    if not members:
        return None
    more, at_risk = found.get("more"), text(found.get("at_risk"))
    others = f" and {more} more" if isinstance(more, int) and more > 0 else ""
    risk = f", {at_risk} {text(found.get('currency')) or ''} at risk" if at_risk and found.get("alert") else ""
    return (text(found.get("reason")) or f"{len(members)} documents") + risk, ", ".join(members) + others


def _memory(value: object) -> Iterator[Pair]:
    """(what is known of the supplier, who approved it and until when it holds)"""
    for one in map(mapping, items(value)):
        words = text(one.get("words"))
        if words is not None:
            by = " and ".join(texts(one.get("approved_by"))) or "nobody known"
            until = text(one.get("until"))
            yield words, f"approved by {by}" + (f", holds until {until}" if until else "")


def _remembered(reason: str, memory: tuple[Pair, ...]) -> bool:
    """Whether a reason only says again what stands under what is known of the supplier."""
    return any(reason.startswith(_BUT + words) for words, _ in memory)


@router.get("/cases/{case_id}")
def show_case(desk: DeskOf, case_id: Id) -> Response:
    """The newest recommendation of a case: where a link to the other one of two twins leads."""
    with desk.open() as scope:
        drafts = worklist.drafts(scope.conn, case_id)
    if not drafts:
        raise NotFound("There is no recommendation for this case yet: the agent has not finished with it.")
    return RedirectResponse(f"/console/recommendations/{drafts[-1]['id']}", 303)
