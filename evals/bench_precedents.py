"""How well and how fast precedents are found among many, beside a comparison with every one of them.

Texts are those of made-up cases as the agent embeds them, so that many are equal, as in a real company. Half of the
vectors get some noise, for real texts differ in more than a generator thinks of.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agents.context import Encoder, case_words
from evals.cases import Books
from evals.ground import TENANT, Ground, record
from governance.policy import standard_policy
from governance.record import precedents
from governance.record.precedents_load import Loaded, load_precedents
from models.synthetic import company_month

MOST, ASKED, TENANTS = 3, 200, (TENANT, "other", "third")
"""The first tenant has four fifths of the precedents."""
_TIE = 1e-3  # the record keeps half precision
_BASE, _NOISE = 1200, 0.02

Floats = NDArray[np.float32]
Kind = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Recalled:
    """Times in ms a case. shares: for each case, how much of the three nearest of tenant and type was found, or others
    as near. indexed: share of the cases whose type is searched by the index. kinds: how many types there are."""

    cases: int
    asked: int
    kinds: int
    p50: float
    p95: float
    longest: float
    shares: tuple[float, ...]
    indexed: float

    @property
    def recall(self) -> float:
        return statistics.fmean(self.shares)


@dataclass(frozen=True, slots=True)
class Planted:
    """The precedents of the tenant that asks, by kind; and what is asked."""

    ids: Mapping[Kind, Sequence[str]]
    vectors: Mapping[Kind, Floats]
    asked: Sequence[tuple[Kind, Floats]]


def recalled(
    cases: int, encoder: Encoder, seed: int, *, exact: Sequence[int] = (precedents.EXACT,), asked: int = ASKED
) -> list[Recalled]:
    """A record with `cases` precedents of three tenants; questions by the first, once for each of `exact`
    (see precedents.recall)."""
    with record() as ground:
        planted = _plant(ground.owner_url, cases, encoder, seed, asked)
        return [_asked(ground, planted, cases, limit) for limit in exact]


def _asked(ground: Ground, planted: Planted, cases: int, exact: int) -> Recalled:
    times, shares, indexed = [], [], []
    for number, (kind, vector) in enumerate(planted.asked):
        question = (f"question-{number}", *kind, vector.tolist())
        started = time.perf_counter()
        with ground.database.transaction("agent", ground.tokens["agent"]) as conn:
            found = precedents.recall(conn, [question], most=MOST, exact=exact)[question[0]]
        times.append((time.perf_counter() - started) * 1000)
        similar = dict(zip(planted.ids[kind], (planted.vectors[kind] @ vector).tolist(), strict=True))
        shares.append(found_share(similar, [one.case_id for one in found]))
        indexed.append(len(similar) > exact)
    return Recalled(
        cases=cases,
        asked=len(times),
        kinds=len(planted.ids),
        p50=statistics.median(times),
        p95=statistics.quantiles(times, n=20, method="inclusive")[-1],
        longest=max(times),
        shares=tuple(shares),
        indexed=statistics.fmean(indexed),
    )


def found_share(similarities: Mapping[str, float], found: Sequence[str]) -> float:
    """How many of the `MOST` nearest were found; one as near as the last of them counts as one of them."""
    best = sorted(similarities.values(), reverse=True)[:MOST]
    if not best:
        return 1.0
    good = sum(similarities.get(case_id, -2.0) >= best[-1] - _TIE for case_id in set(found))
    return min(good, len(best)) / len(best)


def _plant(owner_url: str, cases: int, encoder: Encoder, seed: int, asked: int) -> Planted:
    month = company_month(seed, suppliers=60, customers=40, invoices=400, exceptions=_BASE, mail=0)
    books = Books(month, standard_policy())
    briefs = [books.brief(one) for one in month.exceptions]
    base = np.asarray(encoder.encode([case_words(one) for one in briefs]), dtype=np.float32)
    kinds = [(one.facts.queue, one.facts.exception_type or "") for one in briefs]
    rng = np.random.default_rng(seed)
    own = _Own()

    def rows() -> Iterator[Loaded]:
        for number in range(cases):
            at = int(rng.integers(len(kinds)))
            vector = _unlike(base[at], rng) if rng.random() < 0.5 else base[at]
            tenant = TENANTS[0] if rng.random() < 0.8 else TENANTS[1 + number % 2]
            case_id = f"case-{number}"
            if tenant == TENANTS[0]:
                own.add(kinds[at], case_id, vector)
            yield Loaded(tenant, case_id, *kinds[at], vector.tolist())

    load_precedents(owner_url, rows(), TENANTS)
    chosen = rng.integers(len(kinds), size=asked)
    questions = [(kinds[at], _unlike(base[at], rng)) for at in chosen if kinds[at] in own.ids]
    vectors = {kind: np.stack(found) for kind, found in own.vectors.items()}
    return Planted(own.ids, vectors, questions)


@dataclass(slots=True)
class _Own:
    ids: dict[Kind, list[str]] = field(default_factory=dict)
    vectors: dict[Kind, list[Floats]] = field(default_factory=dict)

    def add(self, kind: Kind, case_id: str, vector: Floats) -> None:
        self.ids.setdefault(kind, []).append(case_id)
        self.vectors.setdefault(kind, []).append(vector)


def _unlike(vector: Floats, rng: np.random.Generator) -> Floats:
    made = vector + rng.normal(0.0, _NOISE, size=vector.shape)
    return np.asarray(made / np.linalg.norm(made), dtype=np.float32)
