"""Data and page of a hybrid PDF: what differs is contested with both values, what is only written otherwise is not."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject, TextStringObject

from api.intake import einvoice, hybrid, pdf_attachments, twins, xml
from api.intake.pdf import PdfPool
from api.intake.reader import Accepted, DocumentReader, Incoming
from api.intake.shown import Page
from governance.case import Reading
from tests.api.intake_samples import cii, pdf, rewritten

PAGE = """Lieferant GmbH, Beispielweg 1, 12345 Musterstadt
Kunden AG, Hauptstrasse 5, 54321 Ort

Rechnung Nr. 471102
Rechnungsdatum: 13.04.2018
Zahlbar bis: 13.05.2018
Bestellnummer: PO-9

Netto 445,27 EUR
MwSt 19 % 84,60 EUR
Gesamtbetrag 529,87 EUR

USt-IdNr. DE123456789
IBAN: DE02 1203 0000 0000 2020 51"""


@pytest.fixture(scope="module")
def reader() -> Iterator[DocumentReader]:
    with PdfPool(size=1) as pool:
        yield DocumentReader(None, pool)


def compared(page: str, document: str | None = None) -> Reading:
    return twins.compared(einvoice.read(xml.parse((document or cii()).encode())), page)


def accepted(reader: DocumentReader, content: bytes) -> Reading:
    (result,) = reader.read([Incoming("hybrid.pdf", content)])
    assert isinstance(result, Accepted)
    return result.reading


def test_a_page_that_agrees_is_silent(reader: DocumentReader) -> None:
    reading = accepted(reader, rewritten(pdf(PAGE), attach={"factur-x.xml": cii().encode()}))
    assert reading.contested == frozenset()
    assert [one.code for one in reading.findings] == ["vat_checksum"]
    assert reading.confidence == 1.0
    assert reading.evidence["total_amount"]["page"] == 1, "the console can frame what data and page agree on"
    assert reading.evidence["iban"]["text"] == "DE02 1203 0000 0000 2020 51"


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("invoice_number", "471102", "471103"),
        ("invoice_number", "471102", "R-2018/77"),
        ("invoice_number", "471102", "4711021"),
        ("issue_date", "20180413", "20180414"),
        ("issue_date", "20180413", "20180513"),
        ("due_date", "20180513", "20180413"),
        ("due_date", "20180513", "20180613"),
        ("currency", "EUR", "USD"),
        ("total_amount", "Grand", "629.87"),
        ("total_amount", "Grand", "445.27"),
        ("total_amount", "Grand", "5298.70"),
        ("amount_due", "Due", "529.78"),
        ("iban", "DE02120300000000202051", "DE02120300000000202015"),
        ("iban", "DE02120300000000202051", "LT601010012345678901"),
        ("supplier_vat_id", "DE123456789", "DE123456798"),
        ("supplier_vat_id", "DE123456789", "ATU12345678"),
        ("supplier", "Lieferant GmbH", "Lieferent GmbH"),
        ("supplier", "Lieferant GmbH", "Lieferant GmhH"),
        ("supplier", "Lieferant GmbH", "Nordlicht Handels AG"),
        ("purchase_order", "PO-9<", "PO-8<"),
    ],
)
def test_a_page_that_contradicts_the_data_is_a_finding(reader: DocumentReader, field: str, old: str, new: str) -> None:
    page = PAGE.replace("PO-9", "PO-991177")
    document = cii().replace("PO-9<", "PO-991177<")
    if old in ("Grand", "Due"):
        name = {"Grand": "GrandTotalAmount", "Due": "DuePayableAmount"}[old]
        old, new = f"{name}>529.87", f"{name}>{new}"
    elif field == "purchase_order":
        old, new = "PO-991177<", "PO-991178<"
    assert old in document
    reading = accepted(reader, rewritten(pdf(page), attach={"factur-x.xml": document.replace(old, new).encode()}))
    assert field in reading.contested
    found = next(one for one in reading.findings if one.code == twins.MISMATCH and field in one.fields)
    assert found.values["embedded"] == reading.fields[field], "other programs read the data, and so do we"
    assert found.values["page"] not in (None, found.values["embedded"])
    assert found.detail in reading.warnings
    assert reading.alternatives[field] == (found.values["page"],)
    assert reading.confidence is None
    assert reading.field_confidence.get(field) is None
    assert field == "currency" or set(found.evidence) == {"page", "box", "text"}
    said = next(one for one in reading.as_dict()["findings"] if one["code"] == "xml_text_mismatch")
    assert said["level"] == "contested"


def test_several_fields_at_once() -> None:
    document = cii().replace("471102", "471109").replace("529.87", "929.87").replace("0202051", "0202060")
    assert compared(PAGE, document).contested == {"invoice_number", "total_amount", "amount_due", "iban"}


def test_an_account_put_before_the_right_one_is_contested() -> None:
    means = "<ram:SpecifiedTradeSettlementPaymentMeans>"
    first = f"""{means}<ram:PayeePartyCreditorFinancialAccount><ram:IBANID>LT601010012345678901</ram:IBANID>
      </ram:PayeePartyCreditorFinancialAccount></ram:SpecifiedTradeSettlementPaymentMeans>"""
    assert compared(PAGE, cii().replace(means, first + means, 1)).contested == {"iban"}


def test_the_payers_account_of_a_direct_debit_is_not_the_suppliers() -> None:
    payer = """<ram:PayerPartyDebtorFinancialAccount><ram:IBANID>DE89370400440532013000</ram:IBANID>
      </ram:PayerPartyDebtorFinancialAccount><ram:PayeePartyCreditorFinancialAccount>"""
    document = cii().replace("<ram:PayeePartyCreditorFinancialAccount>", payer)
    page = PAGE.replace("DE02 1203 0000 0000 2020 51", "DE89 3704 0044 0532 0130 00")
    assert compared(page, document).contested == frozenset()
    assert compared(page).contested == {"iban"}


def test_the_bills_own_number_is_not_held_against_an_order_that_the_page_leaves_out() -> None:
    page = "Rechnung 471102\nTotal 529,87 EUR\nIBAN DE02 1203 0000 0000 2020 51"
    assert compared(page).contested == frozenset()


def test_where_the_data_contradicts_itself_the_page_is_believed_sooner() -> None:
    """The buyer's VAT number stands on the page too; as the supplier's it is the data's own contradiction."""
    buyer = """<ram:BuyerTradeParty><ram:Name>Kunden AG</ram:Name><ram:SpecifiedTaxRegistration>
      <ram:ID schemeID="VA">DE987654321</ram:ID></ram:SpecifiedTaxRegistration></ram:BuyerTradeParty>"""
    end = "</ram:ApplicableHeaderTradeAgreement>"
    page = PAGE.replace("54321 Ort", "54321 Ort, Ihre USt-IdNr. DE987654321")
    assert compared(page, cii().replace(end, buyer + end)).contested == frozenset()
    swapped = cii().replace("DE123456789", "DE987654321").replace(end, buyer + end)
    assert compared(page, swapped).contested == {"supplier_vat_id"}


def test_what_the_page_leaves_out_is_only_noted() -> None:
    page = "Rechnung 471102\nGesamtbetrag 529,87 EUR\nVielen Dank fuer Ihren Auftrag bei der Lieferant GmbH"
    reading = compared(page)
    assert reading.contested == frozenset()
    assert reading.confidence == 1.0
    notes = {one.fields[0]: one.level for one in reading.findings if one.code == twins.NOT_SHOWN}
    assert notes == dict.fromkeys(("issue_date", "due_date", "iban", "supplier_vat_id", "purchase_order"), "note")
    assert not any("does not show" in warning for warning in reading.warnings)


def test_a_picture_tells_nothing() -> None:
    reading = compared("")
    assert [one.code for one in reading.findings if one.level == "note"] == ["page_without_text"]
    assert reading.contested == frozenset()


def test_an_account_that_only_the_page_has_is_noted() -> None:
    document = cii().replace("<ram:IBANID>DE02120300000000202051</ram:IBANID>", "")
    (found,) = [one for one in compared(PAGE, document).findings if one.code == twins.ONLY_SHOWN]
    assert (found.level, found.values["page"]) == ("note", "DE02120300000000202051")


def test_a_second_account_in_the_data_is_compared_too() -> None:
    means = "</ram:SpecifiedTradeSettlementPaymentMeans>"
    second = """<ram:SpecifiedTradeSettlementPaymentMeans><ram:PayeePartyCreditorFinancialAccount>
      <ram:IBANID>DE02120300000000202060</ram:IBANID></ram:PayeePartyCreditorFinancialAccount>"""
    reading = compared(PAGE, cii().replace(means, means + second + means))
    assert reading.contested == {"iban"}
    assert "DE02120300000000202060" in " ".join(reading.warnings)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("13.04.2018", "13 avril 2018"),
        ("13.04.2018", "April 13th, 2018"),
        ("13.04.2018", "2018-04-13"),
        ("13.04.2018", "13/04/18"),
        ("13.04.2018", "13. kwietnia 2018"),
        ("13.04.2018", "2018. 04. 13."),
        ("13.04.2018", "2018. április 13."),
        ("529,87 EUR", "€ 529.87"),
        ("529,87 EUR", "529 , 87 Euro"),
        ("DE02 1203 0000 0000 2020 51", "DE02-1203-0000-0000-2020-51"),
        ("DE02 1203 0000 0000 2020 51", "DE02120300000000202051"),
        ("DE123456789", "DE 123 456 789"),
        ("DE123456789", "123456789"),
        ("Lieferant GmbH", "LIEFERANT Gesellschaft mbH"),
        ("Nr. 471102", "Nr. 47 11 02"),
        ("Nr. 471102", "Nr. 47-1102"),
    ],
)
def test_other_ways_of_writing_are_no_contradiction(old: str, new: str) -> None:
    assert old in PAGE
    assert compared(PAGE.replace(old, new)).contested == frozenset()


def test_the_buyers_numbers_are_not_held_against_the_supplier() -> None:
    """A page that names only the buyer's VAT number says nothing about the supplier's."""
    buyer = """<ram:BuyerTradeParty><ram:Name>Kunden AG</ram:Name><ram:SpecifiedTaxRegistration>
      <ram:ID schemeID="VA">DE987654321</ram:ID></ram:SpecifiedTaxRegistration></ram:BuyerTradeParty>"""
    document = cii().replace("</ram:ApplicableHeaderTradeAgreement>", buyer + "</ram:ApplicableHeaderTradeAgreement>")
    reading = compared(PAGE.replace("DE123456789", "DE987654321"), document)
    assert "supplier_vat_id" not in reading.contested


def test_a_number_with_a_suffix_that_the_page_leaves_out_is_not_contested() -> None:
    reading = compared(PAGE, cii().replace("471102", "471102-2018-1"))
    assert "invoice_number" not in reading.contested


# the page's ways of writing, as a law

money = st.decimals(min_value=Decimal("0.01"), max_value=Decimal("9999999.99"), places=2)


def written(amount: Decimal, group: str, point: str) -> str:
    return f"{amount:,.2f}".replace(",", "\0").replace(".", point).replace("\0", group)


@settings(max_examples=100, deadline=None)
@given(money, st.sampled_from([(".", ","), (",", "."), (" ", ","), ("'", "."), ("", ","), ("", ".")]))
def test_an_amount_is_found_by_any_convention(amount: Decimal, style: tuple[str, str]) -> None:
    page = Page(f"Total: {written(amount, *style)} EUR")
    assert page.shows("total_amount", str(amount))
    for off in (Decimal("0.01"), Decimal(10), amount * 9):
        assert not page.shows("total_amount", str(amount + off))


@settings(max_examples=100, deadline=None)
@given(
    st.dates(date(2000, 1, 1), date(2049, 12, 31)),
    st.sampled_from(["%d.%m.%Y", "%Y-%m-%d", "%d %B %Y", "%d. %b %Y", "%B %d, %Y", "%Y%m%d", "%d-%m-%y"]),
)
def test_a_day_is_found_however_it_is_written(day: date, style: str) -> None:
    page = Page(f"Date: {day:{style}} Page 1")
    assert page.shows("issue_date", day.isoformat())
    assert not page.shows("issue_date", (day + timedelta(days=367)).isoformat())


@settings(max_examples=100, deadline=None)
@given(st.from_regex(r"[A-Z]{0,3}[0-9]{5,9}", fullmatch=True), st.integers(0, 8), st.sampled_from("0123456789"))
def test_a_changed_digit_is_near_and_not_the_same(number: str, at: int, digit: str) -> None:
    digits = [index for index, letter in enumerate(number) if letter.isdigit()]
    place = digits[at % len(digits)]
    changed = number[:place] + digit + number[place + 1 :]
    page = Page(f"Invoice {number} of today")
    assert page.shows("invoice_number", changed) == (changed == number)
    near = page.near("invoice_number", changed)
    assert (near is None) == (changed == number)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300), st.sampled_from(twins.COMPARED))
def test_hostile_pages_and_values_raise_nothing(text: str, name: str) -> None:
    value = {"total_amount": "12.50", "amount_due": "0.00", "issue_date": "2026-01-02", "due_date": "2026-01-02"}
    page = Page(text)
    page.shows(name, value.get(name) or text[:40] or "x")
    page.near(name, value.get(name) or text[:40] or "x")
    reading = einvoice.read(xml.parse(cii().encode()))
    twins.compared(replace(reading, fields={**reading.fields, "invoice_number": text[:40]}), text + PAGE)


# where the data hangs in the PDF


def hung(content: bytes, data: bytes, place: str) -> bytes:
    """The PDF with a file that the name tree does not list."""
    writer = PdfWriter(clone_from=io.BytesIO(content))
    stream = DecodedStreamObject()
    stream.set_data(data)
    stream[NameObject("/Type")] = NameObject("/EmbeddedFile")
    reference = writer._add_object(stream.flate_encode())
    entry = DictionaryObject({NameObject("/F"): reference})
    specification = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Filespec"),
            NameObject("/F"): TextStringObject("data"),
            NameObject("/EF"): entry,
        }
    )
    placed = writer._add_object(specification)
    if place == "document":
        writer._root_object[NameObject("/AF")] = ArrayObject([placed])
    elif place == "page":
        writer.pages[0][NameObject("/AF")] = ArrayObject([placed])
    elif place == "annotation":
        note = DictionaryObject({NameObject("/Subtype"): NameObject("/FileAttachment"), NameObject("/FS"): placed})
        writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(note)])
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize("place", ["document", "page", "annotation", "nowhere"])
def test_data_is_found_where_only_another_engine_looks(reader: DocumentReader, place: str) -> None:
    reading = accepted(reader, hung(pdf(PAGE), cii().encode(), place))
    assert (reading.basis, reading.fields["invoice_number"]) == ("structured", "471102")


@pytest.mark.parametrize("name", ["FACTUR-X.XML", "rechnung.bin", "daten"])
def test_data_is_found_under_any_name(reader: DocumentReader, name: str) -> None:
    reading = accepted(reader, rewritten(pdf(PAGE), attach={name: b"\xef\xbb\xbf" + cii().encode()}))
    assert reading.basis == "structured"


def test_a_file_that_is_no_bill_is_passed_over(reader: DocumentReader) -> None:
    files = {"factur-x.xml": b"<note/>", "logo.png": b"\x89PNG", "zz.xml": cii().encode()}
    assert accepted(reader, rewritten(pdf(PAGE), attach=files)).fields["invoice_number"] == "471102"


def test_two_bills_in_one_pdf_that_differ_are_contested() -> None:
    files = [("other.xml", cii().replace("529.87", "9.87").encode()), ("factur-x.xml", cii().encode())]
    reading, warnings = hybrid.embedded(files, PAGE)
    assert reading is not None
    assert warnings == ()
    assert reading.fields["total_amount"] == "529.87", "the name that the standard gives goes first"
    assert reading.contested == {"total_amount"}
    assert reading.confidence is None


def test_an_unknown_encoding_name_is_no_reason_to_lose_the_data() -> None:
    document = cii().replace('encoding="UTF-8"', 'encoding="UTF-8-x; y"')
    assert hybrid.embedded([("factur-x.xml", document.encode())], PAGE)[0] is not None


@pytest.mark.parametrize("content", [b"", b"%PDF-1.4 /EmbeddedFile", b"/EF" * 100])
def test_the_second_engine_gives_up_quietly(content: bytes) -> None:
    assert list(pdf_attachments._searched(content)) == []


# the public samples

DIFFERENT = {
    "acme_invoice-42_ZUGFeRD.pdf",
    "MustangGnuaccountingBeispielRE-20150613_503.pdf",
    "MustangGnuaccountingBeispielRE-20151008_504new.pdf",
    "MustangGnuaccountingBeispielRE-20201121_508_withBOM.pdf",
    "sample_inofficial_20190125_atgp_factur-x_v_1_0.pdf",
    "zugferd_2p1_BASIC-WL_Einfach.pdf",
}
"""Samples whose makers put data of another bill behind the page; compared by eye."""


SHORTENED = {
    "ZUGFeRD_1p0_COMFORT_Haftpflichtversicherung_Versicherungssteuer.pdf",
    "ZUGFeRD_1p0_COMFORT_Kraftfahrversicherung_Bruttopreise.pdf",
    "ZUGFeRD_1p0_COMFORT_Sachversicherung_berechneter_Steuersatz.pdf",
}
"""Samples whose page does not show the whole number: a change in the rest of it cannot be seen."""


@pytest.fixture(scope="module")
def samples(shared: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted((shared / "documents/hybrid_pdf").rglob("*.pdf"))}


@pytest.mark.shared
def test_no_untouched_public_sample_is_contested(reader: DocumentReader, samples: dict[Path, bytes]) -> None:
    results = reader.read([Incoming(path.name, content) for path, content in samples.items()])
    readings = [one.reading for one in results if isinstance(one, Accepted)]
    assert len(readings) == len(samples)
    assert len(samples) > 100
    assert all(one.basis == "structured" for one in readings), "data is found wherever it is"
    contested = {path.name for path, one in zip(samples, readings, strict=True) if one.contested}
    assert contested == DIFFERENT


def _digit(text: str, chance: random.Random) -> str:
    """One digit of the second half changed."""
    places = [at for at, letter in enumerate(text) if letter.isdigit()]
    at = chance.choice(places[len(places) // 2 :])
    return text[:at] + str((int(text[at]) + chance.randint(1, 9)) % 10) + text[at + 1 :]


def _day(text: str, chance: random.Random) -> str:
    day = date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:8]}") + timedelta(days=chance.choice([-21, -1, 1, 30]))
    return f"{day:%Y%m%d}" + text[8:]


def _account(text: str, chance: random.Random) -> str:
    return chance.choice([_digit(text, chance), "DE89370400440532013000", "LT601010012345678901"])


PLANTS: dict[str, tuple[str, Callable[[str, random.Random], str]]] = {
    "iban": (".//{*}PayeePartyCreditorFinancialAccount/{*}IBANID", _account),
    "total_amount": (".//{*}GrandTotalAmount", _digit),
    "invoice_number": ("./{*}*/{*}ID", _digit),
    "issue_date": ("./{*}*/{*}IssueDateTime/{*}DateTimeString", _day),
    "supplier_vat_id": (".//{*}SellerTradeParty/{*}SpecifiedTaxRegistration/{*}ID[@schemeID='VA']", _digit),
    "currency": (".//{*}InvoiceCurrencyCode", lambda text, chance: "USD"),
    "supplier": (".//{*}SellerTradeParty/{*}Name", lambda text, chance: text[::-1].replace("e", "a", 1)[::-1]),
}


def _belongs(node: xml.Element, field: str) -> bool:
    parent = node.getparent()
    of_document = parent is not None and "ExchangedDocument" in str(parent.tag)
    return bool((node.text or "").strip()) and (field != "invoice_number" or of_document)


def planted(content: bytes, fields: list[str], chance: random.Random) -> tuple[bytes, set[str]]:
    """The PDF with other data behind the same page, and the fields that were changed."""
    writer = PdfWriter(clone_from=io.BytesIO(content))
    changed: set[str] = set()
    for file in writer.attachment_list:
        if not file.name.lower().endswith(".xml"):
            continue
        root = etree.fromstring(file.content)
        for field in fields:
            steps, change = PLANTS[field]
            nodes = [node for node in root.iterfind(steps) if _belongs(node, field)]
            if nodes:
                old = (nodes[0].text or "").strip()
                nodes[0].text = change(old, chance)
                changed |= {field} if nodes[0].text != old else set()
        file.content = etree.tostring(root)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue(), changed


@pytest.mark.shared
def test_every_planted_difference_is_found(reader: DocumentReader, samples: dict[Path, bytes]) -> None:
    chance = random.Random(20)
    sound = [content for path, content in samples.items() if path.name not in DIFFERENT | SHORTENED]
    names = list(PLANTS)
    made = [planted(content, [names[at % len(names)]], chance) for at, content in enumerate(sound[:84:2])]
    made += [planted(content, chance.sample(names, 3), chance) for content in sound[1:40:4]]
    made = [(content, changed) for content, changed in made if changed]
    assert len(made) > 40
    results = reader.read([Incoming("x.pdf", content) for content, _ in made])
    missed = [
        (changed, result.reading.contested)
        for (_, changed), result in zip(made, results, strict=True)
        if isinstance(result, Accepted) and not changed <= result.reading.contested
    ]
    assert missed == []
    assert all(isinstance(one, Accepted) for one in results)
