"""Twins over currencies: the rates of the record for the bills of a batch, and the bills that are worth the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from governance.record import twin_rates
from governance.record.db import Connection
from governance.record.twin_rates import Foreign
from models.dated_rates import FAR, WITHIN_DAYS, DatedRates
from models.invoice import Invoice

AROUND_DAYS, MOST = 31, 10
"""How many days lie between two bills that are looked at for their worth alone; how many of them a case has at most."""

_EURO = "EUR"


def rates_of(conn: Connection, bills: Iterable[Invoice]) -> DatedRates:
    """The rates of the days and currencies of these bills, in one query."""
    asked = {(one.currency, day) for one in bills if (day := _day(one)) and one.currency not in ("", _EURO)}
    found = twin_rates.rates(conn, asked, within=WITHIN_DAYS)
    # Each rate stands for the day that was asked for: the record has looked for the newest earlier one already.
    return DatedRates.of(_EURO, [(currency, day, 1 / per_eur) for currency, day, per_eur in found], within=0)


def worth_the_same(conn: Connection, asked: Mapping[str, Invoice], rates: DatedRates) -> list[tuple[str, str]]:
    """(case id, invoice id) of the bills of their vendors in other currencies, by case id."""
    return twin_rates.near(
        conn, list(_foreign(asked, rates)), far=FAR, around=AROUND_DAYS, within=WITHIN_DAYS, most=MOST
    )


def _foreign(asked: Mapping[str, Invoice], rates: DatedRates) -> Iterable[Foreign]:
    for case_id, one in asked.items():
        day = _day(one)
        rate = rates(one.currency, day) if day and one.currency else None
        if day and rate and one.vendor_id and one.amount:
            yield Foreign(case_id, one.vendor_id, one.currency, day, abs(float(one.amount)) * float(rate))


def _day(one: Invoice) -> date | None:
    return one.invoice_date or one.posting_date
