"""Reads hostile files one after the other in a process of its own and says what each costs.

`python -m tests.api.hostile.runner` takes one path a line on stdin and answers with one JSON object a line:
{"path", "seconds", "cpu", "parent_mb", "child_mb", "outcome", "code", "reason", "warnings", "neighbour", "children"}.
Peaks are resident memory, in MB: of this process and of the largest of its children while the file was read.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api.intake.pdf import PdfPool
from api.intake.reader import Accepted, DocumentReader, Incoming, ReadResult, Rejected, Several
from models.classifier import DocumentClassifier

SECONDS = 10.0
NEIGHBOUR = b"""Nordlicht Energie GmbH
Rechnung Nr. RE-2026/0042 vom 01.03.2026
Gesamtbetrag 1.190,00 EUR
IBAN DE02 1203 0000 0000 2020 51
"""
_WORDS = {
    "invoice": "please pay amount net tax bank",
    "contract": "hereby parties agree liability clause law",
    "delivery_note": "goods pallets weight carrier packed shipped",
}


def classifier() -> DocumentClassifier:
    """A small model, so that its features are computed too."""
    texts = [f"{body} {number} {body}" for number in range(12) for body in _WORDS.values()]
    return DocumentClassifier(folds=2).fit(texts, [label for _ in range(12) for label in _WORDS])


def peak_mb(pid: int | str) -> float:
    """Peak resident memory of a process, 0 where it is gone."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return 0.0


def forget_peak(pid: int | str) -> None:
    """The peak starts again from what is resident now (proc(5), clear_refs)."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def children() -> list[int]:
    """Processes that this one started, and theirs."""
    found = [os.getpid()]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found[1:]


class Watch:
    """The highest peak among the children, looked at every 20 ms."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._end.wait(0.02):
            self.peak = max([self.peak, *map(peak_mb, children())])

    def __enter__(self) -> Watch:
        for child in children():
            forget_peak(child)
        forget_peak("self")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self.peak = max([self.peak, *map(peak_mb, children())])


def said(result: ReadResult) -> dict[str, Any]:
    if isinstance(result, Several):
        members = [said(member) for _, member in result.members]
        warnings = [text for member in members for text in [member["reason"], *member["warnings"]] if text]
        return {"outcome": "several", "code": str(len(members)), "reason": None, "warnings": warnings[:20]}
    if isinstance(result, Rejected):
        return {"outcome": "rejected", "code": result.reason_code, "reason": result.reason, "warnings": []}
    if isinstance(result, Accepted):
        reading = result.reading
        json.dumps(reading.as_dict()).encode()
        reading.text.encode()
        warnings = list(reading.warnings)
        return {"outcome": "accepted", "code": reading.document_class, "reason": None, "warnings": warnings}
    rows = len(result.rows)
    reasons = [bad.reason for bad in result.rejected_rows[:3]]
    return {"outcome": "rows", "code": str(rows), "reason": None, "warnings": reasons}


def used(pid: int | str) -> float:
    """CPU seconds of a process and of its children that have ended."""
    with contextlib.suppress(OSError):
        cells = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, cells[11:15])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def read(reader: DocumentReader, path: Path) -> dict[str, Any]:
    with Watch() as watch:
        started = time.monotonic()
        before = used("self") + sum(map(used, children()))
        with path.open("rb") as file:
            content = file.read(reader.size_limit + 1)
        results = reader.read([Incoming(path.name, content), Incoming("good", NEIGHBOUR)])
        seconds = time.monotonic() - started
        # What a child used that was ended counts for this process, which waited for it.
        cpu = used("self") + sum(map(used, children())) - before
        mine = peak_mb("self")
    good = results[-1]
    return {
        "path": str(path),
        "seconds": seconds,
        "cpu": cpu,
        "parent_mb": mine,
        "child_mb": watch.peak,
        "neighbour": isinstance(good, Accepted) and good.reading.fields["total_amount"] == "1190.00",
        "children": len(children()),
        **said(results[0]),
        "documents": len(results) - 1,
    }


def main(paths: Iterator[str]) -> None:
    with PdfPool(size=1) as pool:
        reader = DocumentReader(classifier(), pool)
        for path in paths:
            print(json.dumps(read(reader, Path(path.rstrip("\n")))), flush=True)


if __name__ == "__main__":
    main(iter(sys.stdin))
