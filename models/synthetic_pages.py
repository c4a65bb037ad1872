"""Made-up bills as pages of placed words, with the fields that stand on them: what the field weights are fitted on.

Letterheads, windows, information blocks, tables and totals in the layouts that offices print, in six languages; with
the other numbers, dates, amounts and parties that stand beside the right ones; and with labels that nobody expects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from models import synthetic_page_words as words
from models.layout import Word
from models.synthetic_numbers import cents, digits, iban, stream, vat_id
from models.synthetic_page_parties import Parties


@dataclass(frozen=True, slots=True)
class SyntheticPage:
    """Words with places, the same in the order of a file (blocks mixed), and the truth: name → value as it is read."""

    words: tuple[Word, ...]
    text: str
    fields: Mapping[str, str]


class _Maker(Parties):
    """One bill: what is true, how this house writes, and where it puts things."""

    # the document

    def make(self) -> SyntheticPage:
        rng = self.rng
        supplier, buyer = self.name(0.72), self.name(0.6)
        self.broken = len(supplier.split()) == 3 and rng.random() < 0.5
        self.fields["supplier"] = supplier
        issued = date(2014, 1, 1) + timedelta(days=rng.randint(0, 4700))
        number, vat, account = self.number(), vat_id(rng, self.country), iban(rng, self.country)
        if rng.random() < 0.2:  # on test and on old paper hardly a number passes its check
            vat = vat[:2] + digits(rng, 2) + vat[4:] if self.country != "ES" else vat
        if rng.random() < 0.08:
            vat = rng.choice(("CN", "US", "IN", "TR", "AE", "BR")) + digits(rng, rng.choice((8, 9, 10, 12)))
        due = issued + timedelta(days=rng.choice((7, 10, 14, 30, 30, 45, 60)))
        head = 0.0
        letterhead = rng.choice(("left", "right", "center", "sender", "labelled", "foot"))
        own = self.address()
        top = self.letterhead(letterhead, supplier, own, vat)
        top = self.address_buyer(top, buyer, letterhead)
        head = self._information(top, number, issued, due)
        bottom = self._sums(self._table(head + 20, issued), issued)
        self.foot(bottom, supplier, own, vat, account, due, letterhead)
        blocks = [block for block in self.page.blocks if block]
        if rng.random() < 0.5:
            rng.shuffle(blocks)
        if rng.random() < 0.05:  # the name is only in the logo
            gone = set(supplier.split())
            self.page.words = [word for word in self.page.words if word.text.strip(",") not in gone]
            blocks = [[line for line in block if supplier not in line] for block in blocks]
            del self.fields["supplier"]
        text = "\n".join(line for block in blocks for line in block)
        return SyntheticPage(tuple(self.page.words), text, dict(self.fields))

    def _information(self, top: float, number: str, issued: date, due: date) -> float:
        rng, page = self.rng, self.page
        pairs: list[tuple[str, str]] = []
        title = rng.choice(self.phrases["title"])
        inline = rng.random() < 0.25
        self.fields["invoice_number"], self.fields["issue_date"] = number, issued.isoformat()
        self._form_date(issued)
        linking = {"en": "dated", "de": "vom", "fr": "du", "es": "de fecha", "it": "del", "nl": "van"}[self.language]
        dated = inline and rng.random() < 0.5
        if not inline and not self.lost("invoice_number"):
            pairs.append((self.label("invoice_number"), number))
        loose = not dated and rng.random() < 0.1
        if loose:  # as in a letter, with the town or without
            town = rng.choice(self.phrases["towns"]).split(" ", 1)[-1]
            before = rng.choice(("", f"{town}, ", f"{town}, {words.ON[self.language]} "))
            self.page.block()
            self.page.put(400, rng.choice((top, top - 14)), before + self.day(issued))
        elif not dated and not self.lost("issue_date"):
            pairs.append((self.label("issue_date"), self.day(issued)))
        pairs += self._others(issued, due)
        if rng.random() < 0.4:
            rng.shuffle(pairs)
        page.block()
        size = rng.choice((9.0, 12.0, 15.0))
        sign = {"en": "no.", "de": "Nr.", "fr": "n°", "es": "nº", "it": "n.", "nl": "nr."}[self.language]
        head = f"{title} {rng.choice((sign, sign, ''))} {number}" if inline else title
        page.put(50, top, head + (f" {linking} {self.day(issued)}" if dated else ""), size)
        page.block()
        return self._placed(top, top + 1.6 * size, pairs)

    def _form_date(self, issued: date) -> None:
        """How the form itself is dated, on some."""
        rng, page = self.rng, self.page
        if rng.random() >= 0.12:
            return
        page.block()
        printed = self.day(issued - timedelta(days=rng.randint(90, 1500)))
        if rng.random() < 0.5:
            page.put(50, 8, rng.choice(words.VERSIONS).split()[0], 7)
            page.put(150, 8, f"{rng.choice((': 2.1 ', '', ': 4 '))}{rng.choice(('vom ', ''))}{printed}", 7)
        else:
            page.put(50, 8, f"{rng.choice(words.VERSIONS)}{printed}", 7)

    def _others(self, issued: date, due: date) -> list[tuple[str, str]]:
        """Due date and order, where the bill has them, and numbers and dates of other things."""
        rng = self.rng
        pairs: list[tuple[str, str]] = []
        if rng.random() < 0.45:
            pairs.append((self.label("due_date"), self.day(due)))
            self.fields["due_date"] = due.isoformat()
        if rng.random() < 0.45:
            order = self.number()
            pairs.append((self.label("purchase_order"), order))
            self.fields["purchase_order"] = order
        for name in rng.sample(self.more["numbers"], rng.randint(0, 3)):
            pairs.append((name, self.number()))
        for name in rng.sample(self.more["dates"], rng.randint(0, 2)):
            pairs.append((name, self.day(issued - timedelta(days=rng.randint(-45, 30)))))
        if rng.random() < 0.15:
            begin = issued - timedelta(days=rng.randint(-20, 60))
            link = rng.choice((" - ", f" {words.UNTIL[self.language]} "))
            pairs.append(
                (rng.choice(self.more["dates"]), self.day(begin) + link + self.day(begin + timedelta(days=30)))
            )
        return pairs

    def _placed(self, top: float, at: float, pairs: list[tuple[str, str]]) -> float:
        """The pairs as lines, columns, a table, one below the other, or beside the address; the lower edge."""
        rng, page = self.rng, self.page
        style = rng.choice(("lines", "lines", "pairs", "pairs", "table", "stacked", "beside"))
        if style == "table" and len(pairs) <= 5:
            for index, (name, _) in enumerate(pairs):
                page.put(50 + 105 * index, at, name[:21], 8)
            for index, (_, value) in enumerate(pairs):
                page.put(50 + 105 * index, at + 13, value, 8)
            return at + 26
        left, wide = (350.0, 110.0) if style == "beside" else (50.0, rng.choice((110.0, 150.0)))
        start = at if style != "beside" else top - 70
        for name, value in pairs:
            if style == "lines":
                page.put(left, start, f"{name}{self.colon} {value}")
            elif style == "stacked":
                page.put(left, start, name)
                start += 12
                page.put(left, start, value)
            else:
                page.put(left, start, f"{name}{self.colon}")
                page.put(left + wide, start, value)
            start += 13
        return max(at, start) + 6

    def _table(self, top: float, issued: date) -> float:
        rng, page = self.rng, self.page
        page.block()
        for left, name in zip((50, 300, 370, 470), self.phrases["lines"], strict=False):
            page.put(left, top, name)
        self.net = 0
        at = top + 14
        for _ in range(rng.randint(1, 6)):
            quantity, price = rng.randint(1, 20), rng.randint(150, 90000)
            self.net += quantity * price
            item = rng.choice(self.phrases["goods"])
            page.put(50, at, f"{rng.choice(('', '', digits(rng, 5)))} {item}".strip())
            page.put(300, at, str(quantity))
            page.put(370, at, self.money(price))
            page.put_right(545, at, self.money(quantity * price))
            at += 13
            if rng.random() < 0.1:
                page.put(
                    60,
                    at,
                    f"{self.rng.choice(self.more['dates'])} {self.day(issued - timedelta(days=rng.randint(1, 20)))}",
                    8,
                )
                at += 12
        return at + 8

    def _sums(self, top: float, issued: date) -> float:
        rng, page = self.rng, self.page
        rate = rng.choice((0, 7, 10, 19, 20, 21, 22))
        shift = rng.choice((0, 0, 0, -1, 1)) * rng.randint(300, 5000)
        net = max(self.net + shift, 100)
        tax = net * rate // 100
        total = net + tax
        self.fields["total_amount"] = str(cents(total))
        rows: list[tuple[str, int]] = []
        if net != self.net:
            rows += [(self.label("net"), self.net), (rng.choice(self.more["discount"]), net - self.net)]
        if rate or rng.random() < 0.5:
            rows += [(self.label("net"), net), (f"{self.label('tax')} {rate} %", tax)]
        if not self.lost("total_amount"):
            rows.append((self.label("total_amount"), total))
        paid = rng.randint(1, total) if rng.random() < 0.15 else 0
        if paid:
            rows.append((rng.choice(self.more["paid"]), -paid if rng.random() < 0.5 else paid))
        if paid or rng.random() < 0.35:
            rows.append((self.label("amount_due"), total - paid))
            self.fields["amount_due"] = str(cents(total - paid))
        page.block()
        if not rows:
            return top
        if rng.random() < 0.12 and len(rows) <= 4 and not paid:
            for index, (name, _) in enumerate(rows):
                page.put(150 + 110 * index, top, name[:22])
            for index, (_, value) in enumerate(rows):
                page.put(150 + 110 * index, top + 13, self.money(value))
            return top + 40
        far = rng.random() < 0.7
        for name, value in rows:
            if far:
                page.put(330, top, name + rng.choice((self.colon, "")))
                page.put_right(545, top, self.money(value))
            else:
                page.put(330, top, f"{name}{self.colon} {self.money(value)}")
            top += 13
        return top + 20


def synthetic_pages(seed: int, count: int) -> list[SyntheticPage]:
    """`count` made-up bills; the same seed gives the same pages."""
    return [_Maker(stream(seed, f"page {at}")).make() for at in range(count)]
