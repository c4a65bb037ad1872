"""What later rows are compared with: bins of the fit's rows."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.features import risk_features
from models.risk import CollectionRisk
from models.risk_reference import BINS, reference_of
from models.synthetic import company_month

_VALUES = st.one_of(st.floats(-1e6, 1e6), st.just(float("nan")), st.sampled_from([0.0, 1.0, 2.0]))
_TABLES = arrays(float, st.tuples(st.integers(1, 60), st.just(3)), elements=_VALUES)


@settings(deadline=None)
@given(_TABLES, _TABLES)
def test_every_row_has_one_place_and_drift_is_never_negative(first: np.ndarray, later: np.ndarray) -> None:
    found = reference_of(first)
    for shares in (found.shares, found.shares_of(later)):
        assert np.allclose(shares.sum(axis=1), 1.0)
    assert np.allclose(found.drift(first), 0.0)
    assert (found.drift(later) >= 0.0).all()


def test_ten_bins_of_equal_shares_and_the_unknown_apart() -> None:
    found = reference_of(np.column_stack([np.arange(1000.0), np.where(np.arange(1000) < 200, np.nan, 1.0)]))
    assert np.allclose(found.shares[0], [0.1] * BINS + [0.0])
    assert found.shares[1, BINS] == pytest.approx(0.2)
    assert found.shares[1].max() == pytest.approx(0.8)


def test_what_moved_is_told_from_what_did_not() -> None:
    rng = np.random.default_rng(5)
    drift = reference_of(rng.normal(size=(4000, 2))).drift(rng.normal(size=(2000, 2)) + np.array([0.0, 1.0]))
    assert drift[0] < 0.02
    assert drift[1] > 0.5


def test_a_feature_that_was_never_known_drifts_once_it_is() -> None:
    found = reference_of(np.full((50, 1), np.nan))
    assert found.drift(np.full((50, 1), np.nan))[0] == 0.0
    assert found.drift(np.zeros((50, 1)))[0] > 1.0


def test_without_rows_there_is_nothing_to_compare() -> None:
    with pytest.raises(ValueError, match="no rows"):
        reference_of(np.empty((0, 2)))
    assert np.isnan(reference_of(np.zeros((3, 2))).drift(np.empty((0, 2)))).all()


def test_a_fitted_model_keeps_the_spread_of_its_rows() -> None:
    today = date(2026, 11, 20)
    book = company_month(21, suppliers=5, customers=120, invoices=10, exceptions=0, today=today).receivables
    cut = today - timedelta(days=90)
    found = CollectionRisk().fit(book, cut).reference
    assert found is not None
    rows = [one for one in book if max(one.due_date, one.posting_date) < cut]
    assert found.rows == len(rows)
    seen = risk_features(rows, [one.posting_date for one in rows], book)
    assert (found.drift(seen) < 1e-9).all()
    assert CollectionRisk(min_rows=10**6).fit(book, cut).reference is None
