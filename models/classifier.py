"""Which kind of document a text is: structure first, then headings, then a model that may abstain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import normalize
from sklearn.utils.validation import check_is_fitted

from governance.errors import Malformed
from models.titles import plain, swift_statement, title_class

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
_DIGIT = re.compile(r"\d")
_WORD = r"[^\W\d_]{2,}|:0\d\w?:"
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_READ = 6000


def prepared(text: str) -> str:
    """What the model sees of a text: small letters without accents, digits as 0, the first 6,000 characters."""
    return _DIGIT.sub("0", plain(text[:_READ]))


class DocumentClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """TF-IDF over words and character n-grams, logistic regression, one temperature for its probabilities.

    The temperature (Guo et al. 2017, "On Calibration of Modern Neural Networks") and the threshold below which
    the model abstains are found on folds that share no `groups` with what was fitted: wording that it has
    not seen. `precision` is the share of right answers asked for above the threshold on those folds.

    After fit: classes_, temperature_, threshold_ (a probability), similarity_ (least cosine to the nearest
    class centre) and unknown_ (largest share of unknown words) of a text that is not novel.
    """

    def __init__(self, C: float = 20.0, folds: int = 3, precision: float = 0.97, seed: int = 0) -> None:  # noqa: N803
        self.C = C
        self.folds = folds
        self.precision = precision
        self.seed = seed

    def fit(
        self, texts: Sequence[str], labels: Sequence[str], groups: Sequence[int] | None = None
    ) -> DocumentClassifier:
        """Fits on n texts. Texts of one group share wording; without groups the folds are stratified.

        There are fewer folds where there are fewer groups or texts. A text whose class no other fold has counts as
        wrong in the search for temperature and threshold: what was not measured is not promised. Raises Malformed
        where there are fewer than two classes or groups, or no wording that texts share; ValueError where the
        lengths differ or folds < 2.
        """
        if not len(texts) == len(labels) == len(labels if groups is None else groups) or self.folds < 2:
            raise ValueError(f"one label and one group for each of the {len(texts)} texts, and two folds or more")
        ready = [prepared(text) for text in texts]
        y = np.asarray(labels, dtype=object).astype(str)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            there = f"all are {str(self.classes_[0])!r}" if len(self.classes_) else "there is no text at all"
            raise Malformed(
                f"a classifier needs texts of at least two classes, and {there}: add texts of other classes"
            )
        scores = np.zeros((len(ready), len(self.classes_)))
        similarity, unknown = np.zeros(len(ready)), np.zeros(len(ready))
        for seen, unseen in self._splits(y, groups):
            self._fit_once([ready[at] for at in seen], y[seen])
            held = [ready[at] for at in unseen]
            scores[unseen], similarity[unseen], unknown[unseen] = self._scores(held)
        truth = np.searchsorted(self.classes_, y)
        self.temperature_ = _temperature(scores, truth)
        probabilities = _softmax(scores / self.temperature_)
        self.threshold_ = _threshold(probabilities, truth, self.precision)
        self.similarity_ = float(np.quantile(similarity, 0.01))
        self.unknown_ = float(np.quantile(unknown, 0.99))
        self._fit_once(ready, y)
        return self

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """(n, k) probabilities in the order of classes_."""
        check_is_fitted(self, "temperature_")
        if not len(texts):
            return np.zeros((0, len(self.classes_)))
        scores, _, _ = self._scores([prepared(text) for text in texts])
        return _softmax(scores / self.temperature_)

    def predict(self, texts: Sequence[str]) -> NDArray[Any]:
        """(n,) the likeliest class of each text."""
        return cast(NDArray[Any], self.classes_[self.predict_proba(texts).argmax(axis=1)])

    def judge(self, texts: Sequence[str]) -> tuple[Floats, NDArray[np.bool_]]:
        """(n, k) probabilities and (n,) whether a text is unlike everything that the model was fitted on."""
        check_is_fitted(self, "temperature_")
        if not len(texts):
            return np.zeros((0, len(self.classes_))), np.zeros(0, dtype=bool)
        scores, similarity, unknown = self._scores([prepared(text) for text in texts])
        novel = (similarity < self.similarity_) | (unknown > self.unknown_)
        return _softmax(scores / self.temperature_), novel

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

    def _fit_once(self, ready: Sequence[str], y: NDArray[Any]) -> None:
        words, letters = _vectorizers(None, None)
        self.features_ = FeatureUnion([("words", words), ("letters", letters)])
        try:
            matrix = self.features_.fit_transform(ready)
        except ValueError as error:  # every word stands in one text alone
            raise Malformed(f"{len(ready)} texts share too little wording to learn from: add more texts") from error
        # A fold may be left with one class: then there is nothing to tell apart.
        regression = LogisticRegression(C=self.C, class_weight="balanced", max_iter=200, tol=1e-3)
        self.model_ = (regression if len(np.unique(y)) > 1 else DummyClassifier()).fit(matrix, y)
        membership = (y[:, None] == self.model_.classes_[None, :]).astype(np.float32)
        self.centres_ = normalize(np.asarray(matrix.T @ membership), axis=0).astype(np.float32)
        self.known_ = frozenset(word for word in words.vocabulary_ if " " not in word)

    def __getstate__(self) -> dict[str, Any]:
        """The state with the vocabularies as two texts: skops takes 22 s over 70,000 strings, no time over two."""
        state = dict(super().__getstate__())
        if "features_" in state:
            union = state.pop("features_")
            state.pop("known_")
            for name, vectorizer in union.transformer_list:
                state[f"{name}_terms_"] = "\n".join(vectorizer.get_feature_names_out())
                state[f"{name}_idf_"] = vectorizer.idf_
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        rest = dict(state)
        if "words_terms_" in rest:
            terms = {name: rest.pop(f"{name}_terms_").split("\n") for name in ("words", "letters")}
            words, letters = _vectorizers(terms["words"], terms["letters"])
            words.idf_, letters.idf_ = rest.pop("words_idf_"), rest.pop("letters_idf_")
            rest["features_"] = FeatureUnion([("words", words), ("letters", letters)])
            rest["known_"] = frozenset(word for word in terms["words"] if " " not in word)
        super().__setstate__(rest)

    def _scores(self, ready: Sequence[str]) -> tuple[Floats, Floats, Floats]:
        """Decision values (n, k), cosine to the nearest class centre (n,), share of unknown words (n,)."""
        matrix = self.features_.transform(ready)
        similarity = np.asarray(normalize(matrix) @ self.centres_).max(axis=1)
        unknown = np.array([_unknown_share(text, self.known_) for text in ready])
        return self._decisions(matrix), similarity, unknown

    def _decisions(self, matrix: Any) -> Floats:
        """(n, k) decision values in the order of classes_.

        A class that the fold did not see gets less than the least likely of those that it saw, by odds of e to one.
        """
        seen = self.model_.classes_
        own = np.zeros((matrix.shape[0], 1)) if len(seen) == 1 else np.asarray(self.model_.decision_function(matrix))
        if own.ndim == 1:  # two classes: the log odds of the second
            own = np.column_stack([-own, own]) / 2.0
        values = np.repeat(own.min(axis=1, keepdims=True) - 1.0, len(self.classes_), axis=1)
        values[:, np.searchsorted(self.classes_, seen)] = own
        return cast(Floats, values)


def _vectorizers(words: list[str] | None, letters: list[str] | None) -> tuple[TfidfVectorizer, TfidfVectorizer]:
    """Words with their pairs, and letters within words; with a vocabulary, or to be fitted."""
    return (
        TfidfVectorizer(
            ngram_range=(1, 2), min_df=2, max_features=40_000, sublinear_tf=True, dtype=np.float32,
            token_pattern=_WORD, vocabulary=words,
        ),
        TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 4), min_df=3, max_features=30_000, sublinear_tf=True,
            dtype=np.float32, vocabulary=letters,
        ),
    )  # fmt: skip


def _unknown_share(text: str, known: frozenset[str]) -> float:
    """The share of words of four letters and more that are not known; 1.0 for a text without any."""
    words = set(_LONG_WORD.findall(text))
    return sum(word not in known for word in words) / len(words) if words else 1.0


def _softmax(scores: Floats) -> Floats:
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return cast(Floats, shifted / shifted.sum(axis=1, keepdims=True))


def _temperature(scores: Floats, truth: NDArray[np.int64]) -> float:
    """The temperature between 0.05 and 20 with the least log loss."""
    rows = np.arange(len(truth))
    grid = np.geomspace(0.05, 20.0, 120)
    losses = [-np.log(np.clip(_softmax(scores / each)[rows, truth], 1e-12, None)).mean() for each in grid]
    return float(grid[int(np.argmin(losses))])


def _threshold(probabilities: Floats, truth: NDArray[np.int64], precision: float) -> float:
    """The lowest top probability from which on the answers are right as often as `precision`; at most 0.95."""
    top, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    order = np.argsort(-top)
    shares = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(shares >= precision)
    return float(min(0.95, max(0.5, top[order][enough[-1]]))) if len(enough) else 0.95


@dataclass(frozen=True, slots=True)
class Classified:
    """The class of one document. `basis` is structured, title_rule, model or none.

    `confidence` is the calibrated probability where the model answered, else None: a rule has none.
    """

    document_class: str
    confidence: float | None
    abstained: bool
    basis: str


def classify(
    texts: Sequence[str],
    roots: Sequence[str | None],
    model: DocumentClassifier,
    threshold: float | None = None,
) -> list[Classified]:
    """One answer for each text, in order.

    `roots` holds the class that a reader found in the document's own structure (an XML root, a SWIFT
    message), or None. `threshold` replaces the model's own. An answer that abstains is `other`: a person
    must say. Raises ValueError where the lengths differ.
    """
    answers: list[Classified | None] = []
    for text, root in zip(texts, roots, strict=True):
        name = root or ("bank_statement" if swift_statement(text) else None)
        title = None if name else title_class(text)
        if name:
            answers.append(Classified(name, None, False, "structured"))
        elif title:
            answers.append(Classified(title, None, False, "title_rule"))
        else:
            answers.append(None)
    left = [at for at, answer in enumerate(answers) if answer is None]
    limit = model.threshold_ if threshold is None else threshold
    probabilities, novel = model.judge([texts[at] for at in left])
    for at, row, strange in zip(left, probabilities, novel, strict=True):
        best = int(row.argmax())
        if not texts[at].strip() or strange or row[best] < limit:
            answers[at] = Classified("other", None, True, "none")
        else:
            answers[at] = Classified(str(model.classes_[best]), float(row[best]), False, "model")
    return [answer for answer in answers if answer is not None]
