"""Cases with a known cause through the agent's own nodes: what was planted, what the agent says, does and writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from agents.ceiling import ceiling
from agents.diagnose import foreign_account
from agents.state import State, View
from evals.cases import Triaged, likely_twins, through, triaged
from evals.causes_stage import TODAY, PlantedCause
from evals.datasets import held_out, sized
from evals.suites import Options
from governance.action import CATALOGUE
from governance.matrix import Policy
from governance.policy import standard_policy
from governance.record.queue import Brief
from models.synthetic import CompanyMonth, PlantedException, company_month
from models.synthetic_watched import other_exceptions

CASES, OTHERS = 900, 10
FIRST = "demo_company"


@dataclass(frozen=True, slots=True)
class Judged:
    """One planted case and what the agent made of it. `support`: for each cause but unknown, is it backed up?

    `right_action`: None where the maker plants none. `letter`: whether there is one, None where the action sends none;
    `letter_asked`: the first choice would have sent one. `inside`: the action is not above the type's risk class.
    """

    maker: str
    queue: str
    exception_type: str
    group: str
    planted: str
    said: str
    missed: frozenset[str]
    contributing: int
    support: tuple[bool, ...]
    action: str
    right_action: bool | None
    letter: bool | None
    inside: bool

    @property
    def right(self) -> bool:
        return self.planted == self.said


def first_month(options: Options, number: int) -> CompanyMonth:
    """The demo company with cases of all types of policy. `number`: of the stream that it is drawn from."""
    month = company_month(
        held_out(options.seed, number), suppliers=60, customers=30, invoices=sized(400, options.scale, 120),
        exceptions=sized(CASES, options.scale, 60), mail=0,
    )  # fmt: skip
    return replace(month, exceptions=[*month.exceptions, *_others(month, sized(OTHERS, options.scale, 2))])


def _others(month: CompanyMonth, rounds: int) -> Iterator[PlantedException]:
    """The types that a month has none of, `rounds` times, each drawn anew from the same books."""
    for at in range(rounds):
        for one in other_exceptions(replace(month, seed=month.seed + 7919 * at)):
            key = f"{one.source_key}-{at}"
            yield replace(one, source_key=key, row={**one.row, "source_key": key})


def first(options: Options) -> tuple[list[Judged], list[Triaged]]:
    """The demo company's cases, judged and as the agent saw them."""
    cases = triaged(first_month(options, 900), options.bundle.pair_scorer, standard_policy())
    return [_judged_first(one) for one in cases], cases


def _judged_first(one: Triaged) -> Judged:
    state: State = {"choice": one.choice, "letter": one.letter}
    return _judged(FIRST, one.planted.source_key, one.planted.cause, frozenset(), one.view, state,
                   one.planted.action)  # fmt: skip


def by_stories(maker: str, planted: Sequence[PlantedCause], options: Options) -> list[Judged]:
    """Stories of another maker through the agent's nodes, under the standard policy."""
    briefs = [under_policy(one.brief, standard_policy()) for one in planted]
    booked = [invoice for one in planted for invoice in one.ledger]
    twins = likely_twins(briefs, booked, options.bundle.pair_scorer) if booked else {}
    return [
        _judged(maker, one.mechanism, one.cause, one.contributing, view, state, None)
        for one, (view, state) in zip(planted, through(briefs, TODAY, twins=twins), strict=True)
    ]


def under_policy(brief: Brief, policy: Policy) -> Brief:
    """The case with what policy allows for its type."""
    facts = brief.facts
    flow = next(
        one for one in policy.workflows if (one.queue, one.exception_type) == (facts.queue, facts.exception_type)
    )
    actions = ("refer_to_person", *(name for name in flow.actions if name != "refer_to_person"))
    return replace(brief, allowed_actions=actions, plan=flow.plan, mode=policy.modes[facts.queue])


def _judged(
    maker: str,
    group: str,
    planted: str,
    contributing: frozenset[str],
    view: View,
    state: State,
    right_action: str | None,
) -> Judged:
    said: Mapping[str, object] = view.cause
    reasons = said["reasons"] if isinstance(said["reasons"], list) else []
    named = {str(said["primary"]), *(str(one["cause"]) for one in reasons)}
    facts, action = view.brief.facts, str(state["choice"]["action"]["name"])
    return Judged(
        maker=maker,
        queue=facts.queue,
        exception_type=str(facts.exception_type),
        group=group,
        planted=planted,
        said=str(said["primary"]),
        missed=contributing - named,
        contributing=len(contributing),
        support=tuple(bool(one["facts"] and one["refuted_by"]) for one in reasons if one["cause"] != "unknown"),
        action=action,
        right_action=None if right_action is None else right_action == action,
        letter=state["letter"]["draft"] is not None if CATALOGUE[action].effect == "mail" else None,
        inside=_inside(view, action),
    )


def _inside(view: View, action: str) -> bool:
    most = ceiling(view.brief.facts.exception_type, view.brief.plan.judgement)
    return CATALOGUE[action].risk_class <= most or foreign_account(view)
