"""The report on open receivables: figures that add up, no stranger's markup, nothing over currencies, accessible."""

from __future__ import annotations

import csv
import random
import re
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from api.cli import main

CHROMIUM = Path("/usr/bin/chromium")
TODAY = date(2026, 6, 1)
HEADER = ("invoice_id", "customer_id", "posting_date", "due_date", "amount", "clear_date", "currency")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history of 700 paid invoices, open ones in two currencies, one of them with markup in its names."""
    rng = random.Random(3)
    place = tmp_path_factory.mktemp("risk")
    paid: list[tuple[object, ...]] = []
    owed: list[tuple[object, ...]] = []
    for at in range(760):
        customer = at % 23
        posted = TODAY - timedelta(days=800 - at)
        due = posted + timedelta(days=30)
        cleared = due + timedelta(days=rng.randint(-10, 10) + customer)
        row = (f"I{at}", f"C{customer}", posted, due, Decimal(100 + at), cleared, "EUR" if at % 3 else "USD")
        (paid if cleared < TODAY else owed).append(row)
    owed.append(("<script>alert(1)</script>", "=cmd|x", TODAY, TODAY + timedelta(days=30), Decimal("7.5"), "", "EUR"))
    for name, rows in (("paid.csv", paid), ("open.csv", [(*row[:5], "", row[6]) for row in owed])):
        with (place / name).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([HEADER, *rows])
    argv = ["risk", str(place / "open.csv"), "--history", str(place / "paid.csv"), "--as-of", str(TODAY)]
    argv += ["--out", str(place / "out.csv"), "--cash", str(place / "cash.csv"), "--weeks", "8", "--home", str(place)]
    assert main([*argv, "--report", str(place / "report.html")]) == 0
    return place


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_cash_adds_up_by_currency_and_lies_in_its_band(folder: Path) -> None:
    cash = rows(folder / "cash.csv")
    owed = rows(folder / "open.csv")
    assert {one["currency"] for one in cash} == {"EUR", "USD"}
    for currency in ("EUR", "USD"):
        own = [one for one in cash if one["currency"] == currency]
        assert len(own) == 9
        assert own[-1]["week"] == ""
        whole = sum(Decimal(one["amount"]) for one in owed if one["currency"] == currency)
        assert sum(Decimal(one["expected"]) for one in own) == whole == Decimal(own[-1]["expected_so_far"])
        for one in own[:-1]:
            low, middle, high = (Decimal(one[name]) for name in ("low_so_far", "expected_so_far", "high_so_far"))
            assert low <= middle <= high
            assert 0 <= Decimal(one["low"]) <= Decimal(one["high"])


def test_a_strangers_words_stay_words(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    out = (folder / "out.csv").read_text(encoding="utf-8")
    assert "'=cmd|x" in out


def test_the_page_tells_what_the_table_tells(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    scored = rows(folder / "out.csv")
    ranked = sorted(scored, key=lambda one: -float(one["priority"]))
    assert f"Collection risk: {len(scored)} open invoices on 2026-06-01" in page
    table = page[page.index('worklist">Top') :]
    told = re.findall(r'<th scope="row" class="id">([^<]+)</th>', table)
    assert told[:5] == [one["invoice_id"] for one in ranked[:5]]
    assert page.count("<polygon") == 2, "a curve a currency"
    assert "week of" in page
    assert "http" not in page.replace("http://www.w3.org", ""), "nothing from elsewhere"


@pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's package chromium is not installed")
def test_the_page_is_accessible(folder: Path) -> None:
    sync_playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").sync_playwright
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM))
        page = browser.new_page()
        page.goto((folder / "report.html").as_uri())
        found = axe.Axe().run(page)
        browser.close()
    assert found.violations_count == 0, found.generate_report()
