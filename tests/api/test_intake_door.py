"""The one way in: what becomes a case, what is known already, what is history, what is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, cast

import pytest

from api.intake import bills, reference
from api.intake.door import CaseRow, File, IntakeDoor, Receipt, Unopened
from api.intake.pdf import PdfPool
from api.intake.reader import Accepted, DocumentReader, Incoming, ReadResult
from api.intake.rows import case_row
from governance.case import Reading
from governance.errors import NotPermitted
from governance.record import books
from governance.record.db import Database
from models.invoice import Invoice
from models.synthetic import CompanyMonth, company_month
from tests.api.intake_samples import cii, pdf, rewritten
from tests.build import World, world

AR_HEADER = "invoice_id,customer_id,posting_date,due_date,amount,currency,clear_date\n"


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


@pytest.fixture(scope="module")
def pool() -> Iterator[PdfPool]:
    with PdfPool(size=1) as pool:
        yield pool


@pytest.fixture
def door(acme: World, pool: PdfPool) -> IntakeDoor:
    return IntakeDoor(acme.database, acme.tokens["intake"], DocumentReader(None, pool, default_currency="EUR"))


@pytest.fixture(scope="module")
def month() -> CompanyMonth:
    return company_month(11, suppliers=12, customers=6, invoices=40, exceptions=24)


def receive(door: IntakeDoor, *items: Any) -> list[Receipt]:
    return list(door.receive(items))


def facts(acme: World, receipt: Receipt) -> dict[str, Any]:
    found: dict[str, Any] = acme.scalar(
        "SELECT to_jsonb(r) FROM cs.case_revisions r WHERE case_id = %s ORDER BY revision DESC LIMIT 1", receipt.case_id
    )
    return found


def import_month(acme: World, month: CompanyMonth) -> None:
    for kind, rows in (
        ("entities", month.books["entity"]),
        ("suppliers", month.books["supplier"]),
        ("bank_accounts", month.books["bank_account"]),
        ("orders", month.books["order"]),
    ):
        acme.import_books(kind, rows)


def test_an_invoice_becomes_a_case_with_its_party_entity_and_ledger_row(
    acme: World, door: IntakeDoor, month: CompanyMonth
) -> None:
    import_month(acme, month)
    planted = next(e for e in month.exceptions if e.exception_type == "price_variance")
    document = month.document(planted.document or "")
    (receipt,) = receive(door, File("in/bill.xml", document.content))
    assert (receipt.status, receipt.document_class, receipt.row, receipt.path) == (
        "accepted", "invoice", None, "in/bill.xml",
    )  # fmt: skip
    digest = hashlib.sha256(document.content).hexdigest()
    assert receipt.source_key == f"sha256:{digest}"
    found = facts(acme, receipt)
    assert found["supplier_id"] == planted.row["supplier_id"]
    assert found["payee_iban"] == planted.row["iban"]
    assert str(found["amount"]) == planted.row["amount"].removesuffix("0").removesuffix(".0")
    assert (found["entity"], found["region"]) == (planted.row["entity"], planted.row["region"])
    assert found["document_sha256"] == digest
    assert acme.scalar("SELECT exception_type FROM cs.cases WHERE id = %s", receipt.case_id) == "invoice_received"
    assert acme.scalar("SELECT case_id FROM cs.invoices WHERE invoice_id = %s", receipt.source_key) == receipt.case_id
    assert acme.scalar("SELECT cardinality(keys) FROM cs.invoices WHERE invoice_id = %s", receipt.source_key) >= 3
    assert acme.scalar("SELECT content FROM cs.document_contents WHERE sha256 = %s", digest) == document.content


def test_the_same_again_is_already_known(acme: World, door: IntakeDoor, month: CompanyMonth) -> None:
    files = [File(document.name, document.content) for document in month.documents[:5]]
    first = receive(door, *files)
    again = receive(door, *reversed(files))
    assert {r.status for r in first} == {"accepted"}
    assert {r.status for r in again} == {"already_known"}
    assert [r.case_id for r in again] == [r.case_id for r in reversed(first)]
    assert acme.scalar("SELECT count(*) FROM cs.cases") == 5
    assert acme.scalar("SELECT count(*) FROM cs.jobs") == 5


def test_a_failure_in_the_middle_is_safe_to_repeat(
    acme: World, door: IntakeDoor, month: CompanyMonth, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [File(document.name, document.content) for document in month.documents[:4]]
    calls = {"left": 3}
    accept = books.accept

    def breaking(*args: Any) -> Any:
        calls["left"] -= 1
        if calls["left"] == 0:
            raise KeyboardInterrupt
        return accept(*args)

    monkeypatch.setattr(books, "accept", breaking)
    with pytest.raises(KeyboardInterrupt):
        receive(door, *files)
    assert acme.scalar("SELECT count(*) FROM cs.cases") == 0
    monkeypatch.setattr(books, "accept", accept)
    assert [r.status for r in receive(door, *files)] == ["accepted"] * 4


def test_receivables_open_paid_and_paid_later(acme: World, door: IntakeDoor) -> None:
    rows = "P-1,C-1,2026-01-05,2026-02-04,100.00,EUR,2026-02-01\nO-1,C-1,2026-01-05,2026-02-04,200.00,EUR,\n"
    far = f"O-2,C-1,2026-01-05,{2099}-02-04,300.00,EUR,\nBAD,C-1,not a day,2026-02-04,1.00,EUR,\n"
    paid, overdue, open_item, bad = receive(door, File("ar.csv", (AR_HEADER + rows + far).encode()))
    assert (paid.status, paid.case_id, paid.reason, paid.row) == ("accepted", None, "history", 1)
    assert (overdue.status, open_item.status, bad.status) == ("accepted", "accepted", "rejected")
    assert bad.reason is not None
    assert "posting_date" in bad.reason
    assert bad.row == 4
    types = [acme.scalar("SELECT exception_type FROM cs.cases WHERE id = %s", r.case_id) for r in (overdue, open_item)]
    assert types == ["overdue", "open_item"]
    assert acme.scalar("SELECT count(*) FROM cs.open_items") == 3
    assert acme.scalar("SELECT count(*) FROM cs.intake_log WHERE status = 'rejected'") == 1

    again = receive(door, File("ar.csv", (AR_HEADER + rows + far).encode()))
    assert [r.status for r in again] == ["already_known"] * 3 + ["rejected"]
    assert acme.scalar("SELECT max(revision) FROM cs.cases") == 1

    settled = (AR_HEADER + "O-1,C-1,2026-01-05,2026-02-04,200.00,EUR,2026-03-01\n").encode()
    (news,) = receive(door, File("ar.csv", settled))
    assert news.case_id == overdue.case_id
    assert "revision 2" in (news.reason or "")
    assert facts(acme, overdue)["amount"] == 0
    assert receive(door, File("ar.csv", settled))[0].status == "already_known"
    assert acme.scalar("SELECT revision FROM cs.cases WHERE id = %s", overdue.case_id) == 2


def test_a_payment_does_not_wake_a_case_that_is_over(acme: World, door: IntakeDoor) -> None:
    row = "O-1,C-1,2026-01-05,2026-02-04,200.00,EUR,"
    (opened,) = receive(door, File("ar.csv", (AR_HEADER + row + "\n").encode()))
    acme.scalar("UPDATE cs.cases SET state = 'done' WHERE id = %s RETURNING 1", opened.case_id)
    (paid,) = receive(door, File("ar.csv", (AR_HEADER + row + "2026-03-01\n").encode()))
    assert (paid.status, paid.case_id, paid.reason) == ("accepted", None, "history")
    assert acme.scalar("SELECT state FROM cs.cases WHERE id = %s", opened.case_id) == "done"


def test_ledger_rows_become_cases_and_find_their_party(acme: World, door: IntakeDoor) -> None:
    acme.import_books("suppliers", [{"id": "S-9", "name": "Nordwind GmbH", "vat_id": "DE 123 456 789"}])
    text = (
        "invoice_id,entity,vendor_name,tax_id,invoice_no,invoice_date,amount,currency\n"
        "L-1,DE01,NORDWIND GmbH & Co. KG,DE123456789,R-77,2026-05-01,10.00,EUR\n"
        "L-2,DE01,Somebody else,,R-78,2026-05-01,11.00,EUR\n"
    )
    known, unknown = receive(door, File("ledger.csv", text.encode()))
    assert facts(acme, known)["supplier_id"] == "S-9"
    assert facts(acme, known)["region"] == "EU"
    assert facts(acme, unknown)["supplier_id"] is None
    assert acme.scalar("SELECT vendor_id FROM cs.invoices WHERE invoice_id = 'L-1'") == "S-9"
    assert acme.scalar("SELECT count(*) FROM cs.invoices WHERE keys <> '{}'") == 2


def test_case_rows_as_given_alone_and_with_their_document(acme: World, door: IntakeDoor, month: CompanyMonth) -> None:
    import_month(acme, month)
    payable = next(e for e in month.exceptions if e.exception_type == "bank_detail_mismatch")
    other = next(e for e in month.exceptions if e.queue == "partner_settlement")
    document = month.document(payable.document or "")
    alone, both = receive(
        door, CaseRow(case_row(other.row)), File(document.name, document.content, row=case_row(payable.row))
    )
    assert (alone.status, both.status) == ("accepted", "accepted")
    assert (alone.source_key, both.source_key) == (other.source_key, payable.source_key)
    assert acme.scalar("SELECT exception_type FROM cs.cases WHERE id = %s", both.case_id) == "bank_detail_mismatch"
    assert facts(acme, both)["payee_iban"] == payable.row["iban"]
    assert facts(acme, both)["document_sha256"] is not None
    # The same bytes without the row are the same case.
    (bytes_only,) = receive(door, File("again.xml", document.content))
    assert (bytes_only.status, bytes_only.case_id) == ("already_known", both.case_id)
    listed = receive(door, File("rows.json", json.dumps([other.row]).encode()))
    assert listed[0].status == "already_known"


def test_new_facts_make_a_new_revision(acme: World, door: IntakeDoor, month: CompanyMonth) -> None:
    row = next(e for e in month.exceptions if e.queue == "record_to_report").row
    (first,) = receive(door, CaseRow(case_row(row)))
    (second,) = receive(door, CaseRow(case_row({**row, "amount": "999.00"})))
    assert (second.status, second.case_id) == ("already_known", first.case_id)
    assert facts(acme, first)["revision"] == 2


LEDGER = "invoice_id,entity,vendor_id,vendor_name,invoice_no,invoice_date,amount,currency,description\n"


def booked(acme: World, name: str = "L-1") -> tuple[Any, ...]:
    """(number, amount, keys) of a row of the ledger."""
    found = acme.scalar(
        "SELECT jsonb_build_array(invoice_no, amount::text, keys) FROM cs.invoices WHERE invoice_id = %s", name
    )
    return tuple(found)


@pytest.mark.parametrize(("number", "amount"), [("R-77", "12.50"), ("R-7731", "10.00"), ("R-7731", "12.50")])
def test_the_ledger_follows_a_new_revision(acme: World, door: IntakeDoor, number: str, amount: str) -> None:
    """A corrected number or amount has keys of its own; those of before are gone. The same again changes nothing."""

    def sent(number: str, amount: str) -> Receipt:
        line = f"L-1,DE01,V-9,Nordwind,{number},2026-05-01,{amount},EUR,Repair of a gate\n"
        return receive(door, File("ledger.csv", (LEDGER + line).encode()))[0]

    first = sent("R-77", "10.00")
    before = booked(acme)
    assert sent("R-77", "10.00").status == "already_known"
    assert booked(acme) == before
    assert facts(acme, first)["revision"] == 1
    sent(number, amount)
    assert facts(acme, first)["revision"] == 2
    after = booked(acme)
    assert after[:2] == (number, amount)
    fresh = bills.ledger_rows([(replace(BILL, invoice_no=number, amount=Decimal(amount)), None)])[0]
    assert set(after[2]) == set(acme.scalar("SELECT cs._own_keys('acme', %s)", fresh["keys"]))
    assert set(before[2]) - set(after[2])
    sent(number, amount)
    assert facts(acme, first)["revision"] == 2
    assert acme.scalar("SELECT count(*) FROM cs.invoices") == 1


BILL = Invoice("L-1", "DE01", "V-9", "Nordwind", None, None, "R-77", date(2026, 5, 1), None, "EUR", Decimal("10.00"),
               None, "Repair of a gate", "invoice")  # fmt: skip


def test_two_companies_of_a_group_may_number_their_documents_alike(acme: World, door: IntakeDoor) -> None:
    """Each has its own row and case, and the same again is known."""
    first = "L-1,DE01,V-9,Nordwind,R-77,2026-05-01,10.00,EUR,Repair of a gate\n"
    second = "L-1,DE02,V-3,Seidel,4711,2026-05-02,99.00,EUR,Paper\n"
    receipts = receive(door, File("a.csv", (LEDGER + first + second).encode()))
    receipts += receive(door, File("b.csv", (LEDGER + second + first).encode()))
    assert [one.status for one in receipts] == ["accepted", "accepted", "already_known", "already_known"]
    found = acme.scalar("SELECT jsonb_object_agg(invoice_id, invoice_no) FROM cs.invoices")
    assert found == {"L-1": "R-77", "DE02/L-1": "4711"}
    assert [facts(acme, one)["invoice_id"] for one in receipts[:2]] == ["L-1", "DE02/L-1"]
    receive(door, File("c.csv", (LEDGER + second.replace("99.00", "98.00")).encode()))
    assert booked(acme, "DE02/L-1")[1] == "98.00"
    assert booked(acme)[1] == "10.00"


def test_history_of_two_companies_is_kept_apart_too(acme: World) -> None:
    first, second = BILL, replace(BILL, entity="DE02", vendor_id="V-3", invoice_no="4711", amount=Decimal(99))
    for one in (first, second, first, second, replace(first, entity="FR01"), replace(second, entity="unknown")):
        acme.import_books("invoices", bills.ledger_rows([(one, None)]))
    found = acme.scalar("SELECT jsonb_object_agg(invoice_id, invoice_no) FROM cs.invoices")
    assert found == {"L-1": "R-77", "DE02/L-1": "4711"}
    text = "invoice_id,entity,vendor_id,vendor_name,invoice_no,invoice_date,amount,currency\n" + (
        "L-2,DE01,V-9,Nordwind,R-78,2026-05-01,10.00,EUR\nL-2,DE02,V-3,Seidel,4712,2026-05-02,9.00,EUR\n"
        "L-2,DE02,V-3,Seidel,4713,2026-05-02,9.00,EUR\n"
    )
    table = reference.read("invoices", "ledger.csv", text.encode())
    assert [row["invoice_id"] for row in table.rows] == ["L-2", "DE02/L-2"]
    assert [one.row for one in table.bad] == [3]


def test_one_row_sent_twice_in_a_file_is_booked_as_it_came_last(acme: World, door: IntakeDoor) -> None:
    line = "L-1,DE01,V-9,Nordwind,R-77,2026-05-01,10.00,EUR,Repair of a gate\n"
    both = receive(door, File("a.csv", (LEDGER + line + line.replace("10.00", "12.50")).encode()))
    assert [one.status for one in both] == ["accepted", "already_known"]
    assert facts(acme, both[0])["revision"] == 2
    assert booked(acme)[:2] == ("R-77", "12.50")


def test_nobody_writes_over_the_row_of_a_case_afterwards(acme: World, door: IntakeDoor) -> None:
    """What is imported later changes no row: else a duplicate could be hidden under another number."""
    line = "L-1,DE01,V-9,Nordwind,R-77,2026-05-01,10.00,EUR,Repair of a gate\n"
    (receipt,) = receive(door, File("ledger.csv", (LEDGER + line).encode()))
    receive(door, File("ledger.csv", (LEDGER + line.replace("10.00", "11.00")).encode()))
    before = booked(acme)
    for case in (receipt.case_id, None):
        for changed in (replace(BILL, amount=Decimal("11.00"), invoice_no="XX"), replace(BILL, amount=Decimal(3))):
            acme.import_books("invoices", bills.ledger_rows([(changed, case)]))
    assert booked(acme) == before


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"PK\x03\x04rest", "ZIP"), (b"%PDF-1.7 broken", "PDF"), (b"<a><b></a>", "XML")],
)
def test_what_cannot_be_read_is_recorded_with_its_reason(
    acme: World, door: IntakeDoor, content: bytes, words: str
) -> None:
    (receipt,) = receive(door, File("odd", content))
    assert receipt.status == "rejected"
    assert receipt.case_id is None
    assert words in (receipt.reason or "")
    assert acme.scalar("SELECT reason FROM cs.intake_log WHERE status = 'rejected'") == receipt.reason


def test_a_bad_file_does_not_hold_up_its_neighbours(acme: World, door: IntakeDoor, month: CompanyMonth) -> None:
    good = month.documents[0]
    receipts = receive(door, File("a", b""), Unopened("gone.pdf", "permission denied"), File(good.name, good.content))
    assert [r.status for r in receipts] == ["rejected", "rejected", "accepted"]


def test_a_sum_that_the_page_contradicts_is_unknown_to_the_law(acme: World, door: IntakeDoor) -> None:
    page = "Lieferant GmbH\n\nRechnung Nr. 471102\nRechnungsdatum: 13.04.2018\nNetto 445,27 EUR\nGesamtbetrag {} EUR"
    pages = {name: pdf(page.format(total)) for name, total in (("same", "529,87"), ("other", "52.987,00"))}
    data = {"factur-x.xml": cii().encode()}
    files = [File(f"{name}.pdf", rewritten(content, attach=data)) for name, content in pages.items()]
    same, other = (facts(acme, receipt) for receipt in receive(door, *files))
    assert (float(same["amount"]), other["amount"]) == (529.87, None), "unknown = the highest band"
    kept = acme.scalar("SELECT amount FROM cs.invoices WHERE case_id = %s", other["case_id"])
    assert float(kept) == 529.87, "but what it may be a duplicate of is still looked for"


def test_text_that_postgres_cannot_hold_is_cleaned(acme: World) -> None:
    class Reader:
        def read(self, items: list[Incoming]) -> list[ReadResult]:
            fields = {"supplier": "a\x00b", "invoice_number": "1\ud800", "total_amount": "12.345", "currency": "EUR"}
            reading = Reading("invoice", None, False, "structured", fields, text="c\x00d\ud800" + "x" * 50_000)
            return [Accepted(item.name, "application/pdf", reading) for item in items]

    door = IntakeDoor(acme.database, acme.tokens["intake"], cast(DocumentReader, Reader()))
    (receipt,) = receive(door, File("odd.pdf", b"%PDF"))
    assert receipt.status == "accepted"
    reading = acme.scalar("SELECT reading FROM cs.case_readings")
    assert (reading["text"][:3], reading["fields"]["supplier"]) == ("cd?", "ab")
    assert len(reading["text"]) <= 20_000
    # An amount with more decimals than the currency has is not exact: the law must take it as unknown.
    assert facts(acme, receipt)["amount"] is None
    assert "counts as unknown" in reading["warnings"][0]


def test_a_key_that_no_index_can_hold_is_refused_and_its_neighbour_is_kept(acme: World, door: IntakeDoor) -> None:
    noise = "".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(60))[:1900]
    wide = "".join(chr(0x4E00 + int(noise[at : at + 3], 16)) for at in range(1800))
    row = {"queue": "record_to_report", "exception_type": "accrual_missing", "title": "T"}
    receipts = receive(
        door, CaseRow(case_row({**row, "source_key": wide})), CaseRow(case_row({**row, "source_key": "K"}))
    )
    assert [r.status for r in receipts] == ["rejected", "accepted"]


def test_an_agent_brings_nothing_in(acme: World, pool: PdfPool) -> None:
    door = IntakeDoor(acme.database, acme.tokens["agent"], DocumentReader(None, pool))
    with pytest.raises(NotPermitted):
        receive(door, CaseRow(case_row({"queue": "record_to_report", "exception_type": "accrual_missing"})))


def test_a_dispute_of_an_open_invoice_is_a_new_fact(door: IntakeDoor, acme: World) -> None:
    """The books learn of it once, with their own clock, and an open case is looked at again."""
    header = AR_HEADER.replace("clear_date", "clear_date,disputed_at")

    def bring(text: str) -> Receipt:
        (receipt,) = receive(door, File("items.csv", text.encode()))
        return receipt

    first = bring(AR_HEADER + "I1,C-1,2026-01-02,2026-02-01,10.00,EUR,\n")
    second = bring(header + "I1,C-1,2026-01-02,2026-02-01,10.00,EUR,,2026-01-20\n")
    assert (second.status, second.case_id) == ("already_known", first.case_id)
    assert second.reason == "new facts: revision 2"
    details = "SELECT details->>'disputed_at' FROM cs.case_readings WHERE case_id = %s ORDER BY revision DESC LIMIT 1"
    assert acme.scalar(details, first.case_id) == "2026-01-20"
    booked = "SELECT disputed_at::text || ' ' || (disputed_as_of::date = current_date) FROM cs.open_items"
    assert acme.scalar(booked) == "2026-01-20 true"
    for again in (header + "I1,C-1,2026-01-02,2026-02-01,10.00,EUR,,2026-01-20\n",
                  AR_HEADER + "I1,C-1,2026-01-02,2026-02-01,10.00,EUR,\n"):  # fmt: skip
        assert bring(again).reason == "same document or source key"
