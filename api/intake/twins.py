"""A hybrid PDF says everything twice: as data for programs and on the page for people. Do both say the same?

Data that differs from the page is a known way to have another amount paid, or to another account, than the one that
people approved. A value that the page does not show at all is only noted: many a page leaves something out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from api.intake.shown import Page
from governance.case import Finding, Reading
from models.extraction import ACCEPT, Extraction, extract_pages
from models.invoice import normal_id, normal_name
from models.layout import Box, Word

MISMATCH = "xml_text_mismatch"
"""Code of a contested field: the page says something else."""
NOT_SHOWN = "xml_value_not_shown"
"""Code of a note: the page does not show the value, and nothing in its place."""
ONLY_SHOWN = "text_value_not_in_xml"
"""Code of a note: the page names an account that the data does not have."""

COMPARED = (
    "invoice_number", "issue_date", "due_date", "currency", "total_amount", "amount_due", "iban", "supplier_vat_id",
    "supplier", "purchase_order",
)  # fmt: skip
_LEAST_WORDS = 20
# How sure the page must be of its own value before a value that it does not show is held against the data. Other days
# are easily taken for the due date, other numbers for the order's, and where the name is in a picture another is read.
_LEAST: dict[str, float] = {"due_date": 0.7, "purchase_order": 0.7, "supplier": ACCEPT}
# A bill that is due at once has the same day twice: a page that is sure of its day is believed all the same.
_CERTAIN: dict[str, float] = {"issue_date": ACCEPT, "due_date": ACCEPT}
_STRANGER = 0.5  # enough for a supplier of whose name no word stands on the page
# Several numbers stand on a page: it must be surer still which of them is the bill's or the supplier's.
_FIRM: dict[str, float] = {"invoice_number": 0.99, "supplier_vat_id": 0.99}
# A page is not asked for another supplier or currency than one that it shows: there are always two firms on it.
_NOT_ELSEWHERE = frozenset({"supplier", "currency", "amount_due"})


_KINDS = (("invoice_number", "purchase_order"), ("issue_date", "due_date"))
"""Fields that may be taken for one another."""
_DOUBTS = frozenset({"arithmetic", "same_party", "date_order"})


@dataclass(frozen=True, slots=True)
class _Rival:
    value: str
    text: str
    evidence: dict[str, Any]


def compared(reading: Reading, text: str, words: Sequence[Word] = ()) -> Reading:
    """The reading of the embedded data with what its page has against it, and with the places where the page agrees.

    Contested fields have no confidence, and neither has a class whose document says two things. The fields keep the
    values of the data, which is what other programs will read.
    """
    if sum(character.isalnum() for character in text[:5000]) < _LEAST_WORDS:
        said = "the pages are pictures without text: nothing tells whether they say the same as the data inside"
        return with_findings(reading, [Finding("page_without_text", said, level="note")])
    page, (found,) = Page(text, words), extract_pages([(text, words)])
    findings = [one for name in COMPARED for one in _compare(name, reading, page, found)]
    findings += _accounts(reading, page, found)
    agreed = {name: place.as_dict() for name, place in found.evidence.items() if _same(name, reading, found)}
    rivals = {one.fields[0]: (other,) for one in findings if one.code == MISMATCH and (other := one.values["page"])}
    return replace(
        with_findings(reading, findings),
        evidence={**reading.evidence, **agreed},
        alternatives={**reading.alternatives, **rivals},
    )


def with_findings(reading: Reading, findings: Sequence[Finding]) -> Reading:
    """The reading with more findings; warnings and confidence follow from them."""
    contested = {name for one in findings if one.level == "contested" for name in one.fields}
    return replace(
        reading,
        findings=(*reading.findings, *findings),
        warnings=(*reading.warnings, *(one.detail for one in findings if one.level != "note")),
        confidence=None if contested else reading.confidence,
        field_confidence={name: None if name in contested else sure for name, sure in reading.field_confidence.items()},
    )


def _compare(name: str, reading: Reading, page: Page, found: Extraction) -> Iterator[Finding]:
    value = reading.fields.get(name)
    if not value:
        return
    shown = page.shows(name, value)
    rival = _elsewhere(name, value, reading, found) if shown else _instead(name, value, reading, page, found)
    if rival is not None:
        said = f"{name}: the data inside the PDF says {value[:60]!r} and the page says {rival.text[:60]!r}; {_ADVICE}"
        values = {"embedded": value, "page": rival.value}
        yield Finding(MISMATCH, said, (name,), "contested", values, rival.evidence)
    elif not shown:
        said = f"{name}: the page does not show the {value[:60]!r} of the data inside the PDF"
        yield Finding(NOT_SHOWN, said, (name,), "note", {"embedded": value, "page": None})


_ADVICE = "ask the sender before anything is done"


def _elsewhere(name: str, value: str, reading: Reading, found: Extraction) -> _Rival | None:
    """The page has the value somewhere, and is sure that it is not this field's: net for total, due for issued.
    Where the data contradicts itself, any other value on the page is enough."""
    doubted = any(name in one.fields for one in reading.findings if one.code in _DOUBTS)
    if (name in _NOT_ELSEWHERE and not doubted) or _sure(name, found) < (0.0 if doubted else _FIRM.get(name, ACCEPT)):
        return None
    rival = _read(name, value, found)
    return None if rival is None or _explained(name, rival.value, reading, found) else rival


def _instead(name: str, value: str, reading: Reading, page: Page, found: Extraction) -> _Rival | None:
    """What the page has in the place of a value that it does not show."""
    near = page.near(name, value)
    copied = near is not None and not _others(name, near.value, reading)
    least = _LEAST.get(name, 0.0)
    if name == "supplier" and not page.has_word_of(value):
        least = _STRANGER
    read = _read(name, value, found) if _sure(name, found) >= least else None
    if near is not None and copied and (read is None or name not in ("total_amount", "amount_due")):
        return _Rival(near.value, near.text, _place(near.box, near.text))
    if read is not None and not _explained(name, read.value, reading, found):
        return read
    if read is not None and name == "issue_date":  # every bill has its day: what else it could be will do
        rest = (one for one in found.alternatives.get(name, ()) if one != value and not _others(name, one, reading))
        return next((_Rival(one, one, {}) for one in rest), None)
    if name == "iban":
        account = page.account({normal_id(one) for one in reading.details.get("payer_accounts", ())})
        return _Rival(account.value, account.text, _place(account.box, account.text)) if account else None
    return _total_instead(value, reading, found) if name == "amount_due" else None


def _sure(name: str, found: Extraction) -> float:
    """The confidence of the page's own value. A currency has none: its signs are counted, not weighed."""
    return 1.0 if name == "currency" else found.field_confidence[name] or 0.0


def _total_instead(value: str, reading: Reading, found: Extraction) -> _Rival | None:
    """An amount due that no page shows, where nothing was paid before: then the page's total is what is due."""
    broken = any("amount_due" in one.fields and one.code == "arithmetic" for one in reading.findings)
    total = reading.fields.get("total_amount")
    if not Decimal(value) or not (broken or (total and Decimal(total) == Decimal(value))):
        return None
    return _read("total_amount", value, found)


def _read(name: str, value: str, found: Extraction) -> _Rival | None:
    """What was read on the page, where that is something else than the value."""
    other = found.fields[name]
    if other is None or _equal(name, value, other):
        return None
    place = found.evidence.get(name)
    return _Rival(other, place.text if place else other, place.as_dict() if place else {})


def _same(name: str, reading: Reading, found: Extraction) -> bool:
    value, other = reading.fields.get(name), found.fields.get(name)
    return bool(value and other) and _equal(name, str(value), str(other))


def _equal(name: str, value: str, other: str) -> bool:
    """The same thing said twice, or one of them in part: a number without its suffix, a name without a word."""
    if name in ("total_amount", "amount_due"):
        return abs(Decimal(value)) == abs(Decimal(other))
    if name == "supplier":
        mine, theirs = (set(normal_name(one).split()) for one in (value, other))
        whole = normal_name(value).replace(" ", "") == normal_name(other).replace(" ", "")
        return whole or mine <= theirs or theirs <= mine
    if normal_id(value) == normal_id(other):
        return True
    return name in ("invoice_number", "purchase_order") and (_part(value, other) or _part(other, value))


def _part(whole: str, part: str) -> bool:
    """`00.123-7` of `00.123-7-2014`: cut where a mark is, never within a run of digits."""
    if len(part) < 4 or part not in whole:
        return False
    start = whole.index(part)
    before, after = whole[:start], whole[start + len(part) :]
    return not (before and before[-1].isalnum()) and not (after and after[0].isalnum())


def _explained(name: str, rival: str, reading: Reading, found: Extraction) -> bool:
    return _others(name, rival, reading) and _sure(name, found) < _CERTAIN.get(name, 2.0)


def _others(name: str, rival: str, reading: Reading) -> bool:
    """True for what the data itself names as something else: the buyer's number, the bill's own for the order's."""
    if name == "supplier_vat_id":
        return normal_id(rival) == normal_id(reading.details.get("buyer_vat_id"))
    if name == "supplier":
        return normal_name(rival) == normal_name(reading.details.get("buyer") or "")
    if name == "iban":
        return normal_id(rival) in map(normal_id, reading.details.get("payer_accounts", ()))
    kind = next((kind for kind in _KINDS if name in kind), ())
    others = [reading.fields.get(other) for other in kind if other != name]
    return any(normal_id(rival) == normal_id(other) for other in others if other)


def _accounts(reading: Reading, page: Page, found: Extraction) -> Iterator[Finding]:
    """Further accounts in the data that the page does not show, and the page's account where the data has none."""
    main, onpage = normal_id(reading.fields.get("iban")), found.fields["iban"]
    for account in reading.details.get("accounts", ())[1:20]:
        if normal_id(account) == main or page.shows("iban", account):
            continue
        rival = page.near("iban", account)
        if rival is not None or (onpage and not page.shows("iban", main)):
            other = rival.value if rival else str(onpage)
            said = f"iban: the data inside the PDF also names {account[:60]!r}, the page {other!r}; {_ADVICE}"
            yield Finding(MISMATCH, said, ("iban",), "contested", {"embedded": account, "page": other})
    if not main and onpage and (found.field_confidence["iban"] or 0.0) >= ACCEPT:
        said = f"iban: the page names the account {onpage}, the data inside the PDF none"
        place = found.evidence.get("iban")
        values = {"embedded": None, "page": onpage}
        yield Finding(ONLY_SHOWN, said, ("iban",), "note", values, place.as_dict() if place else {})


def _place(box: Box | None, text: str) -> dict[str, Any]:
    if box is None:
        return {}
    return {"page": box.page, "box": [box.left, box.top, box.right, box.bottom], "text": text}
