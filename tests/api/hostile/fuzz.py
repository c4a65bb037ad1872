"""Documents damaged at random: honest seeds of every format, and what happens to bytes on their way.

`python -m tests.api.hostile.fuzz NUMBER START [FOLDER]` tries NUMBER inputs from START on and prints what broke;
seeds are also taken from FOLDER.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api.intake.pdf import PdfPool
from api.intake.reader import Accepted, DocumentReader, Incoming, ReadResult, Rejected, RowFile, Several
from governance.case import DOCUMENT_CLASSES, FIELD_NAMES
from tests.api.hostile.markup import camt
from tests.api.hostile.packed import GOOD_ROW, letter, mail, part, picture, table, xlsx
from tests.api.hostile.pdfs import good, hybrid
from tests.api.hostile.runner import NEIGHBOUR, classifier
from tests.api.intake_samples import cii, ubl

BATCH = 50
Mutation = Callable[[random.Random, bytearray, Sequence[bytes]], None]

_TOKENS = (
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\r", b"\n", b"\t", b" ", b'"', b"'", b"<",
    b">", b"&", b"&amp;", b"&#0;", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?", b"<!DOCTYPE a>", b"xmlns=''", b"[",
    b"]", b"{", b"}", b",", b";", b":", b"-", b"+", b"=", b"9" * 400, b"1e999", b"NaN", b"-0", b"0", b"%", b"%%EOF",
    b"obj", b"endobj", b"stream", b"endstream", b"xref", b"trailer", b"<<", b">>", b"/Kids", b"/Length",
    b"/Filter/FlateDecode", b"1 0 R", b":61:", b":86:", b":60F:", b"PK\x03\x04", b"\x89PNG", b"--x", b"Content-Type:",
    b"base64", b"2026-02-30", b"99.99.9999", b"1.234.567,89", "١٢٣".encode(), "\u202e".encode(), "\u200b".encode(),
    "e\u0301".encode(), "\U0001f600".encode(),
)  # fmt: skip


def seeds() -> list[bytes]:
    """One small honest document of every kind."""
    rows = b"invoice_id,vendor_name,invoice_no,invoice_date,amount\n1,V,N-1,2026-01-02,5.00\n2,W,N-2,02.01.2026,6\n"
    receivables = b"invoice_id;customer_id;posting_date;due_date;amount\n1;C;2026-01-01;2026-01-31;5,00\n"
    cases = [{"queue": "accounts_payable", "exception_type": "price_variance", "amount": "5.00", "details": {"a": [1]}}]
    entries = b":61:2601020102D9,50N192X\n:86:text\n"
    statement = (
        b":20:A\n:25:DE02120300000000202051\n:28C:1/1\n:60F:C260102EUR1,00\n" + entries + b":62F:C260103EUR2,00\n"
    )
    account = "<Acct><Id><IBAN>DE02120300000000202051</IBAN></Id></Acct>"
    balances = f"{account}<FrToDt><ToDtTm>2026-01-02T00:00:00</ToDtTm></FrToDt>"
    order = ubl("Order", type_code=None)
    return [
        ubl().encode(), ubl("CreditNote", type_code="381").encode(), cii().encode(), order.encode(), camt(balances),
        statement, rows, receivables, json.dumps(cases).encode(), b'{"queue":"order_to_cash","amount":1}\n' * 3,
        NEIGHBOUR, ubl().encode("utf-16"), "Rechnung für Größe 5,00 €".encode("cp1252"), good(), hybrid(),
        mail(letter(b"Total 5,00 EUR"), part(NEIGHBOUR, b"a.txt", b"text/plain")), mail(part(ubl().encode(), b"a.xml")),
        xlsx(table(GOOD_ROW)), picture("PNG", (60, 20)), picture("TIFF", (60, 20)),
    ]  # fmt: skip


def _flip(draw: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    for _round in range(draw.choice((1, 1, 3, 20))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _overwrite(draw: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = draw.randrange(len(data))
    data[start : start + draw.randrange(1, 64)] = draw.randbytes(draw.randrange(64))


def _cut(draw: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    del data[draw.randrange(len(data)) :]


def _remove(draw: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = draw.randrange(len(data))
    del data[start : start + draw.randrange(1, 500)]


def _repeat(draw: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = draw.randrange(len(data))
    piece = bytes(data[start : start + draw.randrange(1, 200)])
    data[start:start] = piece * draw.choice((1, 2, 50))


def _insert(draw: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = draw.randrange(len(data) + 1)
    data[start:start] = draw.choice(_TOKENS) * draw.choice((1, 1, 1, 100))


def _replace(draw: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    start = draw.randrange(len(data))
    token = draw.choice(_TOKENS)
    data[start : start + len(token)] = token


def _splice(draw: random.Random, data: bytearray, others: Sequence[bytes]) -> None:
    other = draw.choice(others)
    start = draw.randrange(len(other))
    data[draw.randrange(len(data)) :] = other[start : start + 20_000]


def _number(draw: random.Random, data: bytearray, _: Sequence[bytes]) -> None:
    """A run of digits becomes another number."""
    digits = [at for at, byte in enumerate(data[:20_000]) if 48 <= byte <= 57]
    if digits:
        at = draw.choice(digits)
        data[at : at + 1] = draw.choice((b"0", b"-1", b"4294967296", b"9" * 30, b".", b"0x1", b"1e9"))


MUTATIONS: tuple[Mutation, ...] = (_flip, _overwrite, _cut, _remove, _repeat, _insert, _replace, _splice, _number)


def damaged(number: int, honest: Sequence[bytes]) -> bytes:
    """The input of this number: always the same."""
    draw = random.Random(number)  # noqa: RUF100
    data = bytearray(draw.choice(honest))
    for _ in range(draw.choice((1, 1, 2, 3, 8))):
        if data:
            draw.choice(MUTATIONS)(draw, data, honest)
    return bytes(data[:200_000])


@dataclass(slots=True)
class Tally:
    """What became of the inputs; `broken` names those that broke something, `slow` the seconds of the slowest batch."""

    outcomes: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    slow: float = 0.0


def check(result: ReadResult) -> str:
    """The outcome in a word. Raises AssertionError where a result is not what it must be."""
    if isinstance(result, Several):
        for _, member in result.members:
            check(member)
        return "several"
    if isinstance(result, RowFile):
        for row in result.rows:
            json.dumps(row.values)
        return "rows"
    if isinstance(result, Rejected):
        assert result.reason_code
        assert result.reason.endswith("."), result.reason
        return result.reason_code
    assert isinstance(result, Accepted)
    shape = result.reading.as_dict()
    json.dumps(shape).encode()
    result.reading.text.encode()
    assert shape["document_class"] in DOCUMENT_CLASSES
    assert set(shape["fields"]) == set(FIELD_NAMES)
    return "accepted"


def try_all(reader: DocumentReader, numbers: Sequence[int], honest: Sequence[bytes]) -> Tally:
    """Reads the inputs of these numbers in batches, each with a good neighbour."""
    tally = Tally()
    for start in range(0, len(numbers), BATCH):
        batch = numbers[start : start + BATCH]
        began = time.monotonic()
        try:
            _batch(reader, batch, honest, tally)
        except Exception as error:  # to find which of them it was
            known = len(tally.broken)
            for number in batch:
                _alone(reader, number, honest, tally)
            if len(tally.broken) == known:
                told = f"{type(error).__name__}: {str(error)[:200]}"
                tally.broken.append(f"{batch[0]} to {batch[-1]}, only together: {told}")
        tally.slow = max(tally.slow, time.monotonic() - began)
    return tally


def _batch(reader: DocumentReader, numbers: Sequence[int], honest: Sequence[bytes], tally: Tally) -> None:
    items = [Incoming(str(number), damaged(number, honest)) for number in numbers]
    results = reader.read([*items, Incoming("neighbour", NEIGHBOUR)])
    assert [result.name for result in results] == [*map(str, numbers), "neighbour"]
    neighbour = results.pop()
    assert isinstance(neighbour, Accepted)
    assert neighbour.reading.fields["total_amount"] == "1190.00"
    tally.outcomes.update(list(map(check, results)))


def _alone(reader: DocumentReader, number: int, honest: Sequence[bytes], tally: Tally) -> None:
    try:
        _batch(reader, [number], honest, tally)
    except Exception as error:  # told by its number, which makes the same input again
        tally.broken.append(f"{number}: {type(error).__name__}: {str(error)[:200]}")


def taken(folder: Path) -> Iterator[bytes]:
    """Small files of a folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in (".json", ".jsonl") and path.stat().st_size <= 60_000:
            yield path.read_bytes()


def main(number: int, start: int, folder: Path | None) -> None:
    honest = [*seeds(), *(taken(folder) if folder else ())]
    with PdfPool(size=2) as pool:
        began = time.monotonic()
        tally = try_all(DocumentReader(classifier(), pool, ocr_seconds=0.0), range(start, start + number), honest)
        spent = time.monotonic() - began
        print(f"{number} from {start} on {len(honest)} seeds: {spent:.0f} s, slowest batch {tally.slow:.1f} s")
        print(tally.outcomes.most_common())
        print("\n".join(tally.broken) or "nothing broke")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
