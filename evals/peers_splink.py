"""splink on a ledger: the model of Fellegi and Sunter with its parameters from EM, or m from labelled pairs."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import pandas as pd

from evals.duplicate_ledgers import Planted, ordered
from evals.duplicate_scores import Found
from evals.peers import LEAST, plain

Steps = tuple[Callable[[], None], Callable[[], list[Found]]]

# By name, because the extra may be missing where types are checked.
splink: Any = importlib.import_module("splink")
cl: Any = importlib.import_module("splink.comparison_library")
levels: Any = importlib.import_module("splink.comparison_level_library")
duckdb: Any = importlib.import_module("splink.backends.duckdb")

_BLOCKS = (
    ("invoice_no",),
    ("figures", "vendor_id"),
    ("vendor_id", "amount"),
    ("amount", "invoice_date"),
    ("iban", "amount"),
    ("tax_id", "amount"),
    ("po", "amount"),
    ("vendor_id", "invoice_date"),
)
_TRAIN = (("vendor_id", "amount"), ("invoice_no",), ("amount", "invoice_date"))
_SEED = 7


def _custom(name: str, rules: Sequence[tuple[str, str]]) -> Any:
    """Levels from best to worst, after missing and before anything else."""
    made = [levels.CustomLevel(sql, label) for sql, label in rules]
    return cl.CustomComparison(
        comparison_levels=[levels.NullLevel(name), *made, levels.ElseLevel()], output_column_name=name
    )


def _settings() -> Any:
    number = cl.DamerauLevenshteinAtThresholds("invoice_no", [1, 2]).configure(term_frequency_adjustments=True)
    day = "abs(date_diff('day', invoice_date_l::date, invoice_date_r::date))"
    return splink.SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            number,
            _custom(
                "amount",
                [
                    ("amount_l = amount_r", "equal"),
                    ("abs(amount_l - amount_r) <= 1", "by pennies"),
                    ("abs(amount_l - amount_r) <= 0.05 * greatest(abs(amount_l), abs(amount_r))", "by 5 %"),
                ],
            ),
            _custom("invoice_date", [(f"{day} = 0", "equal"), (f"{day} <= 3", "3 days"), (f"{day} <= 20", "20 days")]),
            # One comparison, because id and name say the same: the model takes comparisons as independent.
            _custom(
                "vendor_id",
                [
                    ("vendor_id_l = vendor_id_r", "one record"),
                    ("jaro_winkler_similarity(vendor_name_l, vendor_name_r) >= 0.92", "like names"),
                ],
            ),
            cl.ExactMatch("po"),
            cl.JaccardAtThresholds("description", [0.9]),
            cl.ExactMatch("entity"),
            cl.ExactMatch("currency"),
        ],
        blocking_rules_to_generate_predictions=[splink.block_on(*columns) for columns in _BLOCKS],
    )


def _frame(ledger: Planted, part: int = 0) -> pd.DataFrame:
    rows = [{"unique_id": f"{part}-{row}", **plain(one)} for row, one in enumerate(ledger.invoices)]
    return pd.DataFrame(rows)


def _linker(frame: pd.DataFrame) -> tuple[Any, Any]:
    logging.getLogger("splink").setLevel(logging.ERROR)
    api = duckdb.DuckDBAPI()
    return splink.Linker(api.register(frame), _settings(), log_level=logging.ERROR), api


def _prior(linker: Any) -> None:
    linker.training.estimate_probability_two_random_records_match(
        [splink.block_on("vendor_id", "invoice_no", "amount"), splink.block_on("figures", "amount", "invoice_date")],
        recall=0.5,
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=_SEED)


def _found(linker: Any) -> list[Found]:
    table = linker.inference.predict(threshold_match_probability=LEAST).as_pandas_dataframe()
    columns = (table["unique_id_l"], table["unique_id_r"], table["match_probability"])
    return [
        Found(ordered(int(left.split("-")[1]), int(right.split("-")[1])), float(said))
        for left, right, said in zip(*columns, strict=True)
    ]


def unsupervised(ledger: Planted) -> Steps:
    """Everything from the ledger itself: u from random pairs, m by EM within two blockings."""
    linker, _ = _linker(_frame(ledger))

    def learn() -> None:
        _prior(linker)
        for columns in _TRAIN:
            linker.training.estimate_parameters_using_expectation_maximisation(
                splink.block_on(*columns), record_sample_proportion=1.0
            )

    return learn, lambda: _found(linker)


def supervised(ledger: Planted, labelled: Sequence[Planted]) -> Steps:
    """m from true pairs of other ledgers, u from random pairs of this one; the settings then serve this ledger."""
    frame = pd.concat([_frame(each, part) for part, each in enumerate([ledger, *labelled])], ignore_index=True)
    teacher, api = _linker(frame)
    linker: list[Any] = []
    labels = pd.DataFrame(
        [
            {"unique_id_l": f"{part}-{left}", "unique_id_r": f"{part}-{right}"}
            for part, (left, right) in chain.from_iterable(
                ((part, pair) for pair in each.twins) for part, each in enumerate(labelled, start=1)
            )
        ]
    )

    def learn() -> None:
        _prior(teacher)
        teacher.training.estimate_m_from_pairwise_labels(api.register(labels))
        settings = teacher.misc.save_model_to_json()
        own = duckdb.DuckDBAPI()
        linker.append(splink.Linker(own.register(_frame(ledger)), settings, log_level=logging.ERROR))

    return learn, lambda: _found(linker[0])
