"""From the bytes of an invoice to what the agent proposes, by whom the supplier master says that it is from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from api.intake.door import File, IntakeDoor
from api.intake.pdf import PdfPool
from api.intake.reader import DocumentReader
from tests.agents.conftest import Workers
from tests.api.intake_samples import ubl
from tests.build import World

BILL = ubl()
ACCOUNT, OTHER = "DE02120300000000202051", "DE89370400440532013000"
SUPPLIER = {"id": "S-71", "name": "Nordlicht Energie GmbH", "vat_id": "DE136695976", "country": "DE"}
POSED = BILL.replace("DE 136 695 976", "DE 811 907 980").replace("Energie", "Еnergie").replace("DE02 1203", "DE02 1204")

STRANGE = POSED.replace("Nordlicht\n      Еnergie", "Ganz Anders")


@pytest.fixture(scope="module")
def pool() -> Iterator[PdfPool]:
    with PdfPool(size=1) as pool:
        yield pool


def proposed(acme: World, workers: Workers, pool: PdfPool, bill: str, *accounts: tuple[str, str]) -> dict[str, Any]:
    """The recommendation for a bill, where the books hold the supplier and these accounts (owner, IBAN)."""
    acme.import_books("entities", [{"id": "DE01", "name": "Halden & Brook GmbH", "region": "EU", "currency": "EUR"}])
    acme.import_books("suppliers", [SUPPLIER, {"id": "S-72", "name": "Somebody Else AG"}])
    rows = [{"owner_kind": "supplier", "owner_id": owner, "iban": iban} for owner, iban in accounts]
    if rows:
        acme.import_books("bank_accounts", rows)
    door = IntakeDoor(acme.database, acme.tokens["intake"], DocumentReader(None, pool, default_currency="EUR"))
    (receipt,) = door.receive([File("bill.xml", bill.encode())])
    assert receipt.status == "accepted", receipt.reason
    workers(batch=1).drain()
    row = acme.recommendation(
        acme.scalar(
            "SELECT id FROM cs.recommendations WHERE case_id = %s AND state = 'awaiting_review'", receipt.case_id
        )
    )
    return {"action": row["envelope"]["action"], **json.loads(row["leaves"]["findings"])}


@pytest.mark.parametrize(
    ("bill", "accounts", "outcome", "action"),
    [
        (BILL, [("S-71", ACCOUNT)], "matched", "route_for_approval"),
        (BILL, [("S-71", OTHER)], "bank_details_differ", "verify_bank_details_by_callback"),
        (BILL, [("S-71", OTHER), ("S-72", ACCOUNT)], "bank_details_differ", "verify_bank_details_by_callback"),
        (BILL, [("S-72", ACCOUNT)], "bank_details_differ", "verify_bank_details_by_callback"),
        (BILL, [("S-71", ACCOUNT), ("S-72", ACCOUNT)], "matched", "route_for_approval"),
        (POSED, [("S-71", ACCOUNT)], "probable", "refer_to_person"),
        (POSED, [], "probable", "refer_to_person"),
        (STRANGE, [("S-71", OTHER)], "unknown", "refer_to_person"),
        # The account of a supplier under a name that is not its own: S-1 is in the books of every test.
        (STRANGE.replace("DE02 1204", "DE02 1203"), [], "probable", "refer_to_person"),
    ],
)  # fmt: skip
def test_the_books_say_whose_it_is_and_what_is_proposed(
    acme: World, workers: Workers, pool: PdfPool, bill: str, accounts: list[tuple[str, str]], outcome: str, action: str
) -> None:
    found = proposed(acme, workers, pool, bill, *accounts)
    match = found["document"]["supplier_match"]
    assert match["outcome"] == outcome
    if outcome == "bank_details_differ":
        assert found["action"]["name"] == action
        assert found["action"]["args"]["supplier_id"] == match["supplier_id"] == "S-71"
        assert any(one.startswith("iban: the account is not one") for one in found["document"]["warnings"])
    if bill is POSED:
        assert "lookalike_name" in match["findings"]
        assert [one["supplier_id"] for one in match["candidates"]] == ["S-71"]
        assert "only looks like Nordlicht Energie GmbH" in found["why"]
    assert found["action"]["name"] == action
