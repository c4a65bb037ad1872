"""Habits of a supplier: what they explain, what they never touch, what the ledger must show first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.duplicates import DuplicatePair, Invoice
from models.twin_habits import LEAST_DISMISSED, suggested
from models.twin_memory import CEILING, RHYTHMS, DampedPair, SupplierHabit, damped, remembered

TODAY = date(2026, 11, 23)
UNTIL = date(2027, 11, 23)


def bill(number: str = "R-1", day: date = date(2026, 3, 1), amount: str = "1250.00", **other: object) -> Invoice:
    made = Invoice(
        f"{number}@{day}", "DE01", "S-1", "Supplier One", None, "DE02120300000000202051", number, day, day, "EUR",
        Decimal(amount), None, None, "invoice",
    )  # fmt: skip
    return replace(made, **other)  # type: ignore[arg-type]


def pair(probability: float = 0.97) -> DuplicatePair:
    return DuplicatePair("a", "b", probability, "date", ("same invoice number",))


def habit(kind: str, **known: object) -> SupplierHabit:
    approval = {"since": datetime(2026, 1, 2, tzinfo=UTC), "approved_by": ("Reviewer",), "recommendation_id": "r-1"}
    return SupplierHabit("S-1", kind, UNTIL, **{**approval, **known})  # type: ignore[arg-type]


RENT = habit("recurring_amount", amount=Decimal("1250.00"), currency="EUR", rhythm="monthly")
REUSED = habit("reference_reused", reference="RENT")
RESTART = habit("numbers_restart")
ALL = (RENT, REUSED, RESTART)

MONTH_LATER, YEAR_LATER = date(2026, 4, 1), date(2027, 2, 20)

# what is known, the two bills, whether they are explained
CASES: list[tuple[str, tuple[SupplierHabit, ...], Invoice, Invoice, bool]] = [
    ("rent under new numbers", (RENT,), bill("R-1"), bill("R-9", MONTH_LATER), True),
    ("rent three months on", (RENT,), bill("R-1"), bill("R-9", date(2026, 6, 1)), True),
    ("rent twice in a month", (RENT,), bill("R-1"), bill("R-9", date(2026, 3, 12)), False),
    ("another amount than the rent", (RENT,), bill("R-1", amount="99"), bill("R-9", MONTH_LATER, "99"), False),
    ("rent in another currency", (RENT,), bill("R-1"), bill("R-9", MONTH_LATER, currency="USD"), False),
    ("rent and number", (RENT,), bill("R-1"), bill("R-1", MONTH_LATER), False),
    ("rent under its reference", (RENT, REUSED), bill("RENT"), bill("rent", MONTH_LATER), True),
    ("the reference alone explains no amount", (REUSED,), bill("RENT"), bill("RENT", MONTH_LATER), False),
    ("a telephone's reference", (REUSED,), bill("RENT"), bill("RENT", MONTH_LATER, "81.20"), True),
    ("another reference", (REUSED,), bill("R-1"), bill("R-1", MONTH_LATER, "81.20"), False),
    ("the number of the year before", (RESTART,), bill("R-1"), bill("R-1", YEAR_LATER, "81.20"), True),
    ("the number again in a year", (RESTART,), bill("R-1"), bill("R-1", date(2026, 10, 1), "81.20"), False),
    ("the amount too", (RESTART,), bill("R-1"), bill("R-1", YEAR_LATER), False),
    ("no memory", (), bill("RENT"), bill("RENT", MONTH_LATER), False),
    ("of another supplier", ALL, bill("RENT", vendor_id="S-2"), bill("RENT", MONTH_LATER, vendor_id="S-2"), False),
    ("of two suppliers", ALL, bill("RENT"), bill("RENT", MONTH_LATER, vendor_id="S-2"), False),
    ("of nobody known", ALL, bill("RENT", vendor_id=""), bill("RENT", MONTH_LATER, vendor_id=""), False),
    ("without a date", ALL, bill("RENT"), bill("RENT", MONTH_LATER, invoice_date=None, posting_date=None), False),
    ("to another account", ALL, bill("RENT"), bill("RENT", MONTH_LATER, iban="DE75512108001245126199"), False),
    ("one account is not known", ALL, bill("RENT"), bill("RENT", MONTH_LATER, iban=None), True),
    ("nothing is alike", ALL, bill("R-1"), bill("X-9", MONTH_LATER, "3.00"), False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("known", "a", "b", "explained"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_pair_is_damped_where_every_coincidence_is_explained(
    known: tuple[SupplierHabit, ...], a: Invoice, b: Invoice, explained: bool
) -> None:
    before = pair()
    for one, other in ((a, b), (b, a)):
        after = damped(before, one, other, known)
        if not explained:
            assert after is before
            continue
        assert isinstance(after, DampedPair)
        assert (after.without, after.left_id, after.kind) == (before.probability, before.left_id, before.kind)
        assert after.probability <= CEILING < before.probability
        assert after.reasons[0] == before.reasons[0]
        assert all(reason.startswith("but: this supplier") for reason in after.reasons[1:])
        assert "approved by Reviewer until 2027-11-23" in after.reasons[-1]
        note = after.notes()[0]
        assert (note["approved_by"], note["until"], note["recommendation_id"]) == (["Reviewer"], "2027-11-23", "r-1")
        assert note["since"] == "2026-01-02T00:00:00+00:00"


days = st.dates(date(2025, 1, 1), date(2027, 12, 31))
habits = st.lists(
    st.sampled_from(ALL) | st.builds(lambda r: replace(RENT, rhythm=r), st.sampled_from(sorted(RHYTHMS))), max_size=4
)


@settings(deadline=None)
@given(
    known=habits, day=days, number=st.sampled_from(("RENT", "R-1", "7")),
    amount=st.sampled_from(("1250.00", "3")), probability=st.floats(0, 1), apart=st.integers(0, 6),
)  # fmt: skip
def test_the_same_bill_again_is_never_explained(
    known: list[SupplierHabit], day: date, number: str, amount: str, probability: float, apart: int
) -> None:
    said = pair(probability)
    again = bill(number, day + timedelta(days=apart), amount)
    assert damped(said, bill(number, day, amount), again, known) is said


@settings(deadline=None)
@given(known=habits, first=days, second=days, probability=st.floats(0, 1), same=st.booleans())
def test_a_memory_never_makes_a_pair_likelier_nor_speaks_of_another_account(
    known: list[SupplierHabit], first: date, second: date, probability: float, same: bool
) -> None:
    a, b = bill("RENT", first), bill("RENT", second, "1250.00" if same else "80.00")
    after = damped(pair(probability), a, b, known)
    assert after.probability <= probability
    moved = replace(b, iban="DE75512108001245126199")
    assert damped(pair(probability), a, moved, known).probability == probability


def test_habits_go_through_the_record_s_json_unchanged() -> None:
    for one in ALL:
        said = one.as_dict()
        assert all(isinstance(value, str) for value in said.values())
        back = SupplierHabit.of(
            "S-1", said, since=one.since, approved_by=one.approved_by, recommendation_id=one.recommendation_id
        )
        assert back == one


def test_a_memory_keeps_what_else_it_knows_and_drops_what_has_expired() -> None:
    old = replace(REUSED, until=date(2026, 11, 22)).as_dict()
    content = {"reading": {"fields": {}}, "habits": [old, replace(RENT, until=TODAY).as_dict()]}
    made = remembered(content, "S-1", [RENT], TODAY)
    assert made == {"reading": {"fields": {}}, "habits": [RENT.as_dict()]}


# What may be proposed -----------------------------------------------------------------------------------------------


def rents(months: int = 8, number: str = "RENT") -> list[Invoice]:
    return [
        bill(number.format(month), date(2026, month, 1 + month % 3), invoice_id=f"rent {month}")
        for month in range(1, months + 1)
    ]


def test_rent_under_one_reference_is_two_habits() -> None:
    found = rents()
    made = suggested(found, [(found[0], found[1]), (found[3], found[4])], TODAY)
    assert [one.habit.kind for one in made] == ["reference_reused", "recurring_amount"]
    assert [(one.habit.reference, one.habit.amount, one.habit.rhythm) for one in made] == [
        ("RENT", None, None),
        (None, Decimal("1250.00"), "monthly"),
    ]
    assert {one.habit.until for one in made} == {UNTIL}
    assert all(len(one.dismissed) == 2 for one in made)
    assert made[1].why() == (
        "this supplier bills 1250.00 EUR monthly: 1250 EUR came on 8 days, monthly; 2 pairs were called no duplicates"
    )
    held = [one.habit for one in made]
    assert suggested(found, [(found[0], found[1]), (found[3], found[4])], TODAY, known=held) == []
    (left,) = suggested(found, [(found[0], found[1]), (found[3], found[4])], TODAY, known=held[:1])
    assert left.habit.kind == "recurring_amount"


def test_numbers_that_start_again_each_year() -> None:
    found = [
        bill(f"{serial}", date(year, 1 + serial, 5), f"{year % 100 * 10 + serial}.00", invoice_id=f"{year} {serial}")
        for year in (2024, 2025, 2026)
        for serial in range(1, 9)
    ]
    pairs = [(found[0], found[8]), (found[2], found[10])]
    (made,) = suggested(found, pairs, TODAY)
    assert (made.habit.kind, made.facts) == ("numbers_restart", "8 numbers came in more than one year")
    assert suggested(found[:9], pairs[:1] * 2, TODAY) == []  # once is no habit, nor is one pair said twice


def test_one_dismissal_or_a_ledger_that_shows_nothing_is_not_enough() -> None:
    found = rents()
    assert LEAST_DISMISSED == 2
    assert suggested(found, [(found[0], found[1])], TODAY) == []
    assert suggested(found[:2], [(found[0], found[1]), (found[1], found[0])], TODAY) == []
    apart = [bill("RENT", date(2026, 1, 1) + timedelta(days=d), invoice_id=f"{d}") for d in (0, 9, 50, 62, 111, 190)]
    assert [one.habit.kind for one in suggested(apart, [(apart[0], apart[1]), (apart[2], apart[3])], TODAY)] == []
    other = [replace(one, vendor_id="S-2") for one in found]
    assert suggested(other, [(found[0], found[1]), (found[2], found[3])], TODAY) == []


@settings(deadline=None, max_examples=30)
@given(order=st.permutations(range(8)), gap=st.integers(25, 35))
def test_suggestions_hang_on_the_facts_alone(order: list[int], gap: int) -> None:
    found = [bill(f"N-{at}", date(2026, 1, 1) + timedelta(days=gap * at), invoice_id=f"{at}") for at in range(8)]
    pairs = [(found[1], found[2]), (found[5], found[4])]
    made = suggested(found, pairs, TODAY)
    assert made == suggested([found[at] for at in order], [(b, a) for a, b in reversed(pairs)], TODAY)
    assert [one.habit.rhythm for one in made] == (["monthly"] if 27 <= gap <= 34 else [])
