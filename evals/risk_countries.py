"""Where customers are, for a table of errors: models never see it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from models.features import Receivable

_COLUMNS = ("country", "country_code", "business_code")


def countries_of(folder: Path | None, name: str, items: Sequence[Receivable]) -> list[str] | None:
    """The country (or the selling company's code) of each item by the file of that name in the folder's part risk/;
    None where no file says so, "unknown" for an item that it does not."""
    if folder is None:
        return None
    for path in sorted((folder / "risk").glob(f"{name}*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines)
            column = next((one for one in _COLUMNS if one in (rows.fieldnames or ())), None)
            if column is None:
                continue
            found = {(row.get("invoice_id", ""), row.get("customer_id", "")): row[column] or "unknown" for row in rows}
        return [found.get((one.invoice_id, one.customer_id), "unknown") for one in items]
    return None
