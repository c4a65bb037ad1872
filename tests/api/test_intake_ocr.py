"""Pictures and scans: read by tesseract where it is installed, else handed to a person; several documents in a PDF."""

from __future__ import annotations

import io
import os
import re
import signal
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from api.intake import cut_child, ocr, ocr_child
from api.intake.children import ChildPool, Kind, Lost
from api.intake.pdf import PdfPool
from api.intake.reader import Accepted, DocumentReader, Incoming, Rejected, Several
from models.layout import Box, Word
from tests.api.intake_samples import pdf

tesseract = pytest.mark.skipif(
    not ocr_child._languages(), reason="tesseract-ocr and the data of a language are not installed here"
)
LINES = """Nordlicht Energie GmbH
Rechnung Nr. RE-2026/0042 vom 01.03.2026
USt-IdNr.: DE136695976
Nettobetrag 1.000,00 EUR
Umsatzsteuer 19 % 190,00 EUR
Gesamtbetrag 1.190,00 EUR
IBAN DE02 1203 0000 0000 2020 51
"""


@pytest.fixture(scope="module")
def pool() -> Iterator[PdfPool]:
    with PdfPool(size=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def reader(pool: PdfPool) -> DocumentReader:
    return DocumentReader(None, pool, ocr_seconds=60)


def picture(text: str = LINES, *, degrees: int = 0) -> Image.Image:
    """A page of text as a scanner sees it, at 150 dpi."""
    with pypdfium2.PdfDocument(pdf(text)) as document:
        page: Image.Image = document[0].render(scale=150 / 72, grayscale=True).to_pil().convert("L")
    return page.rotate(degrees, expand=True)


def saved(form: str, *pages: Image.Image, **options: Any) -> bytes:
    out = io.BytesIO()
    more = {"save_all": True, "append_images": list(pages[1:])} if len(pages) > 1 else {}
    pages[0].save(out, form, **more, **options)
    return out.getvalue()


def scan(*pages: Image.Image) -> bytes:
    """A PDF of pictures."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595, 842))
    for page in pages:
        canvas.drawImage(ImageReader(page), 0, 0, 595, 842)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def accepted(reader: DocumentReader, content: bytes) -> Accepted:
    (result,) = reader.read([Incoming("scan", content)])
    assert isinstance(result, Accepted), result
    return result


@tesseract
@pytest.mark.parametrize("form", ["PNG", "PDF"])
def test_a_picture_is_read_like_a_page(reader: DocumentReader, form: str) -> None:
    content = scan(picture()) if form == "PDF" else saved(form, picture(), dpi=(150, 150))
    result = accepted(reader, content)
    said = result.reading
    assert (said.document_class, said.basis, result.pages) == ("invoice", "ocr:title_rule", 1)
    assert said.fields["invoice_number"] == "RE-2026/0042"
    assert (said.fields["issue_date"], said.fields["total_amount"]) == ("2026-03-01", "1190.00")
    assert said.fields["iban"] == "DE02120300000000202051"
    assert said.warnings[0].startswith("read by OCR, words ")
    box = said.evidence["total_amount"]["box"]
    assert 0 < box[0] < box[2] < 596
    assert 0 < box[1] < box[3] < 843


@tesseract
def test_a_field_is_never_surer_than_its_words(reader: DocumentReader) -> None:
    clear = accepted(reader, pdf(LINES)).reading
    seen = accepted(reader, saved("PNG", picture(), dpi=(150, 150))).reading
    for name in ("invoice_number", "total_amount", "iban"):
        sure, less = clear.field_confidence[name], seen.field_confidence[name]
        assert sure is not None
        assert less is None or less < sure


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "TIFF"])
def test_all_formats_are_opened(form: str) -> None:
    answer = ocr_child.parse(struct.pack(">d", 0.0) + saved(form, picture()))
    assert answer == {"pages": 1, "read": [], "turned": {}, "words": []} or answer == {"error": "no_ocr"}


@tesseract
def test_a_page_that_lies_on_its_side_is_turned(reader: DocumentReader) -> None:
    full = "\n".join([LINES, *(f"Position {n}: Strom im Monat {n}, Zaehler Nord, 12,50 EUR" for n in range(1, 13))])
    said = accepted(reader, saved("PNG", picture(full, degrees=90), dpi=(150, 150))).reading
    assert said.fields["invoice_number"] == "RE-2026/0042"
    assert any("was turned by" in warning for warning in said.warnings)


@tesseract
def test_all_pages_of_a_tiff_are_read(reader: DocumentReader) -> None:
    result = accepted(reader, saved("TIFF", picture(), picture("Zahlbar bis 31.03.2026 ohne jeden Abzug, danke")))
    assert result.pages == 2
    assert "Zahlbar bis 31.03.2026" in result.reading.text


@tesseract
def test_time_is_bounded_and_what_was_not_read_is_said(pool: PdfPool) -> None:
    content = saved("TIFF", *[picture() for _ in range(8)], compression="tiff_lzw")
    started = os.times()
    said = accepted(DocumentReader(None, pool, ocr_seconds=1.0), content).reading
    assert os.times().elapsed - started.elapsed < 15, "also on a machine that has other things to do"
    assert any("did not get to page" in one or "took too long" in one for one in said.warnings)


@tesseract
def test_an_empty_picture_goes_to_a_person(reader: DocumentReader) -> None:
    said = accepted(reader, saved("PNG", Image.new("L", (800, 600), 255))).reading
    assert (said.document_class, said.abstained, said.basis) == ("other", True, "none")
    assert said.warnings == ("read by OCR: no text was found",)


@pytest.mark.parametrize("content", [scan(picture()), saved("PNG", picture())], ids=["PDF", "PNG"])
def test_without_tesseract_a_person_is_told_what_to_install(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr_child, "_languages", lambda: ())
    assert ocr_child.parse(struct.pack(">d", 5.0) + content) == {"error": "no_ocr"}
    monkeypatch.setattr(ocr, "recognise", lambda pool, contents, seconds: [None] * len(contents))
    with PdfPool(size=1) as pool:
        said = accepted(DocumentReader(None, pool), content).reading
    assert (said.document_class, said.abstained) == ("other", True)
    assert ocr.INSTALL in said.warnings[0]


def broken_png() -> bytes:
    return saved("PNG", picture())[:2000]


def huge_png() -> bytes:
    """A picture of 900 million points in a few hundred bytes, as its head says."""
    return saved("PNG", Image.new("1", (10, 10)))[:16] + struct.pack(">II", 30_000, 30_000) + bytes(200)


def bomb_png() -> bytes:
    return saved("PNG", Image.new("1", (30_000, 30_000)), compress_level=9)


@pytest.mark.parametrize(
    ("content", "codes"),
    [
        (broken_png, {"malformed_picture"}),
        (huge_png, {"malformed_picture", "picture_limits"}),
        (bomb_png, {"picture_limits"}),
        (lambda: b"II*\x00" + os.urandom(5000), {"malformed_picture"}),
        (lambda: b"II*\x00\x08\x00\x00\x00\x00\x00\x08\x00\x00\x00", {"malformed_picture"}),
    ],
)
def test_refused_with_a_reason_and_the_neighbour_is_read(reader: DocumentReader, content: Any, codes: set[str]) -> None:
    results = reader.read([Incoming("bad", content()), Incoming("good.pdf", pdf(LINES))])
    assert isinstance(results[0], Rejected), results[0]
    assert results[0].reason_code in codes
    assert isinstance(results[1], Accepted)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_change_of_a_picture_has_an_answer(data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    answer = ocr_child.parse(struct.pack(">d", 0.0) + bytes(content))
    assert ("words" in answer) != ("error" in answer)


SEEDS = tuple(saved(form, Image.new("L", (60, 40), 200)) for form in ("PNG", "JPEG", "TIFF", "WEBP", "BMP"))


def test_the_chance_of_a_field_is_that_of_all_its_words() -> None:
    words = [Word(1, 0, 0, 10, 10, "a"), Word(1, 12, 0, 20, 10, "b"), Word(2, 0, 0, 10, 10, "c")]
    alone = ocr.chance_right(Box(1, 0, 0, 10, 10), words, [0.95, 0.6, 0.3])
    both = ocr.chance_right(Box(1, 0, 0, 20, 10), words, [0.95, 0.6, 0.3])
    assert alone is not None
    assert both is not None
    assert both < alone < 0.99
    assert ocr.chance_right(Box(3, 0, 0, 20, 10), words, [0.95, 0.6, 0.3]) is None


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_more_certain_word_is_no_less_likely_right(one: float, other: float) -> None:
    assert 0 < ocr._right(min(one, other)) <= ocr._right(max(one, other)) < 1


def test_an_account_whose_digits_look_like_letters_is_known_by_its_check_digits() -> None:
    texts = ["IBAN", "DEO2", "12O3", "0000", "0000", "2020", "51", "BIC", "OOPS"]
    words = [Word(1, 20.0 * at, 0, 20.0 * at + 15, 10, text) for at, text in enumerate(texts)]
    repaired = [word.text for word in ocr._with_accounts(list(words))]
    assert repaired == ["IBAN", "DE02", "1203", "0000", "0000", "2020", "51", "BIC", "OOPS"]
    wrong = [
        Word(1, 20.0 * at, 0, 20.0 * at + 15, 10, text) for at, text in enumerate(["DEO2", "1203", "0000", "0001"])
    ]
    assert ocr._with_accounts(list(wrong)) == wrong


FOOT = "\n" * 20 + "Muster GmbH, Beispielweg 1, 12345 Musterstadt"
BILL = "Muster GmbH\nRechnung Nr. {}\nDatum 01.03.2026\nGesamtbetrag 1.190,00 EUR\nZahlbar bis 31.03.2026" + FOOT
NOTE = "Muster GmbH\nLieferschein Nr. LS-77\nDatum 28.02.2026\nMenge Artikel\n10 Schrauben\nWare erhalten" + FOOT


def several(reader: DocumentReader, content: bytes) -> list[tuple[bytes, Accepted]]:
    (result,) = reader.read([Incoming("all.pdf", content)])
    assert isinstance(result, Several), result
    return [(inner, one) for inner, one in result.members if isinstance(one, Accepted)]


def test_a_pdf_of_several_documents_is_split_where_it_is_certain(reader: DocumentReader) -> None:
    content = pdf(BILL.format("RE-1"), "Seite zwei der Rechnung mit weiteren Angaben", NOTE, BILL.format("RE-2"))
    found = several(reader, content)
    assert [(one.name, one.reading.document_class, one.pages) for _, one in found] == [
        ("all.pdf#p1-2", "invoice", 2),
        ("all.pdf#p3", "other", 1),  # a delivery note, but its heading alone names no class
        ("all.pdf#p4", "invoice", 1),
    ]
    assert [one.reading.fields["invoice_number"] for _, one in found if one.reading.document_class == "invoice"] == [
        "RE-1",
        "RE-2",
    ]
    assert found[2][1].reading.evidence["invoice_number"]["page"] == 1, "in the file of its own"
    assert found[0][1].reading.details["part_of"] == {"file": "all.pdf", "pages": [1, 2]}
    for (inner, one), again in zip(found, several(reader, content), strict=True):
        assert inner == again[0], "the same file again is known"
        with pypdfium2.PdfDocument(inner) as part:
            assert len(part) == one.pages


def test_what_is_not_certain_is_flagged(reader: DocumentReader) -> None:
    nameless = BILL.format("RE-2").replace("Rechnung Nr. RE-2", "Rechnung")
    (result,) = reader.read([Incoming("all.pdf", pdf(BILL.format("RE-1"), "Seite 1 von 1\n" + nameless))])
    assert isinstance(result, Accepted), "the second bill has no number: it may belong to the first"
    assert any("several documents in one file" in one for one in result.reading.warnings)


@pytest.mark.parametrize("content", [b"", b"[[1,1]]\nno pdf", b"nonsense\n", b"[[9,9]]\n" + pdf("one page")])
def test_what_cannot_be_cut_is_said(content: bytes) -> None:
    assert cut_child.parse(content) == {"error": "malformed"}


def running() -> dict[int, tuple[int, int]]:
    """Parent and group of every process that runs."""
    found = {}
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            with suppress(FileNotFoundError, ProcessLookupError):
                state, parent, group, *_ = (place / "stat").read_text().rpartition(")")[2].split()
                if state != "Z":
                    found[int(place.name)] = (int(parent), int(group))
    return found


def killed(pid: int) -> bool:
    """Whether the process is gone, or the kernel is about to end it: the signal is pending, or it is leaving."""
    try:
        place = Path(f"/proc/{pid}")
        if int((place / "stat").read_text().rpartition(")")[2].split()[6]) & 0x4:  # PF_EXITING of the kernel
            return True
        pending = re.findall(r"^(?:SigPnd|ShdPnd):\s*(\w+)$", (place / "status").read_text(), re.MULTILINE)
        return any(int(mask, 16) & 1 << signal.SIGKILL - 1 for mask in pending)
    except (FileNotFoundError, ProcessLookupError):
        return True


def lost(pool: ChildPool, content: bytes) -> None:
    with pytest.raises(Lost):
        pool.ask(content)


@tesseract
def test_what_a_child_started_ends_with_it() -> None:
    page = picture("\n".join(f"Position {n}: Strom im Monat {n}, Zaehler Nord, 12,50 EUR" for n in range(1, 45)))
    content = struct.pack(">d", 60.0) + saved("TIFF", *[page] * 6, compression="tiff_lzw")
    kind = Kind("picture", "api.intake.ocr_child", "Pillow")
    with ChildPool(kind, size=1, deadline=60.0) as pool:
        before = set(running())
        asking = threading.Thread(target=lost, args=(pool, content))
        asking.start()
        group: list[int] = []
        while asking.is_alive() and len(group) < 2:  # the child, and tesseract
            now = running()
            leaders = {pid for pid, place in now.items() if place == (os.getpid(), pid) and pid not in before}
            group = [pid for pid, (_, leader) in now.items() if leader in leaders]
        (leader,) = leaders
        os.kill(leader, signal.SIGKILL)
        asking.join()
    left = [pid for pid, (_, its) in running().items() if its == leader]
    assert all(killed(pid) or killed(pid) for pid in left), "asked twice: between pending and leaving lies a moment"
