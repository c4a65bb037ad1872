"""Names and texts: what looks like another is refused, and what was signed is what leaves."""

# ruff: noqa: E501  (a case stands on one line, as the statements in governance/record/schema)

from __future__ import annotations

import json
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from governance import errors
from tests.build import World
from tests.governance.bypass.attempts import (
    DRAFT,
    Attempt,
    Ground,
    Register,
    Try,
    approved,
    execute,
    leased,
    name_of,
    payment,
    say,
    sign,
)

tries = Register()

# People -------------------------------------------------------------------------------------------------------------


def add(acme: World, **person: Any) -> Try:
    given = {"id": "newcomer", "kind": "person", "name": "N", "roles": [], **person}
    return lambda: say(acme, "review", "admin1", ("SELECT cs.add_actor(%s)", (Jsonb(given),)))


IDS = {
    "a Cyrillic letter": "rеviewer", "zero width": "reviewer\u200b", "a space": "reviewer ", "a soft hyphen": "review\u00ader",
    "the direction turned round": "\u202ereweiver", "a line end": "reviewer\n", "nothing": "", "full width": "ｒeviewer",
    "a tab": "re\tviewer", "a slash": "../reviewer", "a combining mark": "reviewe\u0301r", "a quote": "reviewer'--",
}  # fmt: skip


@tries.each({name: (errors.TextInvalid, text) for name, text in IDS.items()}, "no user id")
def user_id_with(acme: World, text: str) -> Try:
    return add(acme, id=text)


@tries.each({name: (errors.IllegalState, text) for name, text in {"the same in capitals": "REVIEWER", "one capital": "Reviewer"}.items()},
            "one person signs once")  # fmt: skip
def user_id_that_is(acme: World, text: str) -> Try:
    return add(acme, id=text)


@tries.each(
    {"the same": (errors.IllegalState, "r@acme.example"), "in capitals": (errors.IllegalState, "R@ACME.example")}
)
def second_user_with_an_email_that_is(acme: World, email: str) -> Try:
    acme.scalar(
        "UPDATE cs.actors SET email = 'r@acme.example' WHERE tenant = %s AND id = 'reviewer' RETURNING 1", acme.tenant
    )
    return add(acme, email=email)


@tries.each({name: (errors.TextInvalid, text) for name, text in {
    "a Cyrillic letter": "ар@acme.example", "zero width": "a\u200bp@acme.example", "a space": "ap @acme.example",
    "a line end": "ap@acme.example\nBcc: thief@x.example", "an umlaut domain": "ap@äcme.example",
}.items()}, "plain ASCII")  # fmt: skip
def user_email_with(acme: World, text: str) -> Try:
    return add(acme, email=text)


@tries.each({name: (errors.TextInvalid, text) for name, text in {
    "zero width": "Ann\u200ba", "the direction turned round": "\u202eannA", "two alphabets in a word": "Аnna Smith",
}.items()})  # fmt: skip
def user_name_with(acme: World, text: str) -> Try:
    return add(acme, name=text)


# Masters ------------------------------------------------------------------------------------------------------------

UNSEEN = {"zero width": "\u200b", "a zero-width joiner": "\u200d", "a byte order mark": "\ufeff", "a soft hyphen": "\u00ad",
          "the direction turned round": "\u202e", "an isolate": "\u2066", "a word joiner": "\u2060", "a bell": "\u0007",
          "a line end": "\n"}  # fmt: skip


@tries.each({name: (errors.TextInvalid, mark) for name, mark in UNSEEN.items()}, "nobody can see")
def supplier_whose_name_hides(acme: World, mark: str) -> Try:
    return lambda: acme.import_books(
        "suppliers", [{"id": "S-2", "name": f"Sup{mark}plier One", "email": "a@b.example"}]
    )


@tries.each({name: (errors.TextInvalid, text) for name, text in {
    "a Cyrillic letter": "Suppliеr One", "a Greek letter": "Supplier Οne", "a Cyrillic beginning": "Ѕupplier One",
}.items()}, "mixes alphabets")  # fmt: skip
def supplier_whose_name_has(acme: World, text: str) -> Try:
    return lambda: acme.import_books("suppliers", [{"id": "S-2", "name": text, "email": "a@b.example"}])


@tries.each({kind: (errors.TextInvalid, kind) for kind in ("suppliers", "customers", "entities")}, "nobody can see")
def id_with_zero_width_among(acme: World, kind: str) -> Try:
    return lambda: acme.import_books(kind, [{"id": "S-1\u200b", "name": "One"}])


@tries.each({kind: (errors.TextInvalid, kind) for kind in ("suppliers", "customers")}, "plain ASCII")
def address_in_two_alphabets_among(acme: World, kind: str) -> Try:
    return lambda: acme.import_books(kind, [{"id": "S-1", "name": "One", "email": "аp@supplier.example"}])


ACCOUNTS = {"small letters": "de02120300000000202051", "spaces": "DE02 1203 0000 0000 2020 51", "zero width": "DE02\u200b120300000000202051",
            "a Cyrillic letter": "DЕ02120300000000202051", "nothing": "", "a line end": "DE02120300000000202051\n"}  # fmt: skip


@tries.each({name: (errors.TextInvalid, text) for name, text in ACCOUNTS.items()}, "an account is written")
def account_in_the_books_with(acme: World, text: str) -> Try:
    return lambda: acme.import_books("bank_accounts", [{"owner_kind": "supplier", "owner_id": "S-2", "iban": text}])


@tries.each({name: (errors.TextInvalid, text) for name, text in ACCOUNTS.items()}, "an account is written")
def account_on_a_document_with(acme: World, text: str) -> Try:
    return lambda: acme.accept(iban=text)


@tries.each({f"{name} in {column}": (errors.TextInvalid, column, mark) for column in ("source_key", "supplier_id", "invoice_id", "entity")
             for name, mark in (("zero width", "\u200b"), ("a line end", "\n"))}, "nobody can see")  # fmt: skip
def item_with(acme: World, column: str, mark: str) -> Try:
    given: dict[str, Any] = {column: f"S{mark}1"}
    return lambda: acme.accept(**given)


@tries.each({"a NUL": (errors.TextInvalid, "a\\u0000b"), "half of a surrogate pair": (errors.TextInvalid, "a\\ud800b")})
def item_whose_key_has(acme: World, text: str) -> Try:
    item = '{"queue": "accounts_payable", "source_key": "' + text + '"}'
    return lambda: say(acme, "intake", "intake", ("SELECT cs.accept(%s)", (item,)))


@tries.each({name: (errors.Malformed, item) for name, item in {
    "no source key": {"source_key": None}, "an empty source key": {"source_key": ""}, "no queue": {"queue": None},
    "a hash of another document": {"document_sha256": "0" * 64, "content": b"<xml/>"},
}.items()})  # fmt: skip
def item_with_a_lack(acme: World, item: dict[str, Any]) -> Try:
    if "content" not in item:
        return lambda: acme.accept(**item)
    call = "SELECT cs.accept(%s, %s)"
    given = {"source_key": "k", "queue": "accounts_payable", "document_sha256": "0" * 64}
    return lambda: say(acme, "intake", "intake", (call, (Jsonb(given), b"<xml/>")))


# Recipients ---------------------------------------------------------------------------------------------------------

RECIPIENTS = {
    "a stranger": "thief@elsewhere.example", "a Cyrillic letter": "аp@supplier.example", "capitals": "AP@supplier.example",
    "a space": "ap@supplier.example ", "zero width": "ap@supplier.example\u200b", "a second one": "ap@supplier.example, thief@x.example",
    "a header": "ap@supplier.example\nBcc: thief@x.example", "a display name": "Supplier <ap@supplier.example>",
    "the customer's": "pay@customer.example", "nobody": "", "a subdomain": "ap@supplier.example.thief.example",
    "a percent": "%", "another supplier's": "x@other.example",
}  # fmt: skip


@tries.each({name: (errors.FactsMismatch, to) for name, to in RECIPIENTS.items()}, "recipient")
def letter_of_a_person_to(acme: World, to: str) -> Try:
    acme.import_books("suppliers", [{"id": "S-2", "name": "Other", "email": "x@other.example"}])
    row = acme.filed(customer_id="C-1")
    return lambda: acme.decide("reviewer", row, "override", draft={**DRAFT, "to": to})


@tries.each({name: (errors.FactsMismatch, to) for name, to in RECIPIENTS.items()}, "recipient")
def letter_of_the_agent_to(acme: World, to: str) -> Try:
    acme.import_books("suppliers", [{"id": "S-2", "name": "Other", "email": "x@other.example"}])
    acme.accept(customer_id="C-1")
    (job,) = acme.claim()
    return lambda: agent_files(acme, job, {**DRAFT, "to": to})


def agent_files(acme: World, job: Any, draft: Any) -> Any:
    digest = acme.scalar("SELECT facts_digest FROM cs.case_revisions WHERE case_id = %s", job.case_id)
    action = {"name": "request_purchase_order", "args": {"supplier_id": "S-1", "invoice_number": "2026-1"}}
    text = draft if isinstance(draft, str) else json.dumps(draft)
    call = "SELECT * FROM cs.file(%s, %s, %s, %s, %s, '{}', '{}', %s, '{}', 'normal', NULL)"
    stamps = Jsonb({"template": action["name"]})
    return say(acme, "agent", "agent", (call, (job.id, job.fence, Jsonb(action), digest, text, stamps)))


DRAFTS: dict[str, tuple[type[errors.Refusal], Any]] = {
    "no letter": (errors.UnknownAction, "null"),
    "a letter that is a list": (errors.UnknownAction, []),
    "a letter that is a text": (errors.UnknownAction, '"hello"'),
    "no recipient": (errors.Malformed, {"subject": "s", "body": "b", "language": "en"}),
    "a blind copy": (errors.Malformed, {**DRAFT, "bcc": "thief@x.example"}),
    "an attachment": (errors.Malformed, {**DRAFT, "attachment": "x"}),
    "a recipient that is a list": (errors.Malformed, {**DRAFT, "to": ["ap@supplier.example", "thief@x.example"]}),
    "two recipients under one key": (
        errors.Malformed, '{"to": "thief@x.example", "to": "ap@supplier.example", "subject": "s", "body": "b", "language": "en"}'),
    "a number for a body": (errors.Malformed, {**DRAFT, "body": 1}),
}  # fmt: skip


@tries.each({name: (reason, draft) for name, (reason, draft) in DRAFTS.items()})
def filing_with(acme: World, draft: Any) -> Try:
    acme.accept()
    (job,) = acme.claim()
    return lambda: agent_files(acme, job, draft)


# What was signed is what leaves -------------------------------------------------------------------------------------

EDITS: dict[str, tuple[type[errors.Refusal], str]] = {
    "the letter": (errors.StaleDigest, "UPDATE cs.leaves SET content = replace(content, 'Please', 'Never') WHERE tenant = %s AND name = 'draft' RETURNING 1"),
    "the letter's recipient": (errors.StaleDigest, "UPDATE cs.leaves SET content = replace(content, 'ap@', 'thief@') WHERE tenant = %s AND name = 'draft' RETURNING 1"),
    "a space of the letter": (errors.StaleDigest, "UPDATE cs.leaves SET content = content || ' ' WHERE tenant = %s AND name = 'draft' RETURNING 1"),
    "the letter's salt": (errors.StaleDigest, "UPDATE cs.leaves SET salt = repeat('0', 32) WHERE tenant = %s AND name = 'draft' RETURNING 1"),
    "the letter away": (errors.UnknownAction, "DELETE FROM cs.leaves WHERE tenant = %s AND name = 'draft' RETURNING 1"),
    "the envelope's action": (errors.StaleDigest, "UPDATE cs.recommendations SET envelope = replace(envelope, 'request_purchase_order', 'send_supplier_email') WHERE tenant = %s RETURNING 1"),
    "the envelope's recipient": (errors.StaleDigest, "UPDATE cs.recommendations SET envelope = replace(envelope, '\"recipient\":', '\"recipient\":\"thief@x.example\",\"was\":') WHERE tenant = %s RETURNING 1"),
    "a space of the envelope": (errors.StaleDigest, "UPDATE cs.recommendations SET envelope = envelope || ' ' WHERE tenant = %s RETURNING 1"),
    "the digest": (errors.StaleDigest, "UPDATE cs.recommendations SET digest = 'sha256:' || repeat('0', 64) WHERE tenant = %s RETURNING 1"),
    "envelope and digest together": (errors.NoSeat, "UPDATE cs.recommendations SET envelope = envelope || ' ', digest = 'sha256:' || cs._sha256(E'countersign/recommendation/v1\\n' || envelope || ' ') WHERE tenant = %s RETURNING 1"),
    "the snapshot of the payee's bank": (errors.PayeeChanged, "UPDATE cs.recommendations SET payee_bank = 'none' WHERE tenant = %s RETURNING 1"),
    "the policy's version": (errors.PolicyChanged, "UPDATE cs.recommendations SET policy_version = 2 WHERE tenant = %s RETURNING 1"),
    "the time": (errors.Expired, "UPDATE cs.recommendations SET expires_at = now() WHERE tenant = %s RETURNING 1"),
}  # fmt: skip


@tries.each({name: (reason, statement) for name, (reason, statement) in EDITS.items()})
def owner_who_edits_after_the_approval(acme: World, statement: str) -> Try:
    effect = leased(acme, approved(acme))
    acme.scalar(statement, acme.tenant)
    return lambda: execute(acme, effect)


CHANGES: dict[str, tuple[type[errors.Refusal], str]] = {
    "the change": (errors.StaleDigest, "UPDATE cs.leaves SET content = replace(content, '3650', '10') WHERE tenant = %s AND name = 'change' RETURNING 1"),
    "its subject": (errors.StaleDigest, "UPDATE cs.leaves SET content = replace(content, '\"*\"', '\"other\"') WHERE tenant = %s AND name = 'change' RETURNING 1"),
    "its salt": (errors.StaleDigest, "UPDATE cs.leaves SET salt = repeat('0', 32) WHERE tenant = %s AND name = 'change' RETURNING 1"),
    "the change away": (errors.StaleDigest, "DELETE FROM cs.leaves WHERE tenant = %s AND name = 'change' RETURNING 1"),
}  # fmt: skip


@tries.each({name: (reason, statement) for name, (reason, statement) in CHANGES.items()})
def owner_who_edits_an_approved_change(acme: World, statement: str) -> Try:
    row = acme.propose("admin1", "retention", "*", {"days": "3650"})
    for signer in ("controller", "admin2"):
        acme.decide(signer, row, "approve")
    effect = leased(acme, row)
    acme.scalar(statement, acme.tenant)
    return lambda: execute(acme, effect)


@tries(errors.IllegalState, "has changed since")
def change_of_what_another_change_replaced_meanwhile(acme: World) -> Try:
    one, two = (acme.propose("admin1", "retention", "*", {"days": days}) for days in ("3650", "400"))
    for signer in ("controller", "admin2"):
        acme.decide(signer, one, "approve")
        acme.decide(signer, two, "approve")
    acme.carry_out(one)
    effect = leased(acme, two)
    return lambda: execute(acme, effect)


LEDGER = {
    "an entry changed": "UPDATE cs.ledger SET entry = '{{}}'",
    "a hash changed": "UPDATE cs.ledger SET hash = ''",
    "an entry deleted": "DELETE FROM cs.ledger",
    "all entries gone": "TRUNCATE cs.ledger",
    "a fact changed": "UPDATE cs.case_revisions SET amount = 1",
    "a fact deleted": "DELETE FROM cs.case_revisions",
    "a rule changed": "UPDATE cs.matrix_rules SET amount_from = 10 ^ 14",
    "a rule deleted": "DELETE FROM cs.matrix_rules",
    "a seat of a rule changed": "UPDATE cs.matrix_seats SET seats = 1",
    "a seat of a rule deleted": "DELETE FROM cs.matrix_seats",
}


@tries.each(
    {name: (errors.NotPermitted, statement.replace("{{}}", "{}")) for name, statement in LEDGER.items()}, "append-only"
)
def owner_of_the_record_with(acme: World, statement: str) -> Try:
    acme.filed()
    return lambda: say(acme, "owner", None, "SET LOCAL ROLE countersign_owner", statement)


@tries.each(
    {
        state: (errors.NoSeat if state == "approved" else errors.IllegalState, state)
        for state in ("approved", "awaiting_review", "executed")
    }
)
def owner_who_writes_an_effect_of_what_is(acme: World, state: str) -> Try:
    row = payment(acme)
    sign(acme, row, "reviewer")
    acme.scalar("UPDATE cs.recommendations SET state = %s WHERE id = %s RETURNING 1", state, row["id"])
    write = "INSERT INTO cs.effects (tenant, recommendation_id, connector, available_at) VALUES (%s, %s, 'task', now())"
    return lambda: say(acme, "owner", None, "SET LOCAL ROLE countersign_owner", (write, (acme.tenant, row["id"])))


@pytest.mark.parametrize("attempt", tries.attempts, ids=name_of)
def test_attempt(ground: Ground, attempt: Attempt) -> None:
    ground.run(attempt, ground.fresh())
