"""Commands on the record: bringing in, importing, reading, users and keys, as whoever was named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from api import cli
from governance.record.db import Database
from models import bundle
from models.synthetic import CompanyMonth, company_month
from tests.build import World, world
from tests.conftest import PASSWORDS

Run = Callable[..., tuple[int, list[dict[str, Any]], str]]


@pytest.fixture
def acme(database: Database, monkeypatch: pytest.MonkeyPatch) -> World:
    """A tenant that the command line finds through the environment, as on a machine of its own."""
    made = world(database)
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", database.url("owner"))
    monkeypatch.setenv("COUNTERSIGN_TENANT", made.tenant)
    for role, password in PASSWORDS.items():
        monkeypatch.setenv(f"COUNTERSIGN_{role.upper()}_PASSWORD", password)
    monkeypatch.setenv("COUNTERSIGN_INTAKE_TOKEN", made.tokens["intake"])
    monkeypatch.setattr(bundle, "default_bundle", lambda home, progress=None: SimpleNamespace(classifier=None))
    return made


@pytest.fixture
def run(acme: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command with --json: exit code, what it printed, its messages. `by` is who acts."""

    def runs(*arguments: object, by: str | None = None) -> tuple[int, list[dict[str, Any]], str]:
        if by is None:
            monkeypatch.delenv("COUNTERSIGN_API_KEY", raising=False)
        else:
            monkeypatch.setenv("COUNTERSIGN_API_KEY", acme.tokens[by])
        code = cli.main([*map(str, arguments), "--json", "--home", str(tmp_path / "home")])
        shown = capsys.readouterr()
        return code, [json.loads(line) for line in shown.out.splitlines()], shown.err

    return runs


@pytest.fixture(scope="module")
def month() -> CompanyMonth:
    return company_month(3, suppliers=12, customers=6, invoices=40, exceptions=24)


def test_intake_twice_is_one_case_each(run: Run, month: CompanyMonth, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for document in month.documents[:3]:
        (folder / document.name).write_bytes(document.content)
    (folder / "empty.pdf").write_bytes(b"")
    code, first, words = run("intake", folder)
    assert code == 1
    assert sorted(line["status"] for line in first) == ["accepted"] * 3 + ["rejected"]
    assert list(first[0]) == ["path", "row", "source_key", "status", "case_id", "document_class", "reason"]
    assert "3 accepted, 1 rejected" in words
    code, again, _ = run("intake", folder)
    assert code == 1
    assert sorted(line["status"] for line in again) == ["already_known"] * 3 + ["rejected"]
    assert {line["case_id"] for line in again} == {line["case_id"] for line in first}


def test_intake_of_rows_with_a_column_map(run: Run, tmp_path: Path) -> None:
    rows = tmp_path / "open.csv"
    rows.write_text("No;Kunde;Buchung;due_date;amount;clear_date\nA1;C-1;2026-01-02;2026-02-01;10.00;\n")
    columns = tmp_path / "map.toml"
    columns.write_text('invoice_id = "No"\ncustomer_id = "Kunde"\nposting_date = "Buchung"\n')
    code, lines, _ = run("intake", rows, "--map", columns)
    assert (code, lines[0]["status"], lines[0]["row"]) == (0, "accepted", 1)
    _, found, _ = run("cases", "--queue", "order_to_cash")
    assert [(case["exception_type"], case["amount"], case["currency"]) for case in found] == [
        ("overdue", "10.00", "EUR")
    ]


def test_intake_as_a_person_names_the_initiator(run: Run, month: CompanyMonth, tmp_path: Path) -> None:
    path = tmp_path / "bill.xml"
    path.write_bytes(month.documents[0].content)
    run("intake", path, by="analyst")
    _, cases, _ = run("cases")
    assert cases[0]["initiator"] == "analyst"


def test_a_path_that_is_not_there_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    code, lines, words = run("intake", tmp_path / "nothing")
    assert (code, lines) == (2, [])
    assert "nothing" in words


def test_import_checks_every_row(run: Run, acme: World, tmp_path: Path) -> None:
    path = tmp_path / "suppliers.csv"
    path.write_text(
        "id,name,vat_id,email,payment_terms_days,colour\n"
        "S-7,Nord GmbH,DE1,ap@nord.example,30,red\nS-8,,,,,\nS-9,Süd AG,,no mail,,\nS-7,Nord again,,,,\n"
        "S-10,West Ltd,,,thirty,\n"
    )
    code, (summary,), words = run("import", "suppliers", path)
    assert code == 1
    assert (summary["rows"], summary["changed"]) == (1, 1)
    assert [bad["row"] for bad in summary["rejected"]] == [2, 3, 4, 5]
    assert "row 2: name must be given" in words
    assert "row 4: the same id as in row 1" in words
    assert "colour" in words
    assert acme.scalar("SELECT payment_terms_days FROM cs.suppliers WHERE id = 'S-7'") == 30
    path.write_text("id,name,vat_id,email,payment_terms_days\nS-7,Nord GmbH,DE1,ap@nord.example,30\n")
    code, (summary,), _ = run("import", "suppliers", path)
    assert (code, summary["changed"]) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "name"),
    [("entities", "entity"), ("customers", "customer"), ("bank_accounts", "bank_account"), ("orders", "order"),
     ("receipts", "receipt"), ("payments", "payment"), ("fx", "fx"), ("open_items", "open_item")],
)  # fmt: skip
def test_import_takes_what_the_books_hold(run: Run, month: CompanyMonth, tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / f"{kind}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in month.books[name]))
    code, (summary,), words = run("import", kind, path)
    assert (code, summary["rejected"]) == (0, []), words
    assert summary["rows"] == len(month.books[name])
    assert summary["changed"] > 0


def test_import_of_a_ledger_brings_its_keys(run: Run, acme: World, tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text(
        "invoice_id,vendor_name,invoice_no,invoice_date,amount\nL1,Nord,R-1,2026-01-02,10.00\nL2,Nord,R-2,no day,1\n"
    )
    code, (summary,), _ = run("import", "invoices", path)
    assert (code, summary["rows"], summary["rejected"][0]["row"]) == (1, 1, 2)
    assert acme.scalar("SELECT cardinality(keys) FROM cs.invoices WHERE invoice_id = 'L1'") > 1
    assert acme.scalar("SELECT count(*) FROM cs.cases") == 0


def test_a_wrong_iban_is_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "accounts.csv"
    path.write_text("owner_kind,owner_id,iban\nsupplier,S-1,DE02 1203 0000 0000 2020 52\nsupplier,S-1,0012345678\n")
    _, (summary,), _ = run("import", "bank_accounts", path)
    assert summary["rows"] == 1
    assert "check digits" in summary["rejected"][0]["reason"]


def test_a_file_of_another_kind_says_what_is_missing(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "fx.csv"
    path.write_text("id,name\nS-1,Nord\n")
    code, _, words = run("import", "fx", path)
    assert code == 1
    assert "day, currency, per_eur are missing" in words


def test_case_tells_the_whole_story(run: Run, acme: World, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    filed = acme.filed()
    code, (shown,), _ = run("case", filed["case_id"])
    assert code == 0
    assert shown["recommendations"][0]["required_seats"] == [{"role": "reviewer", "filled_by": None}]
    assert shown["timeline"][0]["words"].endswith("brought in the case")
    assert cli.main(["case", filed["case_id"], "--home", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "request_purchase_order (awaiting_review)" in text
    assert "reviewer: open" in text
    assert run("case", "no-such-case")[0] == 1


def sign(acme: World, recommendation_id: str) -> None:
    """Two others sign a change, and it is applied."""
    row = acme.recommendation(recommendation_id)
    for who in ("controller", "admin2"):
        acme.decide(who, row, "approve")
    acme.carry_out(row)


def test_users_and_keys(run: Run, acme: World) -> None:
    code, (made,), _ = run("user", "add", "nina", "--name", "Nina", "--role", "reviewer", by="admin1")
    assert code == 0
    sign(acme, made["recommendation_id"])
    assert made["key"].startswith("cs_")
    acme.tokens["nina"] = made["key"]
    assert run("user", "add", "nina", by="admin1")[0] == 1
    assert run("user", "add", "olga", by="reviewer")[0] == 1
    assert "say who you are" in run("user", "add", "olga")[2]
    users = {user["id"]: user for user in run("user", "list")[1]}
    assert users["nina"]["roles"] == ["reviewer"]

    _, (key,), _ = run("key", "new", "--label", "laptop", "--days", "30", by="nina")
    assert key["actor"] == "nina"
    assert run("key", "new", "--for", "nina", by="admin1")[0] == 1  # another person's key is that person's signature
    acme.tokens["laptop"] = key["key"]
    assert run("cases", by="laptop")[0] == 0
    assert run("key", "revoke", key["id"], by="nina")[0] == 0
    assert run("cases", by="laptop")[0] == 1
    listed = {row["id"]: row for row in run("key", "list")[1]}
    assert listed[key["id"]]["revoked_at"] is not None
    assert not any("sha256" in column for column in listed[key["id"]])

    assert run("user", "off", "nina", by="admin2")[0] == 0
    assert run("cases", by="nina")[0] == 1
    code, (back,), _ = run("user", "on", "nina", by="admin1")
    assert (code, run("cases", by="nina")[0]) == (0, 1)
    sign(acme, back["recommendation_id"])
    assert run("cases", by="nina")[0] == 0
    assert run("user", "roles", "nina", "--role", "controller", by="reviewer")[0] == 1
    assert run("user", "roles", "nobody", by="admin1")[0] == 1


def test_the_key_may_stand_in_a_file(run: Run, acme: World, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(acme.tokens["admin1"] + "\n")
    assert run("user", "add", "pia", "--key-file", file)[0] == 0
    assert run("cases", "--key-file", tmp_path / "none")[0] == 2


def test_policy_diff_names_every_difference(run: Run, tmp_path: Path) -> None:
    code, lines, words = run("policy", "diff")
    assert (code, lines) == (0, [])
    assert "the files say what the active policy" in words
    local = tmp_path / "local.toml"
    local.write_text('[[rule]]\nid = "X-1"\nactions = ["hold_payment"]\nseats = { controller = 1 }\n')
    _, lines, _ = run("policy", "diff", local)
    assert [(line["change"], line["what"], line["id"]) for line in lines] == [("added", "rule", "X-1")]


def test_tasks_and_migrate(run: Run) -> None:
    assert run("tasks") == (0, [], "")
    code, lines, words = run("migrate")
    assert (code, lines) == (0, [])
    assert "up to date" in words


def test_a_table_carries_no_control_characters(
    run: Run, acme: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    acme.accept(title="evil \x1b[31m red")
    assert cli.main(["cases", "--home", str(tmp_path)]) == 0
    assert "\x1b" not in capsys.readouterr().out
    out = tmp_path / "cases.csv"
    assert cli.main(["cases", "--home", str(tmp_path), "--out", str(out)]) == 0
    assert "evil" in out.read_text()
    assert capsys.readouterr().out == ""
