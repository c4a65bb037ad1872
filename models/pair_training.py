"""What the pair scorer learns from: the candidate pairs of made-up ledgers whose duplicates are known.

Ledgers of one maker teach that maker's habits, and what a scorer learned of one fails at the next firm. So there are
several, written without sight of each other and of the features: the demo company, ledgers full of near misses
(models/pair_drills.py), towns and service firms (models/pair_town.py), works and shops (models/pair_works.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

from models.blocking import blocking_keys, candidate_pairs
from models.boosting import filled
from models.dated_rates import rated_features
from models.invoice import Invoice
from models.pair_columns import columns
from models.pair_context import LedgerContext
from models.pair_drills import drill
from models.pair_features import PAIR_FEATURES, family, renumbered_rows
from models.pair_scorer import LabelledLedger, PairScorer
from models.pair_town import DUPLICATE_CLASSES as TOWN_CLASSES
from models.pair_town import town_ledger
from models.pair_works import works_ledger
from models.pair_works_house import CLASSES as WORKS_CLASSES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

# Columns that many ledgers lack: the model must know how to do without them.
_OPTIONAL = (
    ("tax_same", "account_same"),
    ("order_same", "order_share", "order_count"),
    ("description_similarity", "description_digits_same", "description_share", "description_count"),
    ("posting_gap",),
    ("name_similarity",),
    ("entity_same", "entity_habit", "currency_same"),
)
_SEEN_AGAIN, _DULL_SHARE = 0.4, 0.2
_VENDORS, _COPIED = 50, 0.08
_ROWS, _PLANTED = 2000, 0.04
_CALLED = {
    "resubmitted": "exact", "other_vendor_record": "vendor", "other_entity": "entity", "amount": "penny",
}  # fmt: skip
"""The kinds of the company and the drills, where towns and works call them otherwise."""
_STRANGE_SHARE, _STRANGE_WEIGHT, _FEWEST = 0.3, 0.15, 5
_TRIED, _TREES, _EASY, _EASY_SHARE = 0.2, 25, -5.0, 0.05


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Labelled pairs. rows: (n, features). judged: those that are as a ledger has them."""

    rows: Floats
    labels: Ints
    groups: Ints
    weights: Floats
    judged: Flags

    def taken(self, at: NDArray[np.bool_], weights: Floats) -> _Pairs:
        """Some of the pairs, with other weights (of all pairs)."""
        return _Pairs(self.rows[at], self.labels[at], self.groups[at], weights[at], self.judged[at])


@dataclass(frozen=True, slots=True)
class _Ledger:
    """A ledger whose duplicates are known."""

    invoices: list[Invoice]
    duplicate_pairs: list[tuple[str, str, str]]


def training_pairs(month: LabelledLedger) -> tuple[Floats, Ints]:
    """The candidate pairs of a ledger whose duplicates are known: X (n, features), y (n,).

    Copies of one invoice duplicate each other too; the parts of a split invoice duplicate only the whole.
    """
    invoices = list(month.invoices)
    pairs = candidate_pairs(blocking_keys(invoices))
    table = columns(invoices, LedgerContext.fit(invoices))
    ids = [one.invoice_id for one in invoices]
    root = _clusters(ids, [(left, right) for left, right, kind in month.duplicate_pairs if kind != "split"])
    named = {frozenset((left, right)) for left, right, _ in month.duplicate_pairs}
    labels = np.array([root[a] == root[b] or frozenset((ids[a], ids[b])) in named for a, b in pairs], dtype=np.int64)
    return rated_features(table, pairs, None)[0], labels


def _clusters(ids: Sequence[str], pairs: Sequence[tuple[str, str]]) -> list[int]:
    """One number per invoice, the same for invoices that are linked directly or by way of others."""
    row = {invoice_id: at for at, invoice_id in enumerate(ids)}
    parent = list(range(len(ids)))

    def find(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for left, right in (pair for pair in pairs if pair[0] in row and pair[1] in row):
        parent[find(row[left])] = find(row[right])
    return [find(at) for at in range(len(ids))]


def without_optional(table: Floats, seed: int) -> Floats:
    """A copy in which optional columns are missing, each group of columns in half of the rows."""
    rng = np.random.default_rng(seed)
    masked = table.copy()
    for group in _OPTIONAL:
        rows = rng.random(len(table)) < 0.5
        for name in group:
            masked[rows, PAIR_FEATURES.index(name)] = np.nan
    return masked


def untellable(table: Floats) -> Flags:
    """(n,) True where amounts agree, but nothing that is particular to one bill does: nobody could know.

    An order or a text that the vendor puts on half of its bills or more is not particular to one.
    """
    number, order, orders, text, texts, amount = (
        table[:, PAIR_FEATURES.index(name)]
        for name in ("number_similarity", "order_same", "order_share", "description_similarity", "description_share",
                     "amount_same")
    )  # fmt: skip
    told = (number >= 0.7) | ((order == 1.0) & (orders < 0.5)) | ((text > 0.9) & (texts < 0.5))
    silent: Flags = ~told & (amount == 1.0)
    return silent


def train_pair_scorer(
    months: Sequence[LabelledLedger],
    seed: int,
    drills: int = 56,
    without: Collection[str] = (),
    houses: int | None = None,
) -> PairScorer:
    """A scorer trained on the candidate pairs of `months`, of `drills` ledgers of near misses, and of `houses` towns
    and as many works (two for seven drills where not said).

    Duplicates of the kinds in `without` are left out, to see how it does on what it was never shown. Raises
    ValueError where no ledger is given at all, or none holds a duplicate.
    """
    ledgers = [_without(month, without) for month in months]
    ledgers += [drill(seed * 1000 + number, _VENDORS, _COPIED, tuple(without)) for number in range(drills)]
    ledgers += _houses(seed, drills * 2 // 7 if houses is None else houses, without)
    # With several ledgers a whole one shares a fold: probabilities are those for a firm that nobody has seen.
    whole = len(ledgers) >= 4
    parts = [part for at, one in enumerate(ledgers) for part in _lessons(one, at, seed + at, whole)]
    if not parts:
        raise ValueError("a scorer is trained on one ledger at least")
    pairs = _thinned(
        _Pairs(*(np.concatenate([getattr(part, name) for part in parts]) for name in _Pairs.__slots__)), seed
    )
    return PairScorer(seed=seed, folds=2).fit(pairs.rows, pairs.labels, pairs.groups, pairs.weights, pairs.judged)


def _without(month: LabelledLedger, kinds: Collection[str]) -> LabelledLedger:
    """The ledger without the copies of these kinds."""
    gone = {copy for _, copy, kind in month.duplicate_pairs if kind in kinds}
    if not gone:
        return month
    return _Ledger(
        [one for one in month.invoices if one.invoice_id not in gone],
        [pair for pair in month.duplicate_pairs if not gone & set(pair[:2])],
    )


def _houses(seed: int, count: int, without: Collection[str]) -> list[LabelledLedger]:
    """Towns and works, each a firm of its own, with every kind but those."""
    gone = {_CALLED.get(kind, kind) for kind in without}
    town, works = ([kind for kind in classes if kind not in gone] for classes in (TOWN_CLASSES, WORKS_CLASSES))
    made: list[LabelledLedger] = []
    for number in range(seed * 1000, seed * 1000 + count):
        for house in (town_ledger(number, _ROWS, _PLANTED, town), works_ledger(number, _ROWS, _PLANTED, works)):
            made.append(_Ledger(house.invoices, house.pairs))
    return made


def _lessons(ledger: LabelledLedger, place: int, seed: int, whole: bool) -> Iterator[_Pairs]:
    """The pairs of one ledger: as they are, without some of the optional columns, and with one thing exchanged."""
    table, label = training_pairs(ledger)
    rng = np.random.default_rng(seed)
    # Pairs with unlike numbers are many and teach little: some stand for all.
    dull = renumbered_rows(table) & (label == 0)
    kept = ~(untellable(table) & (label == 1)) & (~dull | (rng.random(len(label)) < _DULL_SHARE))
    weight = np.where(dull, 1.0 / _DULL_SHARE, 1.0)[kept]
    table, label = table[kept], label[kept]
    # A masked pair is its own twin, so both copies share a fold.
    group = np.full(len(label), place) if whole else place * 97 + np.arange(len(label)) % 97
    yield _Pairs(table, label, group, weight, np.ones(len(label), dtype=bool))
    again = rng.random(len(label)) < _SEEN_AGAIN
    masked = without_optional(table[again], seed)
    yield _Pairs(masked, label[again], group[again], weight[again], np.ones(len(masked), dtype=bool))
    for at, rows in _strange(table, label, rng):
        count = len(at)
        yield _Pairs(rows, label[at], group[at], np.full(count, _STRANGE_WEIGHT), np.zeros(count, dtype=bool))


def _differs(table: Floats) -> Mapping[str, Flags]:
    """Family of fields → (n,) True where it speaks against one bill."""

    def at(name: str) -> Floats:
        column: Floats = table[:, PAIR_FEATURES.index(name)]
        return column

    return {
        "number": (at("number_same_folded") == 0.0) & (at("number_similarity") < 0.7),
        "date": at("date_gap") > 0.0,
        "vendor": at("vendor_same") == 0.0,
        "entity": at("entity_same") == 0.0,
        "currency": at("currency_same") == 0.0,
        "order": at("order_same") == 0.0,
        "text": at("description_similarity") < 0.9,
    }


def _strange(table: Floats, label: Ints, rng: np.random.Generator) -> Iterator[tuple[Ints, Floats]]:
    """Duplicates in which one family of fields is as in two bills that have nothing to do with each other.

    So the scorer learns that any one thing may differ, and not only what the makers of its ledgers thought of. Not the
    amount: one number with unlike amounts is most often the lines of one document.
    Each item: places of the duplicates in `table`, and their rows so changed.
    """
    duplicates = np.flatnonzero((label == 1) & ~renumbered_rows(table) & ~untellable(table))
    for name, apart in _differs(table).items():
        others = np.flatnonzero(apart & (label == 0))
        some = duplicates[rng.random(len(duplicates)) < _STRANGE_SHARE]
        if len(others) < _FEWEST or not len(some):
            continue
        named = {name, "payment details"} if name == "vendor" else {name}
        fields = [at for at, feature in enumerate(PAIR_FEATURES) if family(feature) in named]
        rows = table[some].copy()
        rows[:, fields] = table[rng.choice(others, len(some))][:, fields]
        told = ~untellable(rows)
        yield some[told], rows[told]


def _thinned(pairs: _Pairs, seed: int) -> _Pairs:
    """Without most of the pairs that a few trees already know to be none; the others of them weigh for all."""
    rng = np.random.default_rng(seed)
    some = (rng.random(len(pairs.labels)) < _TRIED) | (pairs.labels == 1)
    if len(np.unique(pairs.labels[some])) < 2:
        return pairs
    weights = np.where(pairs.labels == 1, pairs.weights, pairs.weights / _TRIED)
    few = HistGradientBoostingClassifier(
        max_iter=_TREES, learning_rate=0.25, max_leaf_nodes=15, max_bins=64, early_stopping=False, random_state=seed
    ).fit(filled(pairs.rows[some]), pairs.labels[some], weights[some])
    easy = (pairs.labels == 0) & (few.decision_function(pairs.rows) < _EASY)
    kept = ~easy | (rng.random(len(easy)) < _EASY_SHARE)
    return pairs.taken(kept, np.where(easy, pairs.weights / _EASY_SHARE, pairs.weights))
