"""Boosted trees as flat arrays, for few rows: scikit-learn needs milliseconds to ask a booster about a single one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.events import Floats, Ints

FEW = 48
"""Rows up to which the flat arrays are faster than scikit-learn."""


@dataclass(frozen=True, slots=True)
class Trees:
    """All trees of several boosters, node after node. first: the root of each tree. of: the booster of each tree.

    feature: the column of a node, in a table that stands twice side by side; where a missing value goes left, in
    its first half. children: the right child of node i at 2 i, the left one after it; a leaf's child is the leaf.
    """

    feature: Ints
    threshold: Floats
    children: Ints
    value: Floats
    first: Ints
    of: Ints
    start: Floats
    depth: int

    @classmethod
    def of_boosters(cls, boosters: Sequence[Any]) -> Trees:
        """From fitted binary HistGradientBoostingClassifiers: one tree an iteration, no categories."""
        grown = [[trees[0].nodes for trees in booster._predictors] for booster in boosters]
        every = [nodes for trees in grown for nodes in trees]
        first = np.cumsum([0, *(len(nodes) for nodes in every)])[:-1].astype(np.int64)
        nodes = np.concatenate(every)
        shift = np.repeat(first, [len(one) for one in every])
        leaf, here = nodes["is_leaf"].astype(bool), np.arange(len(nodes))
        width = int(boosters[0].n_features_in_)
        left, right = (np.where(leaf, here, nodes[side] + shift) for side in ("left", "right"))
        return cls(
            feature=nodes["feature_idx"].astype(np.int64) + np.where(nodes["missing_go_to_left"], 0, width),
            threshold=nodes["num_threshold"].astype(float),
            children=np.column_stack([right, left]).ravel().astype(np.int64),
            value=np.where(leaf, nodes["value"], 0.0),
            first=first,
            of=np.repeat(np.arange(len(boosters)), [len(trees) for trees in grown]),
            start=np.array([float(booster._baseline_prediction[0, 0]) for booster in boosters]),
            depth=int(nodes["depth"].max()),
        )

    def odds(self, table: Floats) -> Floats:
        """The logits of each booster: (n, boosters), as its decision_function says."""
        # No threshold holds what is not a number; below all of them it goes left.
        seen = np.hstack([np.where(np.isnan(table), -np.inf, table), table])
        flat, rows = seen.ravel(), (np.arange(len(table)) * seen.shape[1])[:, None]
        at: NDArray[np.int64] = np.broadcast_to(self.first, (len(table), len(self.first)))
        for _ in range(self.depth):
            left = flat.take(self.feature.take(at) + rows) <= self.threshold.take(at)
            at = self.children.take(2 * at + left)
        starts = np.flatnonzero(np.diff(self.of, prepend=-1))
        return np.add.reduceat(self.value.take(at), starts, axis=1) + self.start
