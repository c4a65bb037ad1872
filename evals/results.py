"""What a suite hands back: metrics with intervals, tables and plots as data. How they look is the report's affair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Metric:
    """One number about one data set.

    value: None where the set is too small to say. low, high: a 95 % bootstrap interval, or None. count: what it was
    measured on (documents, pairs, invoices). unit: '' for shares and scores; a time is never compared with a mark
    and differs from run to run.
    """

    dataset: str
    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    count: int = 0
    unit: str = ""

    @property
    def key(self) -> str:
        return f"{self.dataset}/{self.name}"

    @property
    def is_time(self) -> bool:
        return self.unit in ("s", "ms", "us")


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Lines:
    """Curves over one axis. `series`: name → (x, y) points in order. `diagonal` draws what perfect agreement is."""

    title: str
    note: str
    x_label: str
    y_label: str
    series: Mapping[str, Sequence[tuple[float, float]]]
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)
    diagonal: bool = False


@dataclass(frozen=True, slots=True)
class Dots:
    """A value with its interval on each line; a missing value leaves the line empty."""

    title: str
    note: str
    x_label: str
    points: Sequence[tuple[str, float | None, float | None, float | None]]
    x_range: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Stacks:
    """One bar per label, made of one piece per series: `series` maps a name to a height per label."""

    title: str
    note: str
    y_label: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[float]]
    x_label: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A text for people to read as it stands. `group` puts several under one heading."""

    group: str
    title: str
    text: str


Plot = Lines | Dots | Stacks


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """Everything that one suite found. `notes`: what a reader must know, such as data that was not there."""

    suite: str
    about: str
    metrics: Sequence[Metric]
    tables: Sequence[Table] = ()
    plots: Sequence[Plot] = ()
    notes: Sequence[str] = field(default_factory=tuple)
    sheets: Sequence[Sheet] = ()

    def steady(self) -> dict[str, float | None]:
        """What the same seed gives again: every metric but times, by key."""
        return {one.key: one.value for one in self.metrics if not one.is_time}


_SHORT = {one.lower(): one for one in ("AUC", "ECE", "IBAN", "IBM", "ID", "MAE", "OCR", "PDF", "PR", "VAT", "XML")}


def words(name: str) -> str:
    """A name as people read it: `pr_auc` is PR AUC."""
    return " ".join(_SHORT.get(word, word) for word in name.replace("_", " ").split(" "))


def heading(name: str) -> str:
    """A name as it begins a title."""
    said = words(name)
    return said[:1].upper() + said[1:]
