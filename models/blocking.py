"""Which pairs of invoices are worth scoring: one table of keys, joined by equality.

Every invoice yields some (kind, key) rows; invoices that share a row are joined. A key that few share makes a
pair by itself; one that more share is a weak sign, and a pair needs weak signs of two families (say, a number
that is nearly the same and a date); one that many share says nothing. The same table serves DuckDB (one machine),
Spark (many) and Postgres (live), so all three find the same pairs. Follows Papadakis et al., "Blocking and
Filtering Techniques for Entity Resolution" (ACM Computing Surveys 53(2), 2020): a union of equi-joins, with
purging by size of block and with pairs kept by how many blocks they share.
"""

from __future__ import annotations

from models.blocking_engines import ACROSS, WITHIN, Pairs, candidate_pairs, require_spark, spark_candidate_pairs
from models.blocking_keys import CAP, KINDS, NAMES, SURE, Key, Keys, KeyTable, Kind, blocking_keys, key_tables, limits
from models.blocking_parts import Rates

__all__ = [
    "ACROSS", "CAP", "KINDS", "NAMES", "SURE", "WITHIN", "Key", "KeyTable", "Keys", "Kind", "Pairs", "Rates",
    "blocking_keys", "candidate_pairs", "key_tables", "limits", "require_spark", "spark_candidate_pairs",
]  # fmt: skip
