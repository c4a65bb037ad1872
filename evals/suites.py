"""The suites by name, and what each of them is given. A suite's module is imported when it runs, not before."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from evals.results import SuiteResult
from evals.scorers import RESAMPLES
from models.bundle import Bundle

Item = TypeVar("Item")

SUITES = {
    "documents": "evals.suite_documents",
    "duplicates": "evals.suite_duplicates",
    "risk": "evals.suite_risk",
    "causes": "evals.suite_causes",
    "precedents": "evals.suite_precedents",
    "drafts": "evals.suite_drafts",
    "injection": "evals.suite_injection",
    "gate": "evals.suite_gate",
}
"""Name → module with `run(options) -> SuiteResult`."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is about. `scale` shrinks the sets, for trials; `folder` holds real files, or is None."""

    bundle: Bundle
    seed: int
    scale: float = 1.0
    folder: Path | None = None
    resamples: int = RESAMPLES


def chosen(names: Sequence[str]) -> list[str]:
    """The suites that are meant, each once, in the order of SUITES; `all` means every one."""
    return [name for name in SUITES if name in names or "all" in names]


def run(name: str, options: Options) -> SuiteResult:
    """One suite. Raises KeyError for a name that SUITES does not have."""
    suite = cast(Callable[[Options], SuiteResult], importlib.import_module(SUITES[name]).run)
    return suite(options)


def tracked(items: Iterable[Item], what: str, total: int | None = None) -> Iterable[Item]:
    """The items, with a progress bar on stderr where a person watches."""
    from tqdm import tqdm

    return cast(Iterable[Item], tqdm(items, desc=what, total=total, leave=False, disable=None))
