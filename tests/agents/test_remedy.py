"""What is done about two likely twins, by what became of both: always about the one that is unpaid."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import product
from typing import Any, get_args

import pytest

from agents.assess import twin_finding, with_groups
from agents.recommend import choice_of
from agents.remedy import Both, remedy
from governance.chain import canonical
from governance.record.candidates import BookedInvoice
from governance.record.twin_states import State, TwinState
from models.duplicates import DuplicatePair
from models.invoice import Invoice
from models.pair_groups import groups
from models.twin_memory import DampedPair, SupplierHabit
from tests.agents.scenes import SUPPLIER, brief, view

OWN = Invoice(
    invoice_id="INV-1", entity="DE01", vendor_id="S-1", vendor_name="Supplier One GmbH", tax_id="DE558960221",
    iban="DE02120300000000202051", invoice_no="2026-1.", invoice_date=date(2026, 11, 3), posting_date=None,
    currency="EUR", amount=Decimal("1190.00"), po=None, description=None, doc_type="invoice",
)  # fmt: skip
TWIN = BookedInvoice(
    **{name: getattr(OWN, name) for name in Invoice.__dataclass_fields__ if name not in ("invoice_id", "invoice_no")},
    invoice_id="AP-9", invoice_no="2026-1", case_id=None, as_of=datetime(2026, 10, 1, tzinfo=UTC),
)  # fmt: skip
REASONS = ("numbers 2026-1. and 2026-1 differ only in punctuation", "but: different bank accounts")
PAIR = DuplicatePair("AP-9", "INV-1", 0.98765432, "format", REASONS, "duplicate",
                     (("number", 3.14159), ("amount", 1.2), ("habits", -0.004), ("order", -0.5)))  # fmt: skip
RENUMBERED = replace(PAIR, probability=0.62, kind="renumbered", queue="renumbered")
STATES: tuple[State, ...] = get_args(State)
# What each state means here: money gone, money still here, or dealt with.
GONE, HERE, DEALT = ("paid", "released"), ("open", "unknown", "on_hold", "partly_paid"), ("reversed", "duplicate")


def state(invoice_id: str, name: State) -> TwinState:
    values: dict[str, dict[str, Any]] = {
        "paid": {"paid": Decimal("1190.00"), "currency": "EUR", "paid_on": date(2026, 10, 9), "payments": ("P-1",)},
        "partly_paid": {"paid": Decimal("90.00"), "currency": "EUR"},
        "reversed": {"credit_note": "CN-1", "credit_number": "G-77", "credited_on": date(2026, 11, 5)},
        "on_hold": {"effect": "r-1"},
    }
    return TwinState(invoice_id, name, **values.get(name, {}))


def expected(own: State, twin: State, earlier: bool, sure: bool, has_case: bool) -> tuple[str | None, str | None]:
    """(action, invoice that it is about), said another way than the code says it."""
    if own in DEALT:
        return "refer_to_person", None
    if twin in DEALT:
        return None, None
    if own in GONE and twin in GONE:
        return ("request_credit_note", "INV-1" if earlier else "AP-9") if sure else ("refer_to_person", None)
    if twin in GONE:
        stopped = "INV-1"
    elif own in GONE:
        stopped = "AP-9"
    elif earlier:
        stopped = "INV-1"
    elif has_case or twin == "unknown":
        return None, None
    else:
        stopped = "AP-9"
    of = own if stopped == "INV-1" else twin
    if of == "on_hold" and not sure:
        return ("refer_to_person", None) if stopped == "INV-1" else (None, "AP-9")
    return "mark_duplicate" if sure and of != "partly_paid" else "hold_payment", stopped


@pytest.mark.parametrize(("own", "twin"), list(product(STATES, STATES)))
def test_every_combination_of_states(own: State, twin: State) -> None:
    for earlier, sure, has_case in product((True, False), repeat=3):
        both = Both(OWN, TWIN, state("INV-1", own), state("AP-9", twin), earlier, sure, has_case)
        found = remedy(both)
        assert (found.action, found.invoice_id) == expected(own, twin, earlier, sure, has_case), both
        assert found.why
        if found.invoice_id is not None:
            assert {found.invoice_id, found.keeps} == {"INV-1", "AP-9"}
            assert found.about == ("own" if found.invoice_id == "INV-1" else "twin")
        if found.action in ("mark_duplicate", "hold_payment"):
            # Never what was paid, unless a part of it is still to be paid.
            assert (own if found.about == "own" else twin) in HERE


@pytest.mark.parametrize(
    ("own", "twin", "earlier", "sure", "action"),
    [
        ({"doc_type": "credit_note"}, {}, True, True, None),
        ({}, {"amount": Decimal("-1190.00")}, True, True, None),
        ({"doc_type": "credit_note"}, {"doc_type": "credit_note"}, True, True, "mark_duplicate"),
        ({"doc_type": "credit_note"}, {"amount": Decimal("-1190.00")}, True, False, "refer_to_person"),
        ({"doc_type": "credit_note"}, {"doc_type": "credit_note"}, False, True, None),
    ],
)
def test_credit_notes_are_neither_held_nor_claimed(
    own: dict[str, Any], twin: dict[str, Any], earlier: bool, sure: bool, action: str | None
) -> None:
    for one, other in product(STATES, STATES):
        states = state("INV-1", one), state("AP-9", other)
        both = Both(replace(OWN, **own), replace(TWIN, **twin), *states, earlier, sure, False)
        assert remedy(both).action == action


def test_another_amount_is_held_and_not_marked_on_this_cases_signatures() -> None:
    other = replace(TWIN, amount=Decimal("119000.00"))
    both = Both(OWN, other, state("INV-1", "paid"), state("AP-9", "open"), False, True, False)
    assert remedy(both).action == "hold_payment"
    assert remedy(replace(both, twin=TWIN)).action == "mark_duplicate"


def finding(
    pair: DuplicatePair = PAIR, own: State = "unknown", twin: State = "unknown", **changes: Any
) -> dict[str, Any]:
    earlier = changes.pop("earlier", True)
    states = {one.invoice_id: one for one in (state("INV-1", own), state("AP-9", twin))}
    return twin_finding(pair, replace(TWIN, **changes), OWN, earlier, states)


CHOICES: list[tuple[dict[str, Any], str, dict[str, str]]] = [
    ({}, "mark_duplicate", {"invoice_id": "INV-1", "duplicate_of": "AP-9"}),
    ({"twin": "paid"}, "mark_duplicate", {"invoice_id": "INV-1", "duplicate_of": "AP-9"}),
    ({"twin": "paid", "earlier": False}, "mark_duplicate", {"invoice_id": "INV-1", "duplicate_of": "AP-9"}),
    ({"own": "paid", "twin": "open"}, "mark_duplicate", {"invoice_id": "AP-9", "duplicate_of": "INV-1"}),
    ({"own": "paid", "twin": "paid"}, "request_credit_note",
     {"supplier_id": "S-1", "invoice_number": "2026-1.", "amount": "1190.00", "currency": "EUR"}),
    ({"own": "paid", "twin": "paid", "earlier": False}, "request_credit_note",
     {"supplier_id": "S-1", "invoice_number": "2026-1", "amount": "1190.00", "currency": "EUR"}),
    ({"own": "paid", "twin": "paid", "amount": Decimal("1190.50")}, "request_credit_note",
     {"supplier_id": "S-1", "invoice_number": "2026-1."}),
    ({"twin": "open", "earlier": False}, "mark_duplicate", {"invoice_id": "AP-9", "duplicate_of": "INV-1"}),
    ({"twin": "open", "earlier": False, "case_id": "c-9"}, "refer_to_person", {}),
    ({"twin": "reversed"}, "refer_to_person", {}),
    ({"own": "reversed"}, "refer_to_person", {}),
    ({"twin": "duplicate"}, "refer_to_person", {}),
    ({"pair": RENUMBERED}, "hold_payment", {"invoice_id": "INV-1"}),
    ({"pair": RENUMBERED, "twin": "paid"}, "hold_payment", {"invoice_id": "INV-1"}),
    ({"pair": RENUMBERED, "own": "paid", "twin": "paid"}, "refer_to_person", {}),
    ({"pair": replace(RENUMBERED, probability=0.49)}, "refer_to_person", {}),
    ({"pair": replace(PAIR, probability=0.79)}, "refer_to_person", {}),
    ({"pair": replace(PAIR, kind="split")}, "hold_payment", {"invoice_id": "INV-1"}),
]  # fmt: skip


@pytest.mark.parametrize(("given", "action", "args"), CHOICES)
def test_the_recommendation_is_for_the_unpaid_twin(given: dict[str, Any], action: str, args: dict[str, str]) -> None:
    suspect = brief("duplicate_suspect", fields={"invoice_number": "2026-1."})
    choice = choice_of(view(suspect, duplicates=[finding(**given)]))
    assert choice["action"]["name"] == action, choice
    assert {name: choice["action"]["args"][name] for name in args} == args
    if action != "refer_to_person":
        assert set(choice["action"]["args"]) - set(args) <= {"reason"}
        assert choice["risk"] == "high"
    assert choice["why"]


def test_what_is_dealt_with_does_not_stop_an_invoice_but_keeps_its_seats() -> None:
    """A credit note took the twin back: the case goes its own way, and still more people sign than without a twin."""
    received = brief("invoice_received", iban=None)
    plain = choice_of(view(received, order_habit=(10, 0)))
    reversed_ = choice_of(view(received, order_habit=(10, 0), duplicates=[finding(twin="reversed")]))
    assert reversed_["action"] == plain["action"]
    assert (plain["risk"], reversed_["risk"]) != ("high", plain["risk"])
    assert reversed_["risk"] == "high"
    # This one was taken back: it is not paid by its own way.
    own = choice_of(view(received, order_habit=(10, 0), duplicates=[finding(own="reversed")]))
    assert own["action"]["name"] == "refer_to_person"
    assert "taken back by credit note G-77 of 2026-11-05" in own["why"]


def test_of_several_twins_the_one_that_can_be_marked_decides() -> None:
    held = {**finding(pair=replace(RENUMBERED, probability=0.999)), "invoice_id": "AP-1"}
    suspect = brief("duplicate_suspect")
    choice = choice_of(view(suspect, duplicates=[held, finding(twin="paid")]))
    assert choice["action"]["args"]["duplicate_of"] == "AP-9"
    assert "was paid on 2026-10-09 (1190.00 EUR)" in choice["why"]
    assert [one["action"] for one in choice["alternatives"]][:2] == ["hold_payment", "refer_to_person"]


def test_where_no_letter_can_be_written_a_person_claims_the_money() -> None:
    mute = brief("duplicate_suspect", supplier=replace(SUPPLIER, email=None))
    assert choice_of(view(mute, duplicates=[finding(own="paid", twin="paid")]))["action"]["name"] == "refer_to_person"


OLD = {
    "invoice_id", "case_id", "probability", "kind", "reasons", "earlier", "invoice_number", "invoice_date",
    "posting_date", "amount", "currency", "supplier_id", "supplier", "entity", "purchase_order",
}  # fmt: skip


def test_a_finding_is_bounded_stable_and_keeps_its_old_keys() -> None:
    found = finding(twin="paid")
    assert set(found) >= OLD
    assert canonical(found) == canonical(finding(twin="paid"))
    assert found["probability"] == 0.9877
    assert found["parts"] == [{"field": "number", "adds": 3.14}, {"field": "amount", "adds": 1.2},
                              {"field": "order", "adds": -0.5}]  # fmt: skip
    assert "the number differs by a trailing dot; one without the number would" in found["exact_check"]["says"]
    assert found["twin_state"] == {"state": "paid", "on": "2026-10-09", "amount": "1190.00", "currency": "EUR",
                                   "by": ["P-1"], "says": "was paid on 2026-10-09 (1190.00 EUR)"}  # fmt: skip
    assert found["remedy"]["action"] == "mark_duplicate"
    assert "DE02120300000000202051" not in canonical(found)
    long = replace(PAIR, reasons=("x" * 3000,) * 50)
    huge = twin_finding(long, replace(TWIN, description="w " * 9000, vendor_name="n" * 9000), OWN, True, {})
    assert len(canonical(huge)) < 12_000


def test_memory_stands_beside_the_twin_that_it_explains() -> None:
    habit = SupplierHabit("S-1", "numbers_restart", date(2027, 1, 1), approved_by=("controller",))
    values = {name: getattr(PAIR, name) for name in DuplicatePair.__dataclass_fields__}
    damp = DampedPair(**{**values, "probability": 0.2}, without=0.98765432, memory=(habit,))
    found = finding(damp)
    assert (found["probability"], found["probability_without_memory"]) == (0.2, 0.9877)
    assert found["memory"][0]["approved_by"] == ["controller"]
    assert "memory" not in finding()
    choice = choice_of(view(brief("duplicate_suspect"), duplicates=[found]))
    assert (choice["action"]["name"], choice["risk"]) == ("refer_to_person", "high")


def test_a_group_of_three_names_its_members_and_one_that_was_credited_asks_a_person() -> None:
    third = replace(OWN, invoice_id="AP-3", invoice_no="2026-1-COPY")
    ledger = [OWN, replace(OWN, invoice_id="AP-9", invoice_no="2026-1"), third]
    pairs = [PAIR, DuplicatePair("AP-3", "INV-1", 0.9, "suffix", ()), DuplicatePair("AP-3", "AP-9", 0.9, "suffix", ())]
    (found,) = with_groups([finding()], "INV-1", groups(ledger, pairs))
    assert set(found["group"]["members"]) == {"INV-1", "AP-9", "AP-3"}
    assert (found["group"]["alert"], found["remedy"]["action"]) == (True, "mark_duplicate")
    credit = replace(OWN, invoice_id="CN", invoice_no="CN-1", doc_type="credit_note", invoice_date=date(2026, 11, 4))
    (found,) = with_groups([finding()], "INV-1", groups([*ledger[:2], credit], [PAIR]))
    assert (found["group"]["alert"], found["group"]["credits"]) == (False, ["CN"])
    assert found["remedy"]["action"] == "refer_to_person"
    assert with_groups([finding()], "INV-1", groups(ledger[:2], [PAIR])) == [finding()]
