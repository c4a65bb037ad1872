"""PDFs are parsed in children that may be killed: the next document must never notice."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfWriter
from reportlab.pdfgen.canvas import Canvas

from api.intake import pdf_child
from api.intake.pdf import PdfContent, PdfPool
from governance.errors import Unavailable, Unreadable
from tests.api.intake_samples import pdf, pdf_bomb, rewritten

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pool() -> Iterator[PdfPool]:
    with PdfPool(size=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def good() -> bytes:
    return pdf("Invoice 42\nTotal 10.00 EUR", "page two")


def code(pool: PdfPool, content: bytes) -> str:
    with pytest.raises(Unreadable) as refusal:
        pool.parse(content)
    return str(refusal.value.extensions["reason_code"])


def test_text_pages_and_embedded_xml(pool: PdfPool, good: bytes) -> None:
    attached = rewritten(good, attach={"factur-x.xml": b"<a/>", "logo.png": b"not xml"})
    content = pool.parse(attached)
    assert "Invoice 42" in content.text
    assert "page two" in content.text
    assert (content.pages, content.pages_read) == (2, 2)
    assert content.attachments == (("factur-x.xml", b"<a/>"),)


def test_words_have_their_places_as_a_reader_sees_them(pool: PdfPool) -> None:
    upright = placed(rotation=0)
    found = {word.text: word for word in pool.parse(upright).words}
    assert set(found) == {"Invoice", "4711", "Total"}
    assert found["Invoice"].page == 1
    assert found["Invoice"].left == pytest.approx(72, abs=2)
    assert found["Invoice"].top == pytest.approx(842 - 800 - 12, abs=6), "from the top, not from the bottom"
    assert found["Invoice"].right < found["4711"].left
    assert found["Total"].top > found["Invoice"].bottom
    turned = {word.text: word for word in pool.parse(placed(rotation=180)).words}
    assert turned["Invoice"].right == pytest.approx(595 - 72, abs=2)
    assert turned["Total"].bottom < turned["Invoice"].top
    for rotation in (90, 270):
        sideways = {word.text: word for word in pool.parse(placed(rotation=rotation)).words}
        assert set(sideways) == {"Invoice", "4711", "Total"}
        assert all(0 <= word.left < word.right <= 842 for word in sideways.values())
        assert all(0 <= word.top < word.bottom <= 595 for word in sideways.values())
    assert found["Invoice"].bottom - found["Invoice"].top == pytest.approx(
        sideways["Invoice"].right - sideways["Invoice"].left, abs=0.2
    )


def test_a_page_that_is_written_sideways_and_turned_reads_as_usual(pool: PdfPool) -> None:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(595, 842))
    canvas.translate(595, 0)
    canvas.rotate(90)
    canvas.drawString(72, 500, "Invoice 4711")
    canvas.save()
    words = pool.parse(turned_by(buffer.getvalue(), 90)).words
    assert [word.text for word in words] == ["Invoice", "4711"]
    assert words[0].left == pytest.approx(72, abs=2)
    assert words[0].bottom == pytest.approx(595 - 500, abs=6)
    assert words[0].right < words[1].left


def placed(rotation: int) -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(595, 842))
    canvas.setFont("Helvetica", 12)
    canvas.drawString(72, 800, "Invoice 4711")
    canvas.drawString(72, 700, "Total")
    canvas.save()
    return turned_by(buffer.getvalue(), rotation)


def turned_by(content: bytes, degrees: int) -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(content))
    writer.pages[0].rotate(degrees)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_encrypted(pool: PdfPool, good: bytes) -> None:
    assert code(pool, rewritten(good, password="secret")) == "encrypted_pdf"
    # Without a password to open, only printing and copying are restricted: that is readable.
    assert "Invoice 42" in pool.parse(rewritten(good, password="")).text


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.9])
def test_truncated(pool: PdfPool, good: bytes, share: float) -> None:
    cut = good[: int(len(good) * share)]
    (found,) = pool.parse_many([cut])
    if isinstance(found, Unreadable):
        assert found.extensions["reason_code"] == "malformed_pdf"
        assert "send it again" in found.detail
    else:
        assert share == 0.9, "only the very end may be missing and rebuilt"
        assert found.pages == 2
    assert "Invoice 42" in pool.parse(good).text


def test_a_bomb_costs_one_child_and_the_next_document_is_read(good: bytes) -> None:
    bomb = pdf_bomb(300)
    assert len(bomb) < 600_000
    with PdfPool(size=1, memory_mb=128, deadline=20) as pool:
        assert code(pool, bomb) == "pdf_limits"
        assert "Invoice 42" in pool.parse(good).text


def test_the_deadline_kills(good: bytes) -> None:
    with PdfPool(size=1, deadline=0.2, memory_mb=2000) as pool:
        assert "Invoice 42" in pool.parse(good).text
        started = time.monotonic()
        assert code(pool, pdf_bomb(250)) == "pdf_limits"
        assert time.monotonic() - started < 10
        assert "Invoice 42" in pool.parse(good).text


def stat(pid: int) -> tuple[str, int] | None:
    """State and parent of a process, None when it is gone."""
    try:
        state, parent, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return state, int(parent)


def children_of(pid: int) -> set[int]:
    found = {int(path.name): stat(int(path.name)) for path in Path("/proc").iterdir() if path.name.isdigit()}
    return {child for child, known in found.items() if known is not None and known[1] == pid}


def running(pid: int) -> bool:
    known = stat(pid)
    return known is not None and known[0] != "Z"


def test_children_start_late_are_recycled_and_closed(good: bytes) -> None:
    before = children_of(os.getpid())
    with PdfPool(size=1, recycle_after=2) as pool:
        assert children_of(os.getpid()) == before
        pool.parse(good)
        (first,) = children_of(os.getpid()) - before
        pool.parse(good)
        assert not running(first), "the second document was its last"
        pool.parse(good)
        (second,) = children_of(os.getpid()) - before
        assert second != first
    assert children_of(os.getpid()) == before
    with pytest.raises(Unavailable):
        pool.parse(good)
    pool.close()


def test_a_child_that_dies_is_replaced(good: bytes) -> None:
    before = children_of(os.getpid())
    with PdfPool(size=1) as pool:
        pool.parse(good)
        (child,) = children_of(os.getpid()) - before
        os.kill(child, signal.SIGKILL)
        assert code(pool, good) == "pdf_limits"
        assert "Invoice 42" in pool.parse(good).text


def test_many_threads_share_a_pool(good: bytes) -> None:
    results: list[int] = []
    with PdfPool(size=2) as pool:
        threads = [threading.Thread(target=lambda: results.append(pool.parse(good).pages)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [2] * 6


def test_a_batch_keeps_its_order(pool: PdfPool, good: bytes) -> None:
    with PdfPool(size=2) as two:
        found = two.parse_many([pdf(f"number {n}") if n % 2 else b"%PDF-1.4 broken" for n in range(8)])
    texts = [result.text.strip() if isinstance(result, PdfContent) else None for result in found]
    assert texts == [f"number {n}" if n % 2 else None for n in range(8)]
    assert pool.parse_many([]) == []


def test_no_orphan_when_the_parent_is_killed() -> None:
    """The parent dies by SIGKILL while its child is at work on a bomb: the child ends too."""
    program = (
        "import sys, threading; sys.path.insert(0, sys.argv[1])\n"
        "from api.intake.pdf import PdfPool\n"
        "from tests.api.intake_samples import pdf, pdf_bomb\n"
        "pool = PdfPool(size=1, memory_mb=4000, deadline=60)\n"
        "pool.parse(pdf('x')); bomb = pdf_bomb(400)\n"
        "threading.Thread(target=pool.parse, args=(bomb,), daemon=True).start()\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(ROOT)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        (child,) = children_of(parent.pid)
        parent.kill()
    deadline = time.monotonic() + 10
    while running(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(child)


def test_the_child_gets_no_environment(good: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_SECRET", "hunter2")
    before = children_of(os.getpid())
    with PdfPool(size=1) as pool:
        pool.parse(good)
        (child,) = children_of(os.getpid()) - before
        assert b"hunter2" not in Path(f"/proc/{child}/environ").read_bytes()


def test_a_parser_that_does_not_start_is_not_the_documents_fault(good: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.intake.children._CHILD", Path("/nonexistent/child.py"))
    with PdfPool(size=1) as pool, pytest.raises(Unavailable, match="does not start"):
        pool.parse(good)


def test_many_pages_are_cut(good: bytes) -> None:
    found = pdf_child.parse(pdf(*(f"page {n}" for n in range(pdf_child.PAGE_LIMIT + 3))))
    assert (found["pages"], found["pages_read"]) == (pdf_child.PAGE_LIMIT + 3, pdf_child.PAGE_LIMIT)
