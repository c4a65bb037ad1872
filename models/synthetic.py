"""The demo company's month: books, ledgers, documents and planted exceptions whose truth is known.

One seed gives one company, byte for byte; nothing here reads a clock. The same generator feeds the demo
and the training of the shipped models. Everything in it is invented: names, VAT ids and IBANs have right
check digits and belong to nobody, mail addresses end in `.example` (RFC 2606).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from models.features import Receivable
from models.invoice import Invoice
from models.synthetic_company import Company, company, party_rows
from models.synthetic_documents import SyntheticDocument, bill_document, letter_about, text_document
from models.synthetic_duplicates import add_duplicates
from models.synthetic_exceptions import (
    PAYABLE_MAKERS,
    Arrivals,
    PlantedException,
    mixed_types,
    payable_exception,
)
from models.synthetic_ledger import post_ledger
from models.synthetic_numbers import stream
from models.synthetic_receivables import post_receivables
from models.synthetic_scene import Scene
from models.synthetic_text import labelled_texts
from models.synthetic_workflows import MAKERS, workflow_exception

__all__ = ["DEMO_DAY", "CompanyMonth", "PlantedException", "SyntheticDocument", "company_month"]

DEMO_DAY = date(2026, 11, 20)
_TYPES = {"accounts_payable": tuple(PAYABLE_MAKERS), **{queue: tuple(makers) for queue, makers in MAKERS.items()}}
_SHARE = {
    "accounts_payable": 0.45, "order_to_cash": 0.25, "record_to_report": 0.12, "customer_onboarding": 0.10,
    "partner_settlement": 0.08,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CompanyMonth:
    """One company at the end of `today`.

    books: rows by kind (entity, supplier, customer, bank_account, order, receipt, payment, fx, open_item):
    plain JSON, dates ISO, money decimal strings. invoices: the posted supplier ledger, duplicates in it.
    duplicate_pairs: (first id, second id, kind). receivables: paid history and open items. documents: one for
    each exception that came with one, and mixed mail that belongs to none. exceptions: not in the ledger yet.
    """

    seed: int
    today: date
    books: dict[str, list[dict[str, Any]]]
    invoices: list[Invoice]
    duplicate_pairs: list[tuple[str, str, str]]
    receivables: list[Receivable]
    documents: list[SyntheticDocument]
    exceptions: list[PlantedException]

    def document(self, name: str) -> SyntheticDocument:
        """The document of that name. Raises KeyError."""
        for candidate in self.documents:
            if candidate.name == name:
                return candidate
        raise KeyError(name)


def _counts(exceptions: int) -> dict[str, int]:
    """How many exceptions each queue gets: one of every type first, the rest by share."""
    counts = dict.fromkeys(_TYPES, 0)
    for queue, types in _TYPES.items():
        counts[queue] = min(len(types), exceptions - sum(counts.values()))
    rest = exceptions - sum(counts.values())
    for queue in list(_TYPES)[1:]:
        counts[queue] += round(rest * _SHARE[queue])
    counts["accounts_payable"] += exceptions - sum(counts.values())
    return counts


def _fx_rows(seed: int, today: date, days: int = 60) -> list[dict[str, Any]]:
    """Units of each currency for one euro, every weekday; a random walk around round levels."""
    rng = stream(seed, "fx")
    level = {"USD": 1.09, "GBP": 0.85, "CHF": 0.95}
    rows = []
    for back in range(days, -1, -1):
        day = today - timedelta(days=back)
        if day.weekday() > 4:
            continue
        for currency in level:
            level[currency] *= 1.0 + rng.gauss(0.0, 0.003)
            rows.append({"day": day.isoformat(), "currency": currency, "per_eur": f"{level[currency]:.4f}"})
    return rows


def _customer_payments(rows: list[dict[str, Any]], first: int) -> list[dict[str, Any]]:
    paid = [row for row in rows if row["clear_date"] is not None]
    return [
        {
            "id": f"PAY-{number:06d}",
            "kind": "customer",
            "party_id": row["customer_id"],
            "invoice_id": row["invoice_id"],
            "date": row["clear_date"],
            "amount": row["amount"],
            "currency": row["currency"],
        }
        for number, row in enumerate(paid, first)
    ]


def _with_letter(case: PlantedException, firm: Company) -> tuple[PlantedException, list[SyntheticDocument]]:
    """The exception, and the letter that belongs to it where one does."""
    sender = next((one.name for one in firm.customers if one.id == case.row["customer_id"]), None)
    letter = letter_about(case.exception_type, case.row, sender) if sender else None
    if letter is None:
        return case, []
    document_class, text = letter
    name = f"{case.source_key}.txt"
    row = case.row | {"document_class": document_class}
    return replace(case, document=name, row=row), [text_document(name, text, document_class, "en", {})]


def _mail_room(seed: int, count: int) -> list[SyntheticDocument]:
    """Mail of every class that belongs to no exception: what the classifier has to sort."""
    return [
        text_document(f"MAIL-{number:04d}.txt", one.text, one.document_class, one.language, {})
        for number, one in enumerate(labelled_texts(seed + 1, count), 1)
    ]


def company_month(
    seed: int,
    suppliers: int = 40,
    customers: int = 30,
    invoices: int = 400,
    exceptions: int = 60,
    duplicate_share: float = 0.05,
    mail: int = 40,
    today: date = DEMO_DAY,
) -> CompanyMonth:
    """The company of one seed. Sizes are floors: twins of suppliers and copies of invoices come on top.

    25 exceptions or more plant every exception type at least once. `today` is the last day that anything happened.
    """
    firm = company(seed, suppliers, customers)
    ledger = post_ledger(firm, seed, invoices, today)
    receivables, item_rows = post_receivables(firm, seed, today)
    rng = stream(seed, "exceptions")
    arrivals = Arrivals(firm, ledger, seed, today)
    scene = Scene(rng, firm, [item for item in receivables if item.clear_date is None], today)
    planted: list[PlantedException] = []
    documents: list[SyntheticDocument] = []
    for queue, count in _counts(exceptions).items():
        for number, kind in enumerate(mixed_types(rng, _TYPES[queue], count), 1):
            if queue == "accounts_payable":
                case, bill = payable_exception(arrivals, kind, number)
                documents.append(bill_document(bill, f"{case.source_key}.xml", arrivals.rng))
            else:
                case, letter = _with_letter(workflow_exception(scene, queue, kind, number), firm)
                documents += letter
            planted.append(case)
    documents += _mail_room(seed, mail)
    everything, pairs = add_duplicates(firm, seed, ledger.invoices, duplicate_share, today)
    books = party_rows(firm, seed) | {
        "order": ledger.orders,
        "receipt": ledger.receipts,
        "payment": ledger.payments + _customer_payments(item_rows, len(ledger.payments) + 1),
        "fx": _fx_rows(seed, today),
        "open_item": item_rows,
    }
    return CompanyMonth(seed, today, books, everything, pairs, receivables, documents, planted)
