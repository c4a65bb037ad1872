"""What both boosted models need of their training tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.events import Floats


def filled(table: Floats) -> Floats:
    """The table with 0 in columns that hold nothing but nan: scikit-learn 1.9 cannot bin them.

    A constant column is never split on, so the model does not learn from it either.
    """
    empty: NDArray[np.bool_] = np.asarray(np.isnan(table).all(axis=0))
    return np.where(empty[None, :], 0.0, table)
