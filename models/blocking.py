"""Which pairs of invoices are worth scoring: one table of keys, joined by equality.

Every invoice yields a few (kind, key) rows; two invoices that share a row are a candidate pair. The same
table serves DuckDB (one machine), Spark (many) and Postgres (live), so all three find the same pairs.
A key that more than `cap` invoices share says little and is dropped; finer kinds (by period, by number and
amount) still join those invoices. Follows Papadakis et al., "Blocking and Filtering Techniques for Entity
Resolution" (ACM Computing Surveys 53(2), 2020): a union of equi-joins with block purging.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator, Sequence
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from governance.errors import Unavailable
from models.invoice import Invoice, amount_text, normal_id, normal_name, number_forms, vendor_key

Key = tuple[int, str, str]
Pairs = NDArray[np.int64]

CAP = 50
PERIOD_DAYS = 30

# The pairs of rows that share a key, in SQL that DuckDB, Spark and Postgres all read.
_WITHIN = """
SELECT DISTINCT a.item AS a, b.item AS b
FROM left_keys a JOIN left_keys b ON a.kind = b.kind AND a.value = b.value AND a.item < b.item
JOIN (SELECT kind, value FROM left_keys GROUP BY kind, value HAVING COUNT(*) BETWEEN 2 AND (SELECT cap FROM limits)) k
  ON a.kind = k.kind AND a.value = k.value
"""
_ACROSS = """
SELECT DISTINCT a.item AS a, b.item AS b
FROM left_keys a JOIN right_keys b ON a.kind = b.kind AND a.value = b.value
JOIN (SELECT kind, value FROM left_keys GROUP BY kind, value HAVING COUNT(*) <= (SELECT cap FROM limits)) k
  ON a.kind = k.kind AND a.value = k.value
JOIN (SELECT kind, value FROM right_keys GROUP BY kind, value HAVING COUNT(*) <= (SELECT cap FROM limits)) m
  ON a.kind = m.kind AND a.value = m.value
"""


def _periods(day: date) -> tuple[str, str]:
    """Two overlapping periods of 30 days: dates at most 15 days apart always share one."""
    ordinal = day.toordinal()
    return f"a{ordinal // PERIOD_DAYS}", f"b{(ordinal + PERIOD_DAYS // 2) // PERIOD_DAYS}"


def _telling(number: str) -> bool:
    """True where a number can identify an invoice beyond its vendor: four characters, two digits."""
    return len(number) >= 4 and sum(letter.isdigit() for letter in number) >= 2


def _keys_of(invoice: Invoice) -> Iterator[tuple[str, str]]:
    vendor, forms = vendor_key(invoice), number_forms(invoice.invoice_no)
    amount = ("-" if invoice.amount < 0 or invoice.doc_type == "credit_note" else "") + amount_text(invoice.amount)
    tax, account, order = normal_id(invoice.tax_id), normal_id(invoice.iban), normal_id(invoice.po)
    name = " ".join(sorted(normal_name(invoice.vendor_name).split()))
    day = invoice.invoice_date or invoice.posting_date
    numbers = {form for form in (forms.folded, forms.stem) if form}
    if vendor:
        for number in numbers:
            yield "vendor_number", f"{vendor}|{number}"
        if forms.digits:
            yield "vendor_digits", f"{vendor}|{forms.digits}"
        yield "vendor_amount", f"{vendor}|{amount}"
        for period in _periods(day) if day else ():
            yield "vendor_amount_period", f"{vendor}|{amount}|{period}"
    for number in filter(_telling, numbers):
        yield "number_amount", f"{number}|{amount}"
        if day:
            yield "number_date", f"{number}|{day.isoformat()}"
    for kind, party in (("tax", tax), ("account", account), ("name", name)):
        if party:
            for period in _periods(day) if day else ("",):
                yield f"{kind}_amount_period", f"{party}|{amount}|{period}"
            for number in numbers:
                yield f"{kind}_number", f"{party}|{number}"
    if order:
        yield "order_amount", f"{order}|{amount}"


def blocking_keys(invoices: Sequence[Invoice]) -> list[Key]:
    """The blocking table: (row, kind, key), row being the position in `invoices`. No row occurs twice."""
    return [(row, kind, key) for row, invoice in enumerate(invoices) for kind, key in dict.fromkeys(_keys_of(invoice))]


def _frame(keys: Sequence[Key]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item": np.fromiter((key[0] for key in keys), dtype=np.int64, count=len(keys)),
            "kind": [key[1] for key in keys],
            "value": [key[2] for key in keys],
        }
    )


def _sorted(pairs: Pairs) -> Pairs:
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))] if len(pairs) else np.empty((0, 2), dtype=np.int64)


def candidate_pairs(left: Sequence[Key], right: Sequence[Key] | None = None, *, cap: int = CAP) -> Pairs:
    """Pairs that share a key, by DuckDB: (n, 2) rows, sorted.

    Without `right`: pairs within `left`, first < second. With `right`: (row of left, row of right).
    """
    import duckdb

    if not left or (right is not None and not right):
        return np.empty((0, 2), dtype=np.int64)
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET threads = 2")
        connection.register("left_keys", _frame(left))
        if right is not None:
            connection.register("right_keys", _frame(right))
        connection.register("limits", pd.DataFrame({"cap": [cap]}))
        found = connection.execute(_WITHIN if right is None else _ACROSS).fetchnumpy()
    return _sorted(np.column_stack([found["a"], found["b"]]).astype(np.int64))


def require_spark() -> None:
    """Raises Unavailable where pyspark is not installed."""
    if importlib.util.find_spec("pyspark") is None:
        raise Unavailable("the Spark engine needs pyspark and Java 17: pip install 'countersign[spark]'")


def spark_candidate_pairs(left: Sequence[Key], right: Sequence[Key] | None = None, *, cap: int = CAP) -> Pairs:
    """The same pairs by Spark, for ledgers that one machine cannot join.

    Uses the active Spark session, or starts one with Spark's own defaults. Raises Unavailable without pyspark.
    """
    require_spark()
    if not left or (right is not None and not right):
        return np.empty((0, 2), dtype=np.int64)
    sql = importlib.import_module("pyspark.sql")
    spark = sql.SparkSession.builder.appName("countersign duplicates").getOrCreate()
    for view, keys in (("left_keys", left), ("right_keys", right)):
        if keys is not None:
            spark.createDataFrame(list(keys), ["item", "kind", "value"]).createOrReplaceTempView(view)
    spark.createDataFrame([(cap,)], ["cap"]).createOrReplaceTempView("limits")
    rows = spark.sql(_WITHIN if right is None else _ACROSS).collect()
    return _sorted(np.array([(row.a, row.b) for row in rows], dtype=np.int64).reshape(-1, 2))
