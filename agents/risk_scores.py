"""Collection risk of a batch: the model over the tenant's own portfolio, what its disputes add, the findings.

The customers' rows come with the batch, in one query. The whole portfolio is read once a day, and again when much more
was paid, for the rates of all customers, the reach of the intervals and the effect of disputes; kept are these few
numbers, not the rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import structlog

from agents import facts
from agents.assess import no_risk_finding, risk_finding
from governance.record import candidates
from governance.record.candidates import BookedItem, Settled
from governance.record.db import Connection
from governance.record.queue import Brief
from models.disputes import DisputeEffect, dispute_effect, estimated, known_since
from models.features import Receivable
from models.outlook import Curves
from models.risk import CollectionRisk, Ledger, Seen
from models.risk_cash import CashWeek, expected_cash

log = structlog.get_logger("countersign.risk")

YEARS = 3
MOST_ROWS = 50_000
WEEKS = 13
_DAYS_OF_YEAR = 366
_AGAIN_SECONDS = 600.0
_FEW, _MORE = 1000, 1.1
_OWED = frozenset({"overdue", "open_item", "short_payment", "dispute"})

Open = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True, slots=True)
class Standing:
    """A model over the tenant's portfolio of one day, and what it was made of."""

    risk: CollectionRisk
    effect: DisputeEffect
    day: date
    digest: str
    known: Settled


def receivable_of(item: BookedItem) -> Receivable:
    """A receivable of the books as the model reads it; the same whether it is asked for alone or with all others."""
    return Receivable(
        item.invoice_id, item.customer_id, item.posting_date, item.due_date, item.amount, item.clear_date, item.recorded
    )


def standing_of(risk: CollectionRisk, digest: str, items: Sequence[BookedItem], day: date, known: Settled) -> Standing:
    """The model over these rows, as of a day."""
    rows = [receivable_of(item) for item in items]
    past = Ledger(rows)
    own = risk.rebased(past, day, foreign=True)
    disputed = [
        (row, since)
        for row, item in zip(rows, items, strict=True)
        if (since := known_since(item.disputed_at, item.disputed_as_of)) is not None
    ]
    return Standing(own, dispute_effect(own, past, disputed, day), day, digest, known)


class Portfolio:
    """The standing of a worker's tenant, made again each day, for other models, and when a tenth more is paid.

    Looks at the books at most every `seconds` (each batch while they hold few receivables, as before a first import).
    At most `most` receivables of the last three years are read, the newest.
    """

    def __init__(self, seconds: float = _AGAIN_SECONDS, most: int = MOST_ROWS) -> None:
        self._seconds, self._most = seconds, most
        self._held: Standing | None = None
        self._again_at = 0.0
        self.reads = 0
        """How often the whole portfolio was read."""

    def standing(self, transaction: Open, risk: CollectionRisk, digest: str, day: date) -> Standing:
        """The standing of a day. `transaction` opens one of role `agent`."""
        held = self._held
        same = held is not None and (held.day, held.digest) == (day, digest)
        if held is not None and same and time.monotonic() < self._again_at:
            return held
        since = date.fromordinal(day.toordinal() - YEARS * _DAYS_OF_YEAR)
        with transaction() as conn:
            known = candidates.settled(conn, since)
            if held is None or not same or _worth(held.known, known):
                items = candidates.portfolio(conn, since, self._most)
                self.reads += 1
                held = None
        if held is None:
            start = time.perf_counter()
            held = standing_of(risk, digest, items, day, known)
            took = round(time.perf_counter() - start, 3)
            log.info("portfolio read", rows=len(items), of=known.rows, seconds=took, disputes=held.effect.count)
        self._held = held
        self._again_at = time.monotonic() + (self._seconds if known.rows >= _FEW else 0.0)
        return held


def _worth(held: Settled, now: Settled) -> bool:
    return now != held if now.rows < _FEW else now.paid > _MORE * held.paid


@dataclass(frozen=True, slots=True)
class Scored:
    """A batch's findings by case id, and what they were made of: who watches the model asks the same again.

    items: what was asked, by case id. history: the rows of their customers. risk: the model over the portfolio of the
    day; None where nothing was asked.
    """

    findings: dict[str, dict[str, Any]]
    today: date
    items: Mapping[str, Receivable] = field(default_factory=dict)
    history: Ledger | None = None
    risk: CollectionRisk | None = None


def scored(
    briefs: Mapping[str, Brief], booked: Sequence[BookedItem], today: date, standing: Callable[[], Standing]
) -> Scored:
    """The risk of each case about money that a customer owes.

    booked: the receivables of the batch's customers. standing: asked only where there is something to score. Where an
    amount or a due date is missing, numbers are null and the finding says why.
    """
    known = {item.invoice_id: item for item in booked}
    items: dict[str, Receivable] = {}
    found: dict[str, dict[str, Any]] = {}
    for case_id, brief in briefs.items():
        made = _asked(brief, known)
        if isinstance(made, Receivable):
            items[case_id] = made
        elif made is not None:
            found[case_id] = no_risk_finding(facts.invoice_ref(brief), made)
    if not items:
        return Scored(found, today)
    stand = standing()
    disputed = [_disputed(briefs[case_id], known.get(one.invoice_id), today) for case_id, one in items.items()]
    asked, past = list(items.values()), Ledger([receivable_of(item) for item in booked])
    estimates, seen = estimated(stand.risk, asked, today, past, disputed, stand.effect)
    for at, (case_id, estimate) in enumerate(zip(items, estimates, strict=True)):
        cash: list[CashWeek] = []
        if estimate.expected_days_late is not None:
            cash = expected_cash([asked[at]], _alone(seen, at), today, WEEKS)
        found[case_id] = risk_finding(estimate, cash, disputed[at])
    return Scored(found, today, items, past, stand.risk)


def _alone(seen: Seen, at: int) -> Seen:
    """What expected_cash needs of one row."""
    curves = Curves(seen.curves.chances[at : at + 1], seen.curves.knots, seen.curves.tail)
    return replace(seen, curves=curves, overdue=seen.overdue[at : at + 1])


def _asked(brief: Brief, known: Mapping[str, BookedItem]) -> Receivable | str | None:
    """What is asked about a case; words where that cannot be; None where nobody owes anything."""
    case, number = brief.facts, facts.invoice_ref(brief)
    if case.queue != "order_to_cash" or not case.customer_id:
        return None
    item = known.get(number or "")
    posted = case.issue_date or (item.posting_date if item else None)
    due = case.due_date or (item.due_date if item else None)
    amount = case.amount if case.amount is not None else (item.amount if item else None)
    missing = [
        name for name, value in (("invoice date", posted), ("due date", due), ("amount", amount)) if value is None
    ]
    if posted is None or due is None or amount is None:
        return f"no {' and no '.join(missing)} is known: nothing can be said" if case.exception_type in _OWED else None
    if amount < 0:
        return "a credit note: nothing to collect"
    return Receivable(number or case.case_id, case.customer_id, posted, due, amount, None)


def _disputed(brief: Brief, item: BookedItem | None, today: date) -> date | None:
    """The first day on which a dispute was known; a case that is one has been read today at the latest."""
    since = known_since(item.disputed_at, item.disputed_as_of) if item else None
    if brief.facts.exception_type == "dispute":
        return today if since is None else min(since, today)
    return since
