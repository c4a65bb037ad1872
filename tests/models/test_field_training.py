"""The weights of fields: fitted on made-up pages, honest on pages that the fit never saw."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Sequence

import pytest

from models import field_training
from models.extraction import ACCEPT, Extraction, extract, extract_pages
from models.field_scores import FieldScore, shipped
from models.field_training import FIELDS, fit, render, right
from models.synthetic_pages import SyntheticPage, synthetic_pages

# Of all pages that show the field, how many are read right (goals of text PDFs); made-up pages are not easier by luck.
GOALS = {
    "invoice_number": 0.85, "issue_date": 0.88, "total_amount": 0.80, "iban": 0.90, "supplier_vat_id": 0.90,
    "supplier": 0.75, "purchase_order": 0.80,
}  # fmt: skip


@pytest.fixture(scope="module")
def unseen() -> list[SyntheticPage]:
    return synthetic_pages(field_training.SEED + 1, 250)


@pytest.fixture(scope="module")
def read(unseen: list[SyntheticPage]) -> list[Extraction]:
    return extract_pages([(page.text, page.words) for page in unseen])


def test_the_same_seed_gives_the_same_pages() -> None:
    assert synthetic_pages(5, 3) == synthetic_pages(5, 3)
    assert synthetic_pages(5, 3) != synthetic_pages(6, 3)
    assert synthetic_pages(5, 3) == synthetic_pages(5, 4)[:3]


@pytest.mark.parametrize("name", GOALS)
def test_unseen_pages_are_read(unseen: list[SyntheticPage], read: list[Extraction], name: str) -> None:
    hits = [
        right(name, found.fields[name] or "", page.fields[name]) if found.fields[name] else False
        for page, found in zip(unseen, read, strict=True)
        if name in page.fields
    ]
    assert sum(hits) >= GOALS[name] * len(hits), f"{name}: {sum(hits)} of {len(hits)}"


def said(unseen: Sequence[SyntheticPage], read: Sequence[Extraction]) -> list[tuple[float, bool]]:
    found = []
    for page, one in zip(unseen, read, strict=True):
        for name in FIELDS:
            value, sure = one.fields[name], one.field_confidence[name]
            if value is not None and sure is not None and name != "amount_due":
                found.append((sure, right(name, value, page.fields.get(name))))
    return found


def test_what_is_accepted_is_right(unseen: list[SyntheticPage], read: list[Extraction]) -> None:
    accepted = [hit for sure, hit in said(unseen, read) if sure >= ACCEPT]
    assert len(accepted) > 800
    assert sum(accepted) >= 0.975 * len(accepted), f"{sum(accepted)} of {len(accepted)}"


def test_confidence_is_calibrated(unseen: list[SyntheticPage], read: list[Extraction]) -> None:
    """Expected calibration error over ten bins, on pages and on their text alone."""
    texts = extract([page.text for page in unseen])
    for rows in (said(unseen, read), said(unseen, texts)):
        bins: dict[int, list[tuple[float, bool]]] = {}
        for sure, hit in rows:
            bins.setdefault(min(9, int(sure * 10)), []).append((sure, hit))
        error = sum(abs(sum(sure for sure, _ in part) - sum(hit for _, hit in part)) for part in bins.values())
        assert error / len(rows) <= 0.05


def test_the_shipped_weights_know_every_field() -> None:
    weights = shipped()
    assert set(weights) == set(FIELDS)
    for score in weights.values():
        assert score.score > 0, "a better candidate is never less sure"
        assert score.lead >= 0
        assert all(math.isfinite(weight) for weight in score.facts.values())


def test_a_fit_can_be_written_and_read_again() -> None:
    weights = fit(synthetic_pages(3, 60))
    rows = tomllib.loads(render(weights))["fields"]
    assert {name: FieldScore(**row) for name, row in rows.items()} == weights
