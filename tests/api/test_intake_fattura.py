"""FatturaPA, ordinary and simplified, bare and in its signed envelope."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from api.intake import einvoice, signed, xml
from api.intake.pdf import PdfPool
from api.intake.reader import Accepted, DocumentReader, Incoming, Rejected
from governance.case import Reading
from governance.errors import Unreadable

SPACE = "http://ivaservizi.agenziaentrate.gov.it/docs/xsd/fatture/v1.2"


def party(role: str, name: str, number: str) -> str:
    return f"""<{role}><DatiAnagrafici><IdFiscaleIVA><IdPaese>IT</IdPaese><IdCodice>{number}</IdCodice></IdFiscaleIVA>
      <Anagrafica>{name}</Anagrafica></DatiAnagrafici></{role}>"""


SELLER = party("CedentePrestatore", "<Denominazione>Luce Nord S.r.l.</Denominazione>", "00743110157")
BUYER = party("CessionarioCommittente", "<Denominazione>Comune di Prova</Denominazione>", "01234567890")
TOTAL = "<ImportoTotaleDocumento>122.00</ImportoTotaleDocumento>"
RATES = """<DatiRiepilogo><AliquotaIVA>22.00</AliquotaIVA><ImponibileImporto>100.00</ImponibileImporto>
    <Imposta>22.00</Imposta><EsigibilitaIVA>I</EsigibilitaIVA></DatiRiepilogo>"""
PAYMENT = """<DatiPagamento><DettaglioPagamento><DataScadenzaPagamento>2026-04-30</DataScadenzaPagamento>
    <ImportoPagamento>122.00</ImportoPagamento><IBAN>IT60X0542811101000000123456</IBAN></DettaglioPagamento>
    </DatiPagamento>"""


def body(
    kind: str = "TD01", *, number: str = "12/A", total: str = TOTAL, rates: str = RATES, pay: str = PAYMENT
) -> str:
    return f"""<FatturaElettronicaBody><DatiGenerali><DatiGeneraliDocumento><TipoDocumento>{kind}</TipoDocumento>
      <Divisa>EUR</Divisa><Data>2026-03-31</Data><Numero>{number}</Numero>{total}</DatiGeneraliDocumento>
      <DatiOrdineAcquisto><IdDocumento>PO-9</IdDocumento></DatiOrdineAcquisto></DatiGenerali>
      <DatiBeniServizi>{rates}</DatiBeniServizi>{pay}</FatturaElettronicaBody>"""


def fattura(*bodies: str, seller: str = SELLER) -> str:
    head = f"<FatturaElettronicaHeader>{seller}{BUYER}</FatturaElettronicaHeader>"
    return f'<p:FatturaElettronica versione="FPA12" xmlns:p="{SPACE}">{head}{"".join(bodies)}</p:FatturaElettronica>'


def read(document: str) -> Reading:
    return einvoice.read(xml.parse(document.encode()))


def test_an_ordinary_bill() -> None:
    reading = read(fattura(body()))
    assert dict(reading.fields) == {
        "supplier": "Luce Nord S.r.l.",
        "supplier_vat_id": "IT00743110157",
        "invoice_number": "12/A",
        "issue_date": "2026-03-31",
        "due_date": "2026-04-30",
        "currency": "EUR",
        "total_amount": "122.00",
        "amount_due": "122.00",
        "iban": "IT60X0542811101000000123456",
        "purchase_order": "PO-9",
    }
    assert (reading.document_class, reading.confidence, reading.basis) == ("invoice", 1.0, "structured")
    assert reading.warnings == ()
    assert reading.details["buyer"] == "Comune di Prova"


@pytest.mark.parametrize(
    ("kind", "expected"), [("TD04", "credit_note"), ("TD08", "credit_note"), ("TD05", "invoice"), ("TD24", "invoice")]
)
def test_the_type_names_the_class(kind: str, expected: str) -> None:
    assert read(fattura(body(kind))).document_class == expected


def test_a_person_has_two_names() -> None:
    person = party("CedentePrestatore", "<Nome>Mario</Nome><Cognome>Rossi</Cognome>", "00743110157")
    assert read(fattura(body(), seller=person)).fields["supplier"] == "Mario Rossi"


def test_a_total_that_is_left_out_comes_from_the_sums_and_says_so() -> None:
    reading = read(fattura(body(total="")))
    assert reading.fields["total_amount"] == "122.00"
    assert [(one.code, one.level) for one in reading.findings] == [("total_from_sums", "note")]


def test_sums_that_disagree_are_told() -> None:
    reading = read(fattura(body(total="<ImportoTotaleDocumento>222.00</ImportoTotaleDocumento>")))
    (found,) = reading.findings
    assert (found.code, found.values["computed"], found.values["stated"]) == ("arithmetic", "122.00", "222.00")
    stamped = "<DatiBollo><ImportoBollo>2.00</ImportoBollo></DatiBollo>"
    total = "<ImportoTotaleDocumento>124.00</ImportoTotaleDocumento>"
    assert read(fattura(body(total=stamped + total))).findings == ()


def test_with_split_payment_the_tax_is_not_due_to_the_supplier() -> None:
    reading = read(fattura(body(rates=RATES.replace(">I<", ">S<"), pay="")))
    assert (reading.fields["total_amount"], reading.fields["amount_due"]) == ("122.00", "100.00")


def test_a_batch_says_only_what_its_bills_share() -> None:
    reading = read(fattura(body(), body(number="13/A")))
    assert (reading.fields["invoice_number"], reading.fields["total_amount"]) == (None, None)
    assert (reading.fields["supplier"], reading.fields["currency"]) == ("Luce Nord S.r.l.", "EUR")
    assert reading.confidence is None
    assert "2 bills in one file" in " ".join(reading.warnings)


def test_the_simplified_form() -> None:
    seller = """<CedentePrestatore><IdFiscaleIVA><IdPaese>IT</IdPaese><IdCodice>00743110157</IdCodice></IdFiscaleIVA>
      <Denominazione>Bar Centrale</Denominazione></CedentePrestatore>"""
    goods = """<DatiBeniServizi><Importo>12.20</Importo></DatiBeniServizi><DatiBeniServizi><Importo>1.00</Importo>
      </DatiBeniServizi>"""
    document = (
        fattura(body("TD07", total="", pay=""), seller=seller)
        .replace("FatturaElettronica ", "FatturaElettronicaSemplificata ")
        .replace("p:FatturaElettronica>", "p:FatturaElettronicaSemplificata>")
        .replace(f"<DatiBeniServizi>{RATES}</DatiBeniServizi>", goods)
    )
    reading = read(document)
    assert (reading.fields["supplier"], reading.fields["supplier_vat_id"]) == ("Bar Centrale", "IT00743110157")
    assert reading.fields["total_amount"] == "13.20"


@pytest.mark.parametrize("inside", ["", "<FatturaElettronicaBody/>", "<FatturaElettronicaHeader/>"])
def test_an_empty_one_gets_no_promise(inside: str) -> None:
    reading = read(f'<p:FatturaElettronica xmlns:p="{SPACE}">{inside}</p:FatturaElettronica>')
    assert (reading.document_class, reading.confidence) == ("invoice", None)


# signed envelopes


@pytest.fixture(scope="module")
def envelope() -> bytes:
    return sealed(fattura(body()).encode())


def sealed(content: bytes, *options: pkcs7.PKCS7Options) -> bytes:
    """A CMS signature around the content, by a key that nobody knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Signer")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content).add_signer(certificate, key, hashes.SHA256())
    return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary, *options])


@pytest.fixture
def reader() -> Iterator[DocumentReader]:
    with PdfPool(size=1) as pool:
        yield DocumentReader(None, pool)


@pytest.mark.parametrize("form", ["binary", "base64", "pem", "twice"])
def test_the_document_is_taken_out_of_its_envelope(reader: DocumentReader, envelope: bytes, form: str) -> None:
    content = {
        "binary": envelope,
        "base64": base64.encodebytes(envelope),
        "pem": b"-----BEGIN PKCS7-----\n" + base64.encodebytes(envelope) + b"-----END PKCS7-----\n",
        "twice": sealed(envelope),
    }[form]
    (result,) = reader.read([Incoming("IT00743110157_00001.xml.p7m", content)])
    assert isinstance(result, Accepted)
    assert result.media_type == "application/xml"
    assert result.reading.fields["invoice_number"] == "12/A"
    assert "signature_not_checked" in {one.code for one in result.reading.findings}


def test_content_in_chunks_of_unknown_length() -> None:
    """As the writers that stream do it (BER)."""

    def tlv(tag: int, inside: bytes) -> bytes:
        return bytes([tag, 0x82]) + len(inside).to_bytes(2) + inside

    def endless(tag: int, inside: bytes) -> bytes:
        return bytes([tag, 0x80]) + inside + b"\0\0"

    chunks = endless(0x24, tlv(0x04, b"<a>") + tlv(0x04, b"</a>"))
    data = bytes.fromhex("06092a864886f70d010701")
    inner = endless(0x30, bytes.fromhex("020101") + tlv(0x31, b"") + endless(0x30, data + endless(0xA0, chunks)))
    whole = endless(0x30, bytes.fromhex("06092a864886f70d010702") + endless(0xA0, inner))
    assert signed.unwrap(whole) == b"<a></a>"


def test_a_signature_alone_says_what_to_do(reader: DocumentReader) -> None:
    detached = sealed(b"<a/>", pkcs7.PKCS7Options.DetachedSignature)
    (result,) = reader.read([Incoming("x.p7s", detached)])
    assert isinstance(result, Rejected)
    assert result.reason_code == "signed_without_document"
    assert "Ask the sender for the document" in result.reason


def test_a_damaged_envelope_is_refused(envelope: bytes) -> None:
    with pytest.raises(Unreadable) as refusal:
        signed.unwrap(envelope[:300])
    assert refusal.value.extensions["reason_code"] == "malformed_signature"


@pytest.mark.parametrize(
    "content", [b"", b"0", b"MIETVERTRAG", b"MIIB", b"\x30\x80", b"%PDF-1.4", b"<a/>", b"-----BEGIN PKCS7-----"]
)
def test_what_is_no_envelope_is_left_alone(content: bytes) -> None:
    assert signed.unwrap(content) is None
    assert not signed.is_signed(content)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_noise_in_an_envelope_never_breaks_it(envelope: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, 120))
    noise = data.draw(st.binary(min_size=1, max_size=20))
    with contextlib.suppress(Unreadable):
        signed.unwrap(envelope[:at] + noise + envelope[at + len(noise) :])
