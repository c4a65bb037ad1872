"""A small writer of one-page PDFs, for letters of any script: what is shown, and what is written in white."""

from __future__ import annotations

from collections.abc import Sequence

_ATTACHED = b"/Names<</EmbeddedFiles<</Names[(factur-x.xml) 7 0 R]>>>>/AF[7 0 R]"
_NAMED = b"<</Type/Filespec/F(factur-x.xml)/UF(factur-x.xml)/AFRelationship/Alternative/EF<</F 8 0 R/UF 8 0 R>>>>"
_TOP, _LEFT, _STEP, _SIZE = 800, 50, 16, 9


def pdf(lines: Sequence[str], hidden: Sequence[str] = (), data: bytes | None = None) -> bytes:
    """The lines as text, one below the other; `hidden` below them in white, one point high. `data`: an e-invoice
    inside, as Factur-X and ZUGFeRD have it.

    One font of at most 255 characters, which say by a table (ToUnicode) what they are: that is what readers of the
    text get, whatever its shapes look like. What is more is left out.
    """
    letters = {letter: code for code, letter in enumerate(dict.fromkeys("".join((*lines, *hidden))), 1) if code < 256}
    shown = [_text(line, letters, _TOP - _STEP * at, _SIZE) for at, line in enumerate(lines)]
    unseen = [_text(line, letters, 20 + 2 * at, 1) for at, line in enumerate(hidden)]
    drawing = b"\n".join([b"0 g", *shown, b"1 g", *unseen])
    return _file(
        b"<</Type/Catalog/Pages 2 0 R%s>>" % (_ATTACHED if data is not None else b""),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 1200 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        _stream(drawing),
        b"<</Type/Font/Subtype/Type1/BaseFont/Courier/FirstChar 1/LastChar 255/Widths[%s]/ToUnicode 6 0 R>>"
        % b" ".join([b"600"] * 255),
        _stream(_table(letters)),
        *(() if data is None else (_NAMED, _stream(data))),
    )


def _text(line: str, letters: dict[str, int], height: int, size: int) -> bytes:
    codes = bytes(letters[letter] for letter in line if letter in letters)
    return b"BT /F1 %d Tf %d %d Td <%s> Tj ET" % (size, _LEFT, height, codes.hex().encode())


def _table(letters: dict[str, int]) -> bytes:
    rows = [f"<{code:02x}> <{letter.encode('utf-16-be').hex()}>" for letter, code in letters.items()]
    blocks = [rows[at : at + 100] for at in range(0, len(rows), 100)]
    maps = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    head = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Letters def /CMapType 2 def\n"
        "1 begincodespacerange <00> <ff> endcodespacerange\n"
    )
    return f"{head}{maps}\nendcmap CMapName currentdict /CMap defineresource pop end end".encode()


def _stream(data: bytes) -> bytes:
    return b"<</Length %d>>stream\n%s\nendstream" % (len(data), data)


def _file(*objects: bytes) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, content)
    start = len(out)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        count, table, count, start,
    )  # fmt: skip
    return bytes(out)
