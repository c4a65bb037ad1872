"""Precedents: are the nearest ones found, do they say what was right, and who will sign?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from agents.context import case_words
from agents.habits import Habits
from agents.route import route_of
from agents.routes_read import ANY, MOST_ROUTES, Ground
from evals.bench_precedents import MOST, Recalled, cold, planted, recalled, texts
from evals.cases import Books
from evals.datasets import held_out, sized
from evals.results import Dots, Metric, SuiteResult, Table, words
from evals.route_firms import FIRMS, firm
from evals.route_habits import Company, Signing, company
from evals.scorers import mean, resampled
from evals.suites import Options
from governance.gate import Question, required_seats
from governance.matrix import Policy
from governance.policy import standard_policy
from governance.record.precedents import EXACT, Demand, Route, Signed
from models.embedding import Embedder
from models.precedents import nearest
from models.synthetic import company_month

CASES, EXCEPTIONS, SIGNINGS, COLD = 100_000, 400, 2400, 100
_ABOUT = (
    "Filtered: of many decided cases of three tenants in a Postgres, the three nearest of the asker's tenant and type, "
    "beside a comparison with all of them; as it is set up, and with every question put to the index. Skewed: three "
    "quarters are of one type. Cold: the first questions after the server started, its files not in memory. Agreeing: "
    "of the three nearest made-up cases of a type, those in which the same was right. Routes: in five made-up firms, "
    "the seats and people of the next cases foretold from those on record; no company's own record is among them. "
    "Intervals are over cases."
)


def run(options: Options) -> SuiteResult:
    encoder = Embedder(threads=1)
    found = _recalled(encoder, options)
    policy = standard_policy()
    seed, count, least = held_out(options.seed, 910), sized(SIGNINGS, options.scale, 600), _demanded(policy)
    companies = [
        *(company(name, seed, count, least) for name in ("steady", "restless")),
        *(firm(name, seed, count, least) for name in FIRMS),
    ]
    foretold = {one.name: _foretold(one, policy) for one in companies}
    metrics = [
        *(metric for name, one in found.items() for metric in _recall_metrics(name, one, options)),
        _agreeing(encoder, options),
        *(metric for name, made in foretold.items() for metric in _route_metrics(f"routes_{name}", made, options)),
        *_route_metrics("routes", [one for made in foretold.values() for one in made], options),
    ]
    return SuiteResult(
        suite="precedents",
        about=_ABOUT,
        metrics=metrics,
        plots=[
            Dots(
                "Found and foretold",
                "Shares with their intervals; the goal of recall is 0.95, that of routes 0.85.",
                "share",
                [
                    (f"{words(one.dataset)}: {words(one.name)}", one.value, one.low, one.high)
                    for one in metrics
                    if not one.is_time
                ],
            )
        ],
        tables=[_missed(name, made) for name, made in foretold.items()],
        notes=[
            f"{name}: {one.cases:,} precedents of {one.kinds} types, {one.largest:,} of the largest; {one.indexed:.0%} "
            "of the questions are answered by the index"
            for name, one in found.items()
        ]
        + [f"a type with more than {EXACT:,} is searched by the index; companies and their habits are made up"],
    )


def _recalled(encoder: Embedder, options: Options) -> dict[str, Recalled]:
    """Two records, one after the other: to make them takes most of the suite's time."""
    cases, asked = sized(CASES, options.scale, 2000), sized(1000, options.scale, 100)
    said = texts(encoder, held_out(options.seed, 900))
    found = {}
    with planted(cases, said, held_out(options.seed, 901), asked=asked) as (ground, of):
        found["filtered"] = recalled(ground, of, EXACT)
        found["by_index"] = recalled(ground, of, 0)
        found["cold"] = cold(ground, of, EXACT, COLD)
    with planted(cases, said, held_out(options.seed, 902), skewed=True, asked=asked) as (ground, of):
        found["skewed"] = recalled(ground, of, EXACT)
        found["skewed_cold"] = cold(ground, of, EXACT, COLD)
    return found


def _recall_metrics(dataset: str, found: Recalled, options: Options) -> list[Metric]:
    shares = np.array(found.shares)
    groups = [str(at) for at in range(len(shares))]
    recall = resampled(lambda at: mean(shares[at]), groups, options.seed, options.resamples)
    return [
        Metric(dataset, "recall_at_3", recall.value, recall.low, recall.high, found.asked),
        Metric(dataset, "p50", found.p50, count=found.asked, unit="ms"),
        Metric(dataset, "p95", found.p95, count=found.asked, unit="ms"),
    ]


def _agreeing(encoder: Embedder, options: Options) -> Metric:
    """Of the three nearest of a type, how many had the right action in common with the case."""
    month = company_month(
        held_out(options.seed, 920), suppliers=60, customers=30, invoices=sized(400, options.scale, 120),
        exceptions=sized(EXCEPTIONS, options.scale, 120), mail=0,
    )  # fmt: skip
    books = Books(month, standard_policy())
    vectors = encoder.encode([case_words(books.brief(one)) for one in month.exceptions])
    kinds = [(one.queue, one.exception_type) for one in month.exceptions]
    shares = []
    for at, case in enumerate(month.exceptions):
        same = [other for other, kind in enumerate(kinds) if kind == kinds[at] and other != at]
        near = nearest(vectors[at], vectors[same], MOST)
        if near:
            hits = [month.exceptions[same[row]].action == case.action for row, _ in near]
            shares.append(sum(hits) / len(hits))
    values = np.array(shares)
    groups = [str(at) for at in range(len(values))]
    found = resampled(lambda at: mean(values[at]), groups, options.seed, options.resamples)
    return Metric("agreeing", "same_action_at_3", found.value, found.low, found.high, len(values))


def _demanded(policy: Policy) -> dict[str, dict[str, int]]:
    """The least that the matrix asks for, whatever the amount."""
    names = {name for flow in policy.workflows for name in flow.actions}
    return {one: required_seats(policy, Question(one, Decimal(1), "normal", "DE01", "EU")) for one in names}


Foretold = tuple[Signing, dict[str, int], list[tuple[str, str | None]]]
"""A next case: with the seats that the matrix demands, and the route that is recommended."""


def _foretold(of: Company, policy: Policy) -> list[Foretold]:
    recorded: dict[tuple[str, str], list[Route]] = {}
    for number, one in enumerate(of.past):
        seats = tuple(Signed(role, who, who not in of.gone) for role, who in one.seats)
        route = Route(f"past-{number}", one.action, one.entity, one.amount, "normal", seats, one.kind[1])
        for kind in (one.kind, (one.kind[0], ANY)):
            recorded.setdefault(kind, []).insert(0, route)
    habits = {kind: _habits(found[:MOST_ROUTES]) for kind, found in recorded.items()}
    made = []
    for one in of.next:
        asked = required_seats(policy, Question(one.action, one.amount, "normal", one.entity, "EU"))
        ground = Ground(
            habits.get(one.kind, Habits()),
            Demand(one.amount, {(one.action, "normal"): asked}),
            habits.get((one.kind[0], ANY), Habits()),
            one.kind[1],
        )
        said = route_of(ground, action=one.action, risk="normal", entity=one.entity, excluded=())
        assert said is not None, "the matrix was asked about every action"
        made.append((one, asked, [(seat["role"], seat["person"]) for seat in said["seats"]]))
    return made


def _habits(recorded: Sequence[Route]) -> Habits:
    return Habits(tuple(recorded), tuple(one.kind for one in recorded)).learned()


def _route_metrics(dataset: str, made: Sequence[Foretold], options: Options) -> list[Metric]:
    groups = [str(at) for at in range(len(made))]

    def share(name: str, hits: Sequence[bool]) -> Metric:
        values = np.array(hits, dtype=float)
        found = resampled(lambda at: mean(values[at]), groups, options.seed, options.resamples)
        return Metric(dataset, name, found.value, found.low, found.high, len(values))

    return [
        share("roles_top_1", [_roles(one, asked) == Counter(role for role, _ in said) for one, asked, said in made]),
        share("people_top_1", [Counter(_wanted(one, asked)) == Counter(said) for one, asked, said in made]),
        share("not_below_the_matrix", [
            all(Counter(role for role, _ in said)[role] >= count for role, count in asked.items())
            for _, asked, said in made
        ]),
    ]  # fmt: skip


def _wanted(one: Signing, asked: dict[str, int]) -> list[tuple[str, str | None]]:
    """Who signed, in the shape of a route: people who stand in are nobody's habit and cannot be foretold."""
    return list(one.seats) if len(one.seats) >= sum(asked.values()) else []


def _roles(one: Signing, asked: dict[str, int]) -> Counter[str]:
    signed = Counter(role for role, _ in one.seats)
    return signed | Counter(asked)


def _missed(name: str, made: Sequence[Foretold]) -> Table:
    counts = Counter(
        (
            one.kind[1],
            one.action,
            " + ".join(who for _, who in one.seats),
            " + ".join(who or role for role, who in said),
        )
        for one, asked, said in made
        if Counter(_wanted(one, asked)) != Counter(said)
    )
    rows = [
        (words(kind), words(action), signed, said, count)
        for (kind, action, signed, said), count in counts.most_common(12)
    ]
    return Table(
        f"Routes that went another way: the company {words(name)}",
        ("exception", "action", "signed", "recommended", "cases"),
        rows,
    )
