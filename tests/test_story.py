"""The story of the product through its front door: `countersign up --demo`, HTTP with demo keys, the command line.

An invoice that names no order comes in, the agent proposes a letter, a person countersigns exactly that letter, it
leaves once, and the record proves it, on the database and in a file that an auditor takes away.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.bundle import save, standard, train_bundle
from models.synthetic import company_month

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 120.0


def within(seconds: float, look: Callable[[], Any], what: str) -> Any:
    """The first truthy answer of `look`."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.25)
    return found


class Demo:
    """The running demo as its people see it."""

    def __init__(self, home: Path, url: str) -> None:
        self.home, self.url = home, url
        self.keys = json.loads((home / "demo-credentials.json").read_text())["keys"]
        self.http = {
            who: httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False)
            for who, key in self.keys.items()
        }

    def all(self, path: str, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = self.http["controller"].get(
                path, params={"limit": 500, **query, **({"cursor": cursor} if cursor else {})}
            )
            assert page.status_code == 200, page.text
            found += page.json()["items"]
            cursor = page.json()["next_cursor"]
            if cursor is None:
                return found

    def pending(self, case_id: str) -> dict[str, Any]:
        return within(
            PATIENCE,
            lambda: next(
                (r for r in self.all("/v1/recommendations", state="awaiting_review") if r["case_id"] == case_id), None
            ),
            "a pending recommendation",
        )

    def decide(self, who: str, recommendation: dict[str, Any], decision: str, **more: Any) -> httpx.Response:
        body = {"decision": decision, "digest": recommendation["digest"], **more}
        return self.http[who].post(f"/v1/recommendations/{recommendation['id']}/decisions", json=body)

    def letters(self, recommendation: dict[str, Any]) -> list[Path]:
        return sorted((self.home / "outbox").glob(f"*{recommendation['id']}*.eml"))

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "api.cli", *arguments, "--home", str(self.home)]
        return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE)

    def kill(self, role: str) -> int:
        """kill -9 a role's process, as a machine that loses power would."""
        killed = 0
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if role.encode() in words and b"api.cli" in words and str(self.home).encode() in words:
                os.kill(int(process.name), signal.SIGKILL)
                killed += 1
        return killed


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    home = tmp_path_factory.mktemp("story") / "home"
    # The shipped models take longer to train than this story to tell.
    save(train_bundle(scale=0.02), standard(home / "models"))
    line = [sys.executable, "-m", "api.cli", "up", "--demo", "--json", "--port", "0", "--home", str(home)]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said, "the demo did not start"
        try:
            made = Demo(home, json.loads(said)["url"])
            yield made
            for client in made.http.values():
                client.close()
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


def order_request(demo: Demo) -> dict[str, Any]:
    """A pending letter that asks a supplier for the order, about an e-invoice of the demo."""

    def look() -> dict[str, Any] | None:
        return next(
            (
                row
                for row in demo.all("/v1/recommendations", state="awaiting_review")
                if row["action"]["name"] == "request_purchase_order"
            ),
            None,
        )

    found: dict[str, Any] = within(PATIENCE, look, "a request for a purchase order")
    return found


def test_a_countersigned_letter_leaves_once_and_the_record_proves_it(demo: Demo) -> None:
    asked = order_request(demo)
    case = demo.http["auditor"].get(f"/v1/cases/{asked['case_id']}").json()
    assert demo.decide("analyst", asked, "approve").status_code == 403
    assert demo.decide("service", asked, "approve").json()["type"].endswith("/human-required")
    assert demo.decide("reviewer", asked, "approve").json()["state"] == "approved"

    (letter,) = within(PATIENCE, lambda: demo.letters(asked), "the letter")
    mail = message_from_bytes(letter.read_bytes(), policy=policy.default)
    assert asked["id"] in mail["Message-ID"]
    assert (mail["To"], mail["Subject"]) == (asked["draft"]["to"], asked["draft"]["subject"])
    assert mail.get_content().split() == asked["draft"]["body"].split()
    within(
        PATIENCE,
        lambda: demo.http["auditor"].get(f"/v1/cases/{case['id']}").json()["state"] == "done",
        "the case to be done",
    )
    assert demo.decide("reviewer2", asked, "approve").status_code == 409
    assert len(demo.letters(asked)) == 1

    assert demo.command("verify").returncode == 0
    bundle = demo.home / "evidence.json"
    assert demo.command("export", case["id"], "--out", str(bundle)).returncode == 0
    offline = demo.command("verify", str(bundle), "--public-key", str(demo.home / "ledger.pub"))
    assert offline.returncode == 0, offline.stderr
    bundle.write_text(bundle.read_text().replace("approve", "reject ", 1))
    assert demo.command("verify", str(bundle)).returncode == 3


def test_sent_back_work_comes_again_and_an_old_digest_is_refused(demo: Demo) -> None:
    asked = next(row for row in demo.all("/v1/recommendations", state="awaiting_review") if row["draft"])
    assert demo.decide("reviewer", asked, "send_back", comment="Friendlier, please.").json()["state"] == "sent_back"
    redraft = demo.pending(asked["case_id"])
    assert redraft["revision"] > asked["revision"]
    assert redraft["draft"]["body"] != asked["draft"]["body"]
    stale = demo.decide("reviewer2", redraft, "approve", digest=asked["digest"])
    assert (stale.status_code, stale.json()["type"].rsplit("/", 1)[1]) == (409, "stale-digest")
    assert demo.decide("reviewer2", redraft, "reject", reason_code="wrong_action").json()["case_state"] == "rejected"


def test_who_brings_a_document_in_cannot_approve_its_case(demo: Demo) -> None:
    document = next(
        made for made in company_month(99, invoices=60, exceptions=30).documents if made.media_type == "application/xml"
    )
    brought = demo.http["reviewer"].post(
        "/v1/documents",
        params={"name": document.name},
        content=document.content,
        headers={"Content-Type": "application/xml"},
    )
    assert brought.status_code == 202, brought.text
    (item,) = brought.json()["items"]
    pending = demo.pending(item["case_id"])
    refused = demo.decide("reviewer", pending, "approve")
    assert (refused.status_code, refused.json()["type"].rsplit("/", 1)[1]) == (403, "segregation-of-duties")
    assert demo.decide("reviewer2", pending, "approve").status_code == 200


def test_killed_workers_and_couriers_lose_nothing_and_do_nothing_twice(demo: Demo) -> None:
    party = order_request(demo)["action"]["args"]["supplier_id"]
    rows = [
        {"queue": "accounts_payable", "exception_type": "missing_order_reference", "source_key": f"crash-{n}",
         "title": f"Invoice crash-{n}", "amount": f"{100 + n}.00", "currency": "EUR", "supplier_id": party,
         "invoice_number": f"CR-{n}", "document_class": "invoice"}
        for n in range(48)
    ]  # fmt: skip
    accepted = demo.http["analyst"].post("/v1/cases", json=rows)
    assert accepted.status_code == 202, accepted.text
    cases = {item["case_id"] for item in accepted.json()["items"]}

    def pending() -> list[dict[str, Any]]:
        return [row for row in demo.all("/v1/recommendations", state="awaiting_review") if row["case_id"] in cases]

    within(PATIENCE, lambda: len(pending()) >= 10, "the first recommendations")
    assert demo.kill("work") >= 1
    filed = within(PATIENCE, lambda: len(found := pending()) == len(cases) and found, "a recommendation for every case")
    assert len({row["case_id"] for row in filed}) == len(cases)
    for number, row in enumerate(filed):
        assert demo.decide("reviewer", row, "approve").status_code == 200
        if number in (16, 32):
            demo.kill("deliver")

    def ended() -> bool:
        states = Counter(row["state"] for row in demo.all("/v1/cases") if row["id"] in cases)
        return states["done"] + states["awaiting_reconciliation"] == len(cases)

    within(PATIENCE * 2, ended, "every case to end")
    sent = [row for row in filed if demo.letters(row)]
    unknown = [row for row in demo.all("/v1/cases") if row["id"] in cases and row["state"] == "awaiting_reconciliation"]
    # What a courier was sending when it was killed goes to a person; nothing else is missing, and nothing left twice.
    assert len(sent) + len(unknown) >= len(cases)
    assert all(len(demo.letters(row)) <= 1 for row in filed)
    assert demo.command("verify").returncode == 0
