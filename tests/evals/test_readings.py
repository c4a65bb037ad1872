"""What the suite `documents` measures with: CPU of children, hybrids read as text, names."""

from __future__ import annotations

import time

import pytest

from api.intake.pdf import PdfPool
from api.intake.reader import Accepted, DocumentReader, Incoming
from evals import field_figures
from evals.cpu import cpu_seconds
from evals.datasets import Expected
from evals.fields import same_name, shown
from evals.readings import Corpus, TextPool, read_corpus
from evals.suites import Options
from governance.case import Reading
from models.bundle import Bundle
from tests.api.intake_samples import cii, pdf, rewritten

INVOICE_TEXT = "Invoice\nInvoice no. 4711\nDate 3 February 2026\nWe charge you for our goods\nTotal 100.00 EUR"

pytestmark = pytest.mark.xdist_group("evals")


def test_a_hybrid_is_read_as_text_where_its_data_is_to_be_ignored() -> None:
    hybrid = Incoming("h.pdf", rewritten(pdf(INVOICE_TEXT), attach={"factur-x.xml": cii().encode()}))
    found = []
    with PdfPool(size=1) as pool, TextPool(size=1) as blind:
        for one in (pool, blind):
            (result,) = DocumentReader(None, one).read([hybrid])
            assert isinstance(result, Accepted)
            found.append(result.reading.basis)
    assert found[0] == "structured"
    assert found[1] != "structured"


def test_the_cpu_of_a_child_counts(bundle: Bundle) -> None:
    with PdfPool(size=1) as pool:
        pool.parse(pdf(INVOICE_TEXT))
        own, both = time.process_time(), cpu_seconds()
        for _ in range(20):
            pool.parse(pdf(INVOICE_TEXT))
        own, both = time.process_time() - own, cpu_seconds() - both
    assert both > own + 0.001


def test_every_document_is_timed_and_one_that_is_refused_has_no_fields(bundle: Bundle) -> None:
    files = [Expected("a.pdf", pdf(INVOICE_TEXT), {}), Expected("b.pdf", b"%PDF-1.4 broken", {})]
    with PdfPool(size=1) as pool:
        corpus = read_corpus("some", files, bundle.classifier, pool)
    assert len(corpus.cpu_ms) == len(corpus.readings) == 2
    assert min(corpus.cpu_ms) > 0
    assert corpus.readings[1].abstained
    assert corpus.classes[1] is None
    assert not corpus.fields[1]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Beispiel Handels GmbH", "Beispiel Handels", True),
        ("Dupont S.A.R.L.", "DUPONT", True),
        ("Muster GmbH & Co. KG", "Muster & Co", False),
        ("Muster AG", "Mustern AG", False),
        ("Acme Ltd", None, False),
        ("Sun Trading Sdn Bhd", "Sun Trading", True),
    ],
)
def test_names_that_differ_in_their_legal_form_only(one: str, other: str | None, same: bool) -> None:
    assert same_name(one, other) is same


def test_what_no_page_shows_is_told_apart() -> None:
    text = "Invoice 4711\nDate 3 February 2026\nTotal 1.234,50 EUR\nAcme Tools Ltd"
    assert shown("invoice_number", "4711", text)
    assert shown("issue_date", "2026-02-03", text)
    assert shown("issue_date", "20260203", text)
    assert shown("total_amount", "1234.5", text)
    assert shown("supplier", "ACME Tools", text)
    assert not shown("total_amount", "1234.05", text)
    assert not shown("issue_date", "2026-03-04", text)
    assert not shown("iban", "DE02", text)


def test_only_confident_fields_are_accepted_and_wrong_ones_show(bundle: Bundle) -> None:
    """Two of three are sure, and one of the two is wrong."""
    truth = [Expected(f"{at}.txt", b"", {"invoice_number": "A1"}) for at in range(3)]
    readings = [
        Reading("invoice", 0.99, False, "model", {"invoice_number": said}, {"invoice_number": sure}, text="A1")
        for said, sure in (("A1", 0.99), ("B2", 0.97), ("A1", 0.6))
    ]
    corpus = Corpus("mine", truth, readings, [1.0, 2.0, 3.0])
    found = {one.name: one.value for one in field_figures.measured(corpus, Options(bundle, 1))}
    assert found["field_accuracy"] == pytest.approx(2 / 3)
    assert found["accepted_share"] == pytest.approx(2 / 3)
    assert found["accepted_right"] == pytest.approx(1 / 2)
    (row,) = field_figures.by_field([corpus]).rows
    assert row[2:5] == [3, 3, pytest.approx(2 / 3)]
