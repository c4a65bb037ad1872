"""The batch's context against a real Postgres: the same twins as DuckDB, risks, decided cases nearby."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from agents.context import Memory, build_context
from agents.twin_keys import asked_keys, number_key, rekey, stored_keys
from agents.worker import Worker
from api.intake.bills import ledger_rows
from governance.record import precedents, twin_keys
from governance.record.twin_keys import AskedKey
from models.blocking import blocking_keys, candidate_pairs
from models.duplicates import find_duplicates
from models.synthetic import CompanyMonth, company_month
from tests.agents.conftest import Workers
from tests.agents.scenes import TODAY, HashEncoder, SmallBundle
from tests.build import World, genesis

VECTOR = [1.0, *[0.0] * 383]


def agent(acme: World) -> Any:
    return acme.database.transaction("agent", acme.tokens["agent"])


def claimed(acme: World, worker: Worker) -> Any:
    return build_context(worker._transaction, acme.claim(), worker.parts)


def test_live_finds_the_same_pairs_as_duckdb(acme: World, month: CompanyMonth) -> None:
    ledger = month.invoices
    acme.import_books("invoices", ledger_rows([(one, None) for one in ledger]))
    with agent(acme) as conn:
        found = twin_keys.sharing(conn, asked_keys({one.invoice_id: one for one in ledger}), most=10_000)
    live = {frozenset((asked, other)) for asked, ids in found.items() for other in ids if asked != other}
    pairs = candidate_pairs(blocking_keys(ledger))
    assert live == {frozenset((ledger[a].invoice_id, ledger[b].invoice_id)) for a, b in pairs}
    assert len(live) > 200


def test_a_key_that_too_many_share_is_left_out(acme: World, month: CompanyMonth) -> None:
    model = month.invoices[0]
    crowd = [dataclasses.replace(model, invoice_id=f"X-{n}") for n in range(5)]
    acme.import_books("invoices", ledger_rows([(one, None) for one in crowd]))
    (key, *_) = stored_keys([model])[0]
    with agent(acme) as conn:
        for sure, cap, expected in ((5, 5, 5), (0, 5, 0), (4, 4, 0), (4, 9, 0)):
            assert len(twin_keys.sharing(conn, [AskedKey("case", key, sure, cap, 4)], most=100)["case"]) == expected
        assert len(twin_keys.sharing(conn, [AskedKey("case", key, 9, 9, 4)], most=3)["case"]) == 3


def test_a_sign_needs_another(acme: World, month: CompanyMonth) -> None:
    one, other = month.invoices[0], month.invoices[1]
    acme.import_books("invoices", ledger_rows([(one, None), (other, None)]))
    first, second, *_ = (key for key in stored_keys([one])[0] if key not in stored_keys([other])[0])
    for signs, expected in (((4, 4), []), ((4, 8), [one.invoice_id])):
        asked = [AskedKey("case", key, 0, 9, sign) for key, sign in zip((first, second), signs, strict=True)]
        with agent(acme) as conn:
            assert twin_keys.sharing(conn, asked, most=9)["case"] == expected


def test_the_keys_of_one_tenant_find_nothing_of_another(acme: World, month: CompanyMonth) -> None:
    one = month.invoices[0]
    number = number_key(one)
    assert number is not None
    other = genesis(acme.database, "other")
    other.import_books("invoices", ledger_rows([(one, None)]))
    with agent(acme) as conn:
        assert twin_keys.sharing(conn, asked_keys({"case": one}), most=9) == {"case": []}
        assert twin_keys.users_of(conn, [number], most=9) == {}
    with agent(other) as conn:
        assert twin_keys.sharing(conn, asked_keys({"case": one}), most=9) == {"case": [one.invoice_id]}
        assert twin_keys.users_of(conn, [number], most=9) == {number: (1, 1)}
    keys = "SELECT keys FROM cs.invoices WHERE tenant = 'other'"
    assert not set(acme.scalar(keys)) & set(stored_keys([one])[0]), "a key is mixed with its tenant"


def test_keys_of_an_older_version_are_made_again_once(acme: World, month: CompanyMonth) -> None:
    acme.import_books("invoices", ledger_rows([(one, None) for one in month.invoices]))
    kept = "SELECT jsonb_object_agg(invoice_id, keys) FROM cs.invoices WHERE invoice_id <> %s"
    before = acme.scalar(kept, month.invoices[0].invoice_id)
    acme.scalar("UPDATE cs.invoices SET keys = '{}', keys_version = 0 RETURNING 1")
    acme.scalar("UPDATE cs.invoices SET vendor_name = 'erased', vendor_id = '' WHERE invoice_id = %s RETURNING 1",
                month.invoices[0].invoice_id)  # fmt: skip

    def transaction() -> Any:
        return agent(acme)

    assert sum(rekey(transaction)) == len(month.invoices)
    assert list(rekey(transaction)) == []
    assert acme.scalar(kept, month.invoices[0].invoice_id) == before
    erased = dataclasses.replace(month.invoices[0], vendor_id="", vendor_name="", tax_id=None, iban=None)
    acme.scalar(
        "UPDATE cs.invoices SET tax_id = NULL, iban = NULL, keys_version = 0 WHERE vendor_name = 'erased' RETURNING 1"
    )
    assert list(rekey(transaction)) == [1]
    mixed = acme.scalar("SELECT cs._own_keys('acme', %s)", stored_keys([erased])[0])
    assert acme.scalar("SELECT keys FROM cs.invoices WHERE vendor_name = 'erased'") == mixed


def test_duplicates_of_a_batch_are_those_of_the_whole_ledger(
    acme: World, workers: Workers, bundle: SmallBundle, month: CompanyMonth
) -> None:
    """Scored on the vendors' rows alone, a pair gets the probability that the whole ledger would give it."""
    copies = [(left, right) for left, right, kind in month.duplicate_pairs if kind in ("resubmitted", "typo", "format")]
    by_id = {one.invoice_id: one for one in month.invoices}
    late = [by_id[right] for _, right in copies[:6]]
    rest = [one for one in month.invoices if one not in late]
    acme.import_books("invoices", ledger_rows([(one, None) for one in rest]))
    expected = {
        (pair.left_id, pair.right_id): pair.probability
        for pair in find_duplicates(late, bundle.pair_scorer, against=rest, threshold=0.0)
        if pair.probability >= 0.3 and {pair.left_id, pair.right_id} & {one.invoice_id for one in rest}
    }
    for one in late:
        case = acme.accept(
            source_key=one.invoice_id, invoice_id=one.invoice_id, exception_type="duplicate_suspect",
            amount=str(one.amount), currency=one.currency, entity=one.entity, supplier_id=one.vendor_id, iban=one.iban,
            issue_date=one.invoice_date and one.invoice_date.isoformat(),
            reading={"fields": {"invoice_number": one.invoice_no, "supplier": one.vendor_name,
                                "supplier_vat_id": one.tax_id, "purchase_order": one.po}},
            details={"description": one.description},
        )  # fmt: skip
        posted = dataclasses.replace(one, posting_date=one.posting_date)
        acme.import_books("invoices", ledger_rows([(posted, case["case_id"])]))
    context = claimed(acme, workers())
    found = {}
    for case_id, twins in context.duplicates.items():
        own = context.briefs[case_id].facts.details["invoice_id"]
        for twin in twins:
            found[frozenset((own, twin["invoice_id"]))] = twin["probability"]
    assert len(expected) >= 6
    assert found == {frozenset(pair): pytest.approx(probability, abs=1e-4) for pair, probability in expected.items()}
    assert all(twin["earlier"] for twins in context.duplicates.values() for twin in twins)


def test_of_two_that_came_in_the_earlier_one_is_not_the_copy(
    acme: World, workers: Workers, month: CompanyMonth
) -> None:
    one = month.invoices[10]
    ids = []
    for n in range(2):
        made = dataclasses.replace(one, invoice_id=f"D-{n}")
        case = acme.accept(source_key=f"D-{n}", invoice_id=f"D-{n}", amount=str(one.amount), currency=one.currency,
                           supplier_id=one.vendor_id, entity=one.entity,
                           reading={"fields": {"invoice_number": one.invoice_no}})  # fmt: skip
        acme.import_books("invoices", ledger_rows([(made, case["case_id"])]))
        ids.append(case["case_id"])
    context = claimed(acme, workers())
    assert [context.duplicates[case_id][0]["earlier"] for case_id in ids] == [False, True]
    assert [context.duplicates[case_id][0]["invoice_id"] for case_id in ids] == ["D-1", "D-0"]


def test_order_habits_count_the_suppliers_own_invoices(acme: World, workers: Workers, month: CompanyMonth) -> None:
    vendor = max({one.vendor_id for one in month.invoices}, key=[o.vendor_id for o in month.invoices].count)
    rows = [one for one in month.invoices if one.vendor_id == vendor]
    acme.import_books("invoices", ledger_rows([(one, None) for one in month.invoices]))
    acme.accept(supplier_id=vendor, reading={"fields": {"invoice_number": "unheard-of-1"}})
    context = claimed(acme, workers())
    bills = [one for one in rows if one.doc_type == "invoice"]
    assert context.order_habits[vendor] == (len(bills), sum(one.po is not None for one in bills))


def test_collection_risk_comes_from_the_customers_history(
    acme: World, workers: Workers, bundle: SmallBundle, month: CompanyMonth
) -> None:
    acme.import_books("open_items", month.books["open_item"])
    open_item = next(one for one in month.receivables if one.clear_date is None)
    acme.accept(queue="order_to_cash", exception_type="open_item", document_class=None, supplier_id=None,
                customer_id=open_item.customer_id, invoice_id=open_item.invoice_id, amount=str(open_item.amount),
                issue_date=open_item.posting_date.isoformat(), due_date=open_item.due_date.isoformat())  # fmt: skip
    context = claimed(acme, workers())
    (found,) = context.risks.values()
    own = [one for one in month.receivables if one.customer_id == open_item.customer_id]
    here = bundle.risk.rebased(month.receivables, TODAY, foreign=True)
    (expected,) = here.predict([dataclasses.replace(open_item, clear_date=None)], [TODAY], own)
    assert found["p_late"] == (None if expected.p_late is None else round(expected.p_late, 3))
    assert found["basis"] == expected.basis


def decided(acme: World, number: int, state: str, vector: list[float], queue: str = "accounts_payable",
            exception_type: str = "missing_order_reference") -> str:  # fmt: skip
    """A case with its vector, brought to a state; `done` and `rejected` by people's decisions."""
    row = acme.filed(source_key=f"n-{number}", queue=queue, exception_type=exception_type)
    with agent(acme) as conn:
        conn.execute("SELECT cs.remember(%s, 1, %s::vector)", (row["case_id"], vector))
    if state == "rejected":
        acme.decide("reviewer", row, "reject", reason_code="wrong_action")
    if state in ("done", "approved"):
        acme.decide("reviewer", row, "approve")
        acme.scalar("UPDATE cs.cases SET state = %s WHERE id = %s RETURNING 1", state, row["case_id"])
    return str(row["case_id"])


def near(offset: float) -> list[float]:
    made = np.array([1.0, offset, *[0.0] * 382])
    return [float(value) for value in made / np.linalg.norm(made)]


def test_precedents_are_decided_cases_that_have_ended_nearest_first(acme: World) -> None:
    done = decided(acme, 1, "done", near(0.4))
    rejected = decided(acme, 2, "rejected", near(0.2))
    decided(acme, 3, "awaiting_review", near(0.0))
    decided(acme, 4, "approved", near(0.0))
    other = genesis(acme.database, "other")
    other.import_books("suppliers", [{"id": "S-1", "name": "Other", "email": "ap@supplier.example"}])
    decided(other, 5, "done", near(0.0))
    with agent(acme) as conn:
        found = precedents.recall(conn, [asking("asking"), asking(done), asking("third", "order_to_cash"),
                                         asking("fourth", kind="invoice_received")], most=5)  # fmt: skip
    assert [(one.case_id, one.decision, one.outcome, one.action) for one in found["asking"]] == [
        (rejected, "reject", "rejected", "request_purchase_order"),
        (done, "approve", "done", "request_purchase_order"),
    ]
    assert (found["asking"][1].role, found["asking"][1].roles) == ("reviewer", ["reviewer"])
    assert found["asking"][0].similarity == pytest.approx(1 / np.sqrt(1 + 0.04), abs=1e-3)
    assert [one.case_id for one in found[done]] == [rejected], "a case is not its own precedent"
    assert found["third"] == found["fourth"] == [], "another queue, another type"


def asking(case_id: str, queue: str = "accounts_payable", kind: str = "missing_order_reference") -> precedents.Asked:
    return case_id, queue, kind, VECTOR


def test_the_index_finds_precedents_behind_many_of_other_kinds(acme: World) -> None:
    """The index filters after the scan: without going on, five nearer ones of another type would hide these."""
    ended = [decided(acme, n, "rejected", near(0.5 + n / 100)) for n in range(5)]
    nearer = decided(acme, 9, "rejected", near(0.1), exception_type="invoice_received")
    acme.scalar(
        "WITH made AS (INSERT INTO cs.cases (tenant, id, queue, state, source_key, title, revision) SELECT 'acme', "
        "'near-' || n, 'accounts_payable', 'rejected', 'near-' || n, '', 1 FROM generate_series(1, 400) n "
        "RETURNING id), "
        "revised AS (INSERT INTO cs.case_revisions (tenant, case_id, revision, entity, region, initiator, facts, "
        "facts_digest) SELECT 'acme', id, 1, 'DE01', 'EU', 'intake', '{}', '' FROM made RETURNING case_id) "
        "SELECT count(*) FROM revised"
    )
    # As many as no scan of the index would step over at once, in all directions; a few of them are equal.
    rng = np.random.default_rng(1)
    spread = [[1.0, *(rng.normal(0, 0.02, 383) if n % 4 else [0.0] * 383)] for n in range(400)]
    with acme.database.transaction("owner") as conn:
        for n, vector in enumerate(spread, 1):
            conn.execute(
                "INSERT INTO cs.case_vectors VALUES ('acme', %s, 1, %s::vector)",
                (f"near-{n}", str([float(v) for v in vector])),
            )
    acme.scalar(
        "WITH made AS (INSERT INTO cs.precedents SELECT v.tenant, v.case_id, 1, p.queue, p.exception_type, p.entity, "
        "p.amount, p.risk, p.recommendation_id, p.action, p.decision, p.role, p.seats, p.outcome, p.decided_at, "
        "v.embedding, hashtextextended(v.case_id, 0), true FROM cs.case_vectors v, cs.precedents p "
        "WHERE v.case_id LIKE 'near-%%' AND p.case_id = %s "
        "RETURNING 1) SELECT count(*) FROM made",
        nearer,
    )
    with agent(acme) as conn:
        indexed = precedents.recall(conn, [asking("asking")], most=5, exact=0)
        compared = precedents.recall(conn, [asking("asking")], most=5)
        assert conn.execute("SHOW enable_sort").fetchone() == ("on",)
    assert [one.case_id for one in indexed["asking"]] == ended
    assert indexed == compared


def test_a_vector_is_kept_without_the_names_of_people(acme: World, workers: Workers) -> None:
    acme.accept(details={"approver": "Erika Mustermann", "payer": "MAX MUSTER", "waiting_days": 9})
    worker = workers()
    claimed(acme, worker)
    encoder = worker.parts.models.embedder
    assert isinstance(encoder, HashEncoder)
    (text,) = encoder.texts
    assert "waiting days" in text
    assert not {"Erika", "MAX", "Supplier"} & set(text.split())


def test_a_text_is_embedded_once() -> None:
    encoder, memory = HashEncoder(), Memory(most=2)
    first = memory.encode(["a b", "c", "a b"], encoder)
    assert first[0] == first[2]
    assert memory.encode(["c"], encoder) == [first[1]]
    assert encoder.texts == ["a b", "c"]
    memory.encode(["d"], encoder)
    memory.encode(["a b"], encoder)
    assert encoder.texts == ["a b", "c", "d", "a b"], "the one that was not used longest is forgotten"


def test_history_that_was_posted_after_the_invoice_came_is_its_own_posting(
    acme: World, workers: Workers, month: CompanyMonth
) -> None:
    one = month.invoices[20]
    mine = dataclasses.replace(one, invoice_id="doc-1")
    case = acme.accept(source_key="doc-1", invoice_id="doc-1", amount=str(one.amount), currency=one.currency,
                       supplier_id=one.vendor_id, entity=one.entity,
                       reading={"fields": {"invoice_number": one.invoice_no}})["case_id"]  # fmt: skip
    acme.import_books("invoices", ledger_rows([(mine, case)]))
    tomorrow = acme.scalar("SELECT current_date") + timedelta(days=1)
    posted = dataclasses.replace(one, invoice_id="ERP-1", posting_date=tomorrow)
    older = dataclasses.replace(one, invoice_id="ERP-0", posting_date=tomorrow - timedelta(days=30))
    acme.import_books("invoices", ledger_rows([(posted, None), (older, None)]))
    context = claimed(acme, workers())
    assert {twin["invoice_id"]: twin["earlier"] for twin in context.duplicates[case]} == {
        "ERP-1": False,
        "ERP-0": True,
    }


def test_the_planted_month_goes_through_whole(acme: World, workers: Workers) -> None:
    """Every exception type of the demo company, as rows: nothing fails, and the cause is the one that was planted."""
    month = company_month(11, suppliers=15, customers=12, invoices=200, exceptions=40, today=TODAY)
    kinds = {"entity": "entities", "supplier": "suppliers", "customer": "customers", "bank_account": "bank_accounts",
             "order": "orders", "receipt": "receipts", "open_item": "open_items"}  # fmt: skip
    for name, kind in kinds.items():
        acme.import_books(kind, month.books[name])
    acme.import_books("invoices", ledger_rows([(one, None) for one in month.invoices]))
    causes = {}
    for planted in month.exceptions:
        row = planted.row
        fields = {name: row[name] for name in ("invoice_number", "purchase_order")}
        item = {name: row[name] for name in (
            "queue", "exception_type", "source_key", "title", "entity", "region", "amount", "currency", "supplier_id",
            "customer_id", "iban", "issue_date", "due_date", "document_class", "details")}  # fmt: skip
        made = acme.accept(**{**item, "invoice_id": row["invoice_number"], "reading": {"fields": fields}})
        causes[made["case_id"]] = planted.cause
    worker = workers()
    counts = worker.drain()
    assert (counts.filed, counts.failed) == (40, 0)
    with acme.database.transaction("owner") as conn:
        found = dict(conn.execute(
            "SELECT r.case_id, l.content::jsonb #>> '{cause,primary}' FROM cs.recommendations r "
            "JOIN cs.leaves l ON l.recommendation_id = r.id AND l.name = 'findings'").fetchall())  # fmt: skip
    assert found == causes
