"""Vendors of made-up ledgers: how they number, price and time their bills, and what they do that looks like twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from models.invoice import Invoice
from models.synthetic_numbers import cents, digits

START = date(2025, 1, 6)
_NUMBERINGS = (
    "counter", "counter", "counter", "prefixed", "prefixed", "sparse", "restarted", "yearly", "branch", "random",
    "dated", "period", "reused", "short", "client", "parts", "yearend", "padded", "lines", "two", "long", "run",
    "lettered", "drifting",
)  # fmt: skip
_PERIODIC = ("period", "reused")
_AMOUNTS = ("constant", "prices", "prices", "free", "free", "free", "free", "round", "hourly")
_RHYTHMS = ("daily", "weekly", "fortnightly", "monthly", "monthly", "monthly", "quarterly", "random", "random",
            "random", "random", "rare")  # fmt: skip
_WORDS = ("care", "transport", "catering", "cleaning", "printing", "training", "repairs", "rent", "security", "energy",
          "paper", "software", "legal", "garden", "water", "waste", "travel", "books", "lease", "advice")  # fmt: skip
_STARTS = ("Alder", "Ber", "Brom", "Cald", "Dun", "Elm", "Fair", "Glen", "Hart", "Kings", "Lang", "Mar", "North",
           "Oak", "Pen", "Quil", "Rad", "Sand", "Thorn", "Wal", "Yar")  # fmt: skip
_ENDS = ("bury", "combe", "dale", "erwick", "field", "ford", "ham", "ley", "mere", "omley", "stead", "ton", "unton",
         "well", "wood")  # fmt: skip
_MASKS = ("REDACTED PERSONAL DATA", "Redacted", "NAME WITHHELD", "XXXX")


@dataclass(frozen=True, slots=True)
class Fashion:
    """What a ledger's columns say. dates: own, posting (no invoice date) or run (the day of the payment run)."""

    tax: bool
    account: bool
    orders: bool
    text: str
    entities: int
    vendor_ids: bool
    withheld: float
    mask: str
    dates: str
    numbers: str
    share_of_near_misses: float


def fashion(rng: random.Random) -> Fashion:
    """One drawn at random."""
    return Fashion(
        tax=rng.random() < 0.5,
        account=rng.random() < 0.5,
        orders=rng.random() < 0.55,
        text=rng.choice(("none", "own", "own", "category")),
        entities=rng.choice((1, 1, 2, 3)),
        vendor_ids=rng.random() < 0.8,
        withheld=rng.choice((0.0, 0.0, 0.1, 0.3)),
        mask=rng.choice(_MASKS),
        dates=rng.choice(("own", "own", "own", "run", "run", "posting")),
        numbers="document" if rng.random() < 0.06 else "own",
        share_of_near_misses=rng.choice((0.05, 0.15, 0.3)),
    )


@dataclass(slots=True)
class Vendor:
    """One vendor's way to bill. `serial` is the last number it gave out."""

    rng: random.Random
    id: str
    name: str
    tax_id: str | None
    iban: str | None
    entities: tuple[str, ...]
    currency: str
    numbering: str
    amounts: str
    rhythm: str
    orders: str
    described: str
    prices: tuple[int, ...]
    serial: int
    near_misses: float
    prefix: str
    years: Counter[int] = field(default_factory=Counter)

    def number(self, day: date) -> str:
        """The next number."""
        rng = self.rng
        self.serial += {"sparse": rng.randint(1, 90), "branch": rng.randint(1, 6)}.get(self.numbering, 1)
        if self.numbering == "drifting":
            self.serial += int(rng.expovariate(0.02))
        count = self.serial
        made = {
            "prefixed": f"{self.prefix}{count}",
            "restarted": f"{self._this_year(day):03d}",
            "yearly": f"{day.year}-{self._this_year(day):03d}",
            "branch": f"B{count % 4}/{count}",
            "random": "".join(rng.choices("ABCDEFGHJKMNPQRTUVWXYZ2346789", k=8)),
            "dated": f"{day:%d%m%y}" + (f"/{count}" if self.rhythm in ("daily", "random") else ""),
            "period": f"{day:%b %Y}".upper(),
            "reused": f"CONTRACT {self.prices[0]}",
            "short": str(count % 400 + 1),
            "client": f"{rng.choice(self.prices) * 7 % 900000} {day:%Y%m%d} {50000 + count}",
            "padded": f"SI{count:08d}",
            "parts": f"{count // 2}{'AB'[count % 2]}",
            "yearend": f"{count}/{day:%y}",
            "batch": f"RUN{day.toordinal()}",
            "lines": f"{self.prefix}{count // 5}{'-/_'[self.prices[0] % 3]}{count % 5 + 1}",
            "two": str(count if rng.random() < 0.6 else 7_000_000 + 3 * count),
            "long": f"{self.prices[0]:05d}{day.toordinal() % 10_000:04d}{count:06d}",
            "run": f"{self.prices[0] * 13 % 9000}/{count}/{self.prefix or 'S'}",
            "lettered": f"{rng.choice('ABCDEFGH')}{count}{rng.choice(('', '', 'A', 'C'))}",
        }
        return made.get(self.numbering, str(count))

    def _this_year(self, day: date) -> int:
        """A count that starts again every January."""
        self.years[day.year] += self.rng.choice((1, 1, 3)) if self.numbering == "yearly" else 1
        return self.years[day.year]

    def amount(self) -> int:
        """In hundredths."""
        rng = self.rng
        if self.amounts == "constant":
            return self.prices[0]
        if self.amounts == "prices":
            return rng.choice(self.prices)
        if self.amounts == "hourly":
            return self.prices[0] // 40 * rng.randint(2, 40) + 100
        free = max(500, round(self.prices[0] * rng.lognormvariate(0.0, 0.8)))
        return free if self.amounts == "free" else max(5000, free // 5000 * 5000)

    def days(self) -> Iterator[date]:
        """The days on which this vendor bills, over about 400 days."""
        step = {"daily": 2, "weekly": 7, "fortnightly": 14, "monthly": 30, "quarterly": 91}.get(self.rhythm)
        together = self.numbering == "batch"
        day = START + timedelta(days=0 if together else self.rng.randint(0, 28))
        end = START + timedelta(days=60 if self.rhythm == "daily" else 400)
        while day < end:
            for _ in range(self.rng.choice((1, 1, 2, 4)) if self.rhythm == "daily" else 1):
                yield day
            gap = (
                step
                if step is not None
                else 1 + round(self.rng.expovariate(1 / (110 if self.rhythm == "rare" else 25)))
            )
            day += timedelta(days=gap + (self.rng.choice((-1, 0, 0, 1)) if gap > 6 and not together else 0))


def _vendor(rng: random.Random, number: int, way: Fashion) -> Vendor:
    numbering = rng.choice(_NUMBERINGS)
    # A number that names a month or a contract comes once a period: more often, nobody could tell two bills apart.
    rhythm = rng.choice(("monthly", "quarterly") if numbering in _PERIODIC else _RHYTHMS)
    own = rng.choice(("none", "same", "period", "topic", "topic", "topic"))
    entities = tuple(f"E{at + 1}" for at in range(way.entities))
    return Vendor(
        rng=rng,
        id=f"{300000 + number * 37}",
        name=f"{rng.choice(_STARTS)}{rng.choice(_ENDS)} {rng.choice(_WORDS).title()} "
        f"{rng.choice(('Ltd', 'Limited', 'GmbH', 'SARL', '& Sons', ''))}".strip(),
        tax_id=f"GB{digits(rng, 9)}" if way.tax and rng.random() < 0.9 else None,
        iban=f"GB{digits(rng, 20)}" if way.account and rng.random() < 0.9 else None,
        entities=entities if rng.random() < 0.4 else (rng.choice(entities),),
        currency=rng.choice(("GBP", "GBP", "EUR")),
        numbering=numbering,
        amounts=rng.choice(_AMOUNTS),
        rhythm=rhythm,
        orders=rng.choice(("none", "each", "each", "framework", "few")) if way.orders else "none",
        described={"none": "none", "category": "same"}.get(way.text, own),
        prices=tuple(rng.randint(20, 900) * rng.choice((25, 50, 100, 137, 900)) for _ in range(rng.randint(2, 4))),
        serial=rng.choice((0, rng.randint(100, 9000), rng.randint(10000, 900000), rng.randint(10**6, 10**9))),
        near_misses=way.share_of_near_misses,
        prefix=rng.choice(("RE-", "INV", "SI/", "A", "No ", "KD 7-", f"{rng.randint(10, 99)}-", "")),
    )  # fmt: skip


def vendors_of(rng: random.Random, way: Fashion, count: int) -> list[Vendor]:
    """The vendors of one ledger: some share a payment run's number, some are branches of others."""
    vendors = [_vendor(rng, number, way) for number in range(count)]
    for party in rng.sample(vendors, k=rng.choice((0, 0, 4, count // 3))):
        party.numbering, party.rhythm, party.amounts = "batch", "fortnightly", "prices"
        party.prices = tuple(range(12000, 60000, 3137))
    # A branch: its own record and its own bills at the same prices, under the tax id and account of the first.
    for number, first in enumerate(rng.sample(vendors, k=max(1, count // 10))):
        branch = _vendor(rng, count + number, way)
        branch.name, branch.tax_id, branch.iban = first.name, first.tax_id, first.iban
        branch.prices, branch.amounts = first.prices, first.amounts
        if branch.numbering not in _PERIODIC:
            branch.rhythm = first.rhythm
        vendors.append(branch)
    return vendors


def bills(vendor: Vendor) -> Iterator[Invoice]:
    """Everything that this vendor bills, with what looks like twice and is not."""
    rng = vendor.rng
    text = rng.choice(_WORDS)
    for order, day in enumerate(vendor.days()):
        po = {"each": f"PO{vendor.id}{order:04d}", "framework": f"PO{vendor.id}",
              "few": f"PO{vendor.id}{order // 4:03d}"}.get(vendor.orders)  # fmt: skip
        topic = f"{text} {rng.choice(_WORDS)} {rng.choice(_WORDS)}"
        described = {"same": text, "period": f"{text} {day:%m/%Y}", "topic": topic}.get(vendor.described)
        posted = day + timedelta(days=rng.randint(0, 20))
        invoice = Invoice(
            "", rng.choice(vendor.entities), vendor.id, vendor.name, vendor.tax_id, vendor.iban, vendor.number(day),
            day, posted, vendor.currency, cents(vendor.amount()), po, described, "invoice",
        )  # fmt: skip
        yield invoice
        if rng.random() < vendor.near_misses:
            yield from rng.choice(_NEAR_MISSES)(vendor, invoice)


def _later(vendor: Vendor, invoice: Invoice, days: int, **other: object) -> Invoice:
    """One more bill of this vendor, `days` later, under its next number."""
    day = (invoice.invoice_date or START) + timedelta(days=days)
    posted = (invoice.posting_date or day) + timedelta(days=max(0, days))
    made = replace(invoice, invoice_no=vendor.number(day), invoice_date=day, posting_date=posted)
    return replace(made, **other)  # type: ignore[arg-type]


def _lines(vendor: Vendor, invoice: Invoice) -> Iterator[Invoice]:
    """The lines of one bill, each its own row; now and then two of one price."""
    shares = vendor.rng.choice((("0.7",), ("0.35", "1.4"), ("0.99", "1.02"), ("0.98",), ("1.01", "0.5", "0.97")))
    for share in shares:
        yield replace(invoice, amount=(invoice.amount * Decimal(share)).quantize(Decimal("0.01")) + 1)


def _credited(vendor: Vendor, invoice: Invoice) -> Iterator[Invoice]:
    """A credit note, and mostly a new bill: the same, corrected, or under a number close to the first."""
    rng = vendor.rng
    days = rng.randint(0, 20)
    own = rng.random() < 0.5
    credit = _later(vendor, invoice, days, amount=-invoice.amount, doc_type="credit_note")
    yield replace(credit, invoice_no=f"{rng.choice(('CN', 'GS-', 'C'))}{invoice.invoice_no}") if own else credit
    if rng.random() < 0.8:
        again = _later(vendor, invoice, days + rng.choice((0, 0, 1, 5)))
        if rng.random() < 0.3:
            again = replace(again, invoice_no=f"{invoice.invoice_no}{rng.choice(('A', '-1', 'R', '/2'))}")
        factor = rng.choice(("1", "1", "1", "0.9", "1.02", "0.5"))
        yield replace(again, amount=(invoice.amount * Decimal(factor)).quantize(Decimal("0.01")))


def _same_day(vendor: Vendor, invoice: Invoice) -> Iterator[Invoice]:
    """The same again for another client, order or week: more bills, not copies."""
    rng = vendor.rng
    if vendor.numbering in _PERIODIC:
        return
    own_orders, own_text = vendor.orders == "each" and rng.random() < 0.8, rng.random() < 0.5
    for extra in range(rng.choice((1, 1, 2, 3))):
        more = _later(vendor, invoice, rng.choice((0, 0, 0, 1, 7)))
        if own_orders:
            more = replace(more, po=f"{invoice.po}{extra}")
        if own_text and vendor.described == "topic":
            more = replace(more, description=f"{rng.choice(_WORDS)} {rng.choice(_WORDS)} {extra + 1}")
        yield more


def _instalments(vendor: Vendor, invoice: Invoice) -> Iterator[Invoice]:
    """The rest of a sum that is paid in equal parts, on one order, a month apart or as the work goes on."""
    rng = vendor.rng
    step, numbered = rng.choice((7, 14, 30, 30, 30)), rng.random() < 0.3
    for part in range(2, rng.choice((3, 4, 6)) + 1):
        made = _later(vendor, invoice, step * (part - 1))
        if numbered:
            made = replace(made, invoice_no=f"{invoice.invoice_no}/{part}")
        if invoice.description and rng.random() < 0.5:
            made = replace(made, description=f"{invoice.description} part {part}")
        yield made


def _partial(vendor: Vendor, invoice: Invoice) -> Iterator[Invoice]:
    """More deliveries on one order, each at its own amount."""
    rng = vendor.rng
    for _ in range(rng.choice((1, 2, 3))):
        factor = Decimal(str(round(rng.uniform(0.2, 1.8), 3)))
        amount = (invoice.amount * factor).quantize(Decimal("0.01")) + 1
        yield _later(vendor, invoice, rng.choice((0, 2, 5, 9, 20)), amount=amount)


def _both_entities(vendor: Vendor, invoice: Invoice) -> Iterator[Invoice]:
    """Each company of the group gets its own bill over its own share of one service."""
    if len(vendor.entities) < 2 or vendor.numbering in _PERIODIC:
        return
    for entity in vendor.entities:
        if entity != invoice.entity:
            yield _later(vendor, invoice, 0, entity=entity)


_NEAR_MISSES = (_lines, _credited, _same_day, _same_day, _instalments, _partial, _both_entities, _both_entities)
