"""A file is what its bytes say."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.intake import sniff
from governance.errors import Unreadable

KINDS = set(sniff.MEDIA_TYPES) - {"csv", "jsonl"}


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n", "pdf"),
        (b"\r\njunk before\n%PDF-1.4", "pdf"),
        (b"<?xml version='1.0'?><a/>", "xml"),
        (b"\xef\xbb\xbf  <Invoice/>", "xml"),
        ("<Invoice/>".encode("utf-16"), "xml"),
        ("<Invoice/>".encode("utf-16-be"), "xml"),
        (b"<!-- note --><a/>", "xml"),
        (b'{"a": 1}', "json"),
        (b"\xef\xbb\xbf[1]", "json"),
        (b"a;b\n1;2\n", "text"),
        ("Rechnung Nr. 5".encode("utf-16"), "text"),
        (b"<5 items, %PDF-less", "text"),
        (b'{"note": "%PDF-1.4"}', "json"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"II*\x00", "tiff"),
        (b"MM\x00*", "tiff"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", "webp"),
        (b"PK\x03\x04....xl/workbook.xml", "xlsx"),
        (b"PK\x03\x04....mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "ods"),
        (b"\xd0\xcf\x11\xe0" + "Workbook".encode("utf-16-le"), "xls"),
        (b"\xd0\xcf\x11\xe0" + "__properties_version1.0".encode("utf-16-le"), "msg"),
        (b"From: a@b.example\r\nTo: c@d.example\r\nSubject: Invoice\r\n\r\nHello", "mail"),
        (b"Received: from x\n by y;\n now\nFROM: a\nMessage-ID: <1>\n\n", "mail"),
        (b"From a@b Mon\nFrom: a\nDate: now\nTo: b\n", "mail"),
        (b"From: a\nDate: now\n\nnot enough of a head", "text"),
        (b"Invoice 5\nFrom: a\nTo: b\nDate: now\nSubject: c\n", "text"),
    ],
)
def test_kinds(content: bytes, kind: str) -> None:
    assert sniff.sniff(content) == kind


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"\x00" * 100, "empty"),
        (b"PK\x03\x04rest", "unsupported"),
        (b"PK\x03\x04....word/document.xml", "unsupported"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "unsupported"),
        ("\xd0\xcf\x11\xe0".encode("latin-1") + "EncryptedPackage".encode("utf-16-le"), "encrypted_workbook"),
        (b"GIF89a", "unsupported"),
        (b"\x00\x00\x00\x18ftypheic", "unsupported"),
        (b"\x78\x9f\x3e\x22", "unsupported"),
        (b"<!DOCTYPE html><html></html>", "unsupported"),
        (b"\n<html lang='en'>", "unsupported"),
        (b"{\\rtf1}", "unsupported"),
    ],
)
def test_refused(content: bytes, code: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        sniff.sniff(content)
    assert refusal.value.extensions["reason_code"] == code


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Müller; Straße; 5 €", "utf-8"),
        ("Müller; Straße; 5 €", "utf-8-sig"),
        ("Müller; Straße; 5 €", "utf-16"),
        ("Müller; Straße; 5 €", "cp1252"),
        ("Société générale; montant dû 45,00 €", "cp1252"),
        ("año; peñón; € 12", "cp1252"),
        ("plain", "utf-8"),
    ],
)
def test_decoding(text: str, encoding: str) -> None:
    assert sniff.decode(text.encode(encoding)) == (text, encoding)


def test_central_europe_is_told_apart_where_there_is_enough_text() -> None:
    text = "Faktura dotyczy usługi świadczonej w miesiącu styczniu. Należność proszę przelać na rachunek bankowy. " * 3
    assert sniff.decode(text.encode("cp1250")) == (text, "cp1250")


@pytest.mark.parametrize("content", [b"a\x00b", b"caf\x81 \x8d\x9d", bytes(range(1, 32)) * 5, b"\xff\xfea"])
def test_undecodable(content: bytes) -> None:
    with pytest.raises(Unreadable) as refusal:
        sniff.decode(content)
    assert refusal.value.extensions["reason_code"] in {"encoding", "unsupported"}


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_have_a_kind_or_a_reason(content: bytes) -> None:
    refused = None
    try:
        assert sniff.sniff(content) in KINDS
        text, encoding = sniff.decode(content)
    except Unreadable as refusal:
        refused = refusal
    if refused is not None:
        assert refused.extensions["reason_code"] in {"empty", "unsupported", "encoding", "encrypted_workbook"}
        assert refused.detail.endswith(".")
    else:
        assert text.encode(encoding)
        assert "\x00" not in text


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=80))
def test_utf8_text_comes_back(text: str) -> None:
    decoded, _ = sniff.decode(text.encode())
    assert decoded == text.removeprefix("\ufeff")
