"""The recommended route: who usually signs such a case, and never fewer than the matrix asks for."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from agents.habits import About, Habits, Sight
from agents.route import route_of
from agents.routes_read import Ground
from governance.record.precedents import Demand, Route, Signed


def signed(*seats: str, action: str = "hold_payment", entity: str = "DE01", amount: str | None = "1000") -> Route:
    """`reviewer:ann` for each seat; `reviewer:-ann` who no longer may."""
    made = [seat.split(":") for seat in seats]
    people = tuple(Signed(role, who.lstrip("-"), not who.startswith("-")) for role, who in made)
    return Route("c", action, entity, None if amount is None else Decimal(amount), "normal", people)


def ground(*recorded: Route, amount: str | None = "1000", **seats: int) -> Ground:
    demand = Demand(None if amount is None else Decimal(amount), {("hold_payment", "normal"): seats})
    return Ground(Habits(recorded).learned(), demand)


def people(of: Ground, *excluded: str, risk: str = "low") -> list[tuple[str, str | None]]:
    found = route_of(of, action="hold_payment", risk=risk, entity="DE01", excluded=excluded)
    assert found is not None
    return [(seat["role"], seat["person"]) for seat in found["seats"]]


def test_the_usual_signer_of_entity_and_amount_is_named() -> None:
    own = [signed("reviewer:ann") for _ in range(4)]
    others = [signed("reviewer:bob", entity="FR01") for _ in range(9)] + [
        signed("reviewer:cid", amount="90000") for _ in range(9)
    ]
    assert people(ground(*own, *others, reviewer=1)) == [("reviewer", "ann")]
    assert people(ground(*own, *others, reviewer=1, amount="95000")) == [("reviewer", "cid")]


def test_who_initiated_it_who_left_and_who_sits_already_are_passed_over() -> None:
    recorded = [signed("reviewer:ann"), *[signed("reviewer:bob")] * 2, signed("reviewer:-cid"), signed("reviewer:-cid")]
    assert people(ground(*recorded, reviewer=1)) == [("reviewer", "bob")]
    assert people(ground(*recorded, reviewer=1), "bob") == [("reviewer", "ann")]
    assert people(ground(*recorded, reviewer=3)) == [("reviewer", "bob"), ("reviewer", "ann"), ("reviewer", None)]


def test_nobody_sits_twice_in_different_roles() -> None:
    both = [signed("controller:ann", "reviewer:ann") for _ in range(3)]
    assert people(ground(*both, reviewer=1, controller=1)) == [("controller", "ann"), ("reviewer", None)]


def test_a_seat_that_people_usually_add_is_recommended_and_one_now_and_then_is_not() -> None:
    usually = [signed("reviewer:ann", "controller:eve")] * 4 + [signed("reviewer:ann")]
    assert people(ground(*usually, reviewer=1)) == [("controller", "eve"), ("reviewer", "ann")]
    rarely = [signed("reviewer:ann", "controller:eve")] + [signed("reviewer:ann")] * 4
    assert people(ground(*rarely, reviewer=1)) == [("reviewer", "ann")]


def test_of_too_few_cases_nothing_is_learned() -> None:
    found = route_of(
        ground(*[signed("reviewer:ann", "controller:eve")] * 2, reviewer=2),
        action="hold_payment", risk="normal", entity="DE01", excluded=(),
    )  # fmt: skip
    assert found is not None
    assert [(seat["role"], seat["person"]) for seat in found["seats"]] == [("reviewer", None), ("reviewer", None)]
    assert "too few" in found["basis"]


def test_where_the_matrix_was_not_asked_there_is_no_route() -> None:
    assert route_of(Ground(), action="hold_payment", risk="low", entity="DE01", excluded=()) is None
    assert route_of(ground(reviewer=1), action="release_payment", risk="low", entity="DE01", excluded=()) is None


ROLES = ("reviewer", "controller", "administrator")
_ROUTES = st.lists(
    st.builds(
        lambda seats, entity, amount, action: signed(*seats, entity=entity, amount=amount, action=action),
        st.lists(
            st.tuples(st.sampled_from(ROLES), st.sampled_from(["ann", "bob", "-cid", "eve"])).map(":".join), max_size=4
        ),
        st.sampled_from(["DE01", "FR01"]),
        st.sampled_from([None, "0", "-70", "1000", "90000"]),
        st.sampled_from(["hold_payment", "refer_to_person"]),
    ),
    max_size=12,
)


@given(_ROUTES, st.dictionaries(st.sampled_from(ROLES), st.integers(1, 3), min_size=1), st.sampled_from([None, "1000"]))
def test_never_fewer_seats_than_demanded_and_nobody_twice(
    recorded: list[Route], demanded: dict[str, int], amount: str | None
) -> None:
    found = people(ground(*recorded, amount=amount, **demanded), "bob")
    seats = Counter(role for role, _ in found)
    assert all(seats[role] >= count for role, count in demanded.items())
    named = [person for _, person in found if person]
    assert len(named) == len(set(named))
    assert not {"bob", "cid"} & set(named)


@given(
    st.lists(st.sampled_from([None, "0", "-5", "1000", "1e9"]), min_size=1, max_size=6),
    st.sampled_from([None, "0", "100", "1e12"]),
    st.builds(
        Sight, st.sampled_from([-3.0, 0.2, 9.0]), *[st.sampled_from([0.02, 1.0])] * 3, st.sampled_from([1.0, 1e9])
    ),
)
def test_a_weight_is_a_share(left: list[str | None], right: str | None, sight: Sight) -> None:
    habits = Habits([signed("reviewer:ann", amount=one) for one in left])
    asked = None if right is None else Decimal(right)
    weights = habits.weights(sight, About("hold_payment", "DE01", "", asked))
    assert weights.shape == (len(left),)
    assert ((weights >= 0.0) & (weights <= 1.0)).all()


def test_what_tells_people_apart_is_learned() -> None:
    by_size = [signed("reviewer:ann" if at % 2 else "reviewer:bob", entity=("DE01", "FR01")[at % 3 == 0],
                      amount=str(1900 + at) if at % 2 else str(2100 + at)) for at in range(80)]  # fmt: skip
    assert people(ground(*by_size, amount="1990", reviewer=1)) == [("reviewer", "ann")]
    assert people(ground(*by_size, amount="2150", reviewer=1)) == [("reviewer", "bob")]
    changed = [signed("reviewer:new")] * 40 + [signed("reviewer:old")] * 60
    assert people(ground(*changed, reviewer=1)) == [("reviewer", "new")], "who took over lately signs the next one"


def test_of_a_type_that_is_rare_its_queue_says_who_signs() -> None:
    others = Habits([signed("reviewer:ann")] * 60, ["price_variance"] * 60).learned()
    rare = Ground(Habits([signed("reviewer:bob")] * 2), ground(reviewer=1).demand, others, "dispute")
    found = route_of(rare, action="hold_payment", risk="normal", entity="DE01", excluded=())
    assert found is not None
    assert found["seats"][0]["person"] == "ann"
    assert "of this queue" in found["basis"]
