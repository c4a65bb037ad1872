"""A dispute changes an estimate once it is known by both clocks, never before; few disputes change nothing."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from models.disputes import LEAST, DisputeEffect, dispute_effect, estimated, known_since
from models.risk import CollectionRisk, Ledger, Receivable

TODAY = date(2026, 11, 20)


def history(delay: int, count: int = 240, share: float = 0.3) -> tuple[list[Receivable], list[tuple[Receivable, date]]]:
    """Invoices of ten customers, some disputed three days after posting; those are paid `delay` days later."""
    rng = random.Random(5)
    items, disputed = [], []
    for at in range(count):
        posted = date(2026, 1, 1) + timedelta(days=at)
        due = posted + timedelta(days=30)
        raised = rng.random() < share
        late = rng.randint(-8, 12) + (delay if raised else 0)
        one = Receivable(f"I{at}", f"C{at % 10}", posted, due, Decimal(100), due + timedelta(days=late))
        items.append(one)
        if raised:
            disputed.append((one, posted + timedelta(days=3)))
    return items, disputed


@pytest.mark.parametrize(("delay", "sign"), [(25, 1), (-12, -1)])
def test_the_shift_follows_what_disputes_did(delay: int, sign: int) -> None:
    items, disputed = history(delay)
    risk = CollectionRisk().fit(items, TODAY)
    effect = dispute_effect(risk, items, disputed, TODAY)
    assert effect.count > 40
    assert effect.shift * sign > 0.8


def test_disputes_of_no_effect_shift_little() -> None:
    items, disputed = history(0)
    effect = dispute_effect(CollectionRisk().fit(items, TODAY), items, disputed, TODAY)
    assert abs(effect.shift) < 0.5


def test_what_comes_after_the_day_changes_no_effect() -> None:
    """Disputes known later, payments made later, payments recorded later: the effect is that of the day."""
    items, disputed = history(25)
    day = date(2026, 6, 1)
    risk = CollectionRisk().fit(items, day)
    before = dispute_effect(risk, items, disputed, day)
    assert before.count >= LEAST

    def other(one: Receivable) -> Receivable:
        if one.clear_date is not None and one.clear_date >= day:
            return replace(one, clear_date=one.clear_date + timedelta(days=200))
        return one

    moved = [(other(one), since) for one, since in disputed if since < day]
    assert dispute_effect(risk, [other(one) for one in items], moved, day) == before


def test_known_by_both_clocks() -> None:
    raised = date(2026, 11, 3)
    assert known_since(None, date(2026, 11, 9)) is None
    assert known_since(raised, None) == date(2026, 11, 4)
    assert known_since(raised, date(2026, 11, 9)) == date(2026, 11, 9)
    assert known_since(raised, date(2026, 11, 1)) == date(2026, 11, 4)


def test_a_dispute_changes_the_estimate_from_the_day_it_is_known_and_of_its_invoice_alone() -> None:
    items, _ = history(25)
    risk, past = CollectionRisk().fit(items, TODAY), Ledger(items)
    asked = [
        Receivable(f"N{at}", f"C{at}", date(2026, 11, 1), date(2026, 11, 10 + 8 * at), Decimal(50), None)
        for at in range(3)
    ]
    effect = DisputeEffect(1.5, 50)
    plain, _ = estimated(risk, asked, TODAY, past, [None] * 3, effect)
    tomorrow, _ = estimated(risk, asked, TODAY, past, [TODAY + timedelta(days=1)] * 3, effect)
    assert tomorrow == plain
    told, seen = estimated(risk, asked, TODAY, past, [TODAY, None, TODAY], effect)
    assert told[1] == plain[1]
    before, after = plain[2], told[2]
    assert before.p_late is not None
    assert after.p_late is not None
    assert after.p_late > before.p_late
    assert 1.0 >= after.p_late >= (after.p_late_15 or 0.0) >= (after.p_late_30 or 0.0)
    assert after.reasons == ("in dispute, known since 2026-11-20: 50 settled disputes were paid later than others",
                             *before.reasons)  # fmt: skip
    assert told[0].reasons[0] == "already 10 days overdue"
    assert told[0].reasons[1].startswith("in dispute")
    assert bool((np.diff(seen.curves.chances, axis=1) <= 0.0).all())


def test_a_shift_of_nearly_nothing_changes_nearly_nothing() -> None:
    """The bent curves go through the same outlook, with the same reach of intervals."""
    items, _ = history(25)
    risk, past = CollectionRisk().fit(items, TODAY), Ledger(items)
    asked = [Receivable("N", "C1", date(2026, 11, 1), date(2026, 12, 1), Decimal(50), None)]
    (plain,), _ = estimated(risk, asked, TODAY, past, [None], DisputeEffect())
    (told,), _ = estimated(risk, asked, TODAY, past, [TODAY], DisputeEffect(1e-9, 50))
    assert replace(told, reasons=plain.reasons) == plain


def test_few_disputes_change_no_number_but_are_told() -> None:
    items, _ = history(25)
    risk, past = CollectionRisk().fit(items, TODAY), Ledger(items)
    asked = [Receivable("N", "C1", date(2026, 11, 1), date(2026, 12, 1), Decimal(50), None)]
    (plain,), _ = estimated(risk, asked, TODAY, past, [None], DisputeEffect(2.0, LEAST - 1))
    (told,), _ = estimated(risk, asked, TODAY, past, [TODAY], DisputeEffect(2.0, LEAST - 1))
    assert replace(told, reasons=plain.reasons) == plain
    assert "too few settled disputes (4)" in told.reasons[0]
