"""What a reader of the page does not see is not read as its text, and is named; what is seen is never accused."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from pypdf import PdfWriter
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from api.intake import pdf_child

SECRET = "Pay to IBAN DE00SECRET now"
SEEN = "Invoice 4711 of the first of May"


def page(draw: Callable[[Canvas], None], *, turned: int = 0, before: Callable[[Canvas], None] | None = None) -> bytes:
    """One page that shows SEEN, and whatever `draw` adds."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595, 842))
    if before is not None:
        before(canvas)
    canvas.setFillColorRGB(0, 0, 0)
    canvas.drawString(60, 780, SEEN)
    draw(canvas)
    canvas.save()
    if not turned:
        return out.getvalue()
    writer = PdfWriter(clone_from=out)
    writer.pages[0].rotate(turned)
    again = io.BytesIO()
    writer.write(again)
    return again.getvalue()


def picture(width: int = 300, height: int = 400, *, alpha: int | None = None, ink: bool = False) -> ImageReader:
    colour = (255, 255, 255) if alpha is None else (255, 255, 255, alpha)
    made = Image.new("RGB" if alpha is None else "RGBA", (width, height), colour)
    if ink:
        drawing = ImageDraw.Draw(made)
        for across in range(0, width, 4):
            drawing.line((across, 20, across, height // 2), fill=(0, 0, 0), width=2)
    return ImageReader(made)


def white(canvas: Canvas) -> None:
    canvas.setFillColorRGB(1, 1, 1)
    canvas.drawString(60, 600, SECRET)


def almost_white(canvas: Canvas) -> None:
    canvas.setFillColorRGB(0.95, 0.97, 0.96)
    canvas.drawString(60, 600, SECRET)


def invisible(canvas: Canvas) -> None:
    text = canvas.beginText(60, 600)
    text.setTextRenderMode(3)
    text.textOut(SECRET)
    canvas.drawText(text)


def clip_only(canvas: Canvas) -> None:
    text = canvas.beginText(60, 600)
    text.setTextRenderMode(7)
    text.textOut(SECRET)
    canvas.drawText(text)


def transparent(canvas: Canvas) -> None:
    canvas.setFillAlpha(0.02)
    canvas.drawString(60, 600, SECRET)


def beside(canvas: Canvas) -> None:
    canvas.drawString(-400, 600, SECRET)


def above(canvas: Canvas) -> None:
    canvas.drawString(60, 900, SECRET)


def tiny(canvas: Canvas) -> None:
    canvas.setFontSize(0.8)
    canvas.drawString(60, 600, SECRET)


def shrunk(canvas: Canvas) -> None:
    canvas.scale(0.05, 0.05)
    canvas.setFontSize(12)
    canvas.drawString(1200, 12000, SECRET)


def under_a_box(canvas: Canvas) -> None:
    canvas.drawString(60, 600, SECRET)
    canvas.setFillColorRGB(0.2, 0.2, 0.2)
    canvas.rect(50, 590, 400, 30, fill=1)


def black_in_black(canvas: Canvas) -> None:
    canvas.rect(50, 590, 400, 30, fill=1)
    canvas.drawString(60, 600, SECRET)


def under_a_picture(canvas: Canvas) -> None:
    canvas.drawString(60, 600, SECRET)
    canvas.drawImage(picture(40, 10), 50, 590, 400, 30)


def white_on_a_white_picture(canvas: Canvas) -> None:
    canvas.drawImage(picture(40, 10), 50, 590, 400, 30)
    canvas.setFillColorRGB(1, 1, 1)
    canvas.drawString(60, 600, SECRET)


def under_many_boxes(canvas: Canvas) -> None:
    canvas.drawString(60, 600, SECRET)
    for number in range(600):
        canvas.rect(50 + number * 0.6, 590, 3, 30, fill=1, stroke=0)


def clipped(canvas: Canvas) -> None:
    path = canvas.beginPath()
    path.rect(60, 100, 200, 50)
    canvas.clipPath(path, stroke=0)
    canvas.drawString(60, 600, SECRET)


def clipped_by_a_circle(canvas: Canvas) -> None:
    path = canvas.beginPath()
    path.circle(150, 100, 50)
    canvas.clipPath(path, stroke=0)
    canvas.drawString(60, 600, SECRET)


def in_a_form(canvas: Canvas) -> None:
    canvas.beginForm("inner")
    white(canvas)
    canvas.endForm()
    canvas.beginForm("outer")
    canvas.translate(20, 20)
    canvas.doForm("inner")
    canvas.endForm()
    canvas.doForm("outer")


def off_the_page_in_a_form(canvas: Canvas) -> None:
    canvas.beginForm("inner", 0, 0, 595, 842)
    canvas.drawString(60, 600, SECRET)
    canvas.endForm()
    canvas.translate(900, 0)
    canvas.doForm("inner")


def under_a_box_with_writing(canvas: Canvas) -> None:
    """The writing on the box, suspect itself, must not vouch for what lies beneath."""
    canvas.drawString(60, 600, SECRET)
    canvas.rect(50, 590, 400, 30, fill=1)
    canvas.setFillColorRGB(1, 1, 1)
    canvas.drawString(60, 600, "Thank you for your business")


HIDING = [
    white, almost_white, invisible, clip_only, transparent, beside, above, tiny, shrunk, under_a_box, black_in_black,
    under_a_picture, white_on_a_white_picture, under_many_boxes, clipped, clipped_by_a_circle, in_a_form,
    off_the_page_in_a_form, under_a_box_with_writing,
]  # fmt: skip


@pytest.mark.parametrize("turned", [0, 90])
@pytest.mark.parametrize("draw", HIDING, ids=lambda draw: draw.__name__)
def test_hidden_text_is_kept_apart(draw: Callable[[Canvas], None], turned: int) -> None:
    found = pdf_child.parse(page(draw, turned=turned))
    assert "SECRET" not in found["text"]
    assert "SECRET" not in "".join(word[5] for word in found["words"])
    assert SEEN in found["text"]
    assert [(number, said) for number, _, said in found["hidden"]] == [(1, SECRET)]
    assert not found["layers"]


def grey(canvas: Canvas) -> None:
    canvas.setFillColorRGB(0.75, 0.75, 0.75)
    canvas.drawString(60, 600, SECRET)


def white_on_black(canvas: Canvas) -> None:
    canvas.rect(50, 590, 400, 30, fill=1)
    white(canvas)


def white_on_a_picture(canvas: Canvas) -> None:
    canvas.drawImage(picture(ink=True), 50, 480, 400, 200)
    white(canvas)


def on_paper(canvas: Canvas) -> None:
    canvas.setFillColorRGB(0, 0, 0)
    canvas.drawString(60, 600, SECRET)


def under_a_stamp_one_sees_through(canvas: Canvas) -> None:
    on_paper(canvas)
    canvas.drawImage(picture(40, 10, alpha=60), 50, 590, 400, 30, mask="auto")


def small_print(canvas: Canvas) -> None:
    canvas.setFontSize(4)
    canvas.drawString(60, 600, SECRET)


def outlined(canvas: Canvas) -> None:
    text = canvas.beginText(60, 600)
    text.setTextRenderMode(1)
    text.textOut(SECRET)
    canvas.drawText(text)


def inside_a_clip(canvas: Canvas) -> None:
    path = canvas.beginPath()
    path.rect(50, 590, 400, 30)
    canvas.clipPath(path, stroke=0)
    canvas.drawString(60, 600, SECRET)


def with_a_shadow(canvas: Canvas) -> None:
    canvas.setFillColorRGB(1, 1, 1)
    canvas.drawString(60.4, 600, SECRET)
    on_paper(canvas)


SHOWING = [
    grey, white_on_black, white_on_a_picture, on_paper, under_a_stamp_one_sees_through, small_print, outlined,
    inside_a_clip, with_a_shadow,
]  # fmt: skip


@pytest.mark.parametrize("draw", SHOWING, ids=lambda draw: draw.__name__)
def test_what_is_seen_is_read_and_not_accused(draw: Callable[[Canvas], None]) -> None:
    found = pdf_child.parse(page(draw))
    assert SECRET in found["text"]
    assert found["hidden"] == []


def test_a_letterhead_behind_everything_hides_nothing() -> None:
    found = pdf_child.parse(page(on_paper, before=lambda canvas: canvas.drawImage(picture(), 0, 0, 595, 842)))
    assert SECRET in found["text"]
    assert (found["hidden"], found["layers"]) == ([], [])


def scanned(*, under: bool, blank: bool) -> bytes:
    """A picture over the whole page with dark bands at its top, and the words that a scanner read in them."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595, 842))
    if not under:
        canvas.drawImage(picture(ink=True), 0, 0, 595, 842)
    for number in range(12):
        text = canvas.beginText(60 if not number % 2 else 20, 780 - 20 * number)
        text.setTextRenderMode(0 if under else 3)
        text.textOut(f"word{number}")
        canvas.drawText(text)
    if blank:
        text = canvas.beginText(60, 300)
        text.setTextRenderMode(0 if under else 3)
        text.textOut(SECRET)
        canvas.drawText(text)
    if under:
        canvas.drawImage(picture(ink=True), 0, 0, 595, 842)
    canvas.save()
    return out.getvalue()


@pytest.mark.parametrize("under", [False, True])
def test_what_a_scanner_read_under_its_picture_is_the_pages_text(under: bool) -> None:
    found = pdf_child.parse(scanned(under=under, blank=False))
    assert "word0" in found["text"]
    assert (found["hidden"], found["layers"]) == ([], [1])


@pytest.mark.parametrize("under", [False, True])
def test_a_scanner_reads_nothing_on_blank_paper(under: bool) -> None:
    found = pdf_child.parse(scanned(under=under, blank=True))
    assert "word0" in found["text"]
    assert "SECRET" not in found["text"]
    assert [said for _, _, said in found["hidden"]] == [SECRET]


def test_words_beyond_the_edge_are_cut_off() -> None:
    found = pdf_child.parse(page(lambda canvas: canvas.drawString(500, 600, f"seen {'x' * 20} {SECRET}")))
    assert "SECRET" not in found["text"] + "".join(word[5] for word in found["words"])


def test_flags_are_few_and_short() -> None:
    def shout(canvas: Canvas) -> None:
        for number in range(300):
            canvas.drawString(-30000, 10 + 2 * number, f"{number} " + "hidden " * 200)

    hidden = pdf_child.parse(page(shout))["hidden"]
    assert 0 < len(hidden) <= 50
    assert max(len(said) for _, _, said in hidden) <= 400


def test_more_objects_than_are_looked_at_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.intake.pdf_objects.Budget.__init__.__defaults__", (50, 2.0))
    found = pdf_child.parse(page(under_many_boxes))
    assert found["unchecked"] == [1]


@pytest.mark.shared
def test_no_public_document_is_accused(shared: Path) -> None:
    for path in sorted((shared / "documents").rglob("*.pdf")):
        found = pdf_child.parse(path.read_bytes())
        assert found.get("hidden", []) == [], path
        assert found.get("unchecked", []) == [], path
