"""What is measured on was not trained on, and comes from where it is said to come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals import datasets
from evals.fields import judged_field, normal, written_day
from governance.errors import Malformed, Unavailable
from models.bundle import SEED
from models.pair_drills import drill
from models.synthetic import company_month
from tests.evals.sample_folder import sample_folder


@given(st.integers(), st.integers(0, 999))
def test_no_seed_is_one_that_training_uses(seed: int, number: int) -> None:
    found = datasets.held_out(seed, number)
    # models.bundle: months SEED + 1 and 2, texts SEED, payers SEED + 100, drills (SEED % 2**20) * 1000 + 0 to 15.
    trained = {*range(SEED, SEED + 101), *range(SEED % 2**20 * 1000, SEED % 2**20 * 1000 + 16)}
    assert found not in trained
    assert 0 <= found < 2**31


def test_seeds_of_two_runs_and_of_two_sets_differ() -> None:
    seeds = {datasets.held_out(seed, number) for seed in range(50) for number in range(0, 1000, 100)}
    assert len(seeds) == 500


def test_a_made_up_ledger_is_the_same_again_and_another_with_another_seed() -> None:
    first, again, other = (datasets.company_ledgers(seed, 0.05) for seed in (1, 1, 2))
    assert [one.invoices for one in first] == [one.invoices for one in again]
    assert first[0].invoices != other[0].invoices
    assert first[0].invoices != first[1].invoices
    assert datasets.near_miss_ledgers(1, 0.1)[0].invoices != drill(1).invoices


def test_copies_are_planted_into_a_real_ledger_and_nothing_else_is_changed() -> None:
    invoices = company_month(3, suppliers=10, customers=3, invoices=100, exceptions=0, mail=0).invoices
    ledger = datasets.planted("town", invoices, 1)
    ids = {one.invoice_id for one in ledger.invoices}
    assert not ledger.complete
    assert [one.invoice_no for one in ledger.invoices[: len(invoices)]] == [one.invoice_no for one in invoices]
    assert len(ledger.invoices) > len(invoices)
    assert ledger.duplicate_pairs
    assert all(left in ids and right in ids for left, right, _ in ledger.duplicate_pairs)


def test_a_folder_gives_what_it_holds_and_skips_what_is_something_else(tmp_path: Path) -> None:
    folder = sample_folder(tmp_path)
    (ledger,) = datasets.real_ledgers(folder, 1, 1.0)
    assert ledger.name == "town"
    (portfolio,) = datasets.real_portfolios(folder)
    assert portfolio.name == "firm"
    assert portfolio.end == max(one.clear_date for one in portfolio.items if one.clear_date)
    corpora, gone = datasets.expected_documents(folder, 1, 1.0)
    assert set(corpora) == {"einvoice_xml"}
    assert gone == 1
    assert all(one.document_class == "invoice" for one in corpora["einvoice_xml"])
    texts = datasets.labelled_documents(folder)
    assert len(texts) == 89  # the weak label is left out
    assert len({one.source for one in texts}) == 3
    slips = datasets.receipts(folder, 1, 1.0, written_day)
    assert slips[0].fields == {"supplier": "CORNER SHOP SDN BHD", "issue_date": "2018-03-10", "total_amount": "09.50"}
    assert b"TAX INVOICE" in slips[0].content


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="expected_fields"):
        datasets.expected_documents(tmp_path, 1, 1.0)
    with pytest.raises(Unavailable, match="classification_text"):
        datasets.labelled_documents(tmp_path)
    assert list(datasets.real_ledgers(tmp_path, 1, 1.0)) == []
    assert list(datasets.real_portfolios(tmp_path)) == []
    with pytest.raises(Malformed, match="no such folder"):
        datasets.data_folder(tmp_path / "nowhere")


@pytest.mark.shared
def test_the_development_data_is_read(shared: Path) -> None:
    assert {one.name for one in datasets.real_portfolios(shared)} >= {"ibm", "highradius"}
    ledgers = list(datasets.real_ledgers(shared, 1, 0.05))
    assert [one.name for one in ledgers] == ["sheffield"]
    assert len(datasets.labelled_documents(shared)) > 500
    corpora, gone = datasets.expected_documents(shared, 1, 0.1)
    assert gone == 0
    assert set(corpora) >= {"einvoice_xml", "hybrid_pdf"}


@pytest.mark.parametrize(
    ("field", "said", "read", "right"),
    [
        ("total_amount", "1200", "1200.00", True),
        ("total_amount", "1,200.00", "1200", True),
        ("total_amount", "1200.00", "1200.01", False),
        ("due_date", "20180413", "2018-04-13", True),
        ("due_date", "2018-04-13", "2018-04-14", False),
        ("iban", "DE88 2008 0000 0970 3757 00", "DE88200800000970375700", True),
        ("supplier", "Bei Spiel\nGmbH", "Bei Spiel GmbH", True),
        ("supplier", "Bei Spiel GmbH", "Bei Spiel", False),
        ("invoice_number", "RE-1", None, False),
        ("invoice_number", None, None, True),
        ("invoice_number", None, "RE-1", False),
        ("invoice_number", " ", None, True),
    ],
)
def test_fields_are_compared_as_what_they_mean(field: str, said: str | None, read: str | None, right: bool) -> None:
    assert judged_field(field, {field: said}, {field: read}) is right


def test_a_field_that_nobody_knows_is_not_judged() -> None:
    assert judged_field("iban", {}, {"iban": "DE88"}) is None
    assert normal("total_amount", "n/a") == "n/a"
    assert written_day("no date") is None
