"""The truth that likely duplicates are held against: ledgers, plants, alerts, rules, and what the figures mean."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals import duplicate_figures, duplicate_goals, peers, scorers
from evals.datasets import DEFAULT_FOLDER, Ledger
from evals.duplicate_injection import CLASSES, injected, obvious
from evals.duplicate_ledgers import Planted, of_ledger, second_planted, siblings
from evals.duplicate_real import RealLedger, real_ledgers
from evals.duplicate_rules import EXACT, PACK, exact_check, hits, rule_pack
from evals.duplicate_scores import (
    LOST,
    Found,
    Scored,
    alert_curve,
    alerts_at_recall,
    is_shown,
    main_queue,
    measured,
    merged,
    pr_auc,
    recall_at,
    scored,
)
from evals.duplicate_unseen import without
from evals.results import Metric
from models.duplicates import Invoice
from tests.evals.sample_folder import sample_folder


def bill(number: str, vendor: str = "V1", amount: str = "100.00", day: int = 1, **more: str) -> Invoice:
    return Invoice(
        invoice_id=more.get("id", number), entity="E", vendor_id=vendor, vendor_name="Firm One Ltd", tax_id=None,
        iban=None, invoice_no=number, invoice_date=date(2024, 3, day), posting_date=date(2024, 3, day),
        currency="EUR", amount=Decimal(amount), po=None, description=None, doc_type="invoice",
    )  # fmt: skip


def ledger(count: int, twins: dict[tuple[int, int], str], **more: object) -> Planted:
    rows = [bill(f"N{row}", vendor=f"V{row % 3}", amount=f"{row + 1}.00", day=1 + row % 27) for row in range(count)]
    return Planted("made", rows, twins, **more)  # type: ignore[arg-type]


# Figures -----------------------------------------------------------------------------------------------------------


def test_a_duplicate_that_is_never_proposed_is_never_found() -> None:
    """The area under the curve stops at what was found: losing half of the pairs halves it."""
    made = ledger(40, {(0, 1): "exact", (2, 3): "typo"})
    full = scored(made, [Found((0, 1), 0.9), Found((2, 3), 0.8)])
    half = scored(made, [Found((0, 1), 0.9)], frozenset({(0, 1), (4, 5)}))
    assert pr_auc(full.truth, full.probability) == 1.0
    assert pr_auc(half.truth, half.probability) == 0.5
    assert recall_at(half.truth, half.probability, 0.99) == 0.5
    assert sorted(half.probability) == [LOST, 0.9]
    assert half.candidates == 2


def test_what_was_proposed_and_thought_nothing_of_is_not_lost_in_blocking() -> None:
    made = scored(ledger(10, {(0, 1): "exact"}), [], frozenset({(0, 1)}))
    assert list(made.probability) == [0.0]


def test_an_invoice_is_one_alert_however_many_pairs_it_is_in() -> None:
    made = scored(ledger(10, {(0, 5): "exact"}), [Found((0, 5), 0.9), Found((1, 5), 0.8), Found((2, 5), 0.7)])
    assert alert_curve(made) == [(1.0, 100.0, 0.9), (1.0, 100.0, 0.8), (1.0, 100.0, 0.7)]
    assert alerts_at_recall(made) == 100.0


def test_a_recall_that_is_never_reached_has_no_alerts() -> None:
    made = scored(ledger(10, {(0, 5): "exact", (1, 6): "typo"}), [Found((0, 5), 0.9)])
    assert alerts_at_recall(made) is None
    assert not duplicate_goals.Goal("x", duplicate_goals.GOALS[6].mark).mark.holds(None)


def test_the_later_row_is_the_alert() -> None:
    made = ledger(6, {})
    turned = replace(
        made, invoices=[replace(one, posting_date=date(2024, 5, 28 - at)) for at, one in enumerate(made.invoices)]
    )
    assert list(scored(turned, [Found((1, 4), 0.9)]).record) == [1]


def test_what_is_set_aside_counts_neither_way() -> None:
    twins = {(0, 1): "split", (0, 2): "split"}
    made = ledger(10, twins, aside=siblings(twins))
    assert made.aside == {(1, 2)}
    assert len(scored(made, [Found((1, 2), 0.99)]).kind) == 2


def test_the_queue_of_renumbered_invoices_has_a_threshold_of_its_own() -> None:
    made = scored(ledger(10, {(0, 1): "renumbered"}), [Found((0, 1), 0.45, renumbered=True), Found((2, 3), 0.45)])
    assert list(is_shown(made)) == [True, False]
    assert list(main_queue(made).kind) == [""]


def test_ledgers_of_one_kind_are_merged_without_mixing_their_rows() -> None:
    part = scored(ledger(10, {(0, 5): "exact"}), [Found((0, 5), 0.9)], frozenset({(0, 5)}))
    both = merged([part, part])
    assert both.size == 20
    assert len(set(both.record.tolist())) == 2
    assert both.candidates == 2
    assert alerts_at_recall(both) == 100.0


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), extra=st.integers(0, 30))
def test_more_lost_pairs_never_make_the_figures_better(seed: int, extra: int) -> None:
    rng = np.random.default_rng(seed)
    truth = (rng.random(60) < 0.3).astype(np.int64)
    probability = rng.random(60)
    lost_truth = np.concatenate([truth, np.ones(extra, dtype=np.int64)])
    lost = np.concatenate([probability, np.full(extra, LOST)])
    for statistic in (pr_auc, lambda t, p: recall_at(t, p, 0.5)):
        with_all, with_less = statistic(truth, probability), statistic(lost_truth, lost)
        if with_all is not None and with_less is not None:
            assert with_less <= with_all + 1e-12


def test_false_alerts_are_counted_for_the_invoices_that_could_raise_them() -> None:
    looks = {"recurring_sequence": frozenset({0, 1, 2, 3}), "credit_and_rebill": frozenset({7, 8})}
    made = scored(ledger(10, {}, lookalikes=looks), [Found((0, 1), 0.9), Found((1, 7), 0.9), Found((7, 8), 0.1)])
    found = {one.name: one.value for one in duplicate_figures.false_alerts(made)}
    assert found["alerts_per_1000_recurring_sequence"] == found["alerts_per_1000_recurring"] == 250.0
    assert found["alerts_per_1000_credit_and_rebill"] == 0.0


def test_a_right_probability_shows_no_more_error_than_noise() -> None:
    rng = np.random.default_rng(3)
    said = rng.uniform(0.1, 0.9, 4000)
    right = (rng.random(4000) < said).astype(np.int64)
    assert (scorers.ece(right, said) or 0) < 2 * duplicate_figures.noise(said, 1)
    assert (scorers.ece(right, said / 2) or 0) > 5 * duplicate_figures.noise(said, 1)


def test_goals_stand_beside_what_was_measured() -> None:
    metrics = [Metric("second", "pr_auc", 0.98, count=5), Metric("second", "alerts_at_recall_95", None, count=5)]
    rows = duplicate_goals.table(metrics).rows
    assert [row[-1] for row in rows] == ["met", "missed"]


# Ledgers -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> RealLedger:
    folder = sample_folder(tmp_path_factory.mktemp("data"))
    (found,) = real_ledgers(folder, 1, 1.0)
    return found


def test_noise_is_planted_in_a_ledger_as_every_class_says(town: RealLedger) -> None:
    many = replace(
        town,
        invoices=[
            replace(one, invoice_id=f"{copy}-{one.invoice_id}", vendor_id=f"{one.vendor_id}{copy}")
            for copy in range(8)
            for one in town.invoices
        ],
    )
    made = injected(many, 1)
    known = made.invoices
    assert set(made.twins.values()) == set(CLASSES)
    counts = Counter(made.twins.values())
    assert 0.015 < len({max(pair) for pair in made.twins}) / len(known) < 0.04
    assert max(counts.values()) <= 3 * min(counts.values()) + 3
    for (left, right), kind in made.twins.items():
        one, two = known[left], known[right]
        if kind in ("format", "ocr", "typo", "suffix"):
            assert one.invoice_no != two.invoice_no
            assert one.amount == two.amount
        elif kind == "amount":
            assert 0 < abs(one.amount - two.amount) <= 1
        elif kind == "vendor_double":
            assert one.vendor_id != two.vendor_id
        elif kind == "renumbered":
            assert (one.invoice_no == two.invoice_no, one.amount == two.amount) == (False, True)
        elif kind == "currency":
            assert one.currency != two.currency
        elif kind == "other_entity":
            assert one.entity != two.entity
    assert not made.aside & set(made.twins)
    assert injected(many, 1) == made
    assert injected(many, 2) != made


def test_lines_of_one_document_are_one_invoice(tmp_path: Path) -> None:
    part = tmp_path / "duplicates" / "city"
    part.mkdir(parents=True)
    rows = [f"{100 + at},INV{at},V{at % 5},Firm {at % 5},10.00,2024-01-{at % 28 + 1:02d},rent" for at in range(60)]
    rows += ["100,INV0,V0,Firm 0,5.50,2024-01-01,rent", "999,INV999,V1,Firm 1,nothing,2024-01-01,rent"]
    header = "Document No.,Invoice No.,Supplier No,Supplier Name,Value,GL Date,Expense Code Description"
    (part / "q1.csv").write_text("\n".join([header, *rows]))
    (part / "notes.csv").write_text("a,b\n1,2\n")
    (found,) = real_ledgers(tmp_path, 1, 1.0)
    assert found.numbered
    assert len(found.invoices) == 60
    assert {one.amount for one in found.invoices if one.invoice_no == "INV0"} == {Decimal("15.50")}


def test_numbers_that_differ_in_punctuation_alone_are_obvious() -> None:
    rows = [
        bill("586026", day=1),
        bill("586026--", day=20, id="b"),
        bill("586026", day=21, id="c"),
        bill("586 026", amount="100.01", id="d"),
        bill("586026.", vendor="V2", id="e"),
    ]
    assert obvious(rows) == {(0, 1), (1, 2)}


def test_a_class_that_is_left_out_leaves_nothing_behind() -> None:
    rows = [bill(f"N{at}") for at in range(5)]
    pairs = [("N0", "N1", "typo"), ("N2", "N3", "date"), ("N1", "N4", "date")]
    left = without(Ledger("made", rows, pairs), "typo")
    assert [one.invoice_id for one in left.invoices] == ["N0", "N2", "N3", "N4"]
    assert left.duplicate_pairs == [("N2", "N3", "date")]


def test_ledgers_name_their_own_truth() -> None:
    rows = [bill(f"N{at}") for at in range(4)]
    made = of_ledger(Ledger("made", rows, [("N2", "N0", "exact"), ("N2", "N3", "exact")]))
    assert made.twins == {(0, 2): "exact", (2, 3): "exact"}
    assert made.aside == {(0, 3)}


@pytest.mark.shared
def test_real_ledgers_are_read_whole() -> None:
    if not (DEFAULT_FOLDER / "duplicates").is_dir():
        pytest.skip("the folder ../shared/data with real ledgers is missing")
    found = {one.name: one for one in real_ledgers(DEFAULT_FOLDER, 1, 0.02)}
    assert found["sheffield"].numbered
    assert not found["oxford"].numbered
    assert all(one.invoice_no for each in found.values() for one in each.invoices)


# Others ------------------------------------------------------------------------------------------------------------


def test_the_exact_check_finds_the_exact_alone() -> None:
    made = second_planted(77, 1200, 0.05)
    found = {made.twins.get(one.pair) for one in exact_check(made)}
    assert "exact" in found
    assert found <= {"exact", "amount", "vendor_double", None}
    assert not hits([bill("A1"), bill("a1", id="b")], EXACT)


def test_the_rule_pack_finds_most_and_drowns_people() -> None:
    made = scored(second := second_planted(78, 1500, 0.04), rule_pack(second))
    shown = is_shown(made)
    assert made.truth[shown].sum() > 0.6 * made.truth.sum()
    assert made.truth[shown].mean() < 0.5


@pytest.mark.parametrize(
    ("one", "two", "flagged"),
    [
        ("88120", "88102", True),
        ("88120", "8812", True),
        ("88120", "88129", True),
        ("88120", "88-120", True),
        ("88120", "88211", False),
        ("88120", "881", False),
    ],
)
def test_one_slip_of_a_hand_is_one_edit(one: str, two: str, flagged: bool) -> None:
    rule = next(rule for rule in PACK if "one edit" in rule.name)
    assert bool(hits([bill(one), bill(two, id="b")], rule)) is flagged


def test_libraries_that_are_not_there_are_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    assert peers.installed() == []
    assert peers.runs(ledger(5, {}), []) == []


def test_splink_finds_a_plain_duplicate_where_it_is_there() -> None:
    if "splink" not in peers.installed():
        pytest.skip("splink is not installed: it comes with the extra 'peers'")
    made, labelled = second_planted(79, 700, 0.04), second_planted(80, 700, 0.04)
    for run in peers.runs(made, [labelled])[:2]:
        found = run()
        pairs = {one.pair for one in found.found if one.probability >= 0.5}
        exact = {pair for pair, kind in made.twins.items() if kind == "exact"}
        assert exact & pairs
        assert found.predicting_seconds > 0


def test_measured_has_an_interval_where_there_are_vendors_enough() -> None:
    from types import SimpleNamespace

    from evals.suites import Options

    made = scored(ledger(60, {(0, 3): "exact", (1, 4): "typo"}), [Found((0, 3), 0.9), Found((1, 4), 0.3)])
    options = Options(SimpleNamespace(), 1, 1.0, None, 20)  # type: ignore[arg-type]
    found = {one.name: one for one in measured(made, options)}
    assert found["recall_planted"].value == 0.5
    assert found["precision"].value == 1.0
    assert found["alerts_per_1000"].value == pytest.approx(1000 / 60)
    assert isinstance(made, Scored)
