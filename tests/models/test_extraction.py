"""Fields out of plain text in six languages, by the notation of the document."""

from __future__ import annotations

import json
import random
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import identifiers, notation
from models.extraction import Evidence, Extraction, extract, extract_pages
from models.layout import Word
from models.synthetic_pages import synthetic_pages

ENGLISH = """Harbour Tools Ltd
1 Quay Street, Bristol
VAT No: GB 980 7806 84
Invoice No: HT-20417
Invoice date: 14 March 2026
Due date: 13 April 2026
Purchase order: PO-5531
Bill to: Customer plc
Subtotal £1,000.00
VAT 20% £200.00
Total £1,200.00
IBAN GB33BUKB20201555555555
"""
GERMAN = """Nordlicht Energie GmbH · Hafenweg 1 · 20457 Hamburg
Rechnung Nr. RE-2026/0042 vom 01.03.2026
Ihre Bestellung: 4500017731
Nettobetrag 1.000,00 €
zzgl. 19 % MwSt. 190,00 €
Gesamtbetrag 1.190,00 €
Zahlbar bis 31.03.2026 ohne Abzug.
USt-IdNr. DE136695976
IBAN: DE02 1203 0000 0000 2020 51 BIC BYLADEM1001
"""
FRENCH = """Au Bon Moulin SARL - 12 rue des Oliviers - 84340 Malaucène
N° TVA : FR40303265045
Facture N° FA-2026-0010
Date de facture : 03/11/2026
Date d'échéance : 03/12/2026
Votre commande n° C-771
Client : Ma Jolie Boutique
Total HT 1 624,90 €
TVA 20 % 324,98 €
Total TTC 1 949,88 €
IBAN FR14 2004 1010 0505 0001 3M02 606
"""
SPANISH = """Herramientas del Sur S.L.
NIF: ESB58378431
Factura nº: 2026-A-118
Fecha de factura: 15/01/2026
Vencimiento: 14/02/2026
Pedido nº 88123
Base imponible 500,00 EUR
IVA 21% 105,00 EUR
Total factura 605,00 EUR
IBAN ES9121000418450200051332
"""
ITALIAN = """Officine Rossi S.r.l.
P.IVA IT00743110157
Fattura n. 231/2026
Data fattura: 28/02/2026
Scadenza: 30/03/2026
Ordine n. OA-99
Imponibile 800,00
IVA 22% 176,00
Totale fattura 976,00 EUR
IBAN IT60X0542811101000000123456
"""
DUTCH = """Van Dijk Techniek B.V.
BTW-nummer NL004495445B01
Factuurnummer: 20260071
Factuurdatum: 05-02-2026
Vervaldatum: 19-02-2026
Bestelnummer: INK-4431
Subtotaal 400,00
BTW 21% 84,00
Totaal incl. btw € 484,00
IBAN NL91ABNA0417164300
"""


def one(text: str) -> Extraction:
    (found,) = extract([text])
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ENGLISH, ("Harbour Tools Ltd", "GB980780684", "HT-20417", "2026-03-14", "2026-04-13", "GBP", "1200.00",
                   "GB33BUKB20201555555555", "PO-5531")),
        (GERMAN, ("Nordlicht Energie GmbH", "DE136695976", "RE-2026/0042", "2026-03-01", "2026-03-31", "EUR", "1190.00",
                  "DE02120300000000202051", "4500017731")),
        (FRENCH, ("Au Bon Moulin SARL", "FR40303265045", "FA-2026-0010", "2026-11-03", "2026-12-03", "EUR", "1949.88",
                  "FR1420041010050500013M02606", "C-771")),
        (SPANISH, ("Herramientas del Sur S.L.", "ESB58378431", "2026-A-118", "2026-01-15", "2026-02-14", "EUR",
                   "605.00", "ES9121000418450200051332", "88123")),
        (ITALIAN, ("Officine Rossi S.r.l.", "IT00743110157", "231/2026", "2026-02-28", "2026-03-30", "EUR", "976.00",
                   "IT60X0542811101000000123456", "OA-99")),
        (DUTCH, ("Van Dijk Techniek B.V.", "NL004495445B01", "20260071", "2026-02-05", "2026-02-19", "EUR", "484.00",
                 "NL91ABNA0417164300", "INK-4431")),
    ],
    ids=["en", "de", "fr", "es", "it", "nl"],
)  # fmt: skip
def test_six_languages(text: str, expected: tuple[str, ...]) -> None:
    fields = one(text).fields
    names = ("supplier", "supplier_vat_id", "invoice_number", "issue_date", "due_date", "currency", "total_amount",
             "iban", "purchase_order")  # fmt: skip
    assert {name: fields[name] for name in names} == dict(zip(names, expected, strict=True))


def test_every_value_has_a_confidence_and_nothing_else_has() -> None:
    found = one(ENGLISH)
    assert set(found.field_confidence) == set(found.fields)
    for name, value in found.fields.items():
        sure = found.field_confidence[name]
        assert (sure is None) == (value is None or name == "currency")
        assert sure is None or 0 < sure <= 1


def test_a_page_shows_where_each_value_stands() -> None:
    page = next(page for page in synthetic_pages(11, 20) if {"iban", "purchase_order"} <= page.fields.keys())
    (found,) = extract_pages([(page.text, page.words)])
    said = {name for name, value in found.fields.items() if value is not None and name != "currency"}
    assert set(found.evidence) == said
    for name, place in found.evidence.items():
        framed = [word.text for word in page.words if inside(word, place)]
        assert place.text.split()[0].strip(",:") in " ".join(framed), name


def inside(word: Word, place: Evidence) -> bool:
    box = place.box
    return box.left <= word.left and word.right <= box.right and box.top <= word.top and word.bottom <= box.bottom


def test_words_in_another_order_say_the_same() -> None:
    pages = synthetic_pages(12, 10)
    mixed = [random.Random(3).sample(page.words, len(page.words)) for page in pages]
    straight = extract_pages([("", page.words) for page in pages])
    assert [one.fields for one in extract_pages([("", words) for words in mixed])] == [one.fields for one in straight]


def test_what_else_it_could_be_is_named() -> None:
    found = one("Acme Ltd\nInvoice no. 4711\nInvoice no. 4712\nTotal 10.00\n")
    assert {found.fields["invoice_number"], *found.alternatives["invoice_number"]} >= {"4711", "4712"}
    assert any(note.startswith("invoice_number: it could also be") for note in found.warnings)
    assert one("").alternatives == {}


def test_net_and_tax_that_do_not_make_the_total_are_told() -> None:
    text = "Net amount 100.00\nVAT 20 % 20.00\nGross 120.00\nGrand total 130.00\n"
    found = one(text)
    if found.fields["total_amount"] == "130.00":
        assert "total_amount: net and tax on the pages add up to 120.00" in found.warnings
    else:
        assert found.fields["total_amount"] == "120.00"


def test_nothing_comes_from_nothing() -> None:
    assert set(one("").fields.values()) == {None}
    assert one("Lorem ipsum dolor sit amet").fields["total_amount"] is None


def test_the_buyer_is_not_the_supplier() -> None:
    text = "Käufer\nName: Kunden AG\nUSt.-Id.: DE123456788\nVerkäufer\nName: Lieferant GmbH\nUSt.-Id.: DE136695976\n"
    fields = one(text).fields
    assert (fields["supplier"], fields["supplier_vat_id"]) == ("Lieferant GmbH", "DE136695976")


def test_an_order_is_not_the_invoice_and_its_date_not_the_invoices() -> None:
    fields = one("Bestellung vom 01.02.2026\nRechnung Nr. 77 vom 05.02.2026\nLieferdatum: 03.02.2026\n").fields
    assert (fields["invoice_number"], fields["issue_date"], fields["purchase_order"]) == ("77", "2026-02-05", None)


def test_ambiguous_dates_are_read_by_the_document_and_else_named() -> None:
    assert one("Invoice date: 03/04/2026\nShipped 11/17/2025\n").fields["issue_date"] == "2026-03-04"
    unsure = one("Invoice date: 03/04/2026\n")
    assert unsure.fields["issue_date"] == "2026-04-03"
    assert "not certain" in unsure.warnings[0]
    assert one("Invoice date: 3 April 2026\n").warnings == ()
    assert one("Invoice date: 04/04/2026\n").warnings == ()


def test_net_and_tax_are_not_the_total_and_cash_is_none() -> None:
    text = "Subtotal 100.00\nTax total 20.00\nTotal excl. VAT 100.00\nTotal 120.00\nCash 200.00\nChange 80.00\n"
    assert one(text).fields["total_amount"] == "120.00"


def test_a_total_without_label_follows_from_arithmetic() -> None:
    assert one("Betrag A 473,00\nUSt 56,87\nsumme der rechnungen 999\n529,87\n").fields["total_amount"] == "529.87"


def test_a_currency_without_minor_units() -> None:
    fields = one("Invoice no. 9\nCurrency: JPY\nQuantity total 12\nGrand total JPY 12,000\n").fields
    assert (fields["currency"], fields["total_amount"]) == ("JPY", "12000")


def test_the_supplier_signs_more_than_once_and_the_bank_is_none() -> None:
    text = (
        "Customer Ltd.\nHosting AG - Uferweg 40 - 63571 Gelnhausen\nRechnung Nr. 5\nHosting AG\nDNB BANK ASA, BIC: X\n"
    )
    assert one(text).fields["supplier"] == "Hosting AG"


def test_an_iban_is_not_a_vat_number() -> None:
    fields = one("Facture n° 5\nIBAN : FR76 10107 00245 00617052317 39\n").fields
    assert fields["iban"] == "FR7610107002450061705231739"
    assert fields["supplier_vat_id"] is None


def test_what_is_due_is_not_the_total() -> None:
    fields = one("Bruttosumme 197,65\nErhaltene Anzahlungen -50,00\nZahlbetrag 147,65\n").fields
    assert (fields["total_amount"], fields["amount_due"]) == ("197.65", "147.65")


def test_checksums_warn_and_never_refuse() -> None:
    found = one("VAT no. DE123456789\nIBAN DE03 1203 0000 0000 2020 51\n")
    assert found.fields["supplier_vat_id"] == "DE123456789"
    assert found.fields["iban"] == "DE03120300000000202051"
    assert len(found.warnings) == 2
    valid, warning = identifiers.iban("IBAN DE03120300000000202051\nIBAN DE02120300000000202051")
    assert (valid, warning) == ("DE02120300000000202051", None), "a valid one beats a labelled one"
    _, several = identifiers.iban("IBAN DE02120300000000202051\nIBAN NL91ABNA0417164300")
    assert several is not None
    assert "2 accounts" in several


def test_the_dollar_sign_is_an_assumption() -> None:
    found = one("Total $120.00\n")
    assert found.fields["currency"] == "USD"
    assert "$" in found.warnings[0]
    assert one("Currency: CAD\nTotal $120.00\n").fields["currency"] == "CAD"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_read(text: str) -> None:
    found = one(text)
    for name in ("issue_date", "due_date"):
        day = found.fields[name]
        assert day is None or date.fromisoformat(day).isoformat() == day
    for name in ("total_amount", "amount_due"):
        amount = found.fields[name]
        assert amount is None or Decimal(amount).is_finite()


@settings(max_examples=200, deadline=None)
@given(
    st.integers(min_value=0, max_value=10**11),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("", ",")]),
)
def test_a_total_survives_its_notation(cents: int, marks: tuple[str, str]) -> None:
    group, decimal = marks
    written = f"{cents / 100:,.2f}".replace(",", "G").replace(".", decimal).replace("G", group)
    assert (
        one(f"Total amount due\nTotal TTC: {written} EUR\n").fields["total_amount"]
        == f"{cents // 100}.{cents % 100:02d}"
    )


@settings(max_examples=200, deadline=None)
@given(
    st.dates(min_value=date(1980, 1, 1), max_value=date(2060, 1, 1)),
    st.sampled_from(["%d.%m.%Y", "%Y-%m-%d", "%d %B %Y", "%B %d, %Y", "%d-%b-%y"]),
)
def test_a_date_survives_its_notation(day: date, form: str) -> None:
    if form.endswith("%y") and not 1970 <= day.year < 2070:
        return
    (written,) = notation.dates(f"on {day.strftime(form)}, we")
    assert written.resolve(True) == day


def test_a_percentage_or_a_part_of_a_word_is_no_amount() -> None:
    assert notation.amounts("19 % of A12.50 and 3.4.5", False) == []
    assert [found.value for found in notation.amounts("-5,00 and 3,00-", True)] == [Decimal("-5.00"), Decimal("-3.00")]


TRUTH = {
    "supplier": ("supplier", 0.85), "number": ("invoice_number", 0.85), "date": ("issue_date", 0.85),
    "total": ("total_amount", 0.85), "iban": ("iban", 0.85), "vat": ("supplier_vat_id", 0.9),
    "currency": ("currency", 0.95),
}  # fmt: skip


def same(name: str, found: str | None, expected: str) -> bool:
    if found is None:
        return False
    if name == "total":
        return Decimal(found) == Decimal(expected)
    left, right = (re.sub(r"[\s.]", "", value).lower() for value in (found, expected))
    return left == right or (name == "supplier" and (left in right or right in left))


@pytest.mark.shared
def test_the_pages_of_hybrid_invoices_yield_what_their_xml_says(shared: Path) -> None:
    """Recall by field against the embedded XML, on the labelled texts that were drawn from those pages."""
    truth = {
        Path(entry["file"]).name: entry["expected"]
        for entry in json.loads((shared / "documents/expected_fields.json").read_text())
        if entry["file"].startswith("hybrid_pdf")
    }
    labelled = (shared / "documents/classification_text.jsonl").read_text("utf-8")
    lines = (json.loads(line) for line in labelled.split("\n") if line)
    known = [(line["text"], truth[Path(line["origin"]).name]) for line in lines if Path(line["origin"]).name in truth]
    assert len(known) > 50
    found = extract([text for text, _ in known])
    for name, (ours, floor) in TRUTH.items():
        hits = [
            same(name, got.fields[ours], want[name]) for got, (_, want) in zip(found, known, strict=True) if want[name]
        ]
        assert sum(hits) >= floor * len(hits), f"{name}: {sum(hits)} of {len(hits)}"
