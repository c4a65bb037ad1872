"""Twins out of the record: those that only their words give away, and the background against which all are scored."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.context import build_context
from agents.twin_keys import KEYS_VERSION, stored_keys
from agents.twin_texts import spoken, tell
from agents.twins import TwinsRead, invoice_of, likely_twins, read_twins
from agents.upkeep import Upkeep
from api.intake.bills import ledger_rows
from governance.record import twin_texts
from governance.record.twin_texts import Asked
from models.duplicates import Invoice, LedgerContext, score_pairs
from models.synthetic import CompanyMonth
from tests.agents import scenes
from tests.agents.conftest import Workers
from tests.agents.scenes import SmallBundle
from tests.build import World, genesis

ONE = Invoice("B-1", "DE01", "V-1", "Nord GmbH", None, None, "R-100", None, None, "EUR", Decimal("1000.00"), None,
              "Fitting of two doors, order 7788", "invoice")  # fmt: skip


def agent(acme: World) -> Any:
    return acme.database.transaction("agent", acme.tokens["agent"])


def pointing(angle: float) -> list[float]:
    """A unit vector at this angle (radians) from the first axis."""
    return [float(np.cos(angle)), float(np.sin(angle)), *[0.0] * 382]


def told(acme: World, bills: Sequence[Invoice], angles: Sequence[float]) -> None:
    acme.import_books("invoices", ledger_rows([(one, None) for one in bills]))
    with agent(acme) as conn:
        rows = [(one.invoice_id, "words", pointing(angle)) for one, angle in zip(bills, angles, strict=True)]
        assert twin_texts.remember(conn, rows) == len(bills)


def near(acme: World, vendor: str = "V-1", most: int = 5) -> list[str]:
    with agent(acme) as conn:
        asked = [Asked("case", vendor, 1000.0, pointing(0.0))]
        found = twin_texts.near(conn, asked, most=most, factor=1.25, similarity=0.6)
    assert {case for case, _ in found} <= {"case"}
    return sorted(invoice_id for _, invoice_id in found)


def test_neighbours_say_nearly_the_same_for_nearly_the_same_amount(acme: World) -> None:
    bills = [dataclasses.replace(ONE, invoice_id=f"B-{n}") for n in range(5)]
    bills[1] = dataclasses.replace(bills[1], amount=Decimal("-1250.00"))
    bills[2] = dataclasses.replace(bills[2], amount=Decimal("1250.01"))
    bills[3] = dataclasses.replace(bills[3], vendor_id="V-2")
    told(acme, bills, [0.0, 0.1, 0.0, 0.2, 1.0])
    assert near(acme) == ["B-0", "B-1", "B-3"]
    assert near(acme, "V-9") == ["B-0", "B-1", "B-3"], "another vendor record is found as well"
    other = genesis(acme.database, "other")
    assert near(other) == []


def test_the_nearest_of_a_vendor_are_found_behind_many_nearer_ones_of_others(acme: World) -> None:
    crowd = [dataclasses.replace(ONE, invoice_id=f"C-{n}", vendor_id="V-2") for n in range(40)]
    told(acme, [*crowd, ONE], [*(n / 1000 for n in range(40)), 0.5])
    found = near(acme, most=3)
    assert "B-1" in found
    assert len(found) == 4, "no more than asked for of the vendor, and of all"


def test_a_bill_without_words_of_its_own_gets_no_vector(acme: World) -> None:
    acme.import_books("invoices", ledger_rows([(dataclasses.replace(ONE, description=None), None)]))
    with agent(acme) as conn:
        assert twin_texts.remember(conn, [("B-1", "words", pointing(0.0)), ("unknown", "words", pointing(0.0))]) == 0


def test_words_are_told_without_their_numbers() -> None:
    assert spoken("Fitting of TWO doors,\norder 7788/A-12") == "fitting two doors order"
    assert spoken("Invoice 7788") is None
    assert spoken(None) is None


class Topics:
    """Vectors by topic: what is about doors points one way, all else another."""

    name = "topics"

    def __init__(self) -> None:
        self.texts: list[str] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts += texts
        return np.array([pointing(0.0 if "door" in text else 1.5) for text in texts], dtype=np.float32)


def test_a_bill_with_a_new_number_and_other_words_is_compared(
    acme: World, workers: Workers, month: CompanyMonth, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No key is shared: other number, other words, amount and day a little off. What is for the same is compared."""
    worker = workers()
    topics = Topics()
    models = dataclasses.replace(worker.parts.models, embedder=topics)
    worker.parts = dataclasses.replace(worker.parts, models=models)
    first = dataclasses.replace(month.invoices[0], invoice_id="B-1", description="Fitting of two doors", po=None,
                                invoice_no="R-100", amount=Decimal("1000.00"), doc_type="invoice")  # fmt: skip
    assert first.invoice_date is not None
    unlike = dataclasses.replace(first, invoice_id="B-2", description="Window cleaning, weekly", invoice_no="R-7",
                                 amount=Decimal("1100.00"))  # fmt: skip
    acme.import_books("invoices", ledger_rows([(first, None), (unlike, None)]))
    assert tell(lambda: agent(acme), [first.vendor_id], topics.encode) == 2
    assert tell(lambda: agent(acme), [first.vendor_id], topics.encode) == 0
    day = first.invoice_date + timedelta(days=40)
    second = dataclasses.replace(first, invoice_id="D-1", description="Doors, both, put in", invoice_no="ZX/4471",
                                 amount=Decimal("1090.00"), invoice_date=day)  # fmt: skip
    case = acme.accept(source_key="D-1", invoice_id="D-1", amount="1090.00", currency=second.currency,
                       entity=second.entity, supplier_id=second.vendor_id, issue_date=day.isoformat(),
                       reading={"fields": {"invoice_number": second.invoice_no, "supplier": second.vendor_name}},
                       details={"description": second.description})["case_id"]  # fmt: skip
    acme.import_books("invoices", ledger_rows([(second, case)]))
    compared: list[set[str]] = []

    def seen(read: TwinsRead, *_: Any) -> list[Any]:
        compared.append({row.invoice_id for _, row in read.twins})
        return []

    monkeypatch.setattr("agents.context.likely_twins", seen)
    build_context(worker._transaction, acme.claim(), worker.parts)
    assert compared == [{"B-1", "D-1"}]
    assert acme.scalar("SELECT array_agg(invoice_id ORDER BY 1) FROM cs.invoice_vectors") == ["B-1", "B-2", "D-1"]
    assert all("R-100" not in text and second.vendor_name not in text for text in topics.texts)


def test_a_worker_makes_keys_again_before_its_first_case(acme: World, workers: Workers, month: CompanyMonth) -> None:
    bill = next(one for one in month.invoices if one.doc_type == "invoice")
    acme.import_books("invoices", ledger_rows([(bill, None)]))
    acme.scalar("UPDATE cs.invoices SET keys = '{}', keys_version = 0 RETURNING 1")
    fields = {"invoice_number": bill.invoice_no, "supplier": bill.vendor_name}
    acme.accept(source_key="D-1", invoice_id="D-1", amount=str(bill.amount), currency=bill.currency, entity=bill.entity,
                supplier_id=bill.vendor_id, issue_date=bill.invoice_date and bill.invoice_date.isoformat(),
                reading={"fields": fields})  # fmt: skip
    workers().drain()
    findings = "SELECT l.content::jsonb #>> '{duplicates,0,invoice_id}' FROM cs.leaves l WHERE l.name = 'findings'"
    assert acme.scalar(findings) == bill.invoice_id


def test_vectors_are_made_when_there_is_time(acme: World, workers: Workers, month: CompanyMonth) -> None:
    bills = [dataclasses.replace(ONE, invoice_id=f"B-{n}", invoice_no=f"R-{n}") for n in range(70)]
    bills += [dataclasses.replace(ONE, invoice_id="W-1", vendor_id="V-2", description="Windows and doors")]
    acme.import_books("invoices", ledger_rows([(one, None) for one in bills]))
    acme.accept(supplier_id="V-1", details={"description": "Fitting of two doors"})
    worker = workers()
    worker.drain()
    upkeep = Upkeep(worker._transaction)
    counts = [upkeep.texts(worker.parts.memory, worker.parts.models.embedder) for _ in range(4)]
    assert counts == [64, 6, 0, 0]
    assert worker.parts.memory.vendors() == ()
    assert acme.scalar("SELECT count(*) FROM cs.invoice_vectors") == 70, "only of vendors that cases came from"
    with agent(acme) as conn:
        assert conn.execute("SELECT count(*) FROM cs.invoices WHERE keys_version < %s", (KEYS_VERSION,)).fetchone() == (
            0,
        )


def test_how_common_a_number_is_is_known_of_the_whole_ledger(
    acme: World, bundle: SmallBundle, month: CompanyMonth
) -> None:
    """Vendors that are not compared use the number as well: the pair is scored as in the whole ledger."""
    # As the scene's own case has it: what differs between the two would be another matter.
    made = scenes.brief(details={"invoice_id": "F-1"}, fields={"invoice_number": "4711"})
    first = invoice_of(made)
    assert first is not None
    second = dataclasses.replace(first, invoice_id="F-2", vendor_id="V-2")
    others = [
        dataclasses.replace(first, invoice_id=f"O-{n}", vendor_id=f"V-{n}", vendor_name=f"Other {n}", tax_id=None,
                            iban=None, amount=Decimal(n), po=None, invoice_date=None, posting_date=None)
        for n in range(10, 40)
    ]  # fmt: skip
    ledger = [first, second, *others, *month.invoices]
    acme.import_books("invoices", ledger_rows([(one, "case-1" if one is first else None) for one in ledger]))
    with agent(acme) as conn:
        read = read_twins(conn, {"case-1": made})
    assert not {row.invoice_id for row in read.ledger} & {one.invoice_id for one in others}
    (live,) = [one.pair for one in likely_twins(read, bundle.pair_scorer, 0.0) if one.twin.invoice_id == "F-2"]
    (whole,) = score_pairs([(first, second)], LedgerContext.fit(ledger), bundle.pair_scorer)
    assert live.probability == pytest.approx(whole.probability, abs=1e-4)
    (alone,) = score_pairs([(first, second)], LedgerContext.fit([first, second]), bundle.pair_scorer)
    assert (live.probability, live.parts) != (alone.probability, alone.parts), "it matters"


def test_the_ten_likeliest_twins_of_a_case_are_told(acme: World, bundle: SmallBundle) -> None:
    made = scenes.brief(details={"invoice_id": "F-0"}, fields={"invoice_number": "R-47110"})
    first = invoice_of(made)
    assert first is not None
    copies = [dataclasses.replace(first, invoice_id=f"F-{n}") for n in range(13)]
    acme.import_books("invoices", ledger_rows([(one, "case-1" if n == 0 else None) for n, one in enumerate(copies)]))
    with agent(acme) as conn:
        read = read_twins(conn, {"case-1": made})
    assert len(read.twins) == 13
    likely = likely_twins(read, bundle.pair_scorer, 0.0)
    assert len(likely) == 10
    assert [one.pair.probability for one in likely] == sorted((one.pair.probability for one in likely), reverse=True)


PINNED = (3, "ac4f5948c6b4a6cc")
"""KEYS_VERSION, and what the keys of the invoices below are under it."""


def test_who_changes_the_keys_of_an_invoice_raises_their_version() -> None:
    """Else invoices on record keep the old keys, and their twins are not found: raise KEYS_VERSION, then pin anew."""
    full = dataclasses.replace(ONE, tax_id="DE811907980", iban="DE89370400440532013000", invoice_date=date(2026, 3, 4),
                               posting_date=date(2026, 3, 9), po="4500012345", currency="USD")  # fmt: skip
    some = [
        full,
        dataclasses.replace(full, vendor_id="", invoice_no="RE-2026/0815-B COPY"),
        dataclasses.replace(full, doc_type="credit_note", amount=Decimal("-99.90"), invoice_no="\uff2f0l-\uff15"),
        dataclasses.replace(ONE, vendor_name="***", invoice_no="7", description=None),
        dataclasses.replace(full, vendor_name="Société Müller & Cie. S.A.", invoice_no="", invoice_date=None),
        dataclasses.replace(full, vendor_id="", vendor_name="株式会社 光", iban=None),
    ]
    said = "\n".join(" ".join(map(str, keys)) for keys in stored_keys(some))
    made = sha256(said.encode()).hexdigest()[:16]
    assert min(map(len, stored_keys(some))) > 3
    assert (KEYS_VERSION, made) == PINNED, "keys have changed: raise KEYS_VERSION, so that invoices on record get them"
