"""What one part of the suite on duplicates found."""

from __future__ import annotations

from dataclasses import dataclass, field

from evals.results import Metric, Plot, Table


@dataclass(slots=True)
class Part:
    """Metrics, tables, plots and notes, in the order in which the report shows them."""

    metrics: list[Metric] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, other: Part) -> None:
        """Another part behind this one."""
        self.metrics += other.metrics
        self.tables += other.tables
        self.plots += other.plots
        self.notes += other.notes
