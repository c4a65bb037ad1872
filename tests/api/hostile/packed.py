"""Hostile mails, spreadsheets, archives and pictures, each built by code."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw

from tests.api.hostile.pdfs import good
from tests.api.hostile.plain import MEGA, noise
from tests.api.intake_samples import pdf_bomb, ubl

Build = Callable[[], bytes]

CONTENT_TYPES = """<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml"
ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/></Types>"""
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
TOP = f"""<Relationships xmlns="{PACKAGE}"><Relationship Id="r1" Target="xl/workbook.xml"
Type="{RELATIONS}/officeDocument"/></Relationships>"""
BOOK = f"""<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{{}}</sheets></workbook>"""
SHEET = '<sheet name="{}" sheetId="{}" r:id="r{}"/>'
HEADS = ("invoice_id", "vendor_name", "invoice_no", "invoice_date", "amount")


def archive(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return out.getvalue()


def cells(values: Sequence[str], row: int) -> str:
    inside = "".join(f'<c t="inlineStr"><is><t>{value}</t></is></c>' for value in values)
    return f'<row r="{row}">{inside}</row>'


def table(*rows: Sequence[str]) -> str:
    return "".join(cells(values, number) for number, values in enumerate([HEADS, *rows], start=1))


def xlsx(
    data: str = "", *, sheets: int = 1, head: str = "", shared: str = "", more: dict[str, bytes] | None = None
) -> bytes:
    """A workbook whose first sheet has this inside its sheetData."""
    names = range(1, sheets + 1)
    targets = "".join(
        f'<Relationship Id="r{n}" Target="worksheets/sheet1.xml" Type="{RELATIONS}/worksheet"/>' for n in names
    )
    if shared:
        targets += f'<Relationship Id="s" Target="sharedStrings.xml" Type="{RELATIONS}/sharedStrings"/>'
    files = {
        "[Content_Types].xml": CONTENT_TYPES,
        "_rels/.rels": TOP,
        "xl/workbook.xml": BOOK.format("".join(SHEET.format(f"S{n}", n, n) for n in names)),
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">{targets}</Relationships>',
        "xl/worksheets/sheet1.xml": f'{head}<worksheet xmlns="{MAIN}"><sheetData>{data}</sheetData></worksheet>',
    }
    if shared:
        files["xl/sharedStrings.xml"] = shared
    return archive({**{name: text.encode("utf-8", "surrogatepass") for name, text in files.items()}, **(more or {})})


def overlapping(entries: int, size: int) -> bytes:
    """Many directory entries that all mean the same deflated bytes (D. Fifield, A better zip bomb, 2019)."""
    single = archive({"xl/workbook.xml": bytes(size)})
    start = single.index(b"PK\x01\x02")
    entry = single[start : single.index(b"PK\x05\x06")]
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, entries, entries, len(entry) * entries, start, 0)
    return single[:start] + entry * entries + end


GOOD_ROW = ("1", "V", "N", "2026-01-01", "5.00")
BOOKS: dict[str, Build] = {
    "good": lambda: xlsx(table(GOOD_ROW)),
    "cells_million": lambda: xlsx(table(*[GOOD_ROW] * 150_000)),
    "rows_million_empty": lambda: xlsx(table(GOOD_ROW) + "<row/>" * MEGA),
    "far_cell": lambda: xlsx(table(GOOD_ROW) + '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'),
    "impossible_cell": lambda: xlsx(
        table(GOOD_ROW) + '<row r="99999999999"><c r="ZZZZZZZZ99999999999"><v>1</v></c></row>'
    ),
    "sheets_10000": lambda: xlsx(table(GOOD_ROW), sheets=10_000),
    "sheet_bomb": lambda: xlsx(table(GOOD_ROW) + " " * 300 * MEGA),
    "sheet_bomb_below_the_limit": lambda: xlsx(table(GOOD_ROW) + "<row></row>" * 12 * MEGA),
    "shared_bomb": lambda: xlsx("", shared=f'<sst xmlns="{MAIN}"><si><t>{"x" * 140 * MEGA}</t></si></sst>'),
    "shared_many": lambda: xlsx("", shared=f'<sst xmlns="{MAIN}">{"<si><t>x</t></si>" * 8 * MEGA}</sst>'),
    "shared_index": lambda: xlsx('<row><c t="s"><v>99999999999</v></c></row>', shared=f'<sst xmlns="{MAIN}"/>'),
    "cell_with_everything": lambda: xlsx(table(("x" * 30 * MEGA, "V", "N", "2026-01-01", "5"))),
    "laughs": lambda: xlsx(table(GOOD_ROW), head='<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]>'),
    "xxe": lambda: xlsx(table(("&x;", *GOOD_ROW[1:])), head='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
    "deep": lambda: xlsx("<a>" * 500_000),
    "formulas": lambda: xlsx(
        table(GOOD_ROW) + '<row><c t="str"><f>WEBSERVICE("http://127.0.0.1:1")</f><v>=cmd</v></c></row>'
    ),
    "amounts_absurd": lambda: xlsx(
        table(GOOD_ROW)
        + "<row><c><v>1e999</v></c><c><v>NaN</v></c><c><v>-1e-999</v></c><c><v>99999999999</v></c></row>"
    ),
    "name_of_sheet": lambda: xlsx(
        table(GOOD_ROW), more={"xl/workbook.xml": BOOK.format(SHEET.format("../../x\u202e&#10;" * 500, 1, 1)).encode()}
    ),
    "sheet_is_itself": lambda: xlsx(
        more={
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship '
            f'Id="r1" Target="workbook.xml" Type="{RELATIONS}/worksheet"/></Relationships>'.encode()
        }
    ),
    "target_outside": lambda: xlsx(
        more={
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}"><Relationship '
            f'Id="r1" Target="/../../etc/passwd" Type="{RELATIONS}/worksheet"/></Relationships>'.encode()
        }
    ),
    "names_outside": lambda: archive({"../../etc/passwd": b"x", "/etc/shadow": b"x", "C:\\x": b"x"}),
    "external_link": lambda: xlsx(table(GOOD_ROW), more={"xl/externalLinks/externalLink1.xml": b"<externalLink/>"}),
    "macro": lambda: xlsx(table(GOOD_ROW), more={"xl/vbaProject.bin": noise(10_000)}),
    "entries_100000": lambda: archive({f"x{n}": b"" for n in range(60_000)}, zipfile.ZIP_STORED),
    "overlapping": lambda: overlapping(3000, 20 * MEGA),
    "size_lies": lambda: xlsx(table(GOOD_ROW) + " " * 200 * MEGA).replace(struct.pack("<I", 200 * MEGA), b"\x01\0\0\0"),
    "cut": lambda: xlsx(table(GOOD_ROW))[:700],
    "cut_early": lambda: xlsx(table(GOOD_ROW))[:40],
    "only_a_directory": lambda: xlsx(table(GOOD_ROW))[-300:],
    "zip_of_text": lambda: archive({"readme.txt": b"hello"}),
    "zip_in_zip": lambda: archive({"a.zip": archive({"b.zip": archive({"c": bytes(50 * MEGA)})})}),
    "docx": lambda: archive({"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w/>" * 100_000}),
    "ods": lambda: archive(
        {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<office:document-content>"}
    ),
    "ods_repeated": lambda: archive(
        {
            "mimetype": b"application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": b'<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
            "content.xml": b'<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
            b'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
            b'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
            b'<table:table table:name="a"><table:table-row table:number-rows-repeated="1048576"><table:table-cell '
            b'table:number-columns-repeated="16384" office:value-type="string"><text:p>x</text:p></table:table-cell>'
            b"</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>",
        }
    ),
    "old_excel_noise": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + noise(20_000),
    "old_excel_loop": lambda: (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + b"\x3e\0\x03\0\xfe\xff\x09\0" + bytes(100_000)
    ),
    "old_excel_header": lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
}

HEAD = (
    b"From: a@example.com\r\nTo: b@example.com\r\nSubject: Rechnung\r\nDate: Mon, 2 Mar 2026 10:00:00 +0100\r\n"
    b"MIME-Version: 1.0\r\n"
)


def mail(*parts: bytes, head: bytes = HEAD, boundary: bytes = b"x") -> bytes:
    """A multipart/mixed mail of these parts, each with its own headers."""
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return (
        head
        + b'Content-Type: multipart/mixed; boundary="'
        + boundary
        + b'"\r\n\r\n'
        + body
        + b"--"
        + boundary
        + b"--\r\n"
    )


def part(content: bytes, name: bytes = b"invoice.pdf", kind: bytes = b"application/pdf") -> bytes:
    return (
        b"Content-Type: " + kind + b'; name="' + name + b'"\r\nContent-Transfer-Encoding: base64\r\n'
        b'Content-Disposition: attachment; filename="' + name + b'"\r\n\r\n' + base64.encodebytes(content)
    )


def letter(text: bytes, kind: bytes = b"text/plain") -> bytes:
    return b"Content-Type: " + kind + b"\r\n\r\n" + text


def nested(depth: int) -> bytes:
    around = HEAD + b"Content-Type: message/rfc822\r\n\r\n"
    return around * depth + HEAD + b"Content-Type: text/plain\r\n\r\nTotal 5,00 EUR"


def parts_in_parts(depth: int) -> bytes:
    heads = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (number, number) for number in range(depth)
    )
    return HEAD + heads + b"Content-Type: text/plain\r\n\r\nhello\r\n"


PLAIN_MAIL = HEAD + b"Content-Type: text/plain\r\n\r\n"
HTML_MAIL = HEAD + b"Content-Type: text/html\r\n\r\n"
MAILS: dict[str, Build] = {
    "good": lambda: mail(letter(b"see attachment"), part(good())),
    "parts_10000": lambda: mail(*[letter(b"Total 5,00 EUR")] * 10_000),
    "attachments_10000": lambda: mail(*[part(b"Total 5,00 EUR", b"a.txt", b"text/plain")] * 10_000),
    "pdfs_500": lambda: mail(*[part(good())] * 500),
    "bomb_attached": lambda: mail(part(pdf_bomb(100))),
    "bombs_attached": lambda: mail(*[part(pdf_bomb(100))] * 5, part(good())),
    "mails_deep_20": lambda: nested(20),
    "mails_deep_1000": lambda: nested(1000),
    "mails_deep_100000": lambda: nested(100_000),
    "parts_deep_100": lambda: parts_in_parts(100),
    "parts_deep_5000": lambda: parts_in_parts(5000),
    "mails_wide": lambda: mail(*[b"Content-Type: message/rfc822\r\n\r\n" + PLAIN_MAIL + b"hello"] * 3000),
    "one_boundary_for_all": lambda: mail(mail(letter(b"a")), mail(letter(b"b"))),
    "no_boundary": lambda: HEAD + b"Content-Type: multipart/mixed\r\n\r\n--x\r\nhello\r\n",
    "boundary_long": lambda: mail(letter(b"a"), boundary=b"b" * 100_000),
    "boundary_lines": lambda: HEAD + b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n' + b"--x\r\n" * 300_000,
    "base64_broken": lambda: mail(
        b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n====@@@@" * 10
    ),
    "encoding_unknown": lambda: mail(b"Content-Type: text/plain\r\nContent-Transfer-Encoding: rot13\r\n\r\nuryyb"),
    "charset_unknown": lambda: PLAIN_MAIL.replace(b"text/plain", b"text/plain; charset=klingon") + b"hello \xff\xfe",
    "charset_is_a_codec": lambda: PLAIN_MAIL.replace(b"text/plain", b"text/plain; charset=zlib") + b"x\x9c\xff",
    "quoted_printable_broken": lambda: (
        PLAIN_MAIL.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", 1)
        + b"=ZZ=" * 10_000
    ),
    "header_10_mb": lambda: HEAD + b"X-Long: " + b"x" * 10 * MEGA + b"\r\n\r\nhello",
    "headers_200000": lambda: HEAD + b"X-A: b\r\n" * 200_000 + b"\r\nhello",
    "header_folded": lambda: HEAD + b"X-A: b\r\n" + b" c\r\n" * MEGA + b"\r\nhello",
    "subject_encoded": lambda: HEAD.replace(b"Rechnung", b"=?utf-8?q?" + b"=41" * 100_000 + b"?=") + b"\r\nhello",
    "subject_encoded_words": lambda: HEAD.replace(b"Rechnung", b"=?utf-8?b?QQ==?= " * 50_000) + b"\r\nhello",
    "subject_encoding_broken": lambda: HEAD.replace(b"Rechnung", b"=?klingon?x?\xff?= =?utf-8?b?====?=") + b"\r\nhello",
    "subject_controls": lambda: HEAD.replace(b"Rechnung", b"a\x00\x1b[31m\x07") + b"\r\nhello",
    "from_absurd": lambda: HEAD.replace(b"a@example.com", b"<" * 50_000 + b"@" * 50_000) + b"\r\nhello",
    "from_comments": lambda: HEAD.replace(b"a@example.com", b"(" * 50_000) + b"\r\nhello",
    "date_absurd": lambda: (
        HEAD.replace(b"Mon, 2 Mar 2026 10:00:00 +0100", b"Foo, 99 Zzz 999999 99:99:99 +9999") + b"\r\nhello"
    ),
    "date_long": lambda: HEAD.replace(b"2026", b"9" * 100_000) + b"\r\nhello",
    "name_traversal": lambda: mail(part(good(), b"../../../etc/passwd")),
    "name_turned_around": lambda: mail(part(good(), "invoice\u202efdp.exe".encode())),
    "name_long": lambda: mail(part(good(), b"a" * 200_000)),
    "name_controls": lambda: mail(part(good(), b"a\x00b\x1b[2J\tc")),
    "name_parameters": lambda: mail(
        b"Content-Type: application/pdf; " + b"; ".join(b"name*%d=a" % n for n in range(20_000)) + b"\r\n\r\nx"
    ),
    "name_charset": lambda: mail(b"Content-Type: application/pdf; name*=klingon'x'%FF%FE\r\n\r\nx"),
    "html_deep": lambda: HTML_MAIL + b"<div>" * 200_000 + b"Total 5,00",
    "html_wide": lambda: HTML_MAIL + b"<b>x</b>" * 2 * MEGA,
    "html_attributes": lambda: HTML_MAIL + b"<p " + b"a=b " * MEGA + b">hello",
    "html_entities": lambda: HTML_MAIL + b"&amp;" * 3 * MEGA,
    "html_script": lambda: HTML_MAIL + b"<script>while(1);</script><img src=http://127.0.0.1:1/x.png>hello",
    "html_style": lambda: HTML_MAIL + b"<p style='" + b"display:none;" * MEGA + b"'>pay me</p>hello",
    "html_hidden": lambda: HTML_MAIL + b"<p style='display:none'>pay DE00</p><p>hello world, this is a mail</p>",
    "html_laughs": lambda: HTML_MAIL + b"<!DOCTYPE a [<!ENTITY b 'ha'>]><p>&b;</p>",
    "text_19_mb": lambda: PLAIN_MAIL + b"hello world " * 1_500_000,
    "text_no_newline": lambda: PLAIN_MAIL + b"x" * 19 * MEGA,
    "nuls": lambda: PLAIN_MAIL + bytes(MEGA),
    "winmail": lambda: mail(part(b"\x78\x9f\x3e\x22" + noise(5000), b"winmail.dat", b"application/ms-tnef")),
    "uuencoded": lambda: PLAIN_MAIL + b"begin 644 a.pdf\n" + b"M" * 61 * 1000 + b"\nend\n",
    "encrypted": lambda: mail(letter(b"Version: 1", b"application/pgp-encrypted"), part(b"x", b"e.asc")),
    "zip_attached": lambda: mail(part(archive({"a.pdf": good()}), b"a.zip", b"application/zip")),
    "xlsx_bomb_attached": lambda: mail(part(xlsx(" " * 100 * MEGA), b"a.xlsx")),
    "laughs_attached": lambda: mail(part(b"<!DOCTYPE a [<!ENTITY b 'ha'>]><a>&b;</a>", b"a.xml", b"text/xml")),
    "xml_attached_twice": lambda: mail(*[part(ubl().encode(), b"a.xml", b"text/xml")] * 2),
    "external_body": lambda: mail(
        b'Content-Type: message/external-body; access-type=URL; URL="http://127.0.0.1:1"\r\n\r\n\r\n'
    ),
    "partial": lambda: HEAD + b'Content-Type: message/partial; id="a"; number=1; total=99999999\r\n\r\nhello',
    "only_headers": lambda: HEAD,
    "cut": lambda: mail(part(good()))[:600],
    "line_ends_mixed": lambda: mail(letter(b"a")).replace(b"\r\n", b"\r", 3).replace(b"\r\n", b"\n\n", 2),
    "mbox": lambda: (b"From x\n" + PLAIN_MAIL + b"hello\n\n") * 5000,
}


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes, depth: int = 1, colours: int = 0, more: bytes = b"") -> bytes:
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colours, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + more + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def picture(kind: str, size: tuple[int, int] = (600, 200), **options: object) -> bytes:
    made = Image.new("RGB", size, (255, 255, 255))
    ImageDraw.Draw(made).text((20, 20), "INVOICE 4711 Total 10.00 EUR", fill=(0, 0, 0), font_size=30)
    out = io.BytesIO()
    made.save(out, kind, **options)
    return out.getvalue()


def tiff(next_page: int, width: int = 10, height: int = 10, more: bytes = b"") -> bytes:
    """One page of eight tags whose next page is at `next_page`."""
    values = ((256, width), (257, height), (258, 8), (259, 1), (262, 1), (273, 8), (278, height), (279, 100))
    tags = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in values)
    return (
        b"II*\x00"
        + struct.pack("<I", 8)
        + struct.pack("<H", 8)
        + tags
        + struct.pack("<I", next_page)
        + bytes(200)
        + more
    )


PICTURES: dict[str, Build] = {
    "png_good": lambda: picture("PNG"),
    "png_30000": lambda: png(30_000, 30_000, zlib.compress(bytes(3751 * 30_000), 9)),
    "png_30000_rgba_empty": lambda: png(30_000, 30_000, b"", 8, 6),
    "png_2_billion": lambda: png(2**31 - 1, 2**31 - 1, zlib.compress(bytes(1000)), 16, 6),
    "png_zero": lambda: png(0, 0, b""),
    "png_thin": lambda: png(50_000_000, 1, zlib.compress(bytes(6_250_001), 9)),
    "png_7000": lambda: png(7000, 7000, zlib.compress(bytes(876 * 7000), 9)),
    "png_text_bomb": lambda: png(
        9, 9, zlib.compress(bytes(27)), more=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(90 * MEGA), 9))
    ),
    "png_profile_bomb": lambda: png(
        9, 9, zlib.compress(bytes(27)), more=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(90 * MEGA), 9))
    ),
    "png_data_bomb": lambda: png(9, 9, zlib.compress(bytes(150 * MEGA), 9)),
    "png_cut": lambda: picture("PNG")[:200],
    "png_noise": lambda: b"\x89PNG\r\n\x1a\n" + noise(5000),
    "png_checksum": lambda: picture("PNG").replace(b"IDAT", b"IDAU"),
    "png_noisy_page": lambda: picture("PNG") + noise(1000),
    "jpeg_good": lambda: picture("JPEG"),
    "jpeg_65500": lambda: picture("JPEG").replace(struct.pack(">HH", 200, 600), struct.pack(">HH", 65_500, 65_500), 1),
    "jpeg_cut": lambda: picture("JPEG")[:400],
    "jpeg_noise": lambda: b"\xff\xd8\xff\xe0" + noise(5000),
    "jpeg_segments": lambda: b"\xff\xd8" + b"\xff\xfe\x00\x02" * MEGA + picture("JPEG")[2:],
    "tiff_good": lambda: picture("TIFF"),
    "tiff_loop": lambda: tiff(8),
    "tiff_far": lambda: tiff(4_000_000_000),
    "tiff_huge": lambda: tiff(0, 2**31 - 1, 2**31 - 1),
    "tiff_tags": lambda: (
        b"II*\x00" + struct.pack("<IH", 8, 65_535) + b"\x00\x01\x04\x00\xff\xff\xff\xff\x00\x00\x00\x00" * 65_535
    ),
    "tiff_300_pages": lambda: picture(
        "TIFF", (60, 20), save_all=True, append_images=[Image.new("RGB", (60, 20))] * 300
    ),
    "tiff_pages_white": lambda: picture(
        "TIFF", compression="tiff_deflate", save_all=True, append_images=[Image.new("1", (5000, 7000), 1)] * 30
    ),
    "tiff_noise": lambda: b"MM\x00*" + noise(5000),
    "gif_frames": lambda: picture(
        "GIF", (60, 20), save_all=True, append_images=[Image.new("P", (60, 20), n % 9) for n in range(500)]
    ),
    "gif_huge": lambda: (
        b"GIF89a\xff\xff\xff\xff\x80\x00\x00"
        + b"\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02L\x01\x00;"
    ),
    "webp_good": lambda: picture("WEBP"),
    "webp_huge": lambda: b"RIFF\x16\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + b"\xff\xff\xff\xff\xff\xff",
    "bmp_huge": lambda: b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0),
    "ico": lambda: picture("ICO", (64, 64)),
    "jpeg_2000": lambda: b"\x00\x00\x00\x0cjP  \r\n\x87\n" + noise(500),
    "eps": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99999 99999\n",
}
PACKED: dict[str, Build] = {
    f"{kind}_{name}": build
    for kind, group in (("book", BOOKS), ("mail", MAILS), ("picture", PICTURES))
    for name, build in group.items()
}
