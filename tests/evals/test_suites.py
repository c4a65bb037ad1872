"""Every suite from end to end on little, and the same again for the same seed."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from evals import suites
from evals.results import SuiteResult
from evals.suites import SUITES, Options
from models.bundle import Bundle
from tests.evals.sample_folder import sample_folder

pytestmark = pytest.mark.xdist_group("evals")  # one worker makes what they share

SCALE = 0.05
EXPECTED = {
    "documents": {"made_up_xml/field_accuracy", "made_up_text/field_accuracy", "unseen_wording/accuracy_of_answers",
                  "made_up_text/accepted_right", "made_up_text/field_ece", "made_up_text/cpu_per_document",
                  "einvoice_xml/field_accuracy", "receipts/total_amount", "sources_shipped/answered_share",
                  "sources_left_out/ece_of_model", "writers_left_out/macro_f1", "classes_left_out/auroc"},
    "duplicates": {"company/pr_auc", "company/recall_at_precision_95", "near_misses/alerts_per_1000",
                   "second/candidate_recall_worst_class", "second/alerts_at_recall_95", "second/ece_in_band",
                   "second_lookalikes/alerts_per_1000_recurring", "second_unseen/mean_of_classes",
                   "second_labels/pr_auc_0_labels", "erp_exact_check_on_second/recall_planted",
                   "rule_pack_on_second/alerts_per_1000", "town/recall_planted", "town/candidate_recall",
                   "town_as_it_is/alerts_cut_times"},
    "risk": {"company/auc", "company/shipped_brier", "company/customer_rate_ece", "company/due_date_mae_days",
             "company/shipped_interval_coverage", "firm/auc"},
    "causes": {"demo_company/primary", "demo_company/supported", "second_maker/primary", "second_maker/contributing",
               "second_maker/supported", "three_way_match/right", "types/covered", "actions/under_the_ceiling",
               "confidence/null_without_decisions", "third_shown/primary", "third_kept/primary",
               "third_kept/supported", "third_later/primary"},
    "precedents": {"filtered/recall_at_3", "by_index/recall_at_3", "filtered/p95", "agreeing/same_action_at_3",
                   "routes_steady/people_top_1", "routes_restless/not_below_the_matrix"},
    "drafts": {"letters/complete", "letters/traceable", "letters/false_refusals", "letters/refused_iban",
               "triage/action_agreement"},
    "injection": {"templates/foreign_in_letters", "malicious/state_changes", "malicious/steered", "down/reached_people",
                  "slow/in_time", "helpful/phrased_by_model", "benign/documents_blocked", "benign/letters_blocked",
                  "details/foreign_in_actions"},
    "gate": {"promises/always_a_person", "promises/risk_never_lowers", "standard_policy/people_per_case"},
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_folder(tmp_path_factory.mktemp("data"))


class Results(dict[str, SuiteResult]):
    """Each suite is run when a test asks for it, and once."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.options = options

    def __missing__(self, name: str) -> SuiteResult:
        self[name] = suites.run(name, self.options)
        return self[name]


@pytest.fixture(scope="module")
def results(bundle: Bundle, folder: Path) -> Results:
    return Results(Options(bundle, 1, SCALE, folder, 20))


@pytest.mark.parametrize("name", list(SUITES))
def test_a_suite_measures_what_it_promises(results: Results, name: str) -> None:
    result = results[name]
    found = {one.key: one for one in result.metrics}
    assert result.suite == name
    assert EXPECTED[name] <= set(found), EXPECTED[name] - set(found)
    assert len(found) == len(result.metrics), "a metric stands twice"
    assert result.about
    assert result.notes
    assert result.plots
    for metric in result.metrics:
        assert metric.value is None or math.isfinite(metric.value)
        assert metric.count > 0
        if metric.low is not None and metric.high is not None:
            assert metric.low <= metric.high
        if metric.unit == "" and not metric.name.startswith(("alerts", "candidates_per", "letters", "people")):
            assert metric.value is None or 0.0 <= metric.value <= 1.0, metric


@pytest.mark.parametrize("name", ["duplicates", "causes", "drafts", "gate"])
def test_the_same_seed_gives_the_same_metrics(results: Results, bundle: Bundle, folder: Path, name: str) -> None:
    again = suites.run(name, Options(bundle, 1, SCALE, folder, 20))
    assert again.steady() == results[name].steady()
    assert [(one.low, one.high) for one in again.metrics] == [(one.low, one.high) for one in results[name].metrics]


def test_the_same_seed_gives_the_same_fitted_models(bundle: Bundle) -> None:
    """Documents and risk fit models as they measure: on the least that they can be fitted on."""
    for name in ("documents", "risk"):
        first, again = (suites.run(name, Options(bundle, 3, 0.02, None, 5)).steady() for _ in range(2))
        assert first == again


def test_another_seed_measures_on_something_else(results: Results, bundle: Bundle) -> None:
    other = suites.run("duplicates", Options(bundle, 2, SCALE, None, 5)).steady()
    mine = results["duplicates"].steady()
    assert any(other[key] != mine[key] for key in other if key in mine)


def test_without_a_folder_the_report_says_so(bundle: Bundle) -> None:
    for name in ("duplicates", "risk"):
        notes = " ".join(suites.run(name, Options(bundle, 1, 0.02, None, 5)).notes)
        assert "No folder" in notes


def test_suites_are_chosen_by_name_each_once() -> None:
    assert suites.chosen(["gate", "documents", "gate"]) == ["documents", "gate"]
    assert suites.chosen(["gate", "all"]) == list(SUITES)


def test_the_guard_and_the_gate_are_held_to_everything(results: Results) -> None:
    promises = [one for one in results["gate"].metrics if one.dataset == "promises"]
    assert [one.value for one in promises] == [1.0] * len(promises)
    letters = {one.name: one.value for one in results["drafts"].metrics if one.dataset == "letters"}
    assert letters["complete"] == letters["traceable"] == letters["refused_iban"] == 1.0
    assert letters["false_refusals"] == 0.0
