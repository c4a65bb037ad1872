"""A finder's pairs held against the truth of a ledger, and the figures that follow. What is never proposed is a miss.

An alert is a row that a person is asked to look at: the later row of a reported pair, once, however many pairs it is
in. A pair that the truth sets aside is neither right nor wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from evals import scorers
from evals.duplicate_ledgers import RENUMBERED, Pair, Planted, ordered
from evals.results import Metric
from evals.scorers import Floats, Interval, Ints, mean, resampled
from evals.suites import Options
from models.blocking import Keys, Pairs, candidate_pairs
from models.duplicates import RENUMBERED_THRESHOLD, DuplicatePair, Invoice, PairScorer, find_duplicates

LEAST = 0.01
"""Below this probability a pair is taken as not found: nobody would ever be shown it."""
THRESHOLD = 0.5
"""From which probability `countersign duplicates` reports a pair."""
BAND = (0.1, 0.9)
RECALL = 0.95
LOST, UNFOUND = -1.0, 0.0


@dataclass(frozen=True, slots=True)
class Scored:
    """Pairs of one kind of ledger, (n,) each: what a finder proposed, and the true pairs that it did not.

    probability: UNFOUND where a true pair is a candidate without a probability worth showing, LOST where it is none.
    vendor: of the later row. kind: the class of a true pair, '' for others. said: what the finder calls the pair.
    record: the later row. lookalike: kind of look-alike that both rows are part of, ''. own: neither row was planted,
    in a ledger whose own duplicates nobody knows. invoices: count by vendor.
    candidates: proposed pairs, None where the finder does not say. lookalikes: rows by kind of look-alike.
    """

    name: str
    complete: bool
    probability: Floats
    vendor: list[str]
    kind: list[str]
    said: list[str]
    renumbered: list[bool]
    record: Ints
    lookalike: list[str]
    own: list[bool]
    invoices: dict[str, int]
    lookalikes: dict[str, int]
    candidates: int | None

    @property
    def truth(self) -> Ints:
        return np.array([bool(kind) for kind in self.kind], dtype=np.int64)

    @property
    def size(self) -> int:
        """How many invoices."""
        return sum(self.invoices.values())

    def kept(self, rows: Ints) -> Scored:
        """Some of its pairs."""
        return replace(
            self,
            probability=self.probability[rows],
            record=self.record[rows],
            vendor=[self.vendor[at] for at in rows],
            kind=[self.kind[at] for at in rows],
            said=[self.said[at] for at in rows],
            renumbered=[self.renumbered[at] for at in rows],
            lookalike=[self.lookalike[at] for at in rows],
            own=[self.own[at] for at in rows],
        )


@dataclass(frozen=True, slots=True)
class Found:
    """A pair that a finder reports. `said`: what kind it takes it for. `renumbered`: it waits in that queue."""

    pair: Pair
    probability: float
    said: str = ""
    renumbered: bool = False


def is_shown(one: Scored) -> NDArray[np.bool_]:
    """Whether the product reports a pair: its threshold, or that of the queue of renumbered invoices."""
    bar = np.where(one.renumbered, min(THRESHOLD, RENUMBERED_THRESHOLD), THRESHOLD)
    return np.asarray(one.probability >= bar)


def vendor_name(one: Invoice) -> str:
    return one.vendor_id or one.vendor_name.casefold()


def ours(ledger: Planted, scorer: PairScorer) -> tuple[list[Found], frozenset[Pair]]:
    """What the product finds in a ledger, and what its blocking proposes."""
    rows = ledger.rows
    proposed: set[Pair] = set()

    def join(left: Keys, right: Keys | None = None) -> Pairs:
        pairs = candidate_pairs(left, right)
        proposed.update((int(one), int(two)) for one, two in pairs)
        return pairs

    pairs = find_duplicates(ledger.invoices, scorer, threshold=LEAST, renumbered=LEAST, join=join,
                            rates=ledger.rates)  # fmt: skip
    return [found(one, rows) for one in pairs], frozenset(proposed)


def found(one: DuplicatePair, rows: Mapping[str, int]) -> Found:
    pair = ordered(rows[one.left_id], rows[one.right_id])
    return Found(pair, one.probability, one.kind, one.queue == RENUMBERED)


def scored(ledger: Planted, reported: Iterable[Found], proposed: frozenset[Pair] | None = None) -> Scored:
    """A finder's pairs beside the truth. `proposed`: its candidates, where it names them."""
    pairs = [one for one in reported if one.pair not in ledger.aside]
    seen = {one.pair for one in pairs}
    there = seen if proposed is None else proposed
    pairs += [Found(pair, UNFOUND if pair in there else LOST) for pair in ledger.twins if pair not in seen]
    look = {row: kind for kind, rows in ledger.lookalikes.items() for row in rows}
    vendors = [vendor_name(one) for one in ledger.invoices]
    days = [one.posting_date or one.invoice_date for one in ledger.invoices]

    def later(pair: Pair) -> int:
        first, second = (days[row] for row in pair)
        return pair[0] if first is not None and second is not None and first > second else pair[1]

    record = [later(one.pair) for one in pairs]
    copies = {right for _, right in ledger.twins}
    return Scored(
        name=ledger.name,
        complete=ledger.complete,
        probability=np.array([one.probability for one in pairs], dtype=float),
        vendor=[vendors[row] for row in record],
        kind=[ledger.twins.get(one.pair, "") for one in pairs],
        said=[one.said for one in pairs],
        renumbered=[one.renumbered for one in pairs],
        record=np.array(record, dtype=np.int64),
        lookalike=[_shared(look, one.pair) for one in pairs],
        own=[not ledger.complete and not copies & set(one.pair) for one in pairs],
        invoices=dict(Counter(vendors)),
        lookalikes={kind: len(rows) for kind, rows in ledger.lookalikes.items()},
        candidates=None if proposed is None else len(proposed),
    )


def _shared(look: Mapping[int, str], pair: Pair) -> str:
    first, second = (look.get(row, "") for row in pair)
    return first if first == second else ""


def merged(parts: Sequence[Scored]) -> Scored:
    """Ledgers of one kind as one; their vendors and rows stay apart."""
    starts = np.cumsum([0, *(one.size for one in parts[:-1])])
    lookalikes: Counter[str] = Counter()
    for one in parts:
        lookalikes.update(one.lookalikes)
    counts = [one.candidates for one in parts]
    return Scored(
        name=parts[0].name,
        complete=all(one.complete for one in parts),
        probability=np.concatenate([one.probability for one in parts]),
        vendor=[f"{at} {vendor}" for at, one in enumerate(parts) for vendor in one.vendor],
        kind=[kind for one in parts for kind in one.kind],
        said=[said for one in parts for said in one.said],
        renumbered=[is_so for one in parts for is_so in one.renumbered],
        record=np.concatenate([one.record + start for one, start in zip(parts, starts, strict=True)]),
        lookalike=[kind for one in parts for kind in one.lookalike],
        own=[is_so for one in parts for is_so in one.own],
        invoices={f"{at} {vendor}": count for at, one in enumerate(parts) for vendor, count in one.invoices.items()},
        lookalikes=dict(lookalikes),
        candidates=None if None in counts else sum(count or 0 for count in counts),
    )


# Figures -----------------------------------------------------------------------------------------------------------


def pr_auc(truth: Ints, probability: Floats) -> float | None:
    """Area under the precision-recall curve over what was found; what was not found adds nothing."""
    if not len(truth) or not truth.any():
        return None
    shown = probability >= LEAST
    return (scorers.average_precision(truth[shown], probability[shown]) or 0.0) * _reach(truth, shown)


def recall_at(truth: Ints, probability: Floats, precision: float) -> float | None:
    """The largest recall at any threshold of at least this precision, of all true pairs."""
    if not len(truth) or not truth.any():
        return None
    shown = probability >= LEAST
    return (scorers.recall_at_precision(truth[shown], probability[shown], precision) or 0.0) * _reach(truth, shown)


def _reach(truth: Ints, shown: NDArray[np.bool_]) -> float:
    return float(truth[shown].sum() / truth.sum())


def alert_curve(one: Scored) -> list[tuple[float, float, float]]:
    """(recall of planted rows, alerts per 1,000 invoices, probability) at every threshold, strictest first."""
    truth = one.truth
    planted = len(set(one.record[truth == 1].tolist()))
    hit: set[int] = set()
    alerts: set[int] = set()
    points: list[tuple[float, float, float]] = []
    order = [int(at) for at in np.argsort(-one.probability, kind="stable") if one.probability[at] >= LEAST]
    for position, at in enumerate(order):
        alerts.add(int(one.record[at]))
        if truth[at]:
            hit.add(int(one.record[at]))
        last = position + 1 == len(order) or one.probability[order[position + 1]] < one.probability[at]
        if last and planted:
            points.append((len(hit) / planted, 1000 * len(alerts) / one.size, float(one.probability[at])))
    return points


def alerts_at_recall(one: Scored, recall: float = RECALL) -> float | None:
    """Fewest alerts per 1,000 invoices at which so many planted rows are found; None where they never are."""
    return next((alerts for found, alerts, _ in alert_curve(one) if found >= recall), None)


def main_queue(one: Scored) -> Scored:
    """Without the queue of renumbered invoices and without what only that queue promises."""
    return one.kept(
        np.array(
            [at for at in range(len(one.kind)) if not one.renumbered[at] and one.kind[at] != RENUMBERED],
            dtype=np.int64,
        )
    )


def class_names(one: Scored) -> list[str]:
    return sorted({kind for kind in one.kind if kind})


def share(right: Floats, groups: Sequence[str], options: Options) -> Interval:
    """A share with its interval over vendors."""
    return resampled(lambda at: mean(right[at]), groups, options.seed, options.resamples)


def measured(one: Scored, options: Options) -> list[Metric]:
    """The figures of one kind of ledger; precision where every pair of it is known or taken as known."""
    truth, probability = one.truth, one.probability
    planted = np.flatnonzero(truth)
    everything = np.arange(len(truth))

    def metric(name: str, statistic: Callable[[Ints], float | None], rows: Ints) -> Metric:
        groups = [one.vendor[at] for at in rows]
        seen = resampled(lambda at: statistic(rows[at]), groups, options.seed, options.resamples)
        return Metric(one.name, name, seen.value, seen.low, seen.high, len(rows))

    made = [
        metric("recall_planted", lambda at: mean((probability[at] >= THRESHOLD).astype(float)), planted),
        metric("candidate_recall", lambda at: mean((probability[at] > LOST).astype(float)), planted),
        metric("pr_auc", lambda at: pr_auc(truth[at], probability[at]), everything),
        metric("recall_at_precision_95", lambda at: recall_at(truth[at], probability[at], 0.95), everything),
        metric("recall_at_precision_99", lambda at: recall_at(truth[at], probability[at], 0.99), everything),
    ]
    if any(one.own):  # some of these are duplicates that nobody planted, so the truth lies between both figures
        known = np.flatnonzero([not is_so for is_so in one.own])
        made += [
            metric("pr_auc_own_pairs_aside", lambda at: pr_auc(truth[at], probability[at]), known),
            metric(
                "recall_at_precision_95_own_pairs_aside", lambda at: recall_at(truth[at], probability[at], 0.95), known
            ),
            metric(
                "recall_at_precision_99_own_pairs_aside", lambda at: recall_at(truth[at], probability[at], 0.99), known
            ),
        ]
    reported = np.flatnonzero(probability >= THRESHOLD)
    if len(reported):
        made.append(metric("precision", lambda at: mean(truth[at].astype(float)), reported))
    if one.candidates is not None:
        made.append(Metric(one.name, "candidates_per_invoice", one.candidates / one.size, count=one.size))
    return [*made, *_queues(one)]


def _queues(one: Scored) -> list[Metric]:
    """Alerts of both queues together, of the main one alone, and what the queue of renumbered invoices finds."""
    records = set(one.record[one.probability >= THRESHOLD].tolist())
    both, main = alert_curve(one), main_queue(one)
    made = [
        Metric(one.name, "alerts_per_1000", 1000 * len(records) / one.size, count=one.size),
        Metric(one.name, "alerts_at_recall_95", alerts_at_recall(one), count=one.size),
        Metric(one.name, "alerts_at_recall_95_main_queue", alerts_at_recall(main), count=one.size),
        Metric(one.name, "record_recall_reached", both[-1][0] if both else 0.0, count=int(one.truth.sum())),
    ]
    if main.truth.any():
        made.append(Metric(one.name, "pr_auc_main_queue", pr_auc(main.truth, main.probability), count=len(main.kind)))
    return made
