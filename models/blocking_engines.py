"""The join of the keys: by DuckDB on this machine, by Spark on many, in the same words of SQL."""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from governance.errors import Unavailable
from models.blocking_keys import Keys, as_tables, limits
from models.blocking_parts import Ints

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Pairs = Ints

# What is read: left_keys and right_keys (item, kind, value), limits (kind, sure, cap, mask). A value is of one kind;
# 3 = blocking_keys.SURE; x & (x - 1) is not 0 where x has two bits.
WITHIN = """
WITH telling AS (
    SELECT k.value, CASE WHEN COUNT(*) <= MAX(l.sure) THEN 3 ELSE MAX(l.mask) END AS mask
    FROM left_keys k JOIN limits l ON k.kind = l.kind GROUP BY k.value HAVING COUNT(*) BETWEEN 2 AND MAX(l.cap)
), kept AS (SELECT k.item, k.value, t.mask FROM left_keys k JOIN telling t ON k.value = t.value)
SELECT a.item AS a, b.item AS b FROM kept a JOIN kept b ON a.value = b.value AND a.item < b.item
GROUP BY a.item, b.item HAVING (BIT_OR(a.mask) & (BIT_OR(a.mask) - 1)) <> 0
"""
"""Pairs within left_keys, in SQL that DuckDB, Spark and Postgres read."""
ACROSS = """
WITH old AS (SELECT value, COUNT(*) AS n FROM right_keys GROUP BY value),
new AS (SELECT value, MAX(kind) AS kind, COUNT(*) AS n FROM left_keys GROUP BY value),
telling AS (
    SELECT o.value, CASE WHEN o.n <= l.sure AND w.n <= l.sure THEN 3 ELSE l.mask END AS mask
    FROM old o JOIN new w ON o.value = w.value JOIN limits l ON w.kind = l.kind WHERE o.n <= l.cap AND w.n <= l.cap
), kept AS (SELECT k.item, k.value, t.mask FROM left_keys k JOIN telling t ON k.value = t.value)
SELECT a.item AS a, b.item AS b FROM kept a JOIN right_keys b ON a.value = b.value
GROUP BY a.item, b.item HAVING (BIT_OR(a.mask) & (BIT_OR(a.mask) - 1)) <> 0
"""
"""Pairs of left_keys and right_keys."""


def _sorted(pairs: Pairs) -> Pairs:
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))] if len(pairs) else np.empty((0, 2), dtype=np.int64)


@contextmanager
def _duckdb(left: Keys, right: Keys | None) -> Iterator[tuple[DuckDBPyConnection, Path]]:
    """A database in memory that holds the keys and moves to a temporary folder what is too much for it."""
    import duckdb

    with TemporaryDirectory(prefix="countersign-keys-") as folder:
        how: dict[str, str | bool | int | float | list[str]] = {
            "threads": max(1, min(8, os.cpu_count() or 1)), "memory_limit": "1500MB",
            "preserve_insertion_order": False, "temp_directory": folder,
        }  # fmt: skip
        with duckdb.connect(":memory:", config=how) as connection:
            _fill(connection, left, right)
            yield connection, Path(folder)


def _fill(connection: DuckDBPyConnection, left: Keys, right: Keys | None) -> None:
    connection.from_df(pd.DataFrame(limits())).create("limits")
    connection.execute("CREATE TABLE left_keys (item INTEGER, kind TINYINT, value BIGINT)")
    connection.execute("CREATE TABLE right_keys (item INTEGER, kind TINYINT, value BIGINT)")
    for name, keys in (("left_keys", left), ("right_keys", right)):
        for table in as_tables(keys) if keys is not None else ():
            rows = pd.DataFrame({"item": table.item, "kind": table.kind, "value": table.value})
            connection.from_df(rows).distinct().insert_into(name)


def candidate_pairs(left: Keys, right: Keys | None = None) -> Pairs:
    """Pairs that the keys propose, by DuckDB: (n, 2) rows, sorted.

    Without `right`: pairs within `left`, first < second. With `right`: (row of left, row of right).
    """
    with _duckdb(left, right) as (connection, _):
        found = connection.execute(WITHIN if right is None else ACROSS).fetchnumpy()
    return _sorted(np.column_stack([found["a"], found["b"]]).astype(np.int64))


def require_spark() -> None:
    """Raises Unavailable where pyspark is not installed."""
    if importlib.util.find_spec("pyspark") is None:
        raise Unavailable("the Spark engine needs pyspark and Java 17: pip install 'countersign[spark]'")


def spark_candidate_pairs(left: Keys, right: Keys | None = None) -> Pairs:
    """The same pairs by Spark, for ledgers that one machine cannot join.

    Uses the active Spark session, or starts one with Spark's own defaults. Keys and pairs are handed over as
    Parquet in a temporary folder (TMPDIR), which a cluster's machines must share. Raises Unavailable without pyspark.
    """
    require_spark()
    sql = importlib.import_module("pyspark.sql")
    spark = sql.SparkSession.builder.appName("countersign duplicates").getOrCreate()
    with _duckdb(left, right) as (connection, folder):
        for name in ("left_keys", "right_keys", "limits"):
            path = folder / f"{name}.parquet"
            connection.table(name).write_parquet(str(path))
            spark.read.parquet(path.as_uri()).createOrReplaceTempView(name)
        pairs = folder / "pairs"
        spark.sql(WITHIN if right is None else ACROSS).write.parquet(pairs.as_uri())
        found = connection.execute(
            "SELECT a, b FROM read_parquet($files)", {"files": f"{pairs}/*.parquet"}
        ).fetchnumpy()
    return _sorted(np.column_stack([found["a"], found["b"]]).astype(np.int64))
