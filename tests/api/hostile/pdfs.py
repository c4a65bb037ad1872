"""Hostile PDFs, each built by code: bombs, loops, lies, and pages made to be expensive."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Sequence

from tests.api.intake_samples import pdf, pdf_bomb, rewritten, ubl

Build = Callable[[], bytes]

FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
TREE = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
CATALOG = b"<</Type/Catalog/Pages 2 0 R>>"
WHITE = b"1 1 1 rg BT /F1 12 Tf 60 600 Td (white on white) Tj ET "
SHOWN = b"0 g BT /F1 12 Tf 60 700 Td (Invoice 4711 Total 10.00 EUR) Tj ET "


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (entries, len(data), data)


def packed(data: bytes, entries: bytes = b"", times: int = 1) -> bytes:
    """A stream that was deflated so many times, one filter each."""
    for _ in range(times):
        data = zlib.compress(data, 9)
    return stream(data, b"/Filter[%s]%s" % (b"/FlateDecode" * times, entries))


def assembled(objects: Sequence[bytes], *, trailer: bytes = b"", version: bytes = b"1.7") -> bytes:
    """A PDF of these objects, numbered from 1; the first is the catalogue."""
    out = bytearray(b"%PDF-" + version + b"\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, trailer, start)
    return bytes(out)


def one_page(contents: bytes, *more: bytes, page: bytes = b"", resources: bytes = b"") -> bytes:
    """Objects: 1 catalogue, 2 tree, 3 page, 4 contents, 5 font, then `more` from 6."""
    box = b"" if b"/MediaBox" in page else b"/MediaBox[0 0 612 792]"
    leaf = b"<</Type/Page/Parent 2 0 R%s/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>%s>>%s>>" % (box, resources, page)
    return assembled([CATALOG, TREE, leaf, contents, FONT, *more])


def drawing(commands: bytes, *more: bytes, page: bytes = b"", resources: bytes = b"") -> bytes:
    return one_page(packed(commands), *more, page=page, resources=resources)


def boxed(box: bytes) -> bytes:
    return drawing(SHOWN + WHITE, page=b"/MediaBox[%s]" % box)


def many_pages(count: int, said: int | None = None) -> bytes:
    kids = b" ".join(b"%d 0 R" % (5 + number) for number in range(count))
    leaf = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 3 0 R/Resources<</Font<</F1 4 0 R>>>>>>"
    tree = b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count if said is None else said)
    return assembled([CATALOG, tree, packed(SHOWN), FONT, *[leaf] * count])


def deep_tree(depth: int) -> bytes:
    nodes = [
        b"<</Type/Pages/Kids[%d 0 R]/Count 1/Parent %d 0 R>>" % (number + 3, number + 1) for number in range(depth)
    ]
    return assembled([CATALOG, *nodes, b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 9 9]>>" % (depth + 1)])


def form(data: bytes, entries: bytes = b"") -> bytes:
    return packed(data, b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]" + entries)


def nested_forms(depth: int, width: int) -> bytes:
    """Each form paints the next one `width` times: width ** depth words."""
    forms = [
        form(b"/X Do " * width, b"/Resources<</XObject<</X %d 0 R>>/Font<</F1 5 0 R>>>>" % (7 + number))
        for number in range(depth)
    ]
    last = form(SHOWN, b"/Resources<</Font<</F1 5 0 R>>>>")
    return drawing(SHOWN + b"/X Do", *forms, last, resources=b"/XObject<</X 6 0 R>>")


def image(width: int, height: int, data: bytes, entries: bytes) -> bytes:
    size = b"/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/DeviceRGB" % (width, height)
    made = stream(data, size + entries)
    # The white text makes the page worth a picture.
    return drawing(b"q 600 0 0 700 0 0 cm /I Do Q " + WHITE, made, resources=b"/XObject<</I 6 0 R>>")


def attached(entries: bytes, *more: bytes) -> bytes:
    """A name tree of embedded files; `more` from object 6."""
    catalogue = b"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles %s>>>>" % entries
    leaf = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>"
    return assembled([catalogue, TREE, leaf, packed(SHOWN), FONT, *more])


def attached_file(data: bytes) -> bytes:
    spec = b"<</Type/Filespec/F(factur-x.xml)/UF(factur-x.xml)/EF<</F 7 0 R>>>>"
    return attached(b"<</Names[(factur-x.xml) 6 0 R]>>", spec, data)


def many_attached(count: int) -> bytes:
    names = b" ".join(b"(a%d.xml) 6 0 R" % number for number in range(count))
    spec = b"<</Type/Filespec/F(a.xml)/UF(a.xml)/EF<</F 7 0 R>>>>"
    return attached(b"<</Names[%s]>>" % names, spec, packed(b"<a/>" * 1000))


@functools.cache
def good() -> bytes:
    return pdf("Invoice 42\nTotal 10.00 EUR", "page two")


@functools.cache
def hybrid() -> bytes:
    return rewritten(good(), attach={"factur-x.xml": ubl().encode()})


def cut(share: float) -> Build:
    return lambda: hybrid()[: int(len(hybrid()) * share)]


def changed(old: bytes, new: bytes) -> Build:
    return lambda: good().replace(old, new)


def scattered(count: int, head: bytes, tail: bytes = b"ET ") -> bytes:
    """That many texts all over the page."""
    spots = b"".join(b"%d %d Tm (w%d) Tj " % (number * 7 % 600, number * 13 % 780, number) for number in range(count))
    return drawing(head + b"BT /F1 8 Tf " + spots.replace(b" Tm", b" Td") + tail + SHOWN)


def one_by_one(count: int, head: bytes) -> bytes:
    """That many text objects, each placed absolutely."""
    spots = b"".join(
        b"BT /F1 8 Tf 1 0 0 1 %d %d Tm (word) Tj ET " % (number * 7 % 600, number * 13 % 780) for number in range(count)
    )
    return drawing(head + spots + SHOWN)


def pattern(step: bytes) -> bytes:
    tile = packed(
        b"0 0 1 rg 0 0 1 1 re f",
        b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 1 1]/XStep %s/YStep %s/Resources<<>>"
        % (step, step),
    )
    return drawing(b"/Pattern cs /P scn 0 0 612 792 re f " + WHITE + SHOWN, tile, resources=b"/Pattern<</P 6 0 R>>")


def shading(kind: int, entries: bytes) -> bytes:
    made = b"<</ShadingType %d/ColorSpace/DeviceRGB%s>>" % (kind, entries)
    return drawing(WHITE + b"/S sh " + SHOWN, made, resources=b"/Shading<</S 6 0 R>>")


def soft_mask() -> bytes:
    """A group whose mask is the group itself."""
    group = form(WHITE, b"/Group<</S/Transparency>>/Resources<</ExtGState<</G 7 0 R>>/Font<</F1 5 0 R>>>>")
    state = b"<</Type/ExtGState/SMask<</S/Luminosity/G 6 0 R>>>>"
    return drawing(b"/G gs " + WHITE + SHOWN, group, state, resources=b"/ExtGState<</G 7 0 R>>/XObject<</X 6 0 R>>")


def type3(depth: int) -> bytes:
    """A font whose letter is painted with the same font."""
    font = (
        b"<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[.1 0 0 .1 0 0]/CharProcs<</a 7 0 R>>/FirstChar 97"
        b"/LastChar 97/Widths[9]/Encoding<</Type/Encoding/Differences[97/a]>>/Resources<</Font<</F3 6 0 R>>>>>>"
    )
    return drawing(
        WHITE + b"BT /F3 9 Tf 9 9 Td (%s) Tj ET " % (b"a" * depth),
        font,
        packed(b"9 0 d0 BT /F3 9 Tf (aaaaaaaaaa) Tj ET"),
        resources=b"/Font<</F1 5 0 R/F3 6 0 R>>",
    )


def to_unicode(entries: bytes) -> bytes:
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 7 0 R>>"
    shown = b"BT /F2 12 Tf 60 700 Td (" + b"abcdefghij" * 500 + b") Tj ET"
    page = b"/Resources<</Font<</F1 5 0 R/F2 6 0 R>>>>"
    leaf = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R%s>>" % page
    return assembled([CATALOG, TREE, leaf, packed(shown), FONT, font, packed(entries)])


BOMBS: dict[str, Build] = {
    "flate_10_mb": lambda: pdf_bomb(10),
    "flate_100_mb": lambda: pdf_bomb(100),
    "flate_300_mb": lambda: pdf_bomb(300),
    "flate_twice": lambda: one_page(packed(b"(A) Tj " * 15_000_000, times=2)),
    "flate_five_times": lambda: one_page(packed(b" " * 100_000_000, times=5)),
    "flate_zeros": lambda: one_page(packed(bytes(400_000_000))),
    "run_length": lambda: one_page(stream(b"\x81 " * 1_000_000 + b"\x80", b"/Filter/RunLengthDecode")),
    "hex_and_flate": lambda: one_page(
        stream(zlib.compress(b"41" * 50_000_000, 9), b"/Filter[/FlateDecode/ASCIIHexDecode]")
    ),
    "ascii_85": lambda: one_page(stream(zlib.compress(b"z" * 100_000_000, 9), b"/Filter[/FlateDecode/ASCII85Decode]")),
    "predictor_columns": lambda: one_page(
        packed(b"x" * 1000, b"/DecodeParms<</Predictor 15/Columns 2147483647/Colors 32/BitsPerComponent 16>>")
    ),
    "hundred_filters": lambda: one_page(stream(b"x", b"/Filter[%s]" % (b"/ASCIIHexDecode" * 10_000))),
    "unknown_filter": lambda: one_page(stream(b"x", b"/Filter/Nothing")),
    "lzw_garbage": lambda: one_page(stream(bytes(range(256)) * 1000, b"/Filter/LZWDecode")),
    "length_lies": lambda: good().replace(b"/Length", b"/Length 999999999 %", 1),
    "object_stream_bomb": lambda: assembled(
        [CATALOG, TREE, packed(b"4 0 " + b" " * 200_000_000, b"/Type/ObjStm/N 1000000/First 4")]
    ),
    "object_stream_extends_itself": lambda: assembled(
        [CATALOG, TREE, packed(b"9 0 null", b"/Type/ObjStm/N 1/First 4/Extends 3 0 R")]
    ),
    "cmap_bomb": lambda: to_unicode(b"1000 beginbfrange\n" + b"<00> <ff> <0041>\n" * 500_000 + b"endbfrange"),
    "cmap_long_words": lambda: to_unicode(
        b"1 begincodespacerange <00> <ff> endcodespacerange 1 beginbfchar <61> <%s> endbfchar" % (b"0078" * 20_000)
    ),
    "attached_bomb": lambda: attached_file(packed(b" " * 200_000_000, b"/Type/EmbeddedFile")),
    "attached_twice_packed": lambda: attached_file(packed(b"<a>" * 100_000_000, b"/Type/EmbeddedFile", 2)),
    "attached_laughs": lambda: attached_file(
        packed(b"<!DOCTYPE a [<!ENTITY b 'ha'><!ENTITY c '&b;&b;&b;'>]><a>&c;</a>", b"/Type/EmbeddedFile")
    ),
    "attached_deep": lambda: attached_file(packed(b"<a>" * 100_000, b"/Type/EmbeddedFile")),
    "attached_million_elements": lambda: attached_file(
        packed(b"<a>" + b"<b/>" * 4_000_000 + b"</a>", b"/Type/EmbeddedFile")
    ),
    "attached_10000": lambda: many_attached(10_000),
    "attached_names_loop": lambda: attached(b"6 0 R", b"<</Kids[6 0 R 6 0 R]>>"),
    "attached_missing": lambda: attached(b"<</Names[(a.xml) 99 0 R]>>"),
    "attached_traversal": lambda: rewritten(good(), attach={"../../etc/passwd.xml": b"<a/>"}),
}
PAGES: dict[str, Build] = {
    "pages_1000": lambda: many_pages(1000),
    "pages_10000": lambda: many_pages(10_000),
    "pages_said_2_billion": lambda: many_pages(3, 2**31 - 1),
    "pages_said_negative": lambda: many_pages(3, -5),
    "pages_none": lambda: many_pages(0),
    "pages_loop": lambda: assembled([CATALOG, b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"]),
    "pages_loop_far": lambda: assembled(
        [CATALOG, b"<</Type/Pages/Kids[3 0 R]/Count 9>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 9/Parent 2 0 R>>"]
    ),
    "pages_deep_500": lambda: deep_tree(500),
    "pages_deep_20000": lambda: deep_tree(20_000),
    "page_is_a_number": lambda: assembled([CATALOG, TREE, b"17"]),
    "no_catalogue": lambda: assembled([b"<<>>"]),
    "catalogue_is_itself": lambda: assembled([b"1 0 R"]),
    "inherits_from_itself": lambda: assembled([CATALOG, TREE, b"<</Type/Page/Parent 3 0 R/Contents 3 0 R>>"]),
    "box_huge": lambda: boxed(b"0 0 1000000000 1000000000"),
    "box_beyond_floats": lambda: boxed(b"0 0 1e39 9999999999999999999999999999999999999999999"),
    "box_negative": lambda: boxed(b"612 792 -1 -1"),
    "box_empty": lambda: boxed(b"0 0 0 0"),
    "box_words": lambda: boxed(b"/a (b) null [1]"),
    "box_sliver": lambda: boxed(b"0 0 100000000 0.001"),
    "turned_oddly": lambda: drawing(SHOWN + WHITE, page=b"/Rotate 37"),
    "user_unit": lambda: drawing(SHOWN + WHITE, page=b"/UserUnit 1e30"),
    "contents_loop": lambda: one_page(b"[4 0 R 4 0 R 4 0 R]"),
    "contents_10000_times": lambda: one_page(b"[" + b"6 0 R " * 10_000 + b"]", packed(SHOWN)),
    "annotations_100000": lambda: drawing(SHOWN, b"<</Type/Annot>>", page=b"/Annots[%s]" % (b"6 0 R " * 100_000)),
    "script_and_launch": lambda: assembled(
        [
            b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/Launch/F(cmd.exe)/Next<</S/JavaScript/JS(while\\(1\\);)>>>>>>",
            TREE, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
        ]
    ),
    "xfa": lambda: assembled(
        [b"<</Type/Catalog/Pages 2 0 R/AcroForm<</XFA 4 0 R/Fields[5 0 R]>>>>", TREE,
         b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>", packed(b"<xdp>" * 100_000), b"<</Kids[5 0 R]/T(a)>>"]
    ),
    "outlines_loop": lambda: assembled(
        [b"<</Type/Catalog/Pages 2 0 R/Outlines 4 0 R>>", TREE, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
         b"<</First 4 0 R/Next 4 0 R/Last 4 0 R>>"]
    ),
}  # fmt: skip
DRAWINGS: dict[str, Build] = {
    "form_in_itself": lambda: drawing(
        SHOWN + b"/X Do", form(b"/X Do", b"/Resources<</XObject<</X 6 0 R>>>>"), resources=b"/XObject<</X 6 0 R>>"
    ),
    "forms_each_other": lambda: drawing(
        SHOWN + b"/X Do",
        form(b"/Y Do /Y Do", b"/Resources<</XObject<</Y 7 0 R>>>>"),
        form(b"/X Do /X Do", b"/Resources<</XObject<</X 6 0 R>>>>"),
        resources=b"/XObject<</X 6 0 R>>",
    ),
    "forms_10_to_the_8": lambda: nested_forms(8, 10),
    "forms_2_to_the_30": lambda: nested_forms(30, 2),
    "forms_deep_200": lambda: nested_forms(200, 1),
    "image_30000": lambda: image(30_000, 30_000, zlib.compress(bytes(2_700_000)), b"/Filter/FlateDecode"),
    "image_100000": lambda: image(100_000, 100_000, b"", b""),
    "image_2_billion": lambda: image(2**31 - 1, 2**31 - 1, b"", b""),
    "image_8000": lambda: image(8000, 8000, zlib.compress(bytes(192_000_000), 9), b"/Filter/FlateDecode"),
    "image_jpeg_garbage": lambda: image(500, 500, b"\xff\xd8\xff\xe0" + b"\x00" * 1000, b"/Filter/DCTDecode"),
    "image_jpeg_2000_garbage": lambda: image(500, 500, b"\x00\x00\x00\x0cjP  " + b"\xff" * 999, b"/Filter/JPXDecode"),
    "image_jbig2_garbage": lambda: image(500, 500, b"\x00\x00\x00\x00\x30\x00\x01\xff\xff", b"/Filter/JBIG2Decode"),
    "image_fax": lambda: image(
        60_000, 600, b"\x00" * 1000, b"/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns 60000>>"
    ),
    "image_masks_itself": lambda: image(50, 50, b"\x00" * 7500, b"/SMask 6 0 R/Mask 6 0 R"),
    "images_inline_10000": lambda: drawing(b"BI /W 9 /H 9 /BPC 8 /CS /G ID " * 10_000 + SHOWN),
    "nested_q": lambda: drawing(b"q " * 2_000_000 + SHOWN),
    "deep_arrays": lambda: drawing(b"[" * 1_000_000 + SHOWN),
    "deep_object": lambda: assembled([CATALOG, b"[" * 500_000]),
    "deep_dictionary": lambda: assembled([CATALOG, b"<</A" * 200_000]),
    "huge_numbers": lambda: drawing(b"9" * 1_000_000 + b" 1e99999 cm " + SHOWN),
    "huge_string": lambda: drawing(b"BT /F1 9 Tf (" + b"x" * 5_000_000 + b") Tj ET"),
    "words_200000": lambda: scattered(200_000, b""),
    "white_words_100000": lambda: one_by_one(100_000, b"1 1 1 rg "),
    "white_words_in_one_place": lambda: drawing(b"1 1 1 rg " + b"BT /F1 9 Tf 60 600 Td (word) Tj ET " * 50_000 + SHOWN),
    "covers_100000": lambda: drawing(b"0 0 600 700 re f " * 100_000 + WHITE + SHOWN),
    "covers_and_words": lambda: one_by_one(20_000, b"1 0 0 rg 0 0 600 700 re f " * 400),
    "objects_a_million": lambda: drawing(b"0 0 m 1 1 l S " * 1_000_000 + SHOWN),
    "clips_50000": lambda: drawing(b"0 0 600 700 re W n " * 50_000 + WHITE + SHOWN),
    "marks_deep": lambda: drawing(b"/OC /P BDC " * 100_000 + SHOWN),
    "actual_text": lambda: drawing(b"/Span<</ActualText(" + b"9" * 100_000 + b")>>BDC " + SHOWN + b"EMC"),
    "pattern_tiny_steps": lambda: pattern(b"0.0001"),
    "pattern_no_steps": lambda: pattern(b"0"),
    "shading_function_loop": lambda: shading(
        1, b"/Domain[0 1 0 1]/Function<</FunctionType 3/Domain[0 1]/Functions[6 0 R]/Bounds[]/Encode[0 1]>>"
    ),
    "shading_far": lambda: shading(
        3,
        b"/Coords[0 0 1e-9 1e9 1e9 1e9]/Extend[true true]"
        b"/Function<</FunctionType 2/Domain[0 1]/N 1e9/C0[0 0 0]/C1[1 1 1]>>",
    ),
    "mask_of_itself": soft_mask,
    "letters_of_letters": lambda: type3(1000),
    "font_is_a_loop": lambda: drawing(SHOWN.replace(b"F1", b"F9"), b"6 0 R", resources=b"/Font<</F9 6 0 R>>"),
    "font_garbage": lambda: one_page(
        packed(SHOWN.replace(b"F1", b"F9")),
        b"<</Type/Font/Subtype/TrueType/BaseFont/X/FontDescriptor 7 0 R>>",
        b"<</Type/FontDescriptor/FontName/X/Flags 4/FontFile2 8 0 R>>",
        packed(b"\x00\x01\x00\x00\xff\xff" + b"\xff" * 10_000),
        resources=b"/Font<</F9 6 0 R>>",
    ),
    "dashes": lambda: drawing(b"[0.00001 0.00001] 0 d 50 w 0 0 m 600 700 l S " * 50 + WHITE + SHOWN),
    "wide_lines": lambda: drawing(b"1e9 w 1 j 0 0 m " + b"600 700 l 0 1 l " * 50_000 + b"S " + WHITE + SHOWN),
}  # fmt: skip
BROKEN: dict[str, Build] = {
    "header_only": lambda: b"%PDF-1.7",
    "header_and_noise": lambda: b"%PDF-1.7\n" + bytes(range(256)) * 2000,
    "header_late": lambda: b"x" * 1000 + good(),
    "header_too_late": lambda: b"x" * 5000 + good(),
    "version_99": lambda: assembled([CATALOG, TREE, b"<</Type/Page>>"], version=b"99.99"),
    "no_end": lambda: good()[: good().rindex(b"xref")],
    "xref_to_itself": lambda: assembled([CATALOG, TREE], trailer=b"/Prev 9"),
    "xref_size": changed(b"/Size", b"/Size 2147483647 %"),
    "xref_far": lambda: good()[: good().rindex(b"startxref")] + b"startxref\n99999999999999\n%%EOF",
    "xref_stream_widths": lambda: assembled(
        [CATALOG, TREE, packed(b"\xff" * 1000, b"/Type/XRef/W[9 9 9]/Size 2147483647/Root 1 0 R/Index[0 2147483647]")]
    ),
    "one_object_20_times": lambda: b"%PDF-1.4\n" + b"1 0 obj<</Type/Catalog/Pages 1 0 R>>endobj\n" * 200_000,
    "encrypted": lambda: rewritten(good(), password="secret"),
    "encrypted_for_printing": lambda: rewritten(good(), password=""),
    "encryption_unknown": lambda: assembled([CATALOG, TREE], trailer=b"/Encrypt<</Filter/Nothing/V 99>>/ID[(a)(b)]"),
    "encryption_loop": lambda: assembled([CATALOG, TREE, b"<</Filter 3 0 R>>"], trailer=b"/Encrypt 3 0 R/ID[(a)(b)]"),
    "polyglot_zip": lambda: good() + b"PK\x05\x06" + b"\x00" * 18,
    "polyglot_html": lambda: b"<html><!--" + good() + b"--></html>",
    "polyglot_zip_first": lambda: b"PK\x03\x04" + b"\x00" * 26 + good(),
    "nul_everywhere": lambda: good().replace(b" ", b"\x00"),
    "upside_down": lambda: good()[::-1],
    "twice": lambda: good() + good(),
    **{f"cut_at_{percent}": cut(percent / 100) for percent in (1, 3, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99)},
}
PDFS: dict[str, Build] = {
    f"pdf_{name}": build for group in (BOMBS, PAGES, DRAWINGS, BROKEN) for name, build in group.items()
}
