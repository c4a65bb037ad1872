"""Two linear models that look at a text differently: its words and letters, and its shape with what headings say.

They fail in different places, so where they agree the answer is worth more, and where they differ it is worth less.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize

from models.evidence import Floats32, chosen
from models.wording import Counts, Wording

Floats = NDArray[np.float64]

_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_SHAPE_C = 0.03
_LIMIT = 4.0
_FLOOR = 1e-4
_HEADING = 0.2
MOST = 5000
"""Texts whose wording is counted: memory grows with them, and what they add does not."""
SIGNALS = 11
"""Columns of `Seen.signals`."""


@dataclass(frozen=True, slots=True)
class Texts:
    """n texts as the views read them: prepared words, numbers of models.evidence, the class that a heading names; their
    terms, where models are to be fitted on some of them."""

    words: Sequence[str]
    numbers: Floats32
    titles: Sequence[str | None]
    counts: Counts | None = None

    def at(self, rows: NDArray[np.int64]) -> Texts:
        return Texts(
            [self.words[row] for row in rows],
            self.numbers[rows],
            [self.titles[row] for row in rows],
            None if self.counts is None else self.counts.at(rows),
        )

    def counted(self) -> Texts:
        """The same texts, to fit on. Raises Malformed where they share too little wording."""
        return replace(self, counts=Counts.of(self.words))


@dataclass(frozen=True, slots=True)
class Linear:
    """Decision values of the classes in their order: (n, d) @ coef.T (d, k) + intercept (k,)."""

    coef: Floats32
    intercept: Floats32

    @classmethod
    def fit(cls, matrix: Any, y: NDArray[Any], classes: NDArray[Any], c: float) -> Linear:
        """Multinomial logistic regression; classes weigh the same however often they come. Classes in `classes`
        that `y` has none of get less than any other, by odds of e to one at least."""
        seen = np.unique(y)
        coef = np.zeros((len(classes), matrix.shape[1]), dtype=np.float32)
        intercept = np.full(len(classes), -1.0, dtype=np.float32)
        at = np.searchsorted(classes, seen)
        if len(seen) == 1:
            intercept[at] = 0.0
            return cls(coef, intercept)
        model = LogisticRegression(C=c, class_weight="balanced", max_iter=300, tol=1e-3).fit(matrix, y)
        if len(seen) == 2:  # one row: the log odds of the second
            coef[at] = np.vstack([-model.coef_, model.coef_]) / 2.0
            intercept[at] = np.concatenate([-model.intercept_, model.intercept_]) / 2.0
        else:
            coef[at], intercept[at] = model.coef_, model.intercept_
        return cls(coef, intercept)

    def values(self, matrix: Any) -> Floats:
        found = np.asarray(matrix @ self.coef.T, dtype=np.float64) + self.intercept
        unseen = ~self.coef.any(axis=1)
        if unseen.any() and not unseen.all():
            found[:, unseen] = found[:, ~unseen].min(axis=1, keepdims=True) - 1.0
        return found


@dataclass(frozen=True, slots=True)
class Seen:
    """What the views say of n texts: decision values of both (n, k); near (n, k), the cosine to each class's middle;
    plainness (n,), how ordinary the shape is; titles (n,), the column of the class that a heading names, -1 where it
    names none that is known; unknown (n,), the share of long words that no text of the fit had."""

    by_words: Floats
    by_shape: Floats
    near: Floats
    plainness: Floats
    titles: NDArray[np.int64]
    unknown: Floats

    def scores(self) -> Floats:
        """(n, k) logarithms of the mean of both probabilities. The mean, not the product (a linear opinion pool, Stone
        1961): a view that is sure and wrong must not outvote the other, and on a new writer the words often are.
        A heading has a small vote: where the words of a new source sway both views, it is what still says the class.
        """
        mean = (softmax(self.by_words) + softmax(self.by_shape)) / 2
        named = np.flatnonzero(self.titles >= 0)
        mean[named] *= 1 - _HEADING
        mean[named, self.titles[named]] += _HEADING
        return cast(Floats, np.log(mean + _FLOOR))

    def signals(self) -> Floats:
        """(n, SIGNALS) of how far the best class is to be trusted. The last: 1.0 where a heading names it, -1.0 where a
        heading names another, else 0.0."""
        scores = self.scores()
        likely = [np.log(softmax(one) + _FLOOR) for one in (self.by_words, self.by_shape)]
        rows, best = np.arange(len(scores)), scores.argmax(axis=1)
        return np.column_stack(
            [
                scores[rows, best], _lead(scores, best), likely[0][rows, best], likely[1][rows, best],
                self.by_words[rows, best], self.by_shape[rows, best], self.near[rows, best], _lead(self.near, best),
                self.by_words.argmax(axis=1) == self.by_shape.argmax(axis=1), self.plainness,
                np.where(self.titles == best, 1.0, np.where(self.titles < 0, 0.0, -1.0)),
            ]
        ).astype(np.float64)  # fmt: skip


def together(parts: Sequence[tuple[NDArray[np.int64], Seen]]) -> Seen:
    """What was seen of parts of a collection, as one; each part with its rows."""
    order = np.argsort(np.concatenate([rows for rows, _ in parts]), kind="stable")
    columns = [np.concatenate([getattr(seen, name) for _, seen in parts])[order] for name in Seen.__slots__]
    return Seen(*columns)


@dataclass(frozen=True, slots=True)
class Views:
    """Both models after a fit, for `classes` in their order."""

    classes: NDArray[Any]
    wording: Wording
    by_words: Linear
    by_shape: Linear
    mean: Floats32
    scale: Floats32
    centres: Floats32
    known: frozenset[str]

    @classmethod
    def fit(
        cls,
        texts: Texts,
        y: NDArray[Any],
        classes: NDArray[Any],
        c: float,
        more: tuple[Floats32, NDArray[Any]] | None = None,
    ) -> Views:
        """Fits on counted texts. `more`: numbers and classes that the shape is to be learned from instead, where there
        are more texts than were counted. Raises Malformed where the texts share too little wording."""
        assert texts.counts is not None
        wording = Wording.fit(texts.counts)
        matrix = wording.of_counts(texts.counts)
        numbers, kinds = (texts.numbers, y) if more is None else more
        numbers = chosen(numbers, list(classes))
        mean, deviation = numbers.mean(axis=0), numbers.std(axis=0)
        scale = np.where(deviation > 1e-6, deviation, 1.0).astype(np.float32)
        member = (y[:, None] == classes[None, :]).astype(np.float32)
        return cls(
            classes,
            wording,
            Linear.fit(matrix, y, classes, c),
            Linear.fit(_standard(numbers, mean, scale), kinds, classes, _SHAPE_C),
            mean,
            scale,
            normalize(np.asarray(matrix.T @ member), axis=0).astype(np.float32),
            wording.single_words(),
        )

    def see(self, texts: Texts) -> Seen:
        counted = texts.counts
        matrix = self.wording.of_texts(texts.words) if counted is None else self.wording.of_counts(counted)
        shape = _standard(chosen(texts.numbers, list(self.classes)), self.mean, self.scale)
        place = {name: at for at, name in enumerate(self.classes)}
        return Seen(
            self.by_words.values(matrix),
            self.by_shape.values(shape),
            np.asarray(normalize(matrix) @ self.centres, dtype=np.float64),
            np.log1p(np.abs(shape)).mean(axis=1).astype(np.float64),
            np.array([place.get(title, -1) for title in texts.titles], dtype=np.int64),
            np.array([_unknown_share(text, self.known) for text in texts.words]),
        )

    def state(self) -> dict[str, Any]:
        """Plain arrays and texts."""
        return {
            "wording": self.wording.state(),
            "by_words": [self.by_words.coef, self.by_words.intercept],
            "by_shape": [self.by_shape.coef, self.by_shape.intercept],
            "scaling": [self.mean, self.scale],
            "centres": self.centres,
        }

    @classmethod
    def restored(cls, classes: NDArray[Any], state: dict[str, Any]) -> Views:
        """The views that `state` was taken of."""
        wording = Wording.restored(state["wording"])
        return cls(
            classes,
            wording,
            Linear(*state["by_words"]),
            Linear(*state["by_shape"]),
            state["scaling"][0],
            state["scaling"][1],
            state["centres"],
            wording.single_words(),
        )


def softmax(scores: Floats) -> Floats:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return cast(Floats, shifted / shifted.sum(axis=1, keepdims=True))


def spread(y: NDArray[Any], most: int) -> NDArray[np.int64]:
    """At most `most` rows, drawn so that rare classes stay whole; all rows in order where there are no more."""
    if len(y) <= most:
        return np.arange(len(y))
    order = np.random.default_rng(0).permutation(len(y))
    turn: dict[str, int] = {}
    ranks = np.empty(len(y), dtype=np.int64)
    for row in order:
        ranks[row] = turn[y[row]] = turn.get(y[row], -1) + 1
    return np.sort(np.argsort(ranks, kind="stable")[:most])


def _standard(numbers: Floats32, mean: Floats32, scale: Floats32) -> Floats32:
    """Centred and scaled; what lies far outside counts as far and no more."""
    return cast(Floats32, np.clip((numbers - mean) / scale, -_LIMIT, _LIMIT).astype(np.float32))


def _lead(values: Floats, best: NDArray[np.int64]) -> Floats:
    """How far the value at `best` is above the largest of the others; 0 where there is no other."""
    if values.shape[1] < 2:
        return np.zeros(len(values))
    rows = np.arange(len(values))
    others = values.copy()
    others[rows, best] = -np.inf
    return cast(Floats, values[rows, best] - others.max(axis=1))


def _unknown_share(text: str, known: frozenset[str]) -> float:
    """The share of words of four letters and more that are not known; 1.0 for a text without any."""
    words = set(_LONG_WORD.findall(text))
    return sum(word not in known for word in words) / len(words) if words else 1.0
