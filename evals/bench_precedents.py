"""How well and how fast precedents are found among many, beside a comparison with every one of them.

Texts are those of made-up cases as the agent embeds them, so that many are equal, as in a real company. Half of the
vectors get some noise, for real texts differ in more than a generator thinks of.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agents.context import Encoder, case_words
from evals.cases import Books
from evals.ground import TENANT, Ground, record, restarted
from governance.policy import standard_policy
from governance.record import precedents
from governance.record.precedents_load import Loaded, load_precedents
from models.synthetic import company_month

MOST, ASKED, TENANTS = 3, 200, (TENANT, "other", "third")
"""The first tenant has four fifths of the precedents."""
SKEW = 0.75
"""Share of a tenant's precedents that are of one type, where types are skewed: 60,000 of 100,000 are."""
_TIE = 1e-3  # the record keeps half precision
_BASE, _NOISE = 1200, 0.02

Floats = NDArray[np.float32]
Kind = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Recalled:
    """Times in ms a case. shares: for each case, how much of the three nearest of tenant and type was found, or others
    as near. indexed: share of the cases whose type is searched by the index. kinds: how many types there are; largest:
    precedents of the largest."""

    cases: int
    asked: int
    kinds: int
    largest: int
    p50: float
    p95: float
    longest: float
    shares: tuple[float, ...]
    indexed: float

    @property
    def recall(self) -> float:
        return statistics.fmean(self.shares)


@dataclass(frozen=True, slots=True)
class Texts:
    """Cases as the agent embeds them."""

    kinds: Sequence[Kind]
    vectors: Floats


@dataclass(frozen=True, slots=True)
class Planted:
    """The precedents of the tenant that asks, by kind; and what is asked. seconds: how long it took to plant them."""

    ids: Mapping[Kind, Sequence[str]]
    vectors: Mapping[Kind, Floats]
    asked: Sequence[tuple[Kind, Floats]]
    cases: int
    seconds: float


def texts(encoder: Encoder, seed: int) -> Texts:
    month = company_month(seed, suppliers=60, customers=40, invoices=400, exceptions=_BASE, mail=0)
    books = Books(month, standard_policy())
    briefs = [books.brief(one) for one in month.exceptions]
    vectors = np.asarray(encoder.encode([case_words(one) for one in briefs]), dtype=np.float32)
    return Texts([(one.facts.queue, one.facts.exception_type or "") for one in briefs], vectors)


@contextlib.contextmanager
def planted(
    cases: int, said: Texts, seed: int, *, skewed: bool = False, asked: int = ASKED
) -> Iterator[tuple[Ground, Planted]]:
    """A record with `cases` precedents of three tenants, and questions by the first. `skewed`: most are of one type."""
    with record() as ground:
        started = time.perf_counter()
        made = _plant(ground.owner_url, cases, said, seed, skewed, asked)
        took = time.perf_counter() - started
        yield ground, Planted(made.ids, made.stacked(), made.asked, cases, took)


def recalled(
    ground: Ground, of: Planted, exact: int, questions: Sequence[tuple[Kind, Floats]] | None = None
) -> Recalled:
    """Every question asked and judged. `exact`: see precedents.recall."""
    times, shares, indexed = [], [], []
    with ground.database.transaction("agent", ground.tokens["agent"]):
        pass  # the connection is there when the first is asked
    for number, (kind, vector) in enumerate(of.asked if questions is None else questions):
        question = (f"question-{number}", *kind, vector.tolist())
        started = time.perf_counter()
        with ground.database.transaction("agent", ground.tokens["agent"]) as conn:
            found = precedents.recall(conn, [question], most=MOST, exact=exact)[question[0]]
        times.append((time.perf_counter() - started) * 1000)
        similar = dict(zip(of.ids[kind], (of.vectors[kind] @ vector).tolist(), strict=True))
        shares.append(found_share(similar, [one.case_id for one in found]))
        indexed.append(len(similar) > exact)
    return Recalled(
        cases=of.cases,
        asked=len(times),
        kinds=len(of.ids),
        largest=max(map(len, of.ids.values())),
        p50=statistics.median(times),
        p95=statistics.quantiles(times, n=20, method="inclusive")[-1],
        longest=max(times),
        shares=tuple(shares),
        indexed=statistics.fmean(indexed),
    )


def cold(ground: Ground, of: Planted, exact: int, asked: int) -> Recalled:
    """The first questions to a server that has just started, whose files are not in memory. The last thing to ask."""
    with restarted(ground) as again:
        return recalled(again, of, exact, of.asked[:asked])


def found_share(similarities: Mapping[str, float], found: Sequence[str]) -> float:
    """How many of the `MOST` nearest were found; one as near as the last of them counts as one of them."""
    best = sorted(similarities.values(), reverse=True)[:MOST]
    if not best:
        return 1.0
    good = sum(similarities.get(case_id, -2.0) >= best[-1] - _TIE for case_id in set(found))
    return min(good, len(best)) / len(best)


@dataclass(slots=True)
class _Own:
    ids: dict[Kind, list[str]] = field(default_factory=dict)
    vectors: dict[Kind, list[Floats]] = field(default_factory=dict)
    asked: list[tuple[Kind, Floats]] = field(default_factory=list)

    def add(self, kind: Kind, case_id: str, vector: Floats) -> None:
        self.ids.setdefault(kind, []).append(case_id)
        self.vectors.setdefault(kind, []).append(vector)

    def stacked(self) -> dict[Kind, Floats]:
        return {kind: np.stack(found) for kind, found in self.vectors.items()}


def _plant(owner_url: str, cases: int, said: Texts, seed: int, skewed: bool, asked: int) -> _Own:
    rng = np.random.default_rng(seed)
    own = _Own()
    ((most, _),) = Counter(said.kinds).most_common(1)
    usual = np.array([at for at, kind in enumerate(said.kinds) if kind == most])
    others = np.array([at for at, kind in enumerate(said.kinds) if kind != most])

    def drawn() -> int:
        if not skewed:
            return int(rng.integers(len(said.kinds)))
        return int(rng.choice(usual if rng.random() < SKEW else others))

    def rows() -> Iterator[Loaded]:
        for number in range(cases):
            at = drawn()
            vector = _unlike(said.vectors[at], rng) if rng.random() < 0.5 else said.vectors[at]
            tenant = TENANTS[0] if rng.random() < 0.8 else TENANTS[1 + number % 2]
            case_id = f"case-{number}"
            if tenant == TENANTS[0]:
                own.add(said.kinds[at], case_id, vector)
            yield Loaded(tenant, case_id, *said.kinds[at], vector.tolist())

    load_precedents(owner_url, rows(), TENANTS)
    chosen = [drawn() for _ in range(asked)]
    own.asked = [(said.kinds[at], _unlike(said.vectors[at], rng)) for at in chosen if said.kinds[at] in own.ids]
    return own


def _unlike(vector: Floats, rng: np.random.Generator) -> Floats:
    made = vector + rng.normal(0.0, _NOISE, size=vector.shape)
    return np.asarray(made / np.linalg.norm(made), dtype=np.float32)
