"""Files of tables as records: which encoding, which delimiter, what digest; spreadsheets too. No file is held whole."""

from __future__ import annotations

import codecs
import csv
import hashlib
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import IO

from charset_normalizer import from_bytes

from api.commands.mapping import ColumnMap
from governance.errors import Malformed

_CHUNK = 1 << 20
_SAMPLE = 200_000
# What office programs write. Pages of DOS are tried after them: short texts look like several of those.
_CODE_PAGES = ["cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257"]
_LONGEST_LINE = 2_000_000
_DELIMITERS = (",", ";", "\t", "|")
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
_OTHERS = {
    b"%PDF": "a PDF", b"\x1f\x8b": "a compressed file", b"PAR1": "a Parquet file", b"7z\xbc\xaf": "an archive",
    b"\x89PNG": "a picture", b"\xff\xd8\xff": "a picture",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the line it starts on and its cells. `problem`: why it cannot be read. `raw`: its lines, where
    it has more than one: an open quote swallows them."""

    line: int
    cells: Sequence[str]
    problem: str | None = None
    raw: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """An opened file. `sha256`: 64 hex digits, of its bytes. `notes`: what a person should know."""

    sha256: str
    records: Iterator[Record]
    notes: tuple[str, ...]
    delimiter: str = ","


@dataclass(slots=True)
class _Seen:
    """What one pass over the bytes tells."""

    sha256: str
    head: bytes
    sample: bytes
    bad: int
    good: int
    nul: int
    size: int


def opened(path: Path, mapping: ColumnMap) -> Source:
    """The records of a file. Raises Malformed where it is no table that this program can read."""
    stream = _stream(path)
    try:
        return _source(path, stream, mapping)
    except BaseException:
        stream.close()
        raise


def _source(path: Path, stream: IO[bytes], mapping: ColumnMap) -> Source:
    seen = _looked_over(stream)
    if not seen.size:
        raise Malformed(f"{path}: the file is empty")
    for magic, what in _OTHERS.items():
        if seen.head.startswith(magic):
            raise Malformed(f"{path} is {what}, not a table: export the ledger as CSV or XLSX")
    stream.seek(0)
    if seen.head.startswith(_WORKBOOKS):
        from api.commands import spreadsheets

        with stream:
            found, said = spreadsheets.records(path, stream.read(), mapping.format.get("sheet"))
        return Source(seen.sha256, found, said)
    encoding, notes = _encoding(path, seen, mapping.format.get("encoding"))
    errors = "strict" if mapping.format.get("encoding") else "replace"
    lines = _lines(path, TextIOWrapper(stream, encoding=encoding, errors=errors, newline=""))
    head = [line for _, line in zip(range(40), lines, strict=False)]
    if not "".join(head).strip("\ufeff \t\r\n"):
        raise Malformed(f"{path}: the file is empty")
    delimiter = mapping.format.get("delimiter") or _delimiter(head)
    return Source(seen.sha256, _records(_chained(head, lines), delimiter), tuple(notes), delimiter)


def _chained(head: Iterable[str], rest: Iterable[str]) -> Iterator[str]:
    yield from head
    yield from rest


def _stream(path: Path) -> IO[bytes]:
    """The file, or a copy of it where it can be read only once (a pipe)."""
    try:
        stream = path.open("rb")
        if stat.S_ISREG(path.stat().st_mode):
            return stream
        with stream:
            copy = tempfile.TemporaryFile()  # noqa: SIM115  (whoever reads the records closes it)
            while chunk := stream.read(_CHUNK):
                copy.write(chunk)
            copy.seek(0)
            return copy
    except OSError as error:
        raise Malformed(f"{path}: {error.strerror or error}") from None


def _looked_over(stream: IO[bytes]) -> _Seen:
    digest, decoder = hashlib.sha256(), codecs.getincrementaldecoder("utf-8")("replace")
    seen = _Seen("", b"", b"", 0, 0, 0, 0)
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
        seen.head = seen.head or chunk[:16]
        seen.size += len(chunk)
        seen.nul += chunk.count(0)
        if chunk.isascii():
            decoder.reset()
            seen.sample = seen.sample or chunk[:_SAMPLE]
            continue
        text = decoder.decode(chunk)
        bad = text.count("\ufffd")
        if bad and not seen.bad:
            # The sample must hold what is to be guessed from: pure ASCII above it says nothing.
            at = max(0, len(text[: text.index("\ufffd")].encode()) - _SAMPLE // 2)
            seen.sample = chunk[at : at + _SAMPLE]
        seen.bad += bad
        seen.good += sum(not letter.isascii() for letter in text) - bad
        seen.sample = seen.sample or chunk[:_SAMPLE]
    seen.sha256 = digest.hexdigest()
    return seen


def _encoding(path: Path, seen: _Seen, said: str | None) -> tuple[str, list[str]]:
    if said:
        try:
            return codecs.lookup(said).name, []
        except LookupError:
            raise Malformed(
                f"{path}: there is no encoding {said!r}: give one such as utf-8, cp1252 or utf-16"
            ) from None
    if seen.head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16", []
    if seen.nul * 4 > seen.size:
        little = seen.sample[1::2].count(0) >= seen.sample[::2].count(0)
        name = "utf-16-le" if little else "utf-16-be"
        return name, [f"read as {name} (set format.encoding to change it)"]
    notes = [f"{seen.nul} NUL characters were taken out"] if seen.nul else []
    if not seen.bad:
        return "utf-8-sig", notes
    if seen.good > 20 * seen.bad:
        return "utf-8-sig", [*notes, f"{seen.bad} characters are not UTF-8: they are shown as \ufffd"]
    best = from_bytes(seen.sample, cp_isolation=_CODE_PAGES).best() or from_bytes(seen.sample).best()
    guess = best.encoding if best and best.encoding not in ("ascii", "utf_8") else "cp1252"
    return guess, [*notes, f"not UTF-8: read as {guess} (set format.encoding to change it)"]


def _lines(path: Path, stream: TextIOWrapper) -> Iterator[str]:
    """Lines without NUL; what goes beyond two million characters in one line is cut off."""
    with stream:
        try:
            while line := stream.readline(_LONGEST_LINE):
                if len(line) == _LONGEST_LINE and line[-1] not in "\r\n":
                    while (rest := stream.readline(_LONGEST_LINE)) and rest[-1] not in "\r\n":
                        pass
                yield line.replace("\0", "") if "\0" in line else line
        except (UnicodeDecodeError, UnicodeError) as error:
            raise Malformed(f"{path}: not readable as {stream.encoding} ({error})") from None


def _delimiter(head: Sequence[str]) -> str:
    """The candidate that splits most of the first lines into the same number of cells, and into the most."""
    if (said := head[0].strip("\ufeff\r\n ").lower()).startswith("sep=") and len(said) == 5:
        return said[4]
    lines = [line[:5000] for line in head if line.strip()][:30]

    def split(mark: str) -> tuple[int, int]:
        counts = [len(cells) for cells in csv.reader(lines, delimiter=mark)]
        wide = [count for count in counts if count > 1]
        most = max(set(wide), key=wide.count) if wide else 1
        return (wide.count(most), most)

    return max(_DELIMITERS, key=split)


def _records(lines: Iterable[str], delimiter: str) -> Iterator[Record]:
    taken: list[str] = []

    def fed() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield line

    reader = csv.reader(fed(), delimiter=delimiter)
    at = 1
    while True:
        taken.clear()
        problem = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            cells, problem = [], _said(error)
        raw = tuple(taken) if len(taken) > 1 else ()
        if problem or any(cell and not cell.isspace() for cell in cells):
            yield Record(at, cells, problem, raw)
        at += len(taken)


def _said(error: csv.Error) -> str:
    if "field larger" in str(error):
        return f"a cell has more than {csv.field_size_limit():,} characters"
    return str(error)


def swallowed(record: Record, delimiter: str) -> bool:
    """True where a record of several lines is rows behind a quote that nobody closed.

    Such a quote ends at the opening quote of a later cell, or with the file: RFC 4180 allows neither, while cells
    with line breaks are as it says.
    """
    if not record.raw or record.problem:
        return bool(record.raw)
    try:
        return len(list(csv.reader(record.raw, delimiter=delimiter, strict=True))) != 1
    except csv.Error:
        return True


def reread(record: Record, delimiter: str) -> Iterator[Record]:
    """The lines of a record one by one: what an open quote swallowed."""
    for at, line in enumerate(record.raw):
        for one in _records([line], delimiter):
            yield Record(record.line + at, one.cells, one.problem)
