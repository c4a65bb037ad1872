"""Fields of a bill from its words and their places, in six languages, each with confidence and evidence.

Every value that could be a field is a candidate (`candidates`, `supplier_candidates`); weights that were fitted on
made-up pages (`field_scores`) choose among them and say how sure that is. What is not sure enough is not said, and
what else it could be is named. Sums, checksums and double meanings are warnings for people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from governance.case import FIELD_NAMES, minor_units
from models import account_candidates, candidates, identifiers, labels, supplier_candidates
from models.binding import Binder
from models.candidates import Candidate, Notation
from models.field_rules import Rules
from models.field_scores import FieldScore, Ranked, confidence, rank, shipped
from models.layout import Box, Sheet, Word, from_text, from_words
from models.notation import dates, day_first

ACCEPT = 0.95
"""The confidence from which a field needs no second look; chosen on made-up pages so that 97.5 % of such are right."""
_LIKELY = -6.0  # logits below the best: what is further off is no alternative
_CLOSE = 1.5  # logits: a lead so small is said to people
_ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a value stands: page (from 1), rectangle in points from the page's top left corner, the words."""

    box: Box
    text: str

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON: page, box (left, top, right, bottom), text."""
        box = self.box
        return {"page": box.page, "box": [box.left, box.top, box.right, box.bottom], "text": self.text}


@dataclass(frozen=True, slots=True)
class Extraction:
    """`fields` by name (dates ISO, money decimal strings, None = not found or not sure), the calibrated confidence of
    each that was found, where it stands (PDFs only), what else it could be, and notes for people."""

    fields: dict[str, str | None]
    field_confidence: dict[str, float | None]
    warnings: tuple[str, ...]
    evidence: dict[str, Evidence] = field(default_factory=dict)
    alternatives: dict[str, tuple[str, ...]] = field(default_factory=dict)


def extract(texts: Sequence[str]) -> list[Extraction]:
    """One extraction a text, in order. Never raises on text."""
    return extract_pages([(text, ()) for text in texts])


def extract_pages(pages: Sequence[tuple[str, Sequence[Word]]]) -> list[Extraction]:
    """One extraction for each (running text, words with their places), in order. Text without words is read by its
    lines and columns."""
    weights = shipped()
    return [_chosen(found, weights) for found in (Found(text, words) for text, words in pages)]


class Found:
    """All candidates of one document, by field."""

    def __init__(self, text: str, words: Sequence[Word] = ()) -> None:
        self.placed = bool(words)
        self.sheet: Sheet = from_words(words) if words else from_text(text)
        rules = Rules(text)
        said = rules.fields()
        self.currency = said["currency"]
        self.warnings = [note for note in rules.warnings if note.startswith("currency")]
        binder = Binder(self.sheet)
        written = candidates.written_dates(self.sheet)
        order = day_first(day for _, day in written)
        self.order_guessed = order is None
        if order is None:
            order = not (self.currency == "USD" or labels.MONTH_FIRST.search(text))
        self.notation = Notation(rules.comma, order, frozenset({2, minor_units(self.currency or "EUR")}))

        def votes(name: str) -> dict[str, str | None]:
            return {"rules": said[name]}

        sheet, notation = self.sheet, self.notation
        tokens = candidates.tokens(sheet, binder)
        money = candidates.money(sheet, binder, notation)
        roles = supplier_candidates.block_roles(sheet)
        accounts = account_candidates.accounts(sheet, roles, votes("iban"))
        countries = [one.value[:2] for one in accounts]
        self.by_field: dict[str, list[Candidate]] = {
            "supplier": supplier_candidates.names(sheet, roles, votes("supplier")),
            "supplier_vat_id": account_candidates.vat_numbers(sheet, roles, countries, votes("supplier_vat_id")),
            "invoice_number": candidates.references(tokens, "number", votes("invoice_number")),
            "issue_date": candidates.days(sheet, binder, written, notation, "issued", votes("issue_date")),
            "due_date": candidates.days(sheet, binder, written, notation, "due", votes("due_date")),
            "total_amount": candidates.sums_of_money(money, "gross", votes("total_amount")),
            "amount_due": candidates.sums_of_money(money, "payable", votes("amount_due")),
            "iban": accounts,
            "purchase_order": candidates.references(tokens, "order", votes("purchase_order")),
        }


def _chosen(found: Found, weights: Mapping[str, FieldScore]) -> Extraction:
    fields: dict[str, str | None] = dict.fromkeys(FIELD_NAMES)
    sure: dict[str, float | None] = dict.fromkeys(FIELD_NAMES)
    evidence: dict[str, Evidence] = {}
    alternatives: dict[str, tuple[str, ...]] = {}
    fields["currency"] = found.currency
    for name, options in found.by_field.items():
        ranked, scale = rank(options, weights[name]), weights[name]
        probability = confidence(ranked, scale)
        if ranked.candidates and probability >= scale.floor:
            best = ranked.candidates[0]
            fields[name], sure[name] = best.value, round(probability, 3)
            if found.placed:
                evidence[name] = Evidence(best.cell.box(best.start, best.end), best.text)
        others = _others(ranked, said=fields[name] is not None)
        if fields[name] is not None:
            turned, twin = _turned(found, ranked), _twin(ranked)
            if turned or twin:  # the page itself does not decide: nothing that was learned says how often it is right
                sure[name] = None
            if turned:
                others = (turned, *(other for other in others if other != turned))[:_ALTERNATIVES]
            if (rival := twin or _rival(ranked)) is not None and rival != turned:
                found.warnings.append(f"{name}: it could also be {rival}")
        if others:
            alternatives[name] = others
    return Extraction(fields, sure, tuple(found.warnings + _warnings(found, fields)), evidence, alternatives)


def _others(ranked: Ranked, said: bool) -> tuple[str, ...]:
    """Other values that the document gives some reason for."""
    rest = list(zip(ranked.candidates, ranked.scores, strict=True))[1 if said else 0 :]
    return tuple(one.value for one, score in rest if score > ranked.scores[0] + _LIKELY)[:_ALTERNATIVES]


def _rival(ranked: Ranked) -> str | None:
    """A value that is nearly as likely as the best, or that stands beside a label as good as the best one's."""
    if ranked.lead < _CLOSE:
        return ranked.candidates[1].value
    if not _named(ranked.candidates[0]):
        return None
    return next((one.value for one in ranked.candidates[1:_ALTERNATIVES] if _named(one)), None)


def _twin(ranked: Ranked) -> str | None:
    """Another value beside the same words as the best one: "Invoice no." twice, with two numbers."""
    best = ranked.candidates[0]
    if not best.label:
        return None
    others = (one for one in ranked.candidates[1:_ALTERNATIVES] if one.label == best.label)
    return next((one.value for one in others if not one.facts.get("zero")), None)


def _turned(found: Found, ranked: Ranked) -> str | None:
    """The date with day and month changed, where nothing on the page says which comes first."""
    best = ranked.candidates[0]
    written = (day for day in dates(best.cell.text) if day.start == best.start)
    return best.other if found.order_guessed and not any(day.fixed for day in written) else None


def _named(one: Candidate) -> bool:
    return any(one.facts.get(f"{relation}:own_strong") for relation in ("adjacent", "right", "below"))


def _warnings(found: Found, fields: Mapping[str, str | None]) -> list[str]:
    notes: list[str] = []
    if fields["supplier_vat_id"] and not identifiers.vat_checks(fields["supplier_vat_id"]):
        notes.append("supplier_vat_id: the checksum of the VAT number does not fit")
    if fields["iban"]:
        if not identifiers.iban_checks(fields["iban"]):
            notes.append("iban: the checksum or the length of the IBAN does not fit")
        valid = {one.value for one in found.by_field["iban"] if one.facts["checks"]}
        if len(valid | {fields["iban"]}) > 1:
            notes.append(f"iban: the document names {len(valid | {fields['iban']})} accounts")
    notes += _sum_notes(found.by_field["total_amount"], fields["total_amount"])
    for name in ("issue_date", "due_date"):
        notes += _date_notes(found, name, fields[name])
    return notes


def _sum_notes(amounts: Sequence[Candidate], total: str | None) -> list[str]:
    """Net and tax that add up to another amount than the one that was taken for the total."""
    sums = {one.value for one in amounts if one.facts["sum"]}
    if total is None or not sums or total.removeprefix("-") in {value.removeprefix("-") for value in sums}:
        return []
    return [f"total_amount: net and tax on the pages add up to {max(sums, key=Decimal)}"]


def _date_notes(found: Found, name: str, value: str | None) -> list[str]:
    if value is None or not found.order_guessed:
        return []
    for one in found.by_field[name]:
        if one.value == value:
            written = next((day for day in dates(one.cell.text) if day.start == one.start), None)
            if written and not written.fixed and written.first != written.second:
                reading = "day before month" if found.notation.day_first else "month before day"
                return [f"{name}: the order of day and month is not certain; read as {reading}"]
            return []
    return []
