"""Words, their pairs and letters of texts as weighted counts (tf-idf), counted once however many models are fitted.

A model of some of the texts takes what these have: columns, weights and lengths are those that the texts alone would
give (terms of 2 and more of its texts, letters of 3 and more, at most 70,000), so that nothing of a text that was held
out reaches a model. Counting took two thirds of the time of a fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse  # type: ignore[import-untyped]
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from governance.errors import Malformed

_WORD = r"[^\W\d_]{2,}|:0\d\w?:"
_LEAST = (2, 3)  # texts that must have a term of words, of letters
_MOST = (40_000, 30_000)


@dataclass(frozen=True, slots=True)
class Counts:
    """How often n texts have each term: two matrices (n, v) of words and of letters, and the terms of their columns."""

    matrices: tuple[Any, Any]
    terms: tuple[NDArray[Any], NDArray[Any]]

    @classmethod
    def of(cls, texts: Sequence[str]) -> Counts:
        """Raises Malformed where the texts share too little wording."""
        counters = _counters(None, None)
        try:
            matrices = [counter.fit_transform(texts) for counter in counters]
        except ValueError as error:  # every term stands in one text alone
            raise _too_little(len(texts)) from error
        return cls(
            (matrices[0], matrices[1]), (counters[0].get_feature_names_out(), counters[1].get_feature_names_out())
        )

    def at(self, rows: NDArray[np.int64]) -> Counts:
        words, letters = self.matrices
        return Counts((words[rows], letters[rows]), self.terms)


@dataclass(frozen=True, slots=True)
class Wording:
    """The terms of some texts with their weights (k,), of words and of letters; `columns`: where counts have them."""

    counters: tuple[CountVectorizer, CountVectorizer]
    weights: tuple[NDArray[np.float32], NDArray[np.float32]]
    columns: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None

    @classmethod
    def fit(cls, counts: Counts) -> Wording:
        """Raises Malformed where the texts share too little wording."""
        count = counts.matrices[0].shape[0]
        columns, weights = [], []
        for matrix, least, most in zip(counts.matrices, _LEAST, _MOST, strict=True):
            texts = np.bincount(matrix.indices, minlength=matrix.shape[1])
            kept = np.flatnonzero(texts >= least)
            if not len(kept):
                raise _too_little(count)
            if len(kept) > most:
                often = np.asarray(matrix.sum(axis=0)).ravel()[kept]
                kept = np.sort(kept[np.argsort(-often, kind="stable")[:most]])
            columns.append(kept)
            weights.append((np.log((1 + count) / (1 + texts[kept])) + 1).astype(np.float32))
        names = [[str(one) for one in terms[at]] for terms, at in zip(counts.terms, columns, strict=True)]
        return cls(_counters(*names), (weights[0], weights[1]), (columns[0], columns[1]))

    def of_counts(self, counts: Counts) -> Any:
        """(n, k) of texts whose terms were counted for the fit: k columns of words, then of letters."""
        assert self.columns is not None
        pairs = zip(counts.matrices, self.columns, strict=True)
        return self._weighed([matrix[:, at] for matrix, at in pairs])

    def of_texts(self, texts: Sequence[str]) -> Any:
        """(n, k) of any texts."""
        return self._weighed([counter.transform(texts) for counter in self.counters])

    def _weighed(self, matrices: Sequence[Any]) -> Any:
        """Counts as 1 + log, times the weights, each text of length one (Salton and Buckley 1988)."""
        parts = []
        for matrix, weight in zip(matrices, self.weights, strict=True):
            data = matrix.data.astype(np.float32)
            np.log(data, out=data)
            data += 1.0
            data *= weight[matrix.indices]
            parts.append(normalize(sparse.csr_matrix((data, matrix.indices, matrix.indptr), matrix.shape), copy=False))
        return sparse.hstack(parts, format="csr")

    def single_words(self) -> frozenset[str]:
        return frozenset(word for word in self.counters[0].vocabulary if " " not in word)

    def state(self) -> list[Any]:
        """Plain: the terms as two texts (skops takes 22 s over 70,000 strings, no time over two) and the weights."""
        return ["\n".join(self.counters[0].vocabulary), "\n".join(self.counters[1].vocabulary), *self.weights]

    @classmethod
    def restored(cls, state: Sequence[Any]) -> Wording:
        words, letters, *weights = state
        return cls(_counters(words.split("\n"), letters.split("\n")), (weights[0], weights[1]))


def _counters(words: list[str] | None, letters: list[str] | None) -> tuple[CountVectorizer, CountVectorizer]:
    """Words with their pairs, and letters within words; with their terms, or to be fitted."""
    return (
        CountVectorizer(
            ngram_range=(1, 2),
            min_df=_LEAST[0],
            token_pattern=_WORD,
            vocabulary=words,
            dtype=np.uint16,
            lowercase=False,
        ),
        CountVectorizer(
            analyzer="char_wb",
            ngram_range=(3, 4),
            min_df=_LEAST[1],
            vocabulary=letters,
            dtype=np.int32,
            lowercase=False,
        ),
    )


def _too_little(count: int) -> Malformed:
    return Malformed(f"{count} texts share too little wording to learn from: add more texts")
