"""Made-up ledgers full of near misses: what the pair scorer must not take for duplicates.

The demo company pays as most firms do. Real ledgers hold more that looks alike and is not: carers who bill
one fee several times a day, the same bill for two clients, numbers that start again each year, branches under
one tax id, bills in many lines, payment runs with one number for all, traders who count from 1. Each vendor
draws its own numbering, amounts, rhythm and columns.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from models.invoice import Invoice
from models.synthetic_company import Company
from models.synthetic_duplicates import KINDS, duplicate
from models.synthetic_numbers import cents, digits, stream

_START = date(2025, 1, 6)
_NOBODY = Company((), ())
_NUMBERINGS = (
    "counter",
    "sparse",
    "yearly",
    "branch",
    "random",
    "dated",
    "period",
    "reused",
    "short",
    "client",
    "parts",
    "yearend",
    "padded",
)
_PERIODIC = ("period", "reused")
_AMOUNTS = ("constant", "prices", "prices", "free", "free", "free", "round")
_RHYTHMS = ("daily", "weekly", "fortnightly", "monthly", "monthly", "quarterly", "random", "random", "random")
_WORDS = ("care", "transport", "catering", "cleaning", "printing", "training", "repairs", "rent", "security", "energy")


@dataclass(frozen=True, slots=True)
class Drill:
    """One made-up ledger and its duplicates: (first id, second id, kind)."""

    invoices: list[Invoice]
    duplicate_pairs: list[tuple[str, str, str]]


@dataclass(slots=True)
class _Vendor:
    """One vendor's way to bill. `serial` is the last number it gave out."""

    rng: random.Random
    id: str
    name: str
    tax_id: str | None
    iban: str | None
    entity: str
    currency: str
    numbering: str
    amounts: str
    rhythm: str
    orders: str
    described: str
    prices: tuple[int, ...]
    serial: int
    years: Counter[int] = field(default_factory=Counter)

    def number(self, day: date) -> str:
        rng = self.rng
        self.serial += {"sparse": rng.randint(1, 90), "branch": rng.randint(1, 6)}.get(self.numbering, 1)
        count = self.serial
        return {
            "yearly": f"{day.year}-{self._this_year(day):03d}",
            "branch": f"B{count % 4}/{count}",
            "random": "".join(rng.choices("ABCDEFGHJKMNPQRTUVWXYZ2346789", k=8)),
            "dated": f"{day:%d%m%y}" + (f"/{count}" if self.rhythm in ("daily", "random") else ""),
            "period": f"{day:%b %Y}".upper(),
            "reused": f"CONTRACT {self.prices[0]}",
            "short": str(count % 400 + 1),
            "client": f"{self.prices[0] * 7 % 900000} {day:%Y%m%d} {50000 + count}",
            "padded": f"SI{count:08d}",
            "parts": f"{count // 2}{'AB'[count % 2]}",
            "yearend": f"{count}/{day:%y}",
            "batch": f"RUN{day.toordinal()}",
        }.get(self.numbering, str(count))

    def _this_year(self, day: date) -> int:
        """A count that starts again every January."""
        self.years[day.year] += self.rng.choice((1, 1, 3))
        return self.years[day.year]

    def amount(self) -> int:
        rng = self.rng
        if self.amounts == "constant":
            return self.prices[0]
        if self.amounts == "prices":
            return rng.choice(self.prices)
        free = max(500, round(self.prices[0] * rng.lognormvariate(0.0, 0.8)))
        return free if self.amounts == "free" else max(5000, free // 5000 * 5000)

    def days(self) -> Iterator[date]:
        """The days on which this vendor bills, over about 400 days."""
        step = {"daily": 2, "weekly": 7, "fortnightly": 14, "monthly": 30, "quarterly": 91}.get(self.rhythm)
        together = self.numbering == "batch"
        day = _START + timedelta(days=0 if together else self.rng.randint(0, 28))
        end = _START + timedelta(days=60 if self.rhythm == "daily" else 400)
        while day < end:
            for _ in range(self.rng.choice((1, 1, 2, 4)) if self.rhythm == "daily" else 1):
                yield day
            gap = step if step is not None else max(1, round(self.rng.expovariate(1 / 25)))
            day += timedelta(days=gap + (self.rng.choice((-1, 0, 0, 1)) if gap > 6 and not together else 0))


def _vendor(rng: random.Random, number: int, columns: Sequence[bool]) -> _Vendor:
    has_tax, has_account, has_orders, has_text, one_entity = columns
    numbering = rng.choice(_NUMBERINGS)
    # A number that names a month or a contract comes once a period: more often, nobody could tell two bills apart.
    rhythm = rng.choice(("monthly", "quarterly") if numbering in _PERIODIC else _RHYTHMS)
    return _Vendor(
        rng=rng,
        id=f"{300000 + number * 37}",
        name=f"{''.join(rng.choices('BCDFGLMNPRST', k=2))}{rng.choice(('alder', 'erwick', 'omley', 'unton'))} "
        f"{rng.choice(_WORDS)} {rng.choice(('Ltd', 'GmbH', 'SARL', ''))}".strip(),
        tax_id=f"GB{digits(rng, 9)}" if has_tax and rng.random() < 0.9 else None,
        iban=f"GB{digits(rng, 20)}" if has_account and rng.random() < 0.9 else None,
        entity="E1" if one_entity else rng.choice(("E1", "E1", "E2")),
        currency=rng.choice(("GBP", "GBP", "EUR")),
        numbering=numbering,
        amounts=rng.choice(_AMOUNTS),
        rhythm=rhythm,
        orders=rng.choice(("none", "each", "framework")) if has_orders else "none",
        described=rng.choice(("none", "same", "period", "topic", "topic")) if has_text else "none",
        prices=tuple(rng.randint(20, 900) * rng.choice((25, 50, 100, 137, 900)) for _ in range(rng.randint(2, 4))),
        serial=rng.choice((0, rng.randint(100, 9000), rng.randint(10000, 900000))),
    )  # fmt: skip


def _bills(vendor: _Vendor) -> Iterator[Invoice]:
    rng = vendor.rng
    text = rng.choice(_WORDS)
    for order, day in enumerate(vendor.days()):
        po = {"each": f"PO{vendor.id}{order:04d}", "framework": f"PO{vendor.id}"}.get(vendor.orders)
        topic = f"{text} {rng.choice(_WORDS)}"
        described = {"same": text, "period": f"{text} {day:%m/%Y}", "topic": topic}.get(vendor.described)
        invoice = Invoice(
            "", vendor.entity, vendor.id, vendor.name, vendor.tax_id, vendor.iban, vendor.number(day), day,
            day + timedelta(days=rng.randint(0, 20)), vendor.currency, cents(vendor.amount()), po, described, "invoice",
        )  # fmt: skip
        yield invoice
        draw = rng.random()
        if draw < 0.03:
            for share in rng.choice((("0.7",), ("0.35", "1.4"), ("0.99", "1.02"), ("0.98",), ("1.01", "0.5", "0.97"))):
                yield replace(invoice, amount=(invoice.amount * Decimal(share)).quantize(Decimal("0.01")) + 1)
        elif draw < 0.05 and invoice.posting_date:
            later = invoice.posting_date + timedelta(days=rng.randint(1, 20))
            yield replace(
                invoice, invoice_no=vendor.number(later), invoice_date=later, posting_date=later,
                amount=-invoice.amount, doc_type="credit_note",
            )  # fmt: skip
            yield replace(invoice, invoice_no=vendor.number(later), invoice_date=later, posting_date=later)
        elif draw < 0.10 and vendor.numbering not in _PERIODIC:
            # The same again for another client, order or week: one more bill, not a copy.
            for extra in range(rng.choice((1, 1, 3))):
                later = day + timedelta(days=rng.choice((0, 0, 0, 1, 7)))
                own = f"PO{vendor.id}{order:04d}{extra}" if vendor.orders == "each" else po
                posted = later + timedelta(days=rng.randint(0, 30))
                yield replace(invoice, invoice_no=vendor.number(later), invoice_date=later, posting_date=posted, po=own)


def _vendors(rng: random.Random, count: int) -> list[_Vendor]:
    columns = [rng.random() < 0.6 for _ in range(5)]
    vendors = [_vendor(rng, number, columns) for number in range(count)]
    # A run that pays many parties at once puts one number on all of their bills, at the same few prices.
    for party in rng.sample(vendors, k=rng.choice((0, 4, count // 2))):
        party.numbering, party.rhythm, party.amounts = "batch", "fortnightly", "prices"
        party.prices = tuple(range(12000, 60000, 3137))
    # A branch: its own record and its own bills at the same prices, under the tax id and account of the first.
    for number, first in enumerate(rng.sample(vendors, k=max(1, count // 10))):
        branch = _vendor(rng, count + number, columns)
        branch.name, branch.tax_id, branch.iban = first.name, first.tax_id, first.iban
        branch.prices, branch.amounts = first.prices, first.amounts
        if branch.numbering not in _PERIODIC:
            branch.rhythm = first.rhythm
        vendors.append(branch)
    return vendors


def _copy(rng: random.Random, invoice: Invoice) -> tuple[str, Invoice]:
    if rng.random() < 0.08:
        shortened = " ".join(invoice.vendor_name.split()[:2])
        return "other_vendor_record", replace(invoice, vendor_id=f"9{invoice.vendor_id}", vendor_name=shortened)
    if rng.random() < 0.04:
        factor = Decimal(rng.choice(("10", "0.1", "1.2", "1.19", "0.01")))
        return "amount", replace(
            invoice, amount=max(Decimal("0.01"), (invoice.amount * factor).quantize(Decimal("0.01")))
        )
    # A renumbered bill can be told from the next bill where its order is its own, and only there.
    ordered = invoice.po not in (None, f"PO{invoice.vendor_id}")
    if ordered and rng.random() < 0.25:
        made = duplicate(rng, invoice, "renumbered", _NOBODY)
        if made is not None:
            return "renumbered", made
    while True:
        kind = rng.choices(list(KINDS), weights=[share for _, share in KINDS.values()])[0]
        made = None if kind == "renumbered" else duplicate(rng, invoice, kind, _NOBODY)
        if made is not None:
            return kind, made


def drill(seed: int, vendors: int = 24, share: float = 0.05) -> Drill:
    """A ledger of about 700 invoices with duplicates of `share` of them; one seed gives one ledger."""
    rng = stream(seed, "pair drill")
    posted = [invoice for vendor in _vendors(rng, vendors) for invoice in _bills(vendor)]
    ledger = [replace(invoice, invoice_id=f"D{at:06d}") for at, invoice in enumerate(posted)]
    pool = [invoice for invoice in ledger if invoice.doc_type == "invoice"]
    pairs: list[tuple[str, str, str]] = []
    for original in rng.sample(pool, k=round(len(pool) * share)):
        kind, made = _copy(rng, original)
        later = (original.posting_date or _START) + timedelta(days=rng.choice((0, 0, rng.randint(0, 60), 30)))
        ledger.append(replace(made, invoice_id=f"D{len(ledger):06d}", posting_date=later))
        pairs.append((original.invoice_id, ledger[-1].invoice_id, kind))
    return Drill(ledger, pairs)
