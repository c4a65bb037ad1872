"""People teach the reader, through the front door: correct, propose, approve, read the next one right, take it back."""

# ruff: noqa: E501  (a case stands on one line)

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from reportlab.pdfgen.canvas import Canvas

from api import cli
from governance.record import corrections
from governance.record.db import Connection
from tests.api.conftest import Api, problem_of
from tests.conftest import PASSWORDS

Run = Callable[..., tuple[int, list[Any], str]]
VAT = "DE136695976"


def page(number: str, total: str = "1,190.00", reference: str = "KD-7700") -> bytes:
    """A bill whose own number stands under a word that no label list has, beside a reference that looks like one."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(595, 842))
    canvas.setFont("Helvetica-Bold", 18)
    canvas.drawString(60, 780, "INVOICE")
    canvas.setFont("Helvetica", 10)
    lines = [
        (60, 740, "Supplier One"), (60, 726, "1 Harbour Road"), (60, 712, f"VAT ID: {VAT}"), (350, 740, "Invoice number:"),
        (460, 740, reference), (350, 726, "Belegkennung"), (460, 726, number), (350, 712, "Invoice date:"),
        (460, 712, "2026-03-01"), (60, 660, "Consulting"), (460, 660, "1,000.00"), (350, 620, "Net"),
        (460, 620, "1,000.00"), (350, 606, "VAT 19 %"), (460, 606, "190.00"), (350, 592, "Total amount EUR"), (460, 592, total),
    ]  # fmt: skip
    for left, top, text in lines:
        canvas.drawString(left, top, text)
    canvas.save()
    return buffer.getvalue()


@pytest.fixture
def acme(api: Api) -> Api:
    api.world.import_books(
        "suppliers", [{"id": "S-1", "name": "Supplier One", "vat_id": VAT, "email": "ap@supplier.example"}]
    )
    return api


def sent(api: Api, content: bytes, name: str = "bill.pdf") -> dict[str, Any]:
    """A document by the service; the case that it became."""
    answer = api.of("service").post("/v1/documents", files={"file": (name, content, "application/pdf")})
    assert answer.status_code == 202, answer.text
    return case(api, answer.json()["items"][0]["case_id"])


def case(api: Api, case_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.of("auditor").get(f"/v1/cases/{case_id}").json()
    return found


def number(found: dict[str, Any]) -> str | None:
    return str(found["reading"]["fields"]["invoice_number"])


def correct(api: Api, who: str, found: dict[str, Any], key: str | None = None, **right: str | None) -> httpx.Response:
    body = {"facts_digest": found["facts"]["facts_digest"], "corrected": right}
    headers = {"Idempotency-Key": key} if key else {}
    return api.of(who).post(f"/v1/cases/{found['id']}/corrections", json=body, headers=headers)


def proposal(api: Api, made: dict[str, Any]) -> dict[str, Any]:
    return api.world.recommendation(made["memory"]["recommendation_id"])


def approve(api: Api, row: dict[str, Any], who: str = "reviewer") -> None:
    api.world.decide(who, row, "approve")
    api.world.carry_out(row)


def memories(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.of("auditor").get("/v1/memories").json()["items"]
    return found


def test_one_correction_teaches_a_supplier_once_a_reviewer_has_signed(acme: Api) -> None:
    first, second = sent(acme, page("B-2026-0815")), sent(acme, page("B-2026-0816", reference="KD-7701"))
    assert (number(first), first["facts"]["supplier_id"]) == ("KD-7700", "S-1")
    answer = correct(acme, "analyst", first, invoice_number="B-2026-0815")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert number(case(acme, first["id"])) == "B-2026-0815"
    assert made["case"]["title"] == "Invoice B-2026-0815 from Supplier One"
    assert (made["names"], made["case"]["revision"], made["memory"]["known"]) == (["invoice_number"], 2, False)

    row = proposal(acme, made)
    assert [seat["role"] for seat in row["seats"]] == ["reviewer"]
    assert "analyst" in row["excluded"]
    (waiting,) = memories(acme)
    assert (waiting["state"], waiting["supplier_id"]) == ("awaiting_review", "S-1")
    assert waiting["reading"]["fields"]["invoice_number"]["label"] == "belegkennung"
    assert json.loads(row["leaves"]["evidence"]) == {"of": "memory", "documents": 1, "changed": 1, "unchanged": 0}
    shown = acme.world.scalar("SELECT to_jsonb(e) FROM cs.memory_effects e WHERE recommendation_id = %s", row["id"])
    assert (shown["case_id"], shown["before"], shown["after"]) == (second["id"], "KD-7701", "B-2026-0816")
    assert number(sent(acme, page("B-2026-0817"))) == "KD-7700"  # nothing holds that is only proposed

    approve(acme, row)
    read = sent(acme, page("B-2026-0818", reference="KD-7702"))
    assert number(read) == "B-2026-0818"
    assert read["reading"]["field_confidence"]["invoice_number"] is None
    assert read["reading"]["alternatives"]["invoice_number"][0] == "KD-7702"
    assert read["reading"]["evidence"]["invoice_number"]["text"] == "B-2026-0818"
    said = [note for note in read["reading"]["warnings"] if note.startswith("invoice_number")]
    assert said == ["invoice_number: by memory of supplier Supplier One, approved by Reviewer; without it KD-7702"]
    assert [(one["state"], one["approved_by"], one["version"]) for one in memories(acme)] == [
        ("holds", ["Reviewer"], 1)
    ]

    taken = {"kind": "memory", "subject": "S-1", "content": {"reading": {}}, "why": "the supplier has a new layout"}
    back = acme.of("analyst").post("/v1/changes", json=taken).json()
    approve(acme, acme.world.recommendation(back["id"]))
    assert number(sent(acme, page("B-2026-0819"))) == "KD-7700"
    assert memories(acme) == []


def test_who_corrected_signs_neither_the_case_nor_the_memory(acme: Api) -> None:
    found = sent(acme, page("B-1"))
    made = correct(acme, "reviewer", found, invoice_number="B-1").json()
    row = proposal(acme, made)
    problem_of(acme.decide("reviewer", row, "approve"), 403, "segregation-of-duties")
    assert acme.decide("reviewer2", row, "approve").status_code == 200


def test_the_same_lesson_is_proposed_once_and_the_next_one_adds_to_it(acme: Api) -> None:
    first = correct(acme, "analyst", sent(acme, page("B-1")), invoice_number="B-1").json()["memory"]
    again = correct(acme, "analyst2", sent(acme, page("B-2")), invoice_number="B-2").json()["memory"]
    assert (again["recommendation_id"], again["known"]) == (first["recommendation_id"], True)
    more = correct(acme, "analyst", sent(acme, page("B-3")), purchase_order="KD-7700").json()
    fields = json.loads(proposal(acme, more)["leaves"]["change"])["content"]["reading"]["fields"]
    assert sorted(fields) == ["invoice_number", "purchase_order"]


def test_what_stands_nowhere_on_the_page_teaches_nothing(acme: Api) -> None:
    made = correct(acme, "analyst", sent(acme, page("B-1")), invoice_number="Z-9").json()
    assert made["memory"] is None
    assert number(case(acme, made["case_id"])) == "Z-9"


def test_bank_details_are_neither_corrected_nor_remembered(acme: Api) -> None:
    found = sent(acme, page("B-1"))
    made = correct(acme, "analyst", found, iban="DE02120300000000202051").json()
    assert made["memory"] is None
    assert case(acme, found["id"])["facts"]["payee_iban"] is None
    rule = {"relation": "left", "label": "iban", "page": 1, "across": 1, "down": 1}
    asked = {"kind": "memory", "subject": "S-1", "content": {"reading": {"fields": {"iban": rule}}}, "why": "x"}
    refused = problem_of(acme.of("analyst").post("/v1/changes", json=asked), 400, "malformed")
    assert "call-back" in refused["detail"]


@pytest.mark.parametrize(
    "reading",
    [
        {"fields": {"supplier": {"relation": "left", "label": "from", "page": 1, "across": 1, "down": 1}}},
        {"fields": {"invoice_number": {"relation": "left", "label": "Beleg 4711", "page": 1, "across": 1, "down": 1}}},
        {"fields": {"invoice_number": {"relation": "left", "label": "x" * 41, "page": 1, "across": 1, "down": 1}}},
        {"fields": {"invoice_number": {"relation": "near", "label": "beleg", "page": 1, "across": 1, "down": 1}}},
        {"fields": {"invoice_number": {"relation": "place", "label": "beleg", "page": 1, "across": 1, "down": 1}}},
        {"fields": {"invoice_number": {"relation": "left", "label": "beleg", "page": 1, "across": 11, "down": 1}}},
        {"fields": {"invoice_number": {"relation": "left", "label": "beleg", "page": 1, "across": 1, "down": 1, "value": "4711"}}},
        {"fields": [], "titles": {}}, {"values": {}}, {"titles": {"proforma": "bill"}}, {"titles": {"no 7": "invoice"}}, "all",
    ],
)  # fmt: skip
def test_a_memory_names_labels_and_places_and_nothing_else(acme: Api, reading: object) -> None:
    asked = {"kind": "memory", "subject": "S-1", "content": {"reading": reading}, "why": "x"}
    problem_of(acme.of("analyst").post("/v1/changes", json=asked), 400, "malformed")


def test_a_memory_is_of_a_supplier_in_the_books(acme: Api) -> None:
    asked = {"kind": "memory", "subject": "S-9", "content": {"reading": {"fields": {}}}, "why": "x"}
    assert "S-9" in problem_of(acme.of("analyst").post("/v1/changes", json=asked), 400, "malformed")["detail"]


def test_a_memory_never_makes_an_amount_less(acme: Api) -> None:
    """Who signs hangs on the amount: a colleague's signature under a label must not lower it for all bills to come."""
    found = sent(acme, page("B-1"))
    assert found["facts"]["amount"] == "1190.00"
    made = correct(acme, "analyst", found, total_amount="1000.00").json()
    approve(acme, proposal(acme, made))
    read = sent(acme, page("B-2"))
    assert read["facts"]["amount"] == read["reading"]["fields"]["total_amount"] == "1190.00"
    assert any(note.startswith("total_amount: by memory") for note in read["reading"]["warnings"])


def test_refusals(acme: Api) -> None:
    found = sent(acme, page("B-1"))
    for who in ("service", "agent"):
        problem_of(correct(acme, who, found, invoice_number="B-1"), 403, "human-required")
    for who in ("auditor", "ml_engineer"):
        problem_of(correct(acme, who, found, invoice_number="B-1"), 403, "not-permitted")
    problem_of(correct(acme, "analyst", found), 400, "malformed")
    problem_of(correct(acme, "analyst", found, amount="1"), 400, "malformed")
    problem_of(correct(acme, "analyst", found, document_class="bill"), 400, "malformed")
    problem_of(correct(acme, "analyst", {**found, "id": "nowhere"}, invoice_number="B-1"), 404, "not-found")
    assert correct(acme, "analyst", found, invoice_number="B-1").status_code == 201
    problem_of(correct(acme, "analyst", found, invoice_number="B-2"), 409, "stale-digest")


def test_a_correction_takes_effect_once_per_key(acme: Api) -> None:
    found = sent(acme, page("B-1"))
    one = correct(acme, "analyst", found, key="k", invoice_number="B-1")
    two = correct(acme, "analyst", found, key="k", invoice_number="B-1")
    assert (one.json(), two.headers["Idempotent-Replayed"]) == (two.json(), "true")
    problem_of(correct(acme, "analyst", found, key="k", invoice_number="B-2"), 409, "idempotency-conflict")
    listed = acme.of("auditor").get(f"/v1/cases/{found['id']}/corrections").json()["items"]
    assert [(row["name"], row["before"], row["after"], row["actor_name"]) for row in listed] == [
        ("invoice_number", "KD-7700", "B-1", "Analyst")
    ]


def test_the_ledger_of_invoices_finds_the_corrected_number(acme: Api) -> None:
    found = sent(acme, page("B-77"))
    correct(acme, "analyst", found, invoice_number="B-77")
    assert acme.world.scalar("SELECT invoice_no FROM cs.invoices WHERE case_id = %s", found["id"]) == "B-77"
    correct(acme, "analyst", case(acme, found["id"]), document_class="contract")
    assert acme.world.scalar("SELECT count(*) FROM cs.invoices WHERE case_id = %s", found["id"]) == 1


def test_whose_it_is_follows_from_a_corrected_name(acme: Api) -> None:
    unknown = sent(acme, page("B-1"), "a.pdf")
    assert unknown["facts"]["supplier_id"] == "S-1"
    text = acme.of("service").post(
        "/v1/documents", files={"file": ("n.txt", b"INVOICE\nInvoice number: 4711\nTotal EUR 12.00\n" * 3)}
    )
    lost = case(acme, text.json()["items"][0]["case_id"])
    assert lost["facts"]["supplier_id"] is None
    assert correct(acme, "analyst", lost, supplier="Supplier One").json()["names"] == ["supplier", "supplier_id"]
    assert case(acme, lost["id"])["facts"]["supplier_id"] == "S-1"


def test_erasing_the_supplier_erases_what_was_learned(acme: Api) -> None:
    made = correct(acme, "analyst", sent(acme, page("B-1")), invoice_number="B-1").json()
    approve(acme, proposal(acme, made))
    assert memories(acme)[0]["state"] == "holds"
    acme.world.scalar("UPDATE cs.cases SET state = 'done' WHERE tenant = %s RETURNING 1", acme.world.tenant)
    acme.world.enact("admin1", "erasure", "supplier:S-1", {})
    assert memories(acme) == []
    assert acme.world.scalar("SELECT count(*) FROM cs.memory_effects WHERE tenant = %s", acme.world.tenant) == 0


def test_erasing_a_case_takes_its_values_out_of_proposals(acme: Api) -> None:
    other = sent(acme, page("B-2"))
    made = correct(acme, "analyst", sent(acme, page("B-1")), invoice_number="B-1").json()
    assert acme.world.scalar("SELECT count(*) FROM cs.memory_effects WHERE case_id = %s", other["id"]) == 1
    acme.world.scalar("UPDATE cs.cases SET state = 'done' WHERE id = %s RETURNING 1", other["id"])
    acme.world.enact("admin1", "erasure", f"case:{other['id']}", {})
    assert acme.world.scalar("SELECT count(*) FROM cs.memory_effects WHERE case_id = %s", other["id"]) == 0
    assert proposal(acme, made)["leaves"]["evidence"]


def test_how_much_was_taught_is_said(acme: Api) -> None:
    for at in range(5):
        correct(acme, "analyst", sent(acme, page(f"B-{at}")), document_class="receipt")
    correct(acme, "analyst", sent(acme, page("B-9")), document_class="contract", invoice_number="B-9")
    found = acme.of("ml_engineer").get("/v1/learning").json()
    classes = {one["document_class"]: one["state"] for one in found["classes"]}
    assert (classes["receipt"], classes["contract"]) == ("enough", "not enough data yet (1 of 5)")
    assert found["state"] == "not enough data yet (5 of 20)"
    assert {one["field"]: one["documents"] for one in found["fields"]}["invoice_number"] == 1


# The command line ---------------------------------------------------------------------------------------------------


@pytest.fixture
def run(acme: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `countersign learning …`: exit code, what it printed, its messages. `by` is who acts."""
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", acme.world.database.url("owner"))
    monkeypatch.setenv("COUNTERSIGN_TENANT", acme.world.tenant)
    for role, password in PASSWORDS.items():
        monkeypatch.setenv(f"COUNTERSIGN_{role.upper()}_PASSWORD", password)

    def runs(*given: str, by: str = "auditor", plain: bool = False) -> tuple[int, list[Any], str]:
        monkeypatch.setenv("COUNTERSIGN_API_KEY", acme.world.tokens[by])
        code = cli.main(["learning", *given, *([] if plain else ["--json"]), "--home", str(tmp_path / "home")])
        shown = capsys.readouterr()
        return (
            code,
            shown.out.splitlines() if plain else [json.loads(line) for line in shown.out.splitlines()],
            shown.err,
        )

    return runs


def test_state_and_memories_are_shown_and_a_memory_is_taken_back(acme: Api, run: Run) -> None:
    made = correct(acme, "analyst", sent(acme, page("B-1")), invoice_number="B-1", document_class="receipt").json()
    code, (state,), _ = run("state")
    assert (code, state["state"]) == (0, "not enough data yet (0 of 20)")
    lines = " ".join(run("state", plain=True)[1])
    assert "not enough data yet (1 of 5)" in lines
    code, (waiting,), _ = run("memories")
    assert (code, waiting["state"], waiting["supplier_id"]) == (0, "awaiting_review", "S-1")
    assert run("forget", "S-1", "--why", "x", by="analyst")[0] == 1  # nothing holds yet
    approve(acme, proposal(acme, made))
    assert run("forget", "S-1", "--field", "due_date", "--why", "x", by="analyst")[0] == 1
    code, (back,), words = run("forget", "S-1", "--field", "invoice_number", "--why", "a new layout", by="analyst")
    assert code == 0
    assert "a reviewer signs it" in words
    approve(acme, acme.world.recommendation(back["recommendation_id"]))
    (left,) = memories(acme)
    assert left["reading"]["fields"] == {}
    assert "receipt" in left["reading"]["titles"].values()
    assert run("forget", "S-1", "--why", "x", by="auditor")[0] == 1


def test_memories_are_asked_for_once_a_batch(acme: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    made = correct(acme, "analyst", sent(acme, page("B-1")), invoice_number="B-1").json()
    approve(acme, proposal(acme, made))
    asked: list[object] = []
    whole = corrections.memories

    def counted(conn: Connection) -> list[corrections.StoredMemory]:
        asked.append(conn)
        return whole(conn)

    monkeypatch.setattr(corrections, "memories", counted)
    files = [("file", (f"{at}.pdf", page(f"B-{at}", reference=f"KD-{at}"), "application/pdf")) for at in range(5, 9)]
    items = acme.of("service").post("/v1/documents", files=files).json()["items"]
    assert [number(case(acme, one["case_id"])) for one in items] == ["B-5", "B-6", "B-7", "B-8"]
    assert len(asked) == 1
