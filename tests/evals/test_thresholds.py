"""Pass marks: read strictly, judged honestly."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.results import Metric, SuiteResult
from evals.run import REPLAY
from evals.suites import SUITES
from evals.thresholds import Mark, judge, read_marks
from governance.errors import Malformed


def result(*metrics: Metric) -> SuiteResult:
    return SuiteResult("risk", "", metrics)


MARKS = {"risk": {"ibm/auc": Mark(at_least=0.8), "ibm/ece": Mark(at_most=0.1), "other/auc": Mark(at_least=0.9)}}


@pytest.mark.parametrize(
    ("value", "passed"), [(0.8, True), (0.9, True), (0.7999, False), (None, False)]
)  # fmt: skip
def test_at_least(value: float | None, passed: bool) -> None:
    (judged, _) = judge(result(Metric("ibm", "auc", value)), {"risk": {**MARKS["risk"]}})
    assert judged.passed is passed


def test_at_most_zero_is_a_mark() -> None:
    assert Mark(at_most=0.0).holds(0.0)
    assert not Mark(at_most=0.0).holds(0.01)


def test_a_metric_without_a_mark_is_not_judged_and_a_time_never_is() -> None:
    marks = {"risk": {"ibm/speed": Mark(at_most=0.0)}}
    judged = judge(result(Metric("ibm", "brier", 0.2), Metric("ibm", "speed", 9.0, unit="ms")), marks)
    assert [one.passed for one in judged] == [None, None]


def test_a_mark_that_nothing_measures_any_more_fails_where_its_data_was_measured() -> None:
    judged = judge(result(Metric("ibm", "auc", 0.9)), MARKS)
    assert [(one.metric.name, one.passed) for one in judged] == [("auc", True), ("ece", False)]
    assert judge(result(Metric("third", "auc", 0.1)), MARKS)[0].passed is None


def test_the_marks_of_the_product_are_of_suites_that_exist() -> None:
    marks = read_marks()
    assert set(marks) == {*SUITES, REPLAY}
    for suite in marks.values():
        assert all((mark.at_least is None) is not (mark.at_most is None) for mark in suite.values())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("risk = 3", "must be a table"),
        ("[risk]\nibm = 3", "must be a table"),
        ("[risk.ibm]\nauc = 0.9", "must be a table"),
        ("[risk.ibm]\nauc = {}", "at_least = NUMBER"),
        ("[risk.ibm]\nauc = { at_least = 0.9, at_most = 1.0 }", "at_least = NUMBER"),
        ("[risk.ibm]\nauc = { atleast = 0.9 }", "at_least = NUMBER"),
        ("[risk.ibm]\nauc = { at_least = true }", "at_least = NUMBER"),
        ("[risk.ibm\n", "Expected"),
    ],
)
def test_marks_that_are_half_understood_are_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "marks.toml"
    path.write_text(text)
    with pytest.raises(Malformed, match=words):
        read_marks(path)
