"""What was known about a customer's payments at a moment: one pure function of the past.

The same code over a whole ledger, a month of it or the rows of one customer gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from models.events import NEVER, SPAN, Asked, Floats, Ints, Stream, mean
from models.receivable import Receivable
from models.risk_ledger import MICRO, TERMS, WEEKDAYS, Columns, Ledger, Moment, as_ledger

__all__ = ["RISK_FEATURES", "Ledger", "Moment", "Receivable", "features_at", "risk_features"]

RISK_FEATURES = (
    "amount", "terms", "amount_against_usual", "due_weekday", "due_month_day", "posting_weekday", "due_month",
    "days_to_month_end",
    "paid_count", "days_late_mean", "days_late_spread", "days_late_last", "days_late_last_3", "days_late_last_10",
    "days_late_90", "trend", "days_since_payment", "mature_count", "late_rate", "late_15_rate", "late_30_rate",
    "late_rate_90", "terms_late_rate", "terms_days_late", "weekday_late_rate", "weekday_days_late", "run_wait",
    "run_share", "run_next", "month_end_share", "parts_share", "part_paid",
    "open_count", "open_amount", "overdue_count", "overdue_amount", "overdue_days", "credit_amount",
    "days_since_posting", "tenure",
)  # fmt: skip
"""Names of the columns of `risk_features`.

amount: log(1 + amount). Rates are shares of invoices whose day had passed. Counts, open amounts and open credits are
log(1 + x). Everything else is in days; late is positive, early negative. terms_*: invoices with the same terms;
weekday_*: due on the same weekday; *_90: the last 90 days; run_*: the weekday on which the customer pays (run_wait:
mean wait from the due date to it, run_next: wait to the commonest, run_share: its share); month_end_share: payments
in the last three days of a month; parts_share: invoices paid in parts; part_paid: share of this one that is paid.
"""

RATED = (0, 15, 30)
"""Days late of late_rate, late_15_rate and late_30_rate."""

_WEEK = np.arange(WEEKDAYS)[None, :]
_EPOCH = date(1970, 1, 1).toordinal()
_WINDOW = 90
_END_OF_MONTH = 3


def _months(day: Ints) -> tuple[Ints, Ints, Ints]:
    """(month 1 to 12, day of the month, days left of the month) of each day."""
    dates = (day - _EPOCH).astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    of_month = (dates - months).astype(np.int64) + 1
    left = ((months + 1).astype("datetime64[D]") - dates).astype(np.int64) - 1
    return months.astype(np.int64) % 12 + 1, of_month, left


def days_late(bills: Columns) -> Ints:
    """Days late of what is paid, 0 of what is open: (m,)."""
    found: Ints = np.where(bills.clear < NEVER, bills.clear - bills.due, 0)
    return found


def _posted(past: Ledger) -> Stream:
    bills = past.bills

    def made() -> Stream:
        values = np.column_stack([np.ones_like(bills.due), bills.amount, bills.log_amount])
        return Stream(bills.customer, bills.post, values)

    return past.stream("posted", made)


def paid_stream(past: Ledger) -> Stream:
    """Payments on the day from which they are known."""

    def made() -> Stream:
        bills = past.bills
        late, paid = days_late(bills), np.where(bills.clear < NEVER, bills.clear, _EPOCH)
        weekdays = [((paid - 1) % WEEKDAYS == weekday).astype(np.int64) for weekday in range(WEEKDAYS)]
        at_end = (_months(paid)[2] < _END_OF_MONTH).astype(np.int64)
        in_parts = (bills.part_day < NEVER).astype(np.int64)
        values = np.column_stack([np.ones_like(late), bills.amount, late, late * late, at_end, in_parts, *weekdays])
        return Stream(bills.customer, bills.known, values)

    return past.stream("paid", made)


def _matured(past: Ledger, threshold: int, group: str) -> Stream:
    """One event per invoice on the day from which it is certain whether it is more than `threshold` days late.

    Values: 1, late, amount, due. An invoice that nobody is known to have paid counts as late from that day.
    """

    def made() -> Stream:
        bills = past.bills
        sure = np.maximum(bills.due + threshold, bills.post)
        late = ((bills.clear > bills.due + threshold) | (bills.known > sure)).astype(np.int64)
        values = np.column_stack([np.ones_like(late), late, bills.amount, bills.due])
        return Stream(_group(bills, group), sure, values)

    return past.stream(f"matured {threshold} {group}", made)


def _corrected(past: Ledger, threshold: int, group: str) -> Stream | None:
    """What counted as late only because its payment was recorded late, on the day from which that is known."""
    if not past.lagging:
        return None

    def made() -> Stream:
        bills = past.bills
        sure = np.maximum(bills.due + threshold, bills.post)
        wrong = ((bills.clear <= bills.due + threshold) & (bills.known > sure)).astype(np.int64)
        return Stream(_group(bills, group), np.where(wrong > 0, bills.known, NEVER), wrong[:, None])

    return past.stream(f"corrected {threshold} {group}", made)


def _group(table: Columns, name: str) -> Ints:
    if name == "terms":
        return table.customer * TERMS + table.terms
    return table.customer * WEEKDAYS + table.weekday if name == "weekday" else table.customer


class Answers:
    """What the streams of a ledger say about one question."""

    def __init__(self, now: Moment) -> None:
        self.now = now
        bills = now.past.bills
        self._own = now.own if len(bills.due) and (now.own >= 0).any() else None
        self._groups: dict[str, tuple[Ints, Ints, Ints]] = {}
        self._asked: dict[tuple[Stream, str], Asked] = {}
        self._matured: dict[tuple[int, str], Ints] = {}

    def asked(self, stream: Stream, group: str = "customer", day: Ints | None = None) -> Asked:
        if group not in self._groups:
            codes = _group(self.now.item, group)
            self._groups[group] = codes, stream.starts(codes), codes * SPAN + self.now.day
        codes, starts, keys = self._groups[group]
        if day is not None:
            return stream.ask(codes, day, self._own, starts)
        if (stream, group) not in self._asked:
            self._asked[stream, group] = stream.asked(keys, self.now.day, self._own, starts)
        return self._asked[stream, group]

    def matured(self, threshold: int, group: str = "customer") -> Ints:
        """(certain, late, amount, due) summed over the invoices whose day had passed: (n, 4)."""
        if (threshold, group) not in self._matured:
            self._matured[threshold, group] = self.matured_by(threshold, group)
        return self._matured[threshold, group]

    def matured_by(self, threshold: int, group: str = "customer", day: Ints | None = None) -> Ints:
        """The same as on another day than the question's."""
        stream = _matured(self.now.past, threshold, group)
        total = stream.total(self.asked(stream, group, day))
        late_known = _corrected(self.now.past, threshold, group)
        if late_known is not None:
            total[:, 1] -= late_known.total(self.asked(late_known, group, day))[:, 0]
        return total


def lateness(now: Moment, threshold: int) -> tuple[Ints, Ints]:
    """(certain, late) for each item's customer: how many invoices were known strictly before the day to be more
    than `threshold` days late or not, and how many were: (n,) each."""
    total = Answers(now).matured(threshold)
    return total[:, 0], total[:, 1]


def _item_part(said: Answers) -> list[Floats]:
    now, item = said.now, said.now.item
    stream = _posted(now.past)
    posted = stream.total(said.asked(stream))
    month, of_month, left = _months(item.due)
    return [
        item.log_amount / MICRO,
        (item.due - item.post).astype(float),
        (item.log_amount - mean(posted[:, 2], posted[:, 0])) / MICRO,
        item.weekday.astype(float),
        of_month.astype(float),
        ((item.post - 1) % WEEKDAYS).astype(float),
        month.astype(float),
        left.astype(float),
    ]


def _paid_part(said: Answers) -> tuple[list[Floats], list[Floats]]:
    """Invoices known to be paid: how late, and in which rhythm."""
    now = said.now
    stream = paid_stream(now.past)
    asked = said.asked(stream)
    total, before = stream.total(asked), stream.total(said.asked(stream, day=now.day - _WINDOW))
    count = total[:, 0]
    average = mean(total[:, 2], count)
    spread = np.sqrt(np.maximum(mean(total[:, 3], count) - average**2, 0.0))
    recent = mean(total[:, 2] - before[:, 2], count - before[:, 0])
    late = [
        np.log1p(count), average, spread, stream.last(2, 1, asked), stream.last(2, 3, asked),
        stream.last(2, 10, asked), recent, recent - average, now.day - stream.latest(asked),
    ]  # fmt: skip
    runs = total[:, 6:]
    weekday = now.item.weekday
    wait = (_WEEK - weekday[:, None]) % WEEKDAYS
    commonest = (runs.argmax(axis=1) - weekday) % WEEKDAYS
    own = now.own
    known = (own >= 0) & (now.past.bills.part_day[own] < now.day) if len(now.past.bills.due) else own >= 0
    part = np.zeros(len(own))
    part[known] = now.past.bills.part_amount[own[known]] / np.maximum(now.item.amount[known], 1)
    rhythm = [
        *mean(np.array([(runs * wait).sum(axis=1), runs.max(axis=1), *total.T[4:6]]), count), part,
    ]  # fmt: skip
    rhythm.insert(2, np.where(count > 0, commonest, np.nan))
    return late, rhythm


def _late_part(said: Answers) -> list[Floats]:
    """Invoices whose day had passed: late or not is certain, whether they are paid by now or still open."""
    now = said.now
    late, late_15, late_30 = (said.matured(threshold) for threshold in RATED)
    before = said.matured_by(0, day=now.day - _WINDOW)
    # A payment that was recorded late corrects on the day when it is known: at most what is there.
    lately = np.maximum(late[:, :2] - before[:, :2], 0)
    groups = [one for name in ("terms", "weekday") for one in (said.matured(0, name), _days_of_group(said, name))]
    counted = np.array([one[:, :2].T for one in (late, late_15, late_30, lately, *groups)])
    return [np.log1p(late[:, 0]), *mean(counted[:, 1], counted[:, 0])]


def _days_of_group(said: Answers, group: str) -> Ints:
    """(paid, days late) summed over the item's group: (n, 2)."""
    bills = said.now.past.bills

    def made() -> Stream:
        return Stream(_group(bills, group), bills.known, np.column_stack([np.ones_like(bills.due), days_late(bills)]))

    stream = said.now.past.stream(f"paid {group}", made)
    return stream.total(said.asked(stream, group))


def _open_part(said: Answers) -> list[Floats]:
    """What the customer owed on the day: posted and not known to be paid, and of that what was overdue."""
    now, past = said.now, said.now.past
    bills = past.bills
    posted, paid, passed = _posted(past), paid_stream(past), _matured(past, 0, "customer")

    def made() -> Stream:
        values = np.column_stack([np.ones_like(bills.due), bills.amount, bills.due])
        return Stream(bills.customer, np.maximum(np.maximum(bills.due, bills.post), bills.known), values)

    settled = past.stream("settled", made)
    asked = said.asked(posted)
    owed = posted.total(asked)[:, :2] - paid.total(said.asked(paid))[:, :2]
    overdue = passed.total(said.asked(passed))[:, [0, 2, 3]] - settled.total(said.asked(settled))
    before = said.asked(posted, day=np.minimum(now.day, now.item.post))
    return [
        np.log1p(owed[:, 0]),
        np.log1p(np.maximum(owed[:, 1] - _in_part(said), 0) / 100),
        np.log1p(overdue[:, 0]),
        np.log1p(np.maximum(overdue[:, 1], 0) / 100),
        mean(overdue[:, 0] * now.day - overdue[:, 2], overdue[:, 0]),
        _open_credit(said),
        now.item.post - posted.latest(before),
        now.day - posted.first(before),
    ]


def _in_part(said: Answers) -> Ints:
    """What was paid on invoices that are open yet: (n,) hundredths."""
    bills = said.now.past.bills
    if not (bills.part_day < NEVER).any():
        return np.zeros(len(said.now.day), dtype=np.int64)
    amounts = bills.part_amount[:, None]
    made = said.now.past.stream("part paid", lambda: Stream(bills.customer, bills.part_day, amounts))
    rest = said.now.past.stream("part done", lambda: Stream(bills.customer, bills.known, amounts))
    found: Ints = (made.total(said.asked(made)) - rest.total(said.asked(rest)))[:, 0]
    return found


def _open_credit(said: Answers) -> Floats:
    """Credit notes that the customer has not used yet: log(1 + amount), (n,)."""
    notes = said.now.past.credits
    if not len(notes.due):
        return np.zeros(len(said.now.day))
    posted = said.now.past.stream("credit", lambda: Stream(notes.customer, notes.post, -notes.amount[:, None]))
    used = said.now.past.stream("used", lambda: Stream(notes.customer, notes.known, -notes.amount[:, None]))
    group, day = said.now.item.customer, said.now.day
    totals = [one.total(one.ask(group, day, None, one.starts(group)))[:, 0] for one in (posted, used)]
    return np.log1p((totals[0] - totals[1]) / 100)


def features_at(said: Answers) -> Floats:
    """The features of one question: (n, len(RISK_FEATURES)), nan where the past says nothing."""
    if not len(said.now.day):
        return np.empty((0, len(RISK_FEATURES)))
    late, rhythm = _paid_part(said)
    columns = np.array([*_item_part(said), *late, *_late_part(said), *rhythm, *_open_part(said)])
    return np.ascontiguousarray(columns.T)


def risk_features(items: Sequence[Receivable], as_of: Sequence[date], history: Sequence[Receivable] | Ledger) -> Floats:
    """What was known strictly before each item's `as_of` day: (n, len(RISK_FEATURES)), nan where nothing was.

    A payment counts only when it was made before the day and recorded by it, an invoice only when it was posted
    before. The item's own row in the history never counts for it. Only rows of the items' customers matter: a live
    service fetches those alone. Raises ValueError where `as_of` has another length than `items`.
    """
    return features_at(Answers(as_ledger(history).ask(items, as_of)))
