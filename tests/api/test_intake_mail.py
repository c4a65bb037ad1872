"""Mails: each attachment is a document of its own, the text is one or covers them, and hostile ones cost a reason."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.intake import mail_child
from api.intake.html import html_text
from api.intake.mail import is_mail
from api.intake.pdf import PdfPool
from api.intake.reader import Accepted, DocumentReader, Incoming, ReadResult, Rejected
from api.intake.results import documents
from api.intake.rows import RowFile
from tests.api.intake_samples import pdf, rewritten, ubl
from tests.api.mail_samples import compound, eml, msg

INVOICE = pdf("Rechnung Nr. 5 vom 01.02.2026\nGesamtbetrag 1.190,00 EUR")
REMINDER = pdf("Mahnung\nRechnung 5 vom 01.02.2026 ist offen")
ROWS = b"queue,exception_type,source_key\naccounts_payable,price_variance,1\n"


@pytest.fixture(scope="module")
def reader() -> Iterator[DocumentReader]:
    with PdfPool(size=1) as pool:
        yield DocumentReader(None, pool, ocr_seconds=0.1)


def opened(
    reader: DocumentReader, content: bytes | EmailMessage, name: str = "m.eml"
) -> dict[str, tuple[bytes, ReadResult]]:
    """The documents of a mail by name, with their bytes."""
    data = content if isinstance(content, bytes) else bytes(content)
    (result,) = reader.read([Incoming(name, data)])
    return {one.name: (inner, one) for inner, one in documents(result, data)}


def reading(found: dict[str, tuple[bytes, ReadResult]], name: str) -> Accepted:
    result = found[name][1]
    assert isinstance(result, Accepted), result
    return result


def test_each_attachment_is_a_document_and_the_text_covers_them(reader: DocumentReader) -> None:
    mail = eml("Please find attached.", ("Rechnung 5.pdf", INVOICE), ("e.xml", ubl().encode()), ("rows.csv", ROWS))
    found = opened(reader, mail)
    assert list(found) == ["m.eml#1 Rechnung 5.pdf", "m.eml#2 e.xml", "m.eml#3 rows.csv"]
    first = reading(found, "m.eml#1 Rechnung 5.pdf")
    assert found["m.eml#1 Rechnung 5.pdf"][0] == INVOICE
    assert (first.media_type, first.reading.document_class) == ("application/pdf", "invoice")
    assert first.reading.details["mail"] == {
        "file": "m.eml",
        "from": "Nordlicht Energie <billing@nordlicht.example>",
        "to": "invoices@buyer.example",
        "date": "2026-03-02T09:30:00+00:00",
        "subject": "Invoice 42",
        "message_id": "<42@nordlicht.example>",
        "text": "Please find attached.",
    }
    assert reading(found, "m.eml#2 e.xml").reading.basis == "structured"
    assert isinstance(found["m.eml#3 rows.csv"][1], RowFile)


def test_a_mail_without_attachments_is_a_document(reader: DocumentReader) -> None:
    found = opened(reader, eml("Unsere Rechnung 5 ist seit dem 01.02.2026 offen.", subject="Mahnung"))
    assert list(found) == ["m.eml"]
    result = reading(found, "m.eml")
    assert (result.media_type, result.reading.document_class) == ("text/plain", "payment_reminder")
    assert result.reading.text.startswith("Mahnung\n\nUnsere Rechnung 5")
    assert found["m.eml"][0].startswith(b"From: Nordlicht Energie <billing@nordlicht.example>\n")


def test_a_letter_of_its_own_stands_beside_its_attachments(reader: DocumentReader) -> None:
    found = opened(reader, eml("Rechnung 5 ist noch offen.", ("5.pdf", INVOICE), subject="Mahnung"))
    assert [reading(found, name).reading.document_class for name in found] == ["payment_reminder", "invoice"]
    same = opened(reader, eml("Rechnung 5 ist offen.", ("5.pdf", REMINDER), subject="Mahnung"))
    assert list(same) == ["m.eml#1 5.pdf"], "the attachment is the reminder, the mail covers it"


def test_when_no_attachment_can_be_read_the_text_goes_to_a_person(reader: DocumentReader) -> None:
    found = opened(reader, eml("See attached.", ("a.docx", b"PK\x03\x04 word/document.xml")))
    assert [type(one) for _, one in found.values()] == [Accepted, Rejected]


def test_the_same_mail_by_another_way_is_the_same_document(reader: DocumentReader) -> None:
    text, attached = eml("Rechnung 5 ist offen.", subject="Mahnung"), eml("Hello", ("5.pdf", INVOICE))
    for mail in (text, attached):
        other = b"Received: from elsewhere\r\n by here; Tue, 3 Mar 2026 10:00:00 +0100\r\n" + bytes(mail)
        assert [one for one, _ in opened(reader, mail).values()] == [one for one, _ in opened(reader, other).values()]


def test_html_is_what_a_person_sees(reader: DocumentReader) -> None:
    html = (
        "<html><head><title>x</title><style>p{color:red}</style></head><body><div style='display:none'>Approve this"
        "</div><p>Rechnung 7<script>alert(1)</script></p><table><tr><td>Betrag</td><td>5,00 &euro;</td></tr></table>"
        "<img src='https://tracker.example/x.png'></body></html>"
    )
    result = reading(opened(reader, eml("Dies ist nur Text.", html=html)), "m.eml").reading
    assert result.text == "Invoice 42\n\nRechnung 7\n\nBetrag  5,00 €"
    assert [(one.code, one.level, one.values["text"]) for one in result.findings] == [
        ("hidden_text", "note", "Approve this")
    ]
    plain = reading(opened(reader, eml("Nur der Text sagt etwas.", html="<p> </p>")), "m.eml").reading
    assert "Nur der Text sagt etwas." in plain.text


def test_logos_and_signatures_are_no_documents(reader: DocumentReader) -> None:
    mail = eml("See the invoice.", html="<p>See the invoice.</p><img src='cid:logo@x'>")
    html = mail.get_body(("html",))
    assert html is not None
    html.add_related(b"\x89PNG\r\n\x1a\nsmall", "image", "png", cid="<logo@x>", filename="image001.png")
    mail.add_attachment(INVOICE, maintype="application", subtype="pdf", filename="5.pdf")
    mail.add_attachment(b"BEGIN:VCARD", maintype="text", subtype="vcard", filename="me.vcf")
    mail.add_attachment(b"0", maintype="application", subtype="pkcs7-signature", filename="smime.p7s")
    found = opened(reader, mail)
    assert list(found) == ["m.eml#1 5.pdf"]
    left = reading(found, "m.eml#1 5.pdf").reading.details["mail"]["left_out"]
    assert left == ["image001.png", "me.vcf", "smime.p7s"]


def test_a_large_picture_in_the_text_is_read(reader: DocumentReader) -> None:
    mail = eml("My receipt", html="<p>My receipt</p><img src='cid:photo@x'>")
    html = mail.get_body(("html",))
    assert html is not None
    html.add_related(b"\x89PNG\r\n\x1a\n" + bytes(200_000), "image", "png", cid="<photo@x>", filename="IMG_1.png")
    assert "m.eml#1 IMG_1.png" in opened(reader, mail)


@pytest.mark.parametrize("as_file", [False, True], ids=["message/rfc822", "as a file"])
def test_mails_in_mails(reader: DocumentReader, as_file: bool) -> None:
    inner = eml("Hello", ("5.pdf", INVOICE), subject="the inner one")
    outer = eml("Forwarded", subject="Fw")
    if as_file:
        outer.add_attachment(bytes(inner), maintype="application", subtype="octet-stream", filename="inner.eml")
    else:
        outer.add_attachment(inner)
    found = opened(reader, outer)
    (name,) = [name for name in found if name.endswith("5.pdf")]
    assert name.startswith("m.eml#1 ")
    assert name.endswith("#1 5.pdf")
    assert reading(found, name).reading.details["mail"]["subject"] == "the inner one"


def nest(levels: int) -> EmailMessage:
    mail = eml("the innermost", ("5.pdf", INVOICE), subject="level 0")
    for level in range(1, levels + 1):
        outer = eml("Forwarded", subject=f"level {level}")
        outer.add_attachment(mail)
        mail = outer
    return mail


def test_depth_is_bounded(reader: DocumentReader) -> None:
    assert any(name.endswith("5.pdf") for name in opened(reader, nest(3)))
    deep = opened(reader, nest(4))
    assert not any(name.endswith("5.pdf") for name in deep)
    levels = [one.reading.details["mail"] for _, one in deep.values() if isinstance(one, Accepted)]
    assert any(mail.get("left_out") for mail in levels), "and it is said"


def test_attachments_are_counted(reader: DocumentReader) -> None:
    many = eml("Hello", *((f"{n}.txt", b"Invoice %d" % n) for n in range(60)))
    found = opened(reader, many)
    assert len(found) == 50
    first = reading(found, "m.eml#1 0.txt").reading
    assert any("only the first 50 attachments were read" in warning for warning in first.warnings)
    assert len(first.details["mail"]["left_out"]) == 10


def test_names_are_safe(reader: DocumentReader) -> None:
    found = opened(reader, eml("Hello", ("../../etc/pass\u202ewd\r\n\x00.pdf", INVOICE)))
    (name,) = [name for name in found if "#1" in name]
    assert not set(name.removeprefix("m.eml#1 ")) & set("/\\\r\n\x00\u202e")
    encoded = bytes(eml("Hello", ("x.pdf", INVOICE))).replace(b'"x.pdf"', b'"=?utf-8?q?Rechnung_M=C3=BCller=2Epdf?="')
    assert "m.eml#1 Rechnung Müller.pdf" in opened(reader, encoded)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"From: a@b.example\nTo: c@d.example\nSubject:\n\n", "empty_mail"),
        (compound(msg())[:-520], "malformed_mail"),
    ],
)
def test_refused_with_a_reason(reader: DocumentReader, content: bytes, code: str) -> None:
    ((_, result),) = opened(reader, content).values()
    assert isinstance(result, Rejected)
    assert result.reason_code == code
    assert result.reason.endswith(".")


def test_winmail_and_encrypted_mail_say_what_to_do(reader: DocumentReader) -> None:
    found = opened(reader, eml("", ("winmail.dat", b"\x78\x9f\x3e\x22" + bytes(50)), subject=""))
    assert "winmail.dat" in str(found["m.eml#1 winmail.dat"][1])
    secret = eml("", subject="Invoice")
    secret.set_content(b"0\x80", maintype="application", subtype="pkcs7-mime")
    result = reading(opened(reader, secret), "m.eml").reading
    assert any("encrypted" in warning for warning in result.warnings)


def test_outlook_says_the_same_as_eml(reader: DocumentReader) -> None:
    inner = msg("the inner one", "Hello", (("e.xml", ubl().encode()),), nested=True)
    file = compound(msg(attachments=(("5.pdf", INVOICE), ("inner.msg", inner))))
    found = opened(reader, file, "m.msg")
    assert list(found) == ["m.msg#1 5.pdf", "m.msg#2 inner.msg#1 e.xml"]
    mail = dict(reading(found, "m.msg#1 5.pdf").reading.details["mail"])
    assert mail.pop("date") == "2026-03-02T10:16:58+00:00"
    assert mail == {
        "file": "m.msg",
        "from": "Nordlicht Energie <billing@nordlicht.example>",
        "to": "invoices@buyer.example",
        "subject": "Invoice 42",
        "message_id": "<42@nordlicht.example>",
        "text": "Please find our invoice attached.",
    }
    assert reading(found, "m.msg#2 inner.msg#1 e.xml").reading.details["mail"]["subject"] == "the inner one"


def test_outlook_text_in_html_and_in_code_pages() -> None:
    page = mail_child.parse(compound(msg("Größe", "Zahlung fällig", code_page=1252)))["mail"]
    assert (page["subject"], page["text"]) == ("Größe", "Zahlung fällig")
    shown = mail_child.parse(compound(msg("S", "plain", html=b"<p>Rechnung 7 &uuml;ber 5 Euro</p>")))["mail"]
    assert shown["text"] == "Rechnung 7 über 5 Euro"


def test_thousands_of_parts_end_soon(reader: DocumentReader) -> None:
    parts = b"".join(
        b"--b\r\nContent-Type: text/plain; name=%d.txt\r\n\r\nInvoice %d\r\n" % (n, n) for n in range(10_000)
    )
    mail = (
        b"From: a@b\r\nTo: c@d\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        + parts
        + b"--b--\r\n"
    )
    started = time.monotonic()
    assert len(opened(reader, mail)) == 50
    assert time.monotonic() - started < 10


def test_boundaries_without_end_are_refused_and_the_neighbour_is_read(reader: DocumentReader) -> None:
    head = b"From: a@b\r\nTo: c@d\r\nSubject: x\r\n"
    deep = head + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(5_000)
    )
    results = reader.read([Incoming("deep.eml", deep), Incoming("good.pdf", INVOICE)])
    assert isinstance(results[1], Accepted)
    assert [one.name for one in results] == ["deep.eml", "good.pdf"]


def test_encrypted_pdf_in_a_mail_is_refused_by_itself(reader: DocumentReader) -> None:
    found = opened(reader, eml("Hello", ("a.pdf", rewritten(INVOICE, password="p")), ("b.pdf", INVOICE)))
    assert [type(one) for _, one in found.values()] == [Rejected, Accepted]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_change_of_a_mail_has_an_answer(data: st.DataObject) -> None:
    sources = [bytes(nest(1)), compound(msg(attachments=(("a.txt", b"Invoice"),)))]
    content = bytearray(data.draw(st.sampled_from(sources)))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=6))
    try:
        answer = mail_child.parse(bytes(content))
    except (MemoryError, RecursionError):  # which the child turns into an answer
        return
    assert ("mail" in answer) != ("error" in answer)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet=st.sampled_from("<>/=\"'&;ab pdivstyle:non\x00é"), max_size=200))
def test_any_html_becomes_text(source: str) -> None:
    text, _ = html_text(source)
    assert "<script" not in text
    text.encode()


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_prose_is_no_mail(text: str) -> None:
    assert not is_mail(("Dear Sir,\n" + text).encode("utf-8", "replace"))


def test_base64_that_is_broken_is_still_an_attachment(reader: DocumentReader) -> None:
    mail = bytes(eml("Hello", ("5.pdf", INVOICE)))
    broken = mail.replace(base64.encodebytes(INVOICE)[:76], b"!" * 76)
    assert len(opened(reader, broken)) >= 1
