"""Documents of the demo company: what suppliers and customers send, with the fields that stand in it.

A supplier's bill is written as UBL or as text in one of many layouts. A letter about an exception says what
the exception says: the same invoice, the same amounts.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files

from models.synthetic_company import ADDRESS, ENTITIES, ENTITY_ADDRESS, GROUP
from models.synthetic_ledger import Line
from models.synthetic_numbers import cents
from models.synthetic_ubl import Bill, ubl_invoice

_DATES = {
    "en": ("%d/%m/%Y", "%d %B %Y", "%Y-%m-%d", "%d %b %Y"), "de": ("%d.%m.%Y", "%d.%m.%y", "%Y-%m-%d"),
    "fr": ("%d/%m/%Y", "%d-%m-%Y"), "es": ("%d/%m/%Y", "%d-%m-%Y"), "it": ("%d/%m/%Y", "%d.%m.%Y"),
    "nl": ("%d-%m-%Y", "%d/%m/%Y"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SyntheticDocument:
    """One document. `fields` holds what it says (governance.case.FIELD_NAMES; absent = not in it).

    `content` is what was sent, `text` the same as a person reads it.
    """

    name: str
    media_type: str
    content: bytes
    text: str
    document_class: str
    language: str
    fields: Mapping[str, str]


@lru_cache(maxsize=6)
def _labels(language: str) -> dict[str, list[str]]:
    text = (files("models") / "phrases" / f"{language}.toml").read_text("utf-8")
    labels: dict[str, list[str]] = tomllib.loads(text)["bill"]
    return labels


def bill_fields(bill: Bill) -> dict[str, str]:
    """The fields that an invoice of this bill shows."""
    fields = {
        "supplier": bill.supplier_name,
        "supplier_vat_id": bill.vat_id,
        "invoice_number": bill.number,
        "issue_date": bill.issued.isoformat(),
        "due_date": bill.due.isoformat(),
        "currency": bill.supplier.currency,
        "total_amount": str(bill.total),
        "amount_due": str(bill.total),
        "iban": bill.iban,
    }
    return fields | ({"purchase_order": bill.order} if bill.order is not None else {})


class _Style:
    """One supplier's way to print: labels, date and number format, chosen once a document."""

    def __init__(self, rng: random.Random, language: str) -> None:
        self.rng, self.words = rng, _labels(language)
        self.date = rng.choice(_DATES[language])
        self.comma = language != "en"
        self.colon = rng.choice((": ", " ", ":  ", "\n"))
        self.chosen = {name: rng.choice(labels) for name, labels in self.words.items() if name != "lines"}

    def money(self, hundredths: int) -> str:
        text = f"{cents(hundredths):,.2f}"
        return text.translate(str.maketrans(",.", ".,")) if self.comma else text

    def day(self, day: date) -> str:
        return day.strftime(self.date)

    def label(self, name: str, value: str) -> str:
        return f"{self.chosen[name]}{self.colon}{value}"

    def iban(self, number: str) -> str:
        return " ".join(number[at : at + 4] for at in range(0, len(number), 4))

    def line(self, line: Line) -> str:
        cells = [line.description, str(line.quantity), self.money(line.price), self.money(line.net)]
        return "  ".join(cells)


def bill_text(bill: Bill, rng: random.Random) -> str:
    """The bill as a person reads it, in the supplier's language; every field of bill_fields stands in it."""
    style, currency = _Style(rng, bill.supplier.language), bill.supplier.currency
    total = bill.net + bill.tax
    street, postcode, city = ADDRESS[bill.supplier.country]
    sender = [bill.supplier_name, street, f"{postcode} {city}"]
    entity = next(row for row in ENTITIES if row["id"] == bill.supplier.entity)
    receiver = [style.label("customer", entity["name"]), ENTITY_ADDRESS[entity["id"]][0]]
    title = [style.chosen["title"]]
    head = [
        style.label("invoice_number", bill.number),
        style.label("issue_date", style.day(bill.issued)),
        style.label("due_date", style.day(bill.due)),
    ]
    if bill.order is not None:
        head.insert(rng.randint(0, len(head)), style.label("purchase_order", bill.order))
    table = ["  ".join(style.words["lines"]), *(style.line(line) for line in bill.lines)]
    sums = [
        style.label("net", f"{style.money(bill.net)} {currency}"),
        style.label("tax", f"{bill.rate} %  {style.money(bill.tax)} {currency}"),
        style.label("total_amount", f"{style.money(total)} {currency}"),
        style.label("amount_due", f"{currency} {style.money(total)}"),
    ]
    vat = [style.label("supplier_vat_id", bill.vat_id)]
    foot = [style.label("iban", style.iban(bill.iban)), *([bill.note] if bill.note else [])]
    orders: Sequence[tuple[list[str], ...]] = (
        (sender, vat, receiver, title, head, table, sums, foot),
        (title, sender, head, receiver, table, sums, vat, foot),
        (sender, title, receiver, head, table, sums, foot, vat),
    )
    return "\n".join(line for block in rng.choice(orders) for line in block)


def bill_document(bill: Bill, name: str, rng: random.Random) -> SyntheticDocument:
    """The bill as a UBL 2.1 invoice."""
    return SyntheticDocument(
        name=name,
        media_type="application/xml",
        content=ubl_invoice(bill),
        text=bill_text(bill, rng),
        document_class="invoice",
        language=bill.supplier.language,
        fields=bill_fields(bill),
    )


def text_document(
    name: str, text: str, document_class: str, language: str, fields: Mapping[str, str]
) -> SyntheticDocument:
    """A document that came as plain text."""
    return SyntheticDocument(name, "text/plain", text.encode(), text, document_class, language, fields)


def _letter(sender: str, lines: Sequence[str]) -> str:
    return "\n".join((sender, f"To: {GROUP}, accounts receivable", *lines, "Kind regards", sender))


def letter_about(exception_type: str, row: Mapping[str, object], sender: str) -> tuple[str, str] | None:
    """(document class, text) of the English letter that belongs to an exception, or None where none does."""
    details = row["details"]
    if not isinstance(details, Mapping):
        return None
    number, currency = row["invoice_number"], row["currency"]
    if exception_type == "dispute":
        lines = [
            "Invoice dispute", f"Disputed invoice: {number}", f"Disputed amount: {row['amount']} {currency}",
            f"Reason: {details['reason']}.", f"We agreed on a unit price of {details['agreed_price']} {currency}, "
            f"you billed {details['billed_price']} {currency}.", "We withhold payment until this is settled.",
        ]  # fmt: skip
        return "dispute", _letter(sender, lines)
    if exception_type in ("short_payment", "unapplied_cash"):
        paid = details.get("received", row["amount"])
        lines = [
            "Remittance advice", f"We have today transferred {paid} {currency} to your account.",
            f"Text: {details['remittance_text'] or 'none'}",
        ]  # fmt: skip
        if exception_type == "short_payment":
            lines.append(f"Invoice {number}  gross {details['billed']}  deduction {details['difference']}  paid {paid}")
        return "remittance_advice", _letter(sender, lines)
    if exception_type == "contract_billing_mismatch":
        lines = [
            "Service agreement", f"Contract no. {details['contract']}",
            f"This agreement is made between {GROUP} and {sender}, each a party.",
            f"1. The monthly charge is {details['contract_rate']} {currency}, payable in advance.",
            "2. Either party may terminate this agreement by giving 90 days' written notice.",
            "3. No amendment shall be valid unless made in writing and signed by both parties.",
        ]  # fmt: skip
        return "contract", "\n".join(lines)
    return None
