"""Pass marks: the least or the most that a metric may be, per suite and data set, from a TOML file.

[suite.dataset]
metric = { at_least = 0.9 }     # or at_most
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from evals.results import Metric, SuiteResult
from governance.errors import Malformed


@dataclass(frozen=True, slots=True)
class Mark:
    """One pass mark; one of both is set."""

    at_least: float | None = None
    at_most: float | None = None

    def holds(self, value: float | None) -> bool:
        """Whether a value passes. What could not be measured does not."""
        if value is None:
            return False
        return value >= self.at_least if self.at_least is not None else value <= (self.at_most or 0.0)

    def __str__(self) -> str:
        return f"at least {self.at_least:g}" if self.at_least is not None else f"at most {self.at_most:g}"


Marks = Mapping[str, Mapping[str, Mark]]
"""suite → dataset/metric → mark."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A metric beside its mark; `passed` is None where it has none."""

    suite: str
    metric: Metric
    mark: Mark | None
    passed: bool | None


def read_marks(path: Path | None = None) -> Marks:
    """The pass marks of a file, or those that come with the product. Raises Malformed, OSError."""
    try:
        text = (resources.files("evals") / "thresholds.toml" if path is None else path).read_text("utf-8")
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"{path or 'thresholds.toml'}: {error}") from None
    marks: dict[str, dict[str, Mark]] = {}
    for suite, sets in raw.items():
        for name, metrics in _table(sets, suite).items():
            for metric, mark in _table(metrics, f"{suite}.{name}").items():
                marks.setdefault(suite, {})[f"{name}/{metric}"] = _mark(mark, f"{suite}.{name}.{metric}")
    return marks


def _table(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise Malformed(f"pass marks: {where} must be a table [suite.dataset]")
    return value


def _mark(value: object, where: str) -> Mark:
    mark = _table(value, where)
    ((name, limit),) = mark.items() if len(mark) == 1 else ((None, None),)
    if name not in ("at_least", "at_most") or isinstance(limit, bool) or not isinstance(limit, int | float):
        raise Malformed(f"pass marks: {where} must be {{ at_least = NUMBER }} or {{ at_most = NUMBER }}")
    return Mark(at_least=float(limit)) if name == "at_least" else Mark(at_most=float(limit))


def judge(result: SuiteResult, marks: Marks) -> list[Judged]:
    """Every metric beside its mark.

    A mark for a metric that a measured data set does not have fails: what nobody measures any more must not pass in
    silence. Marks of data sets that were not there at all say nothing.
    """
    own = marks.get(result.suite, {})
    judged = [_judged(result.suite, metric, own.get(metric.key)) for metric in result.metrics]
    return [*judged, *_unmeasured(result, own)]


def _judged(suite: str, metric: Metric, mark: Mark | None) -> Judged:
    if mark is None or metric.is_time:
        return Judged(suite, metric, None, None)
    return Judged(suite, metric, mark, mark.holds(metric.value))


def _unmeasured(result: SuiteResult, marks: Mapping[str, Mark]) -> Sequence[Judged]:
    measured = {metric.key for metric in result.metrics}
    sets = {metric.dataset for metric in result.metrics}
    missing = [key for key in marks if key not in measured and key.split("/")[0] in sets]
    split = [(key, *key.split("/", 1)) for key in missing]
    return [Judged(result.suite, Metric(name, metric, None), marks[key], False) for key, name, metric in split]
