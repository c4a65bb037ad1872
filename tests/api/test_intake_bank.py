"""Bank statements: account, currency and day in the dialects of banks, and balances that must add up."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.intake import bank, xml
from governance.case import Reading

IBAN = "DE02120300000000202051"
AMOUNTS = st.decimals(min_value=Decimal("-99999.99"), max_value=Decimal("99999.99"), places=2)


def written(amount: Decimal) -> str:
    return f"{abs(amount):.2f}".replace(".", ",")


def mt940(opening: Decimal, entries: list[Decimal], closing: Decimal, account: str = IBAN, day: str = "260103") -> str:
    lines = [f":61:2601020102{'C' if one >= 0 else 'D'}R{written(one)}NTRFNONREF\n:86:text" for one in entries]
    head = f":20:START\n:25:{account}\n:28C:1\n:60F:{'C' if opening >= 0 else 'D'}260102EUR{written(opening)}\n"
    return head + "\n".join(lines) + f"\n:62F:{'C' if closing >= 0 else 'D'}{day}EUR{written(closing)}\n-\n"


def camt(opening: Decimal, entries: list[Decimal], closing: Decimal) -> str:
    def amount(one: Decimal) -> str:
        return f'<Amt Ccy="EUR">{abs(one):.2f}</Amt><CdtDbtInd>{"CRDT" if one >= 0 else "DBIT"}</CdtDbtInd>'

    def balance(code: str, one: Decimal) -> str:
        return f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{amount(one)}<Dt><Dt>2026-01-03</Dt></Dt></Bal>"

    body = "".join(f"<Ntry>{amount(one)}<Sts>BOOK</Sts></Ntry>" for one in entries)
    return (
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt><Stmt>'
        f"<CreDtTm>2026-01-03T18:00:00</CreDtTm><Acct><Id><IBAN>{IBAN}</IBAN></Id></Acct>{balance('OPBD', opening)}"
        f"{balance('CLBD', closing)}{body}</Stmt></BkToCstmrStmt></Document>"
    )


def read_camt(document: str) -> Reading:
    return bank.read_camt(xml.parse(document.encode()))


def codes(reading: Reading) -> list[str]:
    return [finding.code for finding in reading.findings]


@settings(max_examples=100, deadline=None)
@given(AMOUNTS, st.lists(AMOUNTS, max_size=6), AMOUNTS)
def test_balances_add_up_or_it_is_said(opening: Decimal, entries: list[Decimal], off: Decimal) -> None:
    closing = opening + sum(entries, Decimal(0))
    for reading in (bank.read_mt940(mt940(opening, entries, closing)), read_camt(camt(opening, entries, closing))):
        assert reading.findings == ()
        assert (reading.fields["iban"], reading.fields["currency"]) == (IBAN, "EUR")
        assert reading.fields["issue_date"] == "2026-01-03"
    wrong = closing + (off or Decimal(1))
    for reading in (bank.read_mt940(mt940(opening, entries, wrong)), read_camt(camt(opening, entries, wrong))):
        assert codes(reading) == ["balance_mismatch"]
        assert Decimal(reading.findings[0].values["closing"] or 0) == wrong
        assert reading.findings[0].detail in reading.warnings


def test_reversals_and_whole_amounts() -> None:
    lines = ":61:260102D107,NTRF\n:61:260102RC8,5NTRF\n:61:260102RD10,NTRF\n:61:260102CF5,NTRF\n"
    text = f":20:A\n:25:{IBAN}EUR\n:60F:C260101EUR1000,\n{lines}:62F:C260102EUR899,5\n"
    reading = bank.read_mt940(text)
    assert reading.findings == ()
    assert reading.fields["iban"] == IBAN


def test_an_entry_that_cannot_be_read_makes_no_false_alarm() -> None:
    text = ":20:A\n:60F:C260101EUR1,00\n:61:nonsense\n:62F:C260102EUR5,00\n"
    assert bank.read_mt940(text).findings == ()
    pending = camt(Decimal(1), [Decimal(4)], Decimal(1)).replace("<Sts>BOOK</Sts>", "<Sts>PDNG</Sts>")
    assert read_camt(pending).findings == ()


def test_several_statements_of_an_account_hang_together() -> None:
    first = mt940(Decimal(100), [Decimal(5)], Decimal(105))
    second = mt940(Decimal(105), [], Decimal(105), day="260104")
    reading = bank.read_mt940(first + second)
    assert codes(reading) == ["several_statements"]
    assert reading.warnings == ()
    assert reading.fields["issue_date"] == "2026-01-04"
    gap = bank.read_mt940(first + mt940(Decimal(106), [], Decimal(106)))
    assert codes(gap) == ["statement_gap", "several_statements"]


def test_several_accounts_are_said_and_the_first_is_read() -> None:
    other = "DE89370400440532013000"
    text = mt940(Decimal(1), [], Decimal(1)) + mt940(Decimal(2), [], Decimal(2), other, "260105")
    reading = bank.read_mt940(text)
    assert (reading.fields["iban"], reading.fields["issue_date"]) == (IBAN, "2026-01-03")
    assert "2 accounts" in reading.warnings[0]


def test_the_closing_balance_names_the_day_not_the_forward_ones() -> None:
    text = mt940(Decimal(1), [], Decimal(1)).replace("\n-\n", "\n:64:C260108EUR1,00\n:65:C260109EUR1,00\n-\n")
    assert bank.read_mt940(text).fields["issue_date"] == "2026-01-03"


def test_an_interim_report_has_currency_and_day() -> None:
    text = ":20:A\n:25:1\n:28C:1\n:34F:EURD0,00\n:13D:2601021730+0000\n:61:260102D0,42MCI\n:90D:1EUR0,42\n"
    reading = bank.read_mt940(text)
    assert (reading.fields["currency"], reading.fields["issue_date"]) == ("EUR", "2026-01-02")


def test_an_account_that_is_an_iban_under_another_name() -> None:
    document = camt(Decimal(1), [], Decimal(1)).replace("<IBAN>", "<Othr><Id>").replace("</IBAN>", "</Id></Othr>")
    assert read_camt(document).fields["iban"] == IBAN
    assert read_camt(document.replace(IBAN, "1234567")).fields["iban"] is None


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from(":6012C45FDEUR,.\n 9R-"), max_size=200))
def test_any_text_that_looks_like_a_statement_is_read(text: str) -> None:
    if bank.is_mt940(text):
        assert bank.read_mt940(text).document_class == "bank_statement"


@pytest.mark.shared
def test_statements_of_real_dialects(shared: Path) -> None:
    """Every one that has a balance gives currency and day; those that a bank itself made add up."""
    read: dict[str, Reading] = {}
    for path in sorted((shared / "documents" / "bank" / "mt940").rglob("*.sta")):
        content = path.read_bytes()
        try:
            text = content.decode()
        except UnicodeDecodeError:
            text = content.decode("cp850")
        if bank.is_mt940(text):
            read[path.name] = bank.read_mt940(text)
            if ":62F:" in text:
                fields = read[path.name].fields
                assert fields["currency"], path.name
                assert fields["issue_date"], path.name
    assert len(read) >= 33
    assert not any("balance_mismatch" in codes(read[name]) for name in ("mt940.sta", "raphaelm.sta", "generic.sta"))
