"""The desk at which a town's clerks enter bills: numbers, amounts, dates and texts as this organisation writes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from models.invoice import Invoice
from models.pair_town_body import CENT, Master, Supplier, Town, weekday
from models.pair_town_names import plain_letters
from models.pair_town_numbers import mistyped, reformatted, squeezed, written
from models.pair_town_words import LAST, PLACES, REDACTED, listed, things

_MONTHS = {
    "en": "January|February|March|April|May|June|July|August|September|October|November|December",
    "de": "Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember",
    "fr": "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre",
    "nl": "januari|februari|maart|april|mei|juni|juli|augustus|september|oktober|november|december",
    "es": "enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre",
    "it": "gennaio|febbraio|marzo|aprile|maggio|giugno|luglio|agosto|settembre|ottobre|novembre|dicembre",
    "sv": "januari|februari|mars|april|maj|juni|juli|augusti|september|oktober|november|december",
}
_WEEK = {"en": "w/e", "de": "KW", "fr": "sem.", "nl": "week", "es": "sem.", "it": "sett.", "sv": "v."}
_ODD = (Decimal("2.50"), Decimal("0.99"), Decimal("0.75"))


def money(value: Decimal | float) -> Decimal:
    """An amount in cents, at least half a unit."""
    return max(Decimal(str(value)).quantize(CENT, ROUND_HALF_UP), Decimal("0.50"))


class Desk:
    """What is entered so far. rows carry their place as a provisional id; closed rows are never duplicated."""

    def __init__(self, rng: Random, town: Town, suppliers: list[Supplier]) -> None:
        self.rng = rng
        self.town = town
        self.suppliers = suppliers
        self.rows: list[Invoice] = []
        self.owners: list[Supplier] = []
        self.taken: set[tuple[str, str]] = set()
        self.amounts: Counter[tuple[str, Decimal]] = Counter()
        self.hard: list[tuple[tuple[int, ...], str]] = []
        self.closed: set[int] = set()
        self.credits: set[tuple[str, Decimal]] = set()

    def some_day(self, supplier: Supplier, ahead: int = 0) -> date:
        """A working day of the ledger on which the supplier may bill, with `ahead` days of the ledger after it."""
        room = max(1, self.town.days - ahead)
        every = max(1.0, supplier.every)
        day = (
            self.rng.randrange(room) if supplier.pricing != "fixed" else round(every * self.rng.random() * room / every)
        )
        return weekday(self.town.start + timedelta(days=min(day, room)))

    def price(self, supplier: Supplier, when: date) -> Decimal:
        """What one bill of this supplier comes to."""
        rng, size = self.rng, supplier.size
        match supplier.pricing:
            case "fixed":
                net = supplier.prices[0] * (1 + Decimal("0.03") * (when.year - self.town.start.year))
            case "list":
                net = rng.choice(supplier.prices) * rng.choice([1, 1, 1, 2, 3, 4, 10])
            case "hours":
                net = money(size / 30) * Decimal(rng.randint(4, 200)) / 4
            case "round":
                grain = rng.choice([1, 5, 10, 25, 50, 100]) if size < 2000 else rng.choice([50, 100, 250, 500, 1000])
                net = Decimal(max(1, round(size * rng.lognormvariate(0, 0.7) / grain)) * grain)
            case _:
                net = Decimal(str(round(size * rng.lognormvariate(0, 0.8), 2)))
        return money(net * supplier.tax)

    def lone_price(self, supplier: Supplier, when: date) -> Decimal:
        """An amount that this supplier has not billed yet."""
        amount = self.price(supplier, when)
        while self.amounts[supplier.ring, amount]:
            amount += CENT * self.rng.randint(1, 4999)
        return amount

    def typed(self, number: str) -> str:
        """A number as the clerks here enter it."""
        if self.town.number_case == "upper":
            number = number.upper()
        elif self.town.number_case == "strip":
            number = re.sub(r"[^A-Za-z0-9]", "", number)
        if self.rng.random() < self.town.retyped:
            number = reformatted(self.rng, number)
        # A short field loses the front: the counter behind is what clerks keep.
        return number[-self.town.number_length :].strip()

    def free(self, supplier: Supplier, number: str) -> bool:
        """Whether no bill of this supplier has the number."""
        key = squeezed(number)
        return bool(key) and (supplier.ring, key) not in self.taken

    def take(self, supplier: Supplier, number: str) -> str:
        """The number, marked as used."""
        self.taken.add((supplier.ring, squeezed(number)))
        return number

    def number(self, supplier: Supplier, when: date) -> str:
        """The next free number of the supplier on that day."""
        for ahead in range(60 if supplier.series.counts else 10):
            printed = written(supplier.series, when, self.town.start, ahead)
            text = self.typed(printed)
            # Two spellings of one printed number would be one bill twice.
            if self.free(supplier, printed) and self.free(supplier, text):
                self.take(supplier, printed)
                return self.take(supplier, text)
        while True:
            text = f"{when:%y%m%d}{self.rng.randrange(10**5):05d}"
            if self.free(supplier, text):
                return self.take(supplier, text)

    def shown(self, name: str) -> str:
        """A vendor name as this ledger prints it."""
        if self.town.ascii_only:
            name = plain_letters(name)
        if self.town.name_case:
            name = name.upper() if self.town.name_case == "upper" else name.title()
        return name[: self.town.name_length].strip()

    def hidden(self, supplier: Supplier) -> bool:
        """Whether the name is withheld."""
        return supplier.masters[0].name == listed(REDACTED)[self.town.id_first % 9]

    def detail(self, supplier: Supplier, when: date) -> str:
        """What tells one bill's work from another's."""
        rng, language = self.rng, self.town.language
        month = listed(_MONTHS[language])[when.month - 1]
        week = when + timedelta(days=6 - when.weekday())
        return rng.choice(
            [
                f"{month} {when.year}", f"{month[:3]} {when:%y}", f"{when:%m/%Y}", f"{when:%d.%m.%y}", supplier.place,
                f"{_WEEK[language]} {week:%d/%m/%y}", f"{_WEEK[language]} {when.isocalendar()[1]}",
                f"Q{(when.month + 2) // 3} {when.year}", rng.choice(listed(PLACES[language])),
                rng.choice(listed(LAST[language])), f"{rng.randint(1, 160) / 4:g}h", f"ref {rng.randint(1000, 99999)}",
                f"x{rng.randint(2, 40)}", f"{rng.choice('ABDEGHJKLMNPRST')}{rng.choice('ABCDEHKMPRSW')}", "",
            ]
        )  # fmt: skip

    def text(self, supplier: Supplier, when: date) -> str | None:
        """A description in the town's manner."""
        rng, town = self.rng, self.town
        mode = rng.randint(1, 4) if town.text_mode == 5 else town.text_mode
        if mode == 0 or rng.random() < town.text_missing:
            return None
        thing = rng.choice(things(town.language, supplier.kind)[:3])
        if mode == 1:
            made = thing.capitalize()
        elif mode == 2:
            made = f"{rng.choice(town.areas)}{rng.choice([' - ', ': ', ' / '])}{thing}"
        else:
            parts = [thing, self.detail(supplier, when), self.detail(supplier, when) if mode == 4 else ""]
            rng.shuffle(parts)
            made = " ".join(part for part in parts if part)
            if mode == 4 and rng.random() < 0.12:
                made = mistyped(rng, made)
        made = plain_letters(made) if town.ascii_only else made
        made = {"upper": made.upper(), "lower": made.lower(), "title": made.title()}.get(town.text_case, made)
        return made[: town.text_length].strip() or None

    def posted(self, day: date) -> date:
        """The day of the payment run that follows."""
        if self.town.pay_day is None:
            return weekday(day)
        return day + timedelta(days=(self.town.pay_day - day.weekday()) % 7)

    def bill(
        self, supplier: Supplier, when: date, amount: Decimal, *, number: str | None = None, text: str | None = "",
        entity: str | None = None, po: str | None = "", credit: bool = False, posting: date | None = None,
    ) -> int:  # fmt: skip
        """Enter one bill, or one credit of that magnitude; its place among the rows. '' = as the town would have it."""
        rng, town = self.rng, self.town
        master: Master = supplier.masters[0]
        if len(supplier.masters) > 1 and rng.random() < supplier.second_share:
            master = supplier.masters[1]
        if po == "":
            po = supplier.po if supplier.po and rng.random() < 0.5 else f"PO{rng.randint(10000, 999999)}"
            po = po if rng.random() < supplier.po_share else None
        late = int(rng.expovariate(1 / town.lag)) if town.lag else 0
        row = Invoice(
            invoice_id=str(len(self.rows)),
            entity=entity or supplier.entity,
            vendor_id=master.vendor_id,
            vendor_name=self.shown(master.name),
            tax_id=master.tax_id,
            iban=master.iban,
            invoice_no=number if number is not None else self.number(supplier, when),
            invoice_date=None if rng.random() < town.date_missing else when,
            posting_date=(posting or self.posted(when + timedelta(days=late))) if town.posting else None,
            currency=supplier.currency,
            amount=-amount if credit and not town.credit_positive else amount,
            po=po,
            description=self.text(supplier, when) if text == "" else text if town.text_mode else None,
            doc_type=town.credit_word if credit else town.invoice_word,
        )
        if credit:
            self.credits.add((supplier.ring, amount))
        return self.enter(row, supplier)

    def enter(self, row: Invoice, supplier: Supplier) -> int:
        """Add a finished row; its place."""
        self.rows.append(row)
        self.owners.append(supplier)
        self.amounts[supplier.ring, abs(row.amount)] += 1
        self.take(supplier, row.invoice_no)
        return len(self.rows) - 1

    def group(self, places: Iterable[int], kind: str, closed: bool) -> None:
        """Note rows that look alike and are right; closed: nothing of them is duplicated."""
        found = tuple(places)
        if len(found) > 1:
            self.hard.append((found, kind))
        if closed:
            self.closed.update(found)

    def background(self, supplier: Supplier) -> int:
        """One ordinary bill, or now and then a credit over part of something."""
        when = self.some_day(supplier)
        if self.rng.random() < 0.015:
            amount = self.lone_price(supplier, when)
            return self.bill(supplier, when, money(amount * self.rng.choice(_ODD) / 4), credit=True)
        return self.bill(supplier, when, self.price(supplier, when))
