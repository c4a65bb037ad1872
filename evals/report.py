"""One HTML file with everything that a run found: no script, nothing from elsewhere, readable in light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from itertools import count

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from evals import plots
from evals.results import Cell, Plot, SuiteResult, heading, words
from evals.thresholds import Judged


@dataclass(frozen=True, slots=True)
class Run:
    """What was run: suites with their judged metrics. `about`: facts on the run, such as seed and bundle, in order."""

    results: Sequence[SuiteResult]
    judged: Mapping[str, Sequence[Judged]]
    about: Sequence[tuple[str, str]]
    started: datetime

    @property
    def missed(self) -> list[Judged]:
        return [one for judged in self.judged.values() for one in judged if one.passed is False]

    @property
    def marked(self) -> int:
        """Metrics that have a pass mark."""
        return sum(one.passed is not None for judged in self.judged.values() for one in judged)


def html(run: Run) -> str:
    """The report as one HTML document."""
    environment = Environment(
        loader=PackageLoader("evals"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    numbers = count(1)

    def drawn(plot: Plot) -> Markup:
        return Markup(plots.svg(plot, next(numbers)))  # noqa: S704  (plots.svg escapes every text)

    environment.globals.update(
        drawn=drawn, plotted=plots.data, shown=shown, numeric=numeric, words=words, heading=heading
    )
    return environment.get_template("report.html").render(
        names=", ".join(one.suite for one in run.results),
        results=run.results,
        judged=run.judged,
        failed=run.missed,
        marked=run.marked,
        about=[("Started", f"{run.started:%Y-%m-%d %H:%M} UTC"), *run.about],
        version=version(),
    )


def version() -> str:
    try:
        return metadata.version("countersign")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def shown(cell: Cell) -> str:
    """A cell as people read it: three or four figures, thousands apart, nothing for None."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return (
            f"{cell:,.0f}"
            if abs(cell) >= 1000 or (cell.is_integer() and abs(cell) >= 10)
            else f"{cell:.3f}"
            if abs(cell) < 10
            else f"{cell:.1f}"
        )
    return f"{cell:,}" if isinstance(cell, int) else cell


def numeric(rows: Sequence[Sequence[Cell]], column: int) -> bool:
    """Whether a column, not the first, holds numbers and nothing else."""
    cells = [row[column] for row in rows]
    return column > 0 and all(cell is None or isinstance(cell, int | float) for cell in cells)
