"""Which kind of document a text is: structure first, then headings and two models that may abstain together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GroupKFold
from sklearn.utils.validation import check_is_fitted

from governance.errors import Malformed
from models.evidence import evidence
from models.titles import plain, swift_statement, title_class
from models.trust import Trust, temperature, threshold
from models.views import MOST, Floats, Texts, Views, softmax, spread, together

Places = NDArray[np.int64]
Bools = NDArray[np.bool_]
_DIGIT = re.compile(r"\d")
_READ = 6000
_PARTS = 3
_STRANGER_TEXTS = 1500
_LETTERS, _FEWEST = 6_500_000, 2000  # counted at most in a fit, of so many texts at least
_HARDLY_KNOWN = 0.9
_REFUSED = 0.98
_PROBABLY = 0.5  # an even chance: what is less likely is no hint


def prepared(text: str) -> str:
    """The words that the model sees: small letters without accents, digits as 0, of the first 6,000 characters."""
    return _DIGIT.sub("0", plain(text[:_READ]))


@dataclass(frozen=True, slots=True)
class _Trial:
    """Answers to n texts that were kept from the models: signals (n, s), right (n,), and whether their class was
    kept from the models as well (n,)."""

    signals: Floats
    right: Bools
    stranger: Bools


class DocumentClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Two views of a text (models.views), one temperature, and a chance that the answer is right (models.trust).

    Everything that is said about certainty is learned on folds that share no `groups` with what was fitted: wording
    that it has not seen. `strangers` is the share of texts that are expected to be of no class at all: on some folds
    whole classes are kept from the models to learn what such texts look like. `precision` is the share of right
    answers asked for above the threshold, strangers among them; at most one stranger in fifty is
    answered, where a threshold of 0.95 does that.

    After fit: classes_, temperature_, threshold_ (a chance), unknown_ (largest share of unknown words of a text
    that is not novel).
    """

    def __init__(
        self,
        C: float = 20.0,  # noqa: N803
        folds: int = 3,
        precision: float = 0.985,
        seed: int = 0,
        strangers: float = 0.1,
    ) -> None:
        self.C = C
        self.folds = folds
        self.precision = precision
        self.seed = seed
        self.strangers = strangers

    def fit(
        self, texts: Sequence[str], labels: Sequence[str], groups: Sequence[int] | None = None
    ) -> DocumentClassifier:
        """Fits on n texts. Texts of one group share wording; without groups the folds are stratified.

        There are fewer folds where there are fewer groups or texts. A text whose class no other fold has counts as
        wrong: what was not measured is not promised. Raises Malformed where there are fewer than two classes or
        groups, or no wording that texts share; ValueError where the lengths differ or folds < 2.
        """
        if not len(texts) == len(labels) == len(labels if groups is None else groups) or self.folds < 2:
            raise ValueError(f"one label and one group for each of the {len(texts)} texts, and two folds or more")
        y = np.asarray(labels, dtype=object).astype(str)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            there = f"all are {str(self.classes_[0])!r}" if len(self.classes_) else "there is no text at all"
            raise Malformed(
                f"a classifier needs texts of at least two classes, and {there}: add texts of other classes"
            )
        rows = spread(y, _room(texts))
        splits = self._splits(y[rows], None if groups is None else [groups[row] for row in rows])
        ready = _ready([texts[row] for row in rows]).counted()
        known = self._known(ready, y[rows], splits)
        strange = list(self._strange(ready, y[rows], splits))
        self._trust([known, *strange])
        more = (evidence(texts), y) if len(rows) < len(y) else None
        self.views_ = Views.fit(ready, y[rows], self.classes_, self.C, more)
        return self

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """(n, k) probabilities in the order of classes_, as if every text were of one of them."""
        return self.judge(texts)[0]

    def predict(self, texts: Sequence[str]) -> NDArray[Any]:
        """(n,) the likeliest class of each text."""
        return cast(NDArray[Any], self.classes_[self.predict_proba(texts).argmax(axis=1)])

    def judge(self, texts: Sequence[str]) -> tuple[Floats, Floats, Bools]:
        """(n, k) probabilities; (n,) chance that the likeliest class is right, a text of no known class included;
        (n,) whether a text has hardly a word of what the model was fitted on."""
        probabilities, chance, novel, _ = self.judge_titled(texts)
        return probabilities, chance, novel

    def judge_titled(self, texts: Sequence[str]) -> tuple[Floats, Floats, Bools, Sequence[str | None]]:
        """As `judge`; and the class that the headings of each text name, known or not."""
        check_is_fitted(self, "temperature_")
        if not len(texts):
            return np.zeros((0, len(self.classes_))), np.zeros(0), np.zeros(0, dtype=bool), []
        ready = _ready(texts)
        seen = self.views_.see(ready)
        novel = seen.unknown > max(self.unknown_, _HARDLY_KNOWN)
        return softmax(seen.scores() / self.temperature_), self._chance(seen.signals()), novel, ready.titles

    def _chance(self, signals: Floats) -> Floats:
        """Answers that a heading names and others are judged apart: they fail for other reasons."""
        named = signals[:, -1] > 0.5
        return np.where(named, self.trust_named_.chance(signals), self.trust_.chance(signals))

    def _known(self, ready: Texts, y: NDArray[Any], splits: Sequence[tuple[Places, Places]]) -> _Trial:
        """Every text, answered by models of the other folds; sets temperature_ and unknown_."""
        parts = [
            (unseen, Views.fit(ready.at(seen), y[seen], self.classes_, self.C).see(ready.at(unseen)))
            for seen, unseen in splits
        ]
        said, truth = together(parts), np.searchsorted(self.classes_, y)
        scores = said.scores()
        self.temperature_ = temperature(scores, truth)
        self.unknown_ = float(np.quantile(said.unknown, 0.99))
        return _Trial(said.signals(), scores.argmax(axis=1) == truth, np.zeros(len(y), dtype=bool))

    def _strange(self, ready: Texts, y: NDArray[Any], splits: Sequence[tuple[Places, Places]]) -> Iterator[_Trial]:
        """Texts of classes that were kept from the models of the other folds.

        To call such a text `other` is not wrong: it is what the class is for. Those answers teach nothing.
        """
        if len(self.classes_) < 2 * _PARTS:
            return
        rng = np.random.default_rng(self.seed)
        order = rng.permutation(len(self.classes_))
        for seen, unseen in splits:
            for part in range(_PARTS):
                kept_back = self.classes_[order[part::_PARTS]]
                fit_on = seen[~np.isin(y[seen], kept_back)]
                out = unseen[np.isin(y[unseen], kept_back)]
                fit_on = np.sort(rng.permutation(fit_on)[:_STRANGER_TEXTS])
                left = np.unique(y[fit_on])
                if len(left) < 2 or not len(out):
                    continue
                said = Views.fit(ready.at(fit_on), y[fit_on], left, self.C).see(ready.at(out))
                assigned = left[said.scores().argmax(axis=1)] != "other"
                wrong = np.ones(int(assigned.sum()), dtype=bool)
                yield _Trial(said.signals()[assigned], ~wrong, wrong)

    def _trust(self, trials: Sequence[_Trial]) -> None:
        """Sets trust_, trust_named_ and threshold_."""
        signals = np.concatenate([one.signals for one in trials])
        right = np.concatenate([one.right for one in trials])
        stranger = np.concatenate([one.stranger for one in trials])
        odds = self.strangers / (1.0 - self.strangers) * (~stranger).sum() / max(1, stranger.sum())
        weight = np.where(stranger, odds, 1.0)
        named = signals[:, -1] > 0.5
        self.trust_ = Trust.fit(signals[~named], right[~named], weight[~named])
        self.trust_named_ = Trust.fit(signals[named], right[named], weight[named])
        chance = self._chance(signals)
        self.threshold_ = threshold(chance, right, weight, self.precision)
        if stranger.any():
            self.threshold_ = min(0.95, max(self.threshold_, float(np.quantile(chance[stranger], _REFUSED))))

    def _splits(self, y: NDArray[Any], groups: Sequence[int] | None) -> list[tuple[Places, Places]]:
        """(rows to fit on, rows held out) of each fold; no more folds than there are groups or texts."""
        if groups is not None:
            names = np.asarray(groups)
            if (count := len(np.unique(names))) < 2:
                raise Malformed(
                    "all texts are of one group, so no wording is left to try the classifier on: add texts of other "
                    "groups, or name none"
                )
            return list(GroupKFold(min(self.folds, count)).split(y, y, names))
        order = np.random.default_rng(self.seed).permutation(len(y))
        order = order[np.argsort(y[order], kind="stable")]
        fold = np.empty(len(y), dtype=np.int64)
        fold[order] = np.arange(len(y)) % self.folds
        return [(np.flatnonzero(fold != one), np.flatnonzero(fold == one)) for one in np.unique(fold)]

    def __getstate__(self) -> dict[str, Any]:
        """Nothing but plain arrays and texts."""
        state = dict(super().__getstate__())
        if "views_" in state:
            state["views_"] = state["views_"].state()
            for name in ("trust_", "trust_named_"):
                state[name] = state[name].state()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        rest = dict(state)
        if "views_" in rest:
            rest["views_"] = Views.restored(rest["classes_"], rest["views_"])
            for name in ("trust_", "trust_named_"):
                rest[name] = Trust(*rest[name])
        super().__setstate__(rest)


def _room(texts: Sequence[str]) -> int:
    """How many texts are counted: memory grows with their letters."""
    letters = sum(min(len(text), _READ) for text in texts) / max(1, len(texts))
    return int(min(MOST, max(_FEWEST, _LETTERS / max(1.0, letters))))


def _ready(texts: Sequence[str]) -> Texts:
    return Texts([prepared(text) for text in texts], evidence(texts), [title_class(text) for text in texts])


@dataclass(frozen=True, slots=True)
class Classified:
    """The class of one document. `basis` is structured, title_rule, model or none.

    `confidence` is the calibrated chance that the class is right; None where structure answered, and where the model
    knows nothing of the class that a heading names. An answer that abstains keeps none: nobody is to lean on it.
    `likeliest` then says what a person may look for first, and `likelihood` the calibrated chance that it is right.
    """

    document_class: str
    confidence: float | None
    abstained: bool
    basis: str
    likeliest: str | None = None
    likelihood: float | None = None


_PERSON = Classified("other", None, True, "none")


def classify(
    texts: Sequence[str],
    roots: Sequence[str | None],
    model: DocumentClassifier,
    threshold: float | None = None,
) -> list[Classified]:
    """One answer for each text, in order.

    `roots` holds the class that a reader found in the document's own structure (an XML root, a SWIFT message), or
    None. `threshold` replaces the model's own. An answer that abstains is `other`: a person must say, and is told a
    class that is more likely than not. `basis` is title_rule where a heading and the models say the same; where they
    contradict each other, neither is believed. Raises ValueError where the lengths differ.
    """
    found = [
        root or ("bank_statement" if swift_statement(text) else None) for text, root in zip(texts, roots, strict=True)
    ]
    left = [at for at, name in enumerate(found) if name is None]
    limit = model.threshold_ if threshold is None else threshold
    parts = [texts[at] for at in left]
    probabilities, chance, novel, titles = model.judge_titled(parts)
    answers = [Classified(name, None, False, "structured") if name else _PERSON for name in found]
    for at, title, row, sure, strange in zip(left, titles, probabilities, chance, novel, strict=True):
        best = str(model.classes_[int(row.argmax())])
        if title is not None and title not in model.classes_:
            answers[at] = Classified(title, None, False, "title_rule")
        elif not texts[at].strip():
            continue
        elif sure >= limit and (title == best or (title is None and not strange)):
            answers[at] = Classified(best, float(sure), False, "title_rule" if title == best else "model")
        elif sure >= _PROBABLY and not strange:
            answers[at] = replace(_PERSON, likeliest=best, likelihood=float(sure))
    return answers
