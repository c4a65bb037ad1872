"""The audit's report: each group's money counts once, strangers' text stays text, the page stands alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.audit.amounts import Amounts
from api.audit.exact import checked
from api.audit.ledger import Ledger, LedgerFile
from api.audit.report import Run, html, lines
from api.audit.summary import Summary, summary
from api.commands.tables import Rejected
from governance.errors import Malformed
from models.duplicates import DuplicatePair, Invoice
from models.pair_groups import groups

CHROMIUM = Path("/usr/bin/chromium")
MADE = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)


def bill(invoice_id: str, amount: str = "100.00", number: str = "R-1", **changed: Any) -> Invoice:
    fields: dict[str, Any] = {
        "invoice_id": invoice_id, "entity": "1000", "vendor_id": "V1", "vendor_name": "Acme Ltd", "tax_id": None,
        "iban": "DE89370400440532013000", "invoice_no": number, "invoice_date": date(2026, 3, int(invoice_id[-1]) + 1),
        "posting_date": None, "currency": "EUR", "amount": Decimal(amount), "po": None, "description": None,
        "doc_type": "invoice",
    }  # fmt: skip
    return Invoice(**{**fields, **changed})


def pair(left: str, right: str, probability: float = 0.9, **changed: Any) -> DuplicatePair:
    fields: dict[str, Any] = {
        "left_id": left, "right_id": right, "probability": probability, "kind": "format",
        "reasons": ("same amount 100.00 EUR", "but: dated 3 days apart"),
    }  # fmt: skip
    return DuplicatePair(**{**fields, **changed})


def ledger(invoices: Sequence[Invoice], rejected: Sequence[Rejected] = ()) -> Ledger:
    file = LedgerFile(
        Path("march.csv"), "ab" * 32, len(invoices) + len(rejected), len(invoices), (("amount", "Betrag"),), ("Spare",),
        ("a note",), tuple(rejected),
    )  # fmt: skip
    return Ledger(list(invoices), [(0, at + 2) for at in range(len(invoices))], (file,))


NONE = Ledger([], [], ())


def run(invoices: Sequence[Invoice], pairs: Sequence[DuplicatePair], rejected: Sequence[Rejected] = ()) -> Run:
    return Run(
        ledger(invoices, rejected), NONE, pairs, groups(invoices, pairs), 0.5, "duckdb", "sha256:" + "c" * 64, MADE
    )


def figures(invoices: Sequence[Invoice], pairs: Sequence[DuplicatePair]) -> Summary:
    return summary(ledger(invoices), NONE, pairs, groups(invoices, pairs), 0.5)


def test_a_group_counts_once_and_the_largest_document_stays() -> None:
    three = [bill("A1"), bill("A2"), bill("A3", "90.00")]
    it = figures(three, [pair("A1", "A2"), pair("A2", "A3"), pair("A1", "A3")])
    assert (len(it.findings), it.pairs, it.flagged) == (1, 3, 2)
    assert it.risk == {"EUR": Decimal("190.00")}
    assert [(one.name, one.groups) for one in it.by_month] == [("2026-03", 1)]


def test_currencies_are_not_added_up() -> None:
    bills = [
        bill("A1"), bill("A2"), bill("B1", currency="GBP", vendor_id="V2", vendor_name="Bolt"),
        bill("B2", currency="GBP", vendor_id="V2", vendor_name="Bolt"), bill("C1", "50.00", vendor_id="V3"),
        bill("C2", "55.00", currency="USD", vendor_id="V3"),
    ]  # fmt: skip
    it = figures(bills, [pair("A1", "A2"), pair("B1", "B2"), pair("C1", "C2", kind="currency")])
    assert it.risk == {"EUR": Decimal(100), "GBP": Decimal(100), "USD": Decimal(55)}
    assert {(one.name, *one.risk) for one in it.by_vendor} == {
        ("Acme Ltd", "EUR"),
        ("Bolt", "GBP"),
        ("Acme Ltd", "USD"),
    } or [one.name for one in it.by_vendor] == ["Acme Ltd", "Bolt"]


def test_renumbered_groups_and_reversed_ones_are_told_apart() -> None:
    bills = [
        bill("A1"), bill("A2"),
        bill("B1", "70.00", "R-7"), bill("B2", "70.00", "R-9"),
        bill("C1", "30.00", "R-3"), bill("C2", "-30.00", "CN-3", doc_type="credit_note"), bill("C3", "30.00", "R-3"),
    ]  # fmt: skip
    pairs = [pair("A1", "A2"), pair("B1", "B2", 0.6, queue="renumbered", kind="renumbered"), pair("C1", "C3")]
    it = figures(bills, pairs)
    assert [[one.invoice_id for one in part[0].documents] for part in (it.findings, it.renumbered)] == [
        ["A1", "A2"], ["B1", "B2"],
    ]  # fmt: skip
    assert [one.invoice_id for one in it.reversed[0].documents] == ["C1", "C3", "C2"]
    assert (it.risk, it.risk_renumbered, it.flagged) == ({"EUR": Decimal(100)}, {"EUR": Decimal(70)}, 1)
    page = html(run(bills, pairs), Amounts("en"))
    assert "Perhaps billed anew under another number" in page
    assert "Reversed already" in page


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.floats(0.5, 1.0)), max_size=12))
@settings(deadline=None, max_examples=60)
def test_slices_add_up_to_the_whole(drawn: list[tuple[int, int, float]]) -> None:
    bills = [bill(f"A{n}", f"{10 + n}.00", vendor_id=f"V{n % 3}", vendor_name=f"Vendor {n % 3}") for n in range(8)]
    pairs = list({(a, b): pair(f"A{a}", f"A{b}", round(p, 4)) for a, b, p in drawn if a < b}.values())
    it = figures(bills, pairs)
    for slices in (it.by_kind, it.by_vendor, it.by_month):
        assert sum(one.groups for one in slices) == len(it.findings)
        assert sum((one.risk.get("EUR", Decimal(0)) for one in slices), Decimal(0)) == it.risk.get("EUR", 0)
    assert sum(first + second for _, first, second in it.by_probability) == len(pairs)


def test_exact_checks_count_what_they_flag_and_what_the_report_leaves_out() -> None:
    bills = [
        bill("A1"),
        bill("A2", invoice_date=date(2026, 3, 2)),
        bill("B1", "5.00", "X"),
        bill("B2", "5.00", "X", invoice_date=date(2026, 3, 2)),
    ]
    found = {one.rule: one for one in checked(bills, [bills[:2]], {"A1", "A2"})}
    usual = found["supplier + number + date + amount"]
    assert (usual.flagged, usual.found) == (2, 1)
    assert [[one.invoice_id for one in part] for part in usual.unreported] == [["B1", "B2"]]
    # Where a number is missing, a check on numbers says nothing.
    nameless = [bill("A1", number=""), bill("A2", number="")]
    assert {one.rule: one.flagged for one in checked(nameless, [], ())}["supplier + number"] == 0


def test_differences_are_marked_in_their_place() -> None:
    told = {
        line.name: line
        for line in lines([bill("A1", number="265-008542"), bill("A2", number="265-008542.")], {}, Amounts("en"))
    }
    assert told["Number"].cells[1] == "265-008542<mark>.</mark>"
    assert told["Number"].differs
    assert not told["Vendor"].differs
    assert told["Bank account"].cells[0] == "DE89 … 3000"
    shorter = lines([bill("A1", number="265-008542."), bill("A2", number="265-008542")], {}, Amounts("en"))
    assert 'title=". is missing here"' in shorter[0].cells[1]


class Outside(HTMLParser):
    """What a page loads or runs."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe", "object", "embed", "base", "form"):
            self.found.append(tag)
        for name, value in attrs:
            if name.startswith("on") or (name in ("src", "href") and not (value or "").startswith("#")):
                self.found.append(f"{tag} {name}={value}")


def hostile() -> Run:
    nasty = '<script>alert(1)</script><img src=x onerror=alert(2)> "\x1b[31m\u202e' + "y" * 5000
    bills = [
        bill("A1", number=nasty, vendor_name=nasty, description=nasty),
        bill("A2", number="{{ 7 * 7 }}", vendor_name=nasty),
    ]
    pairs = [pair("A1", "A2", reasons=(f"numbers {nasty}", f"but: {nasty}"), kind=nasty)]
    return run(bills, pairs, [Rejected(7, nasty)])


def test_strangers_text_stays_text_and_the_page_asks_for_nothing() -> None:
    page = html(hostile(), Amounts("en"))
    outside = Outside()
    outside.feed(page)
    assert outside.found == []
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "{{ 7 * 7 }}" in re.sub("<[^>]*>", "", page)
    assert len(page) < 60_000
    assert not re.search(r"url\(|@import|https?://", page)


def test_amounts_follow_the_locale_and_facts_are_for_the_file() -> None:
    page = html(run([bill("A1", "1234.50"), bill("A2", "1234.50")], [pair("A1", "A2")]), Amounts("de-DE"))
    assert "1.234,50\xa0€" in page
    for fact in ("sha256:" + "c" * 64, "ab" * 32, "2026-11-23 20:00 UTC", "march.csv", "Betrag", "a note", "Spare"):
        assert fact in page
    with pytest.raises(Malformed, match="--locale"):
        Amounts("xx_yy_zz")


def test_a_ledger_without_findings_has_a_report_too() -> None:
    page = html(run([bill("A1")], [], [Rejected(9, "amount is empty")]), Amounts("en"))
    assert "No group reaches the threshold" in page
    assert "1 rows were not read" in page


@pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's package chromium is not installed")
@pytest.mark.xdist_group("browser")
def test_the_page_fits_a_telephone_and_is_accessible(tmp_path: Path) -> None:
    sync_playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").sync_playwright
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    bills = [bill(f"A{n}", f"{1000 + n}.00", vendor_name=f"Vendor with a long name number {n}") for n in range(9)]
    pairs = [pair(f"A{n}", f"A{n + 1}", 0.6 + n / 20, parts=(("number", 2.5), ("date", -0.4))) for n in range(0, 8, 2)]
    path = tmp_path / "report.html"
    path.write_text(html(run(bills, pairs, [Rejected(9, "x" * 300)]), Amounts("en")), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"], timeout=60_000)
        for width, scheme in ((320, "dark"), (1440, "light")):
            tab = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            tab.goto(path.as_uri())
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            broken = axe.Axe().run(tab).response["violations"]
            assert [one["id"] for one in broken] == []
        browser.close()
