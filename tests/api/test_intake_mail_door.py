"""Mails through the front door: a case a document, each known again, each saying which mail it came with."""

from __future__ import annotations

import io
from typing import Any

import openpyxl

from tests.api.conftest import Api
from tests.api.intake_samples import ubl
from tests.api.mail_samples import compound, eml, msg

REMINDER = eml("Unsere Rechnung 5 ueber 12,00 EUR ist offen.", subject="Mahnung")
BOTH = eml("Unsere Rechnung ist noch offen.", ("e.xml", ubl().encode()), ("a.zip", b"PK\x03\x04"), subject="Mahnung")


def sent(api: Api, content: bytes, name: str) -> list[dict[str, Any]]:
    answer = api.of("analyst").post("/v1/documents", content=content, params={"name": name})
    assert answer.status_code == 202, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_each_document_of_a_mail_is_a_case(api: Api) -> None:
    items = sent(api, bytes(BOTH), "mail.eml")
    assert [(item["path"], item["status"], item["document_class"]) for item in items] == [
        ("mail.eml", "accepted", "payment_reminder"),
        ("mail.eml#1 e.xml", "accepted", "invoice"),
        ("mail.eml#2 a.zip", "rejected", None),
    ]
    letter, bill = (api.of("analyst").get(f"/v1/cases/{item['case_id']}").json() for item in items[:2])
    assert letter["title"] == "Payment reminder: Mahnung"
    assert bill["details"]["mail"]["from"] == "Nordlicht Energie <billing@nordlicht.example>"
    assert bill["details"]["mail"]["subject"] == "Mahnung"
    kept = api.of("analyst").get(f"/v1/cases/{items[1]['case_id']}/document")
    assert kept.content == ubl().encode()
    text = api.of("analyst").get(f"/v1/cases/{items[0]['case_id']}/document").text
    assert "Unsere Rechnung ist noch offen." in text
    assert "PK" not in text


def test_the_same_mail_again_is_known_whichever_way_it_came(api: Api) -> None:
    first = sent(api, bytes(REMINDER), "one.eml")
    again = sent(
        api, b"Received: from elsewhere by here; Tue, 3 Mar 2026 10:00:00 +0100\r\n" + bytes(REMINDER), "two.eml"
    )
    assert (first[0]["status"], again[0]["status"]) == ("accepted", "already_known")
    assert first[0]["case_id"] == again[0]["case_id"]
    forwarded = eml("Bitte noch einmal pruefen", ("e.xml", ubl().encode()), subject="Fw: Rechnung")
    both = [sent(api, bytes(mail), "m.eml") for mail in (BOTH, forwarded)]
    assert both[0][1]["case_id"] == both[1][0]["case_id"], "the same bill by two mails is one case"


def test_outlook_and_spreadsheets(api: Api) -> None:
    items = sent(api, compound(msg(attachments=(("e.xml", ubl().encode()),))), "mail.msg")
    assert [(item["path"], item["document_class"]) for item in items] == [("mail.msg#1 e.xml", "invoice")]
    book = openpyxl.Workbook()
    book.active.append(["queue", "exception_type", "source_key"])
    book.active.append(["accounts_payable", "price_variance", "sheet-1"])
    out = io.BytesIO()
    book.save(out)
    rows = sent(api, out.getvalue(), "cases.xlsx")
    assert [(item["path"], item["row"], item["status"], item["source_key"]) for item in rows] == [
        ("cases.xlsx", 1, "accepted", "sheet-1")
    ]


def test_a_mail_that_holds_nothing_readable_is_a_problem_with_reasons(api: Api) -> None:
    answer = api.of("analyst").post("/v1/documents", content=bytes(eml("", ("a.zip", b"PK\x03\x04"), subject="")))
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert "ZIP archive" in answer.text
