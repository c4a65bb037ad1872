"""Rules that read the fields of a bill line by line: one vote among the candidates of `models/extraction.py`.

They know labels (`models/labels.py`), who a block speaks of (seller or buyer), and one check of arithmetic
(net + tax = gross).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from governance.case import minor_units
from models import identifiers, labels, parties
from models.notation import WrittenAmount, WrittenDate, amounts, dates, day_first, decimal_comma

_DIGIT = re.compile(r"\d")
_TOKEN = re.compile(r"[A-Za-z]{0,6}[-/. ]?(?=[\w./|-]*\d)[A-Za-z0-9][\w./|-]*")


class Rules:
    """One document while it is read. The order of the steps matters: the notation first."""

    def __init__(self, text: str) -> None:
        self.lines = list(parties.read_lines(text))
        self.body = "\n".join(line.text for line in self.lines)
        self.comma = decimal_comma(self.body)
        self.places = {2}
        self.warnings: list[str] = []
        digit = [_DIGIT.search(line.text) is not None for line in self.lines]
        # Lines from which a value is one line further at most, or two: no other label leads to one.
        self._near = [at for at in range(len(digit)) if any(digit[at : at + 2])]
        self._nearby = [at for at in range(len(digit)) if any(digit[at : at + 3])]

    def fields(self) -> dict[str, str | None]:
        currency = self._currency()
        self.places = {2, minor_units(currency or "EUR")}
        if self.comma is None and 0 in self.places:
            # Yen have no decimals: whatever stands before three digits groups them.
            self.comma = re.search(r"\d,\d{3}(?!\d)", self.body) is None
        number = self._reference(labels.INVOICE_NUMBER)
        issued, due = self._dates(currency)
        total, amount_due = self._totals()
        return {
            "supplier": parties.supplier(self.lines),
            "supplier_vat_id": self._vat_id(),
            "invoice_number": number,
            "issue_date": issued,
            "due_date": due,
            "currency": currency,
            "total_amount": _money(total),
            "amount_due": _money(amount_due),
            "iban": self._iban(),
            "purchase_order": self._reference(labels.PURCHASE_ORDER, other_than=number),
        }

    # references

    def _reference(self, patterns: Sequence[re.Pattern[str]], other_than: str | None = None) -> str | None:
        """The first token with a digit after the strongest label, in its line or in the next."""
        for pattern in patterns:
            for index in self._near:
                line = self.lines[index]
                for match in pattern.finditer(line.text):
                    token = _token(line.text[match.end() :]) or self._below(index, match.end())
                    if token and token != other_than:
                        return token
        return None

    def _below(self, index: int, end: int) -> str | None:
        """The value of a label that ends its line, or of a table's heading, stands in the next line."""
        if index + 1 >= len(self.lines) or dates(self.lines[index].text[end:]):
            return None
        rest = self.lines[index].text[end:].strip(" :.#")
        if rest and not labels.HEADING.search(rest):
            return None
        return _token(self.lines[index + 1].text)

    # dates

    def _dates(self, currency: str | None) -> tuple[str | None, str | None]:
        found = [(index, written) for index, line in enumerate(self.lines) for written in dates(line.text)]
        order = day_first(written for _, written in found)
        guessed = order is None
        if order is None:
            order = not (currency == "USD" or labels.MONTH_FIRST.search(self.body))
        issued = self._labelled_date(labels.ISSUE_DATE, found) or self._first_plain_date(found)
        due = self._labelled_date(labels.DUE_DATE, found, last=True)
        values = []
        for name, written in (("issue_date", issued), ("due_date", due)):
            day = written.resolve(order) if written else None
            if written and day and guessed and not written.fixed and written.first != written.second:
                reading = "day before month" if order else "month before day"
                self.warnings.append(f"{name}: the order of day and month is not certain; read as {reading}")
            values.append(day.isoformat() if day else None)
        return values[0], values[1]

    def _labelled_date(
        self, patterns: Sequence[re.Pattern[str]], found: Sequence[tuple[int, WrittenDate]], last: bool = False
    ) -> WrittenDate | None:
        near = sorted({at for at, _ in found} | {at - 1 for at, _ in found if at})
        for pattern in patterns:
            for index in near:
                line = self.lines[index]
                match = pattern.search(line.text)
                if match is None:
                    continue
                here = [w for at, w in found if at == index and w.start >= match.end() - 1]
                below = [w for at, w in found if at == index + 1]
                if here:
                    return here[0]
                only_label = not line.text[match.end() :].strip(" :.") or labels.HEADING.search(
                    line.text[match.end() :]
                )
                if below and (only_label or last) and not labels.ANY_DATE.search(self.lines[index + 1].text):
                    return below[0]
        return None

    def _first_plain_date(self, found: Sequence[tuple[int, WrittenDate]]) -> WrittenDate | None:
        return next((w for at, w in found if not labels.OTHER_DATE.search(self.lines[at].text)), None)

    # money

    def _totals(self) -> tuple[Decimal | None, Decimal | None]:
        due = self._labelled_amount(labels.AMOUNT_DUE)
        total = self._labelled_amount(labels.GROSS_TOTAL)
        if total is None:
            total = self._gross_by_arithmetic() or self._labelled_amount(labels.ANY_TOTAL, largest=True) or due
        return total, due

    def _labelled_amount(self, patterns: Sequence[re.Pattern[str]], largest: bool = False) -> Decimal | None:
        for pattern in patterns:
            values = [value for index in self._nearby if (value := self._amount_at(index, pattern)) is not None]
            if values:
                return max(values, key=abs) if largest else values[-1]
        return None

    def _amount_at(self, index: int, pattern: re.Pattern[str]) -> Decimal | None:
        line = self.lines[index].text
        match = pattern.search(line)
        if match is None or labels.NET_OR_TAX.search(line[: match.end() + 12]) or labels.CASH.search(line):
            return None
        here = self._money_in(line[match.end() :])
        if here:
            return here[-1].value
        for below in (line.text for line in self.lines[index + 1 : index + 3]):
            values = self._money_in(below)
            if values:
                return values[-1].value
            if re.search(r"[^\W\d_]{4,}", below):
                return None
        return None

    def _money_in(self, line: str) -> list[WrittenAmount]:
        """Amounts with as many decimals as money has; quantities and rates have none or more."""
        return [amount for amount in amounts(line, self.comma) if amount.decimals in self.places]

    def _gross_by_arithmetic(self) -> Decimal | None:
        """The largest amount that is the sum of two others, the smaller a plausible tax (3 to 30 %) on the larger."""
        values = {
            found.value
            for index, line in enumerate(self.lines)
            if not any(labels.CASH.search(near.text) for near in self.lines[max(index - 1, 0) : index + 1])
            for found in self._money_in(line.text)
        }
        for gross in sorted(values, key=abs, reverse=True)[:10]:
            for net in values:
                tax = gross - net
                if tax in values and net and 3 <= 100 * tax / net <= 30:
                    return gross
        return None

    def _currency(self) -> str | None:
        stated = labels.CURRENCY_LABEL.search(self.body)
        if stated:
            return stated[1].upper()
        votes: dict[str, int] = {}
        for match in labels.CURRENCY.finditer(self.body):
            code = labels.CURRENCY_SIGNS.get(match[0], match[0])
            votes[code] = votes.get(code, 0) + 1
        if not votes:
            return None
        winner = max(votes, key=lambda code: votes[code])
        if winner == "USD" and "USD" not in self.body and "US$" not in self.body:
            self.warnings.append("currency: the $ sign was read as USD")
        return winner

    # parties

    def _iban(self) -> str | None:
        seller = [line.text for line in self.lines if line.role != "buyer"]
        found, warning = identifiers.iban("\n".join(seller))
        if warning:
            self.warnings.append(warning)
        return found

    def _vat_id(self) -> str | None:
        found = parties.vat_id(self.lines)
        if found and not identifiers.vat_checks(found):
            self.warnings.append("supplier_vat_id: the checksum of the VAT number does not fit")
        return found


def _token(rest: str) -> str | None:
    """The reference at the start of `rest`: letters and digits, at least one digit, not a date, an amount or a year."""
    match = _TOKEN.match(rest.lstrip(" :#.-–=").removeprefix("no. "))
    if match is None:
        return None
    token = match[0].rstrip(".-/|,")
    written = dates(rest)
    if written and rest[: written[0].start].strip(" :#.-") == "":
        return None
    head = token.split(" ")[0]
    if " " in token and head.isalpha() and (head.islower() or labels.NOT_A_PREFIX.fullmatch(head)):
        return None
    return token if len(token) > 1 or token.isdigit() else None


def _money(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
