"""countersign-evals bench: how fast the parts are, each beside the least that its task costs on the same machine.

A time alone says more about the machine than about the program; the ratio to a floor measured in the same minute can
be compared.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from governance.errors import Malformed

if TYPE_CHECKING:
    from models.bundle import Bundle
    from models.duplicates import Invoice

HELP = "speed of reading, matching and scoring, each beside a floor measured in the same run"
LARGE, LEAST, _SMALLER = 1_000_000, 1000, 50
COLUMNS = ("part", "time", "unit", "floor", "floor_time", "ratio", "items")


@dataclass(frozen=True, slots=True)
class Timed:
    """One comparison. time, floor_time: per item, in `unit`; ratio: how many floors the part takes."""

    part: str
    time: float
    unit: str
    floor: str
    floor_time: float
    items: int

    def as_record(self) -> dict[str, object]:
        ratio = round(self.time / self.floor_time, 2) if self.floor_time else None
        return {
            "part": self.part,
            "time": round(self.time, 3),
            "unit": self.unit,
            "floor": self.floor,
            "floor_time": round(self.floor_time, 4),
            "ratio": ratio,
            "items": self.items,
        }


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table there, as CSV")
    parser.add_argument(
        "--repeats", type=int, default=3, metavar="N", help="how often each is timed; the best counts (default 3)"
    )
    parser.add_argument(
        "--scale", type=float, default=1.0, metavar="SHARE", help="size of what is worked on, for trials: 0 to 1"
    )
    parser.add_argument(
        "--ledger",
        type=int,
        default=LARGE,
        metavar="N",
        help=f"invoices in Postgres among which twins are searched, beside a fiftieth of them (default {LARGE:,})",
    )


def run(args: argparse.Namespace) -> int:
    """0 done. Raises Malformed, Tampered, Unavailable, OSError."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]
    from tqdm import tqdm

    from api.commands.listing import show
    from evals.run import load_bundle

    if not 0.0 < args.scale <= 1.0 or args.repeats < 1 or args.ledger < LEAST:
        raise Malformed(f"--scale must be above 0 and at most 1, --repeats at least 1, --ledger at least {LEAST}")
    bundle = load_bundle(args)
    with threadpool_limits(limits=1):
        timed = [
            part(bundle, args.seed, args.scale, args.repeats)
            for part in tqdm((reading, matching, scoring), desc="bench", leave=False, disable=None)
        ]
        timed += judging(bundle, args.seed, args.scale, args.repeats)
        timed += searching(bundle, args.seed, args.ledger)
    show(args, COLUMNS, [one.as_record() for one in timed])
    return 0


def best(work: Callable[[], object], repeats: int) -> float:
    """The shortest of several runs, in seconds: what else the machine does only ever adds."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def reading(bundle: Bundle, seed: int, scale: float, repeats: int) -> Timed:
    """E-invoices read to their fields; floor: the same bytes parsed to a tree and nothing more."""
    from api.intake import xml
    from api.intake.pdf import PdfPool
    from api.intake.reader import DocumentReader, Incoming
    from evals.datasets import company_documents

    month = company_documents(seed, scale)
    items = [Incoming(one.name, one.content) for one in month.documents if one.media_type == "application/xml"]
    with PdfPool() as pool:
        reader = DocumentReader(bundle.classifier, pool)
        taken = best(lambda: reader.read(items), repeats)
    floor = best(lambda: [xml.parse(one.content) for one in items], repeats)
    per = 1000 / len(items)
    return Timed("read an e-invoice", taken * per, "ms", "parse its XML", floor * per, len(items))


def matching(bundle: Bundle, seed: int, scale: float, repeats: int) -> Timed:
    """Likely duplicates of a ledger, with reasons; floor: a join on equal vendor, number and amount."""
    from evals.datasets import company_ledgers
    from models.duplicates import find_duplicates

    invoices = company_ledgers(seed, scale)[0].invoices
    taken = best(lambda: find_duplicates(invoices, bundle.pair_scorer), repeats)
    floor = best(lambda: exact_pairs(invoices), repeats)
    per = 1000 * 1000 / len(invoices)
    return Timed("duplicates in 1,000 invoices", taken * per, "ms", "exact join", floor * per, len(invoices))


def exact_pairs(invoices: Sequence[Invoice]) -> list[tuple[str, str]]:
    """Pairs with the same vendor, number and amount: what a spreadsheet finds."""
    seen: dict[tuple[str, str, object], list[str]] = {}
    pairs = []
    for one in invoices:
        same = seen.setdefault((one.vendor_id, one.invoice_no, one.amount), [])
        pairs += [(other, one.invoice_id) for other in same]
        same.append(one.invoice_id)
    return pairs


def scoring(bundle: Bundle, seed: int, scale: float, repeats: int) -> Timed:
    """Open invoices scored with interval and reasons; floor: the same features into a logistic regression."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    from evals.datasets import company_portfolio
    from models.risk import risk_features

    portfolio = company_portfolio(seed, scale)
    items, history = portfolio.items, portfolio.items
    days = [one.posting_date for one in items]
    risk = bundle.risk.rebased(history, portfolio.end)
    late = [one.clear_date is None or one.clear_date > one.due_date for one in items]
    logistic = LogisticRegression(max_iter=1000).fit(
        _standard(np.nan_to_num(risk_features(items, days, history))), late
    )
    taken = best(lambda: risk.predict(items, days, history), repeats)
    floor = best(lambda: logistic.predict_proba(_standard(np.nan_to_num(risk_features(items, days, history)))), repeats)
    per = 1_000_000 / len(items)
    return Timed("risk of one invoice", taken * per, "us", "features and a logistic", floor * per, len(items))


def judging(bundle: Bundle, seed: int, scale: float, repeats: int) -> list[Timed]:
    """CPU of the deterministic path for a case, on top of the models; floor: what is filed made to text, and nothing
    else. Then its steps, beside the same floor."""
    from evals.bench_judgement import judged

    found = judged(bundle.pair_scorer, seed, max(12, round(600 * scale)), repeats)
    told = [
        (", mean", found.mean),
        (", 95 in 100", found.p95),
        *((f": {name}", one) for name, one in found.steps.items()),
    ]
    return [
        Timed(f"judge a case{said}", spent, "ms CPU", "text of what is filed", found.floor, found.cases)
        for said, spent in told
    ]


def searching(bundle: Bundle, seed: int, invoices: int) -> list[Timed]:
    """A case's twins out of Postgres: candidates, score, reasons; floor: the same in a ledger of a fiftieth."""
    from evals.bench_twins import LEAST_INVOICES, searched
    from models.embedding import Embedder

    sizes = (max(LEAST_INVOICES, invoices // _SMALLER), invoices)
    small, large = searched(sizes, bundle.pair_scorer, Embedder(threads=1), seed)
    return [
        Timed(f"twins of a case in {invoices:,}{said}", time, "ms", f"in {sizes[0]:,}", floor, large.cases)
        for said, time, floor in ((", median", large.p50, small.p50), (", 95 in 100", large.p95, small.p95))
    ]


def _standard(table: object) -> object:
    """Columns with mean 0 and deviation 1, so that the regression converges."""
    import numpy as np

    values = np.asarray(table, dtype=float)
    spread = values.std(axis=0)
    return (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
