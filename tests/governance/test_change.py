"""Governed change: nothing about the law itself changes without others' signatures, and it changes once."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from governance import errors
from governance.action import CATALOGUE, Action
from governance.matrix import Policy
from governance.policy import compile_policy, standard_policy
from governance.record import accounts, changes, people, queue
from governance.record.db import Database
from tests.build import World, letter, world

KEY = base64.b64encode(
    Ed25519PrivateKey.from_private_bytes(b"k" * 32).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
).decode()
DIGEST = "sha256:" + "a" * 64
CONTENTS: dict[str, tuple[str, str, dict[str, Any], tuple[str, str]]] = {
    "roles": ("admin1", "analyst2", {"roles": ["reviewer"], "active": True}, ("controller", "admin2")),
    "signing_key": ("reviewer", "reviewer", {"public_key": KEY}, ("controller", "admin2")),
    "identity": (
        "analyst",
        "analyst",
        {"issuer": "https://id.acme.example", "subject": "a-1"},
        ("controller", "admin2"),
    ),
    "identity_broker": ("admin1", "service", {"issuer": "https://id.acme.example"}, ("controller", "admin2")),
    "fx": ("controller", "USD", {"rates": {"2026-01-02": "1.25"}}, ("admin1", "controller2")),
    "retention": ("admin1", "*", {"days": "3650"}, ("controller", "admin2")),
    "connector": ("admin1", "erp", {"url": "https://erp.example"}, ("controller", "admin2")),
    "hold": ("controller", "supplier:S-1", {"reason": "dispute in court"}, ("reviewer",)),  # type: ignore[dict-item]
    "model": ("ml_engineer", "risk", {"digest": DIGEST}, ("reviewer", "controller")),
    "threshold": ("ml_engineer", "duplicates", {"alert": "0.8"}, ("reviewer", "controller")),
    "tolerance": ("reviewer2", "*", {"price_percent": "2"}, ("reviewer", "controller")),
    "prompt": ("ml_engineer", "extract", {"text": "Read it."}, ("reviewer", "controller")),
    "template": (
        "reviewer2",
        "send_customer_reminder.de",
        {"subject": "Erinnerung", "opening": ["Unsere Rechnung ist offen."], "request": ["Bitte prüfen Sie sie."]},
        ("reviewer", "controller"),
    ),
    "mapping": ("analyst", "erp.csv", {"amount": "Betrag"}, ("reviewer", "controller")),
    "retraining": ("ml_engineer", "risk calibration", {"cause": "calibration"}, ("reviewer", "controller")),
    "calendar": ("admin1", "DE01", {"holidays": ["2026-12-25"]}, ("reviewer", "controller")),
    "memory": ("analyst", "S-1", {"restarts_numbers": True}, ("reviewer",)),  # type: ignore[dict-item]
}


@pytest.fixture
def acme(database: Database) -> World:
    made = world(database)
    made.scalar(
        "INSERT INTO cs.actors (tenant, id, kind, name, roles)"
        " VALUES ('acme', 'controller2', 'person', 'C', '{controller}') RETURNING 1"
    )
    made.scalar(
        "INSERT INTO cs.credentials (sha256, tenant, actor, kind)"
        " VALUES (%s, 'acme', 'controller2', 'api_key') RETURNING 1",
        people.token_hash("c2"),
    )
    made.tokens["controller2"] = "c2"
    return made


@pytest.mark.parametrize("kind", sorted(CONTENTS))
def test_every_kind_takes_effect_by_others_once(acme: World, kind: str) -> None:
    author, subject, content, signers = CONTENTS[kind]
    row = acme.propose(author, kind, subject, content)
    assert row["queue"] == "governance"
    assert row["excluded"] == sorted({author, *([subject] if kind in ("roles", "identity") else [])})
    with pytest.raises((errors.SegregationOfDuties, errors.NotPermitted)):
        acme.decide(author, row, "approve")
    for signer in signers:
        assert acme.scalar("SELECT count(*) FROM cs.ledger WHERE kind = 'change.applied'") == 0
        acme.decide(signer, row, "approve")
    done = acme.carry_out(row)
    assert done["applied"]["of"] == kind
    assert (acme.recommendation(row["id"])["state"], acme.recommendation(row["id"])["case_state"]) == (
        "executed",
        "done",
    )
    assert acme.scalar("SELECT count(*) FROM cs.ledger WHERE kind = 'change.applied' AND subject = %s", row["id"]) == 1
    with acme.database.transaction("review", acme.tokens["auditor"]) as conn:
        held = {(one["kind"], one["subject"]): one["content"] for one in changes.settings(conn)}
    if kind in (
        "retention",
        "connector",
        "threshold",
        "tolerance",
        "prompt",
        "template",
        "mapping",
        "calendar",
        "memory",
        "retraining",
    ):
        assert held == {(kind, subject): content}


def test_kinds_here_and_in_the_catalogue_are_the_database_s(acme: World) -> None:
    with acme.database.transaction("review", acme.tokens["auditor"]) as conn:
        rows = changes.kinds(conn)
    assert {row["action"] for row in rows} == {name for name, spec in CATALOGUE.items() if spec.effect == "change"}
    assert {row["kind"] for row in rows} - {"policy", "erasure", "hold_release"} == set(CONTENTS)
    covered = {action for rule in standard_policy().rules for action in rule.actions}
    assert {row["action"] for row in rows} <= covered


def test_a_change_that_was_overtaken_is_refused(acme: World) -> None:
    first = acme.propose("reviewer2", "tolerance", "*", {"price_percent": "2"})
    second = acme.propose("reviewer2", "tolerance", "*", {"price_percent": "9"})
    for row in (first, second):
        acme.decide("reviewer", row, "approve")
        acme.decide("controller", row, "approve")
    acme.carry_out(first)
    with pytest.raises(errors.IllegalState, match="propose it again"):
        acme.carry_out(second)


@pytest.mark.parametrize(
    ("author", "kind", "subject", "content", "refusal"),
    [
        ("reviewer", "policy", "standard", {}, errors.NotPermitted),
        ("service", "memory", "S-1", {}, errors.HumanRequired),
        ("agent", "memory", "S-1", {}, errors.HumanRequired),
        ("admin1", "roles", "nobody", {"roles": [], "active": True}, errors.Malformed),
        ("admin1", "roles", "agent", {"roles": ["controller"], "active": True}, errors.Malformed),
        ("admin1", "roles", "analyst", {"roles": ["king"], "active": True}, errors.Malformed),
        ("admin1", "roles", "analyst", {"roles": ["auditor", "reviewer"], "active": True}, errors.Malformed),
        ("reviewer", "signing_key", "controller", {"public_key": KEY}, errors.NotPermitted),
        ("reviewer", "signing_key", "reviewer", {"public_key": "short"}, errors.Malformed),
        ("reviewer", "identity", "controller", {"issuer": "https://id.example", "subject": "r"}, errors.NotPermitted),
        ("admin1", "identity", "service", {"issuer": "https://id.example", "subject": "r"}, errors.Malformed),
        ("admin1", "identity", "reviewer", {"issuer": "http://id.example", "subject": "r"}, errors.Malformed),
        ("admin1", "identity", "reviewer", {"issuer": "https://id.example", "subject": "r\u0301"}, errors.Malformed),
        ("admin1", "identity", "reviewer", {"issuer": "https://id.example"}, errors.Malformed),
        ("admin1", "identity_broker", "reviewer", {"issuer": "https://id.example"}, errors.Malformed),
        ("controller", "identity_broker", "service", {"issuer": "https://id.example"}, errors.NotPermitted),
        ("controller", "fx", "usd", {"rates": {"2026-01-02": "1.25"}}, errors.Malformed),
        ("controller", "fx", "USD", {"rates": {"2026-01-02": "0"}}, errors.Malformed),
        ("controller", "fx", "USD", {"rates": {"yesterday": "1"}}, errors.Malformed),
        ("admin1", "retention", "*", {"days": "1"}, errors.Malformed),
        ("admin1", "erasure", "everybody", {}, errors.Malformed),
        ("admin1", "nonsense", "x", {}, errors.Malformed),
        ("ml_engineer", "model", "risk", {"digest": "latest"}, errors.Malformed),
    ],
)
def test_a_change_that_says_nothing_sound_is_refused_before_anybody_is_asked(
    acme: World, author: str, kind: str, subject: str, content: dict[str, Any], refusal: type[errors.Refusal]
) -> None:
    with pytest.raises(refusal):
        acme.propose(author, kind, subject, content)
    with pytest.raises(errors.CommentRequired):
        acme.propose("analyst", "memory", "S-1", {}, why=" ")


# Policy -----------------------------------------------------------------------------------------------------------


def stricter() -> Policy:
    """The standard policy, with a controller on every letter."""
    from importlib import resources

    folder = resources.files("governance") / "policies" / "standard"
    matrix, workflows = ((folder / name).read_text("utf-8") for name in ("matrix.toml", "workflows.toml"))
    local = '[[rule]]\nid = "X-1"\nactions = ["request_purchase_order"]\nseats = { controller = 1 }\n'
    return compile_policy(matrix, workflows, [local])


def change_policy(acme: World, policy: Policy) -> dict[str, Any]:
    row = acme.propose("admin1", "policy", policy.name, {"policy": policy.text, "source": policy.source})
    for signer in ("controller", "admin2"):
        acme.decide(signer, row, "approve")
    return row


def test_what_is_pending_is_asked_anew_under_the_new_policy(acme: World) -> None:
    pending, approved = acme.filed(source_key="a"), acme.filed(source_key="b")
    acme.decide("reviewer", approved, "approve")
    row = change_policy(acme, stricter())
    assert acme.carry_out(row)["applied"]["regated"] == 2
    assert acme.scalar("SELECT count(*) FROM cs.effects WHERE state = 'ready'") == 0
    for old in (pending, approved):
        assert acme.recommendation(old["id"])["state"] == "superseded"
        new = acme.recommendation(
            str(
                acme.scalar(
                    "SELECT id FROM cs.recommendations WHERE case_id = %s AND state = 'awaiting_review'", old["case_id"]
                )
            )
        )
        assert sorted(seat["role"] for seat in new["seats"]) == ["controller", "reviewer"]
        assert [seat["filled_by"] for seat in new["seats"]] == [None, None]
        assert (new["envelope"]["action"], new["leaves"]["draft"]) == (
            old["envelope"]["action"],
            old["leaves"]["draft"],
        )
        assert new["drafted_by"] == "agent"
        with pytest.raises(errors.IllegalState):
            acme.decide("reviewer", old, "approve")
        acme.decide("reviewer", new, "approve")
        acme.decide("controller", new, "approve")
        acme.carry_out(new)


def test_a_locked_recommendation_is_asked_anew_by_the_clock(acme: World) -> None:
    pending = acme.filed()
    row = change_policy(acme, stricter())
    with acme.database.transaction("owner") as conn:
        conn.execute("SELECT FROM cs.recommendations WHERE id = %s FOR UPDATE", (pending["id"],))
        assert acme.carry_out(row)["applied"]["regated"] == 0
    with pytest.raises(errors.PolicyChanged):
        acme.decide("reviewer", pending, "approve")
    assert acme.tick()["regated"] == 1
    assert acme.recommendation(pending["id"])["state"] == "superseded"


def test_a_policy_without_an_owner_or_out_of_canonical_form_is_refused(acme: World) -> None:
    rows = stricter().rows()
    for text in (json.dumps(rows), "{", "[]"):
        with pytest.raises(errors.Malformed):
            acme.propose("admin1", "policy", "x", {"policy": text, "source": ""})
    from governance.chain import canonical

    unowned = canonical({**rows, "owner": " "})
    row = acme.propose("admin1", "policy", "x", {"policy": unowned, "source": ""})
    for signer in ("controller", "admin2"):
        acme.decide(signer, row, "approve")
    with pytest.raises(errors.PolicyInvalid):
        acme.carry_out(row)


# Roles ------------------------------------------------------------------------------------------------------------


def test_one_administrator_makes_no_signers(acme: World) -> None:
    from governance.actor import ActorKind

    with pytest.raises(errors.GovernedChange), acme.database.transaction("review", acme.tokens["admin1"]) as conn:
        accounts.add(conn, "puppet", kind=ActorKind.PERSON, name="P", email=None, roles=["reviewer"], key="k")
    with acme.database.transaction("review", acme.tokens["admin1"]) as conn:
        accounts.add(conn, "newcomer", kind=ActorKind.PERSON, name="N", email=None, roles=[], key="newcomer-key")
    acme.tokens["newcomer"] = "newcomer-key"
    row = acme.filed()
    with pytest.raises(errors.NotPermitted):
        acme.decide("newcomer", row, "approve")
    acme.enact("admin1", "roles", "newcomer", {"roles": ["reviewer"], "active": True})
    assert acme.decide("newcomer", row, "approve")["state"] == "approved"


def test_nobody_signs_their_own_promotion(acme: World) -> None:
    row = acme.propose("admin1", "roles", "controller", {"roles": ["administrator", "controller"], "active": True})
    with pytest.raises(errors.SegregationOfDuties):
        acme.decide("controller", row, "approve")


def test_who_was_switched_off_comes_back_through_the_gate(acme: World) -> None:
    with acme.database.transaction("review", acme.tokens["admin1"]) as conn:
        accounts.set_active(conn, "reviewer", False)
    with pytest.raises(errors.GovernedChange), acme.database.transaction("review", acme.tokens["admin1"]) as conn:
        accounts.set_active(conn, "reviewer", True)
    acme.enact("admin1", "roles", "reviewer", {"roles": ["reviewer"], "active": True})
    acme.decide("reviewer", acme.filed(), "approve")


def test_two_administrators_remain(acme: World) -> None:
    acme.enact("admin1", "roles", "reviewer2", {"roles": ["reviewer"], "active": True})
    row = acme.propose("admin1", "roles", "analyst", {"roles": ["analyst"], "active": True})
    acme.decide("controller", row, "approve")
    acme.decide("admin2", row, "approve")
    acme.scalar("UPDATE cs.actors SET roles = '{administrator}' WHERE id = 'analyst' RETURNING 1")
    acme.scalar("UPDATE cs.actors SET active = false WHERE id = 'admin1' RETURNING 1")
    with pytest.raises(errors.IllegalState):
        acme.carry_out(row)


def test_recovery_is_the_owner_s_and_loud(acme: World) -> None:
    with acme.database.transaction("owner") as conn:
        conn.execute("SET LOCAL ROLE countersign_owner")
        conn.execute(
            "SELECT cs.recover('acme', %s::jsonb, 'both administrators left')",
            (json.dumps([{"id": n, "name": n, "token_sha256": people.token_hash(n)} for n in ("new1", "new2")]),),
        )
    acme.tokens |= {"new1": "new1", "new2": "new2"}
    acme.enact("new1", "roles", "analyst2", {"roles": ["reviewer"], "active": True}, ("controller", "new2"))
    assert acme.scalar("SELECT count(*) FROM cs.ledger WHERE kind = 'recovery'") == 1
    for role in ("review", "courier", "agent", "intake", "audit"):
        with (
            pytest.raises(Exception, match="permission denied"),
            acme.database.transaction(role, acme.tokens["admin1"]) as conn,
        ):
            conn.execute("SELECT cs.recover('acme', '[]', 'x')")


# Rates, agents, overrides ------------------------------------------------------------------------------------------


def test_rates_change_through_the_gate_once_work_has_begun(acme: World) -> None:
    acme.import_books("fx", [{"day": "2020-01-01", "currency": "USD", "per_eur": 1.25}])
    acme.filed()
    with pytest.raises(errors.GovernedChange):
        acme.import_books("fx", [{"day": "2026-01-01", "currency": "USD", "per_eur": 1000}])
    acme.enact("controller", "fx", "USD", {"rates": {"2026-01-02": "1.20"}}, ("admin1", "controller2"))
    assert float(acme.scalar("SELECT per_eur FROM cs.fx_rates WHERE day = '2026-01-02'")) == 1.2


def test_an_agent_files_no_change_and_nobody_edits_one_into_being(acme: World) -> None:
    acme.accept()
    (job,) = acme.claim(1)
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        digest = queue.briefs(conn, [job])[0].facts_digest
    proposal = letter(digest, action=Action("change_policy", {"subject": "x", "change": DIGEST}), draft=None)
    with pytest.raises((errors.GovernedChange, errors.UnknownAction)):
        acme.file(job, proposal)
    row = acme.recommendation(acme.file(job, letter(digest)).recommendation_id)
    with pytest.raises(errors.GovernedChange):
        acme.decide(
            "reviewer", row, "override", action={"name": "change_policy", "args": {"subject": "x", "change": DIGEST}}
        )
    row = acme.propose("analyst", "memory", "S-1", {"a": "b"})
    with pytest.raises(errors.GovernedChange):
        acme.decide(
            "reviewer", row, "override", action={"name": "hold_payment", "args": {"invoice_id": "I", "reason": "r"}}
        )


def test_a_rejected_withdrawn_or_expired_change_changes_nothing(acme: World) -> None:
    one, two, three = (acme.propose("analyst", "memory", f"S-{n}", {"a": "b"}) for n in range(3))
    acme.decide("reviewer", one, "reject")
    acme.decide("reviewer", two, "approve")
    acme.decide("reviewer", two, "withdraw")
    acme.scalar("UPDATE cs.recommendations SET expires_at = now() WHERE id = %s RETURNING 1", three["id"])
    assert acme.tick()["expired"] == 1
    assert [acme.recommendation(row["id"])["case_state"] for row in (one, two, three)] == [
        "rejected",
        "awaiting_review",
        "superseded",
    ]
    assert acme.scalar("SELECT count(*) FROM cs.settings") == 0
    assert acme.scalar("SELECT count(*) FROM cs.jobs") == 0


# Erasure, holds, retention -----------------------------------------------------------------------------------------


def closed(acme: World, **item: Any) -> dict[str, Any]:
    row = acme.filed(**item)
    acme.decide("reviewer", row, "approve", comment="ask Mrs Smith")
    acme.carry_out(row)
    return row


def words_of(acme: World, row: dict[str, Any]) -> int:
    return int(
        acme.scalar(
            "SELECT (SELECT count(*) FROM cs.leaves WHERE recommendation_id = %s)"
            " + (SELECT count(*) FROM cs.decision_notes) + (SELECT count(*) FROM cs.document_contents)"
            " + (SELECT count(*) FROM cs.case_readings WHERE case_id = %s AND reading <> '{}')",
            row["id"],
            row["case_id"],
        )
    )


def test_erasing_a_case_leaves_its_digest_and_the_chain(acme: World) -> None:
    row = closed(acme, content=b"<xml/>")
    assert words_of(acme, row) == 6
    acme.enact("admin1", "erasure", f"case:{row['case_id']}", {})
    assert words_of(acme, row) == 0
    after = acme.recommendation(row["id"])
    assert (after["digest"], after["envelope"]) == (row["digest"], row["envelope"])
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        (todo,) = changes.erasures(conn, "mlflow")
        assert (todo.case_id, list(todo.recommendations)) == (row["case_id"], [row["id"]])
        changes.erased(conn, "mlflow", [todo])
        assert changes.erasures(conn, "mlflow") == []
        assert len(changes.erasures(conn, "outbox")) == 1


def test_only_closed_cases_are_erased_and_held_ones_never(acme: World) -> None:
    row = acme.filed()
    change = acme.propose("admin1", "erasure", f"case:{row['case_id']}", {})
    for signer in ("controller", "admin2"):
        acme.decide(signer, change, "approve")
    with pytest.raises(errors.IllegalState):
        acme.carry_out(change)
    done = closed(acme, source_key="other")
    acme.enact("controller", "hold", "supplier:S-1", {"reason": "court"}, ("reviewer",))
    for subject in (f"case:{done['case_id']}", "supplier:S-1"):
        change = acme.propose("admin1", "erasure", subject, {})
        for signer in ("controller", "admin2"):
            acme.decide(signer, change, "approve")
        with pytest.raises(errors.LegalHold):
            acme.carry_out(change)
    assert words_of(acme, done) > 0


def test_retention_purges_what_is_old_and_not_held(acme: World) -> None:
    old, held, young = (closed(acme, source_key=key) for key in "abc")
    assert acme.tick()["purged"] == 0
    acme.enact("admin1", "retention", "*", {"days": "400"})
    acme.enact("controller", "hold", f"case:{held['case_id']}", {"reason": "court"}, ("reviewer",))
    for row in (old, held):
        acme.scalar(
            "UPDATE cs.cases SET updated_at = now() - interval '401 days' WHERE id = %s RETURNING 1", row["case_id"]
        )
    assert (acme.tick()["purged"], acme.tick()["purged"]) == (1, 0)
    titles = [acme.scalar("SELECT title FROM cs.cases WHERE id = %s", row["case_id"]) for row in (old, held, young)]
    assert [title == "erased" for title in titles] == [True, False, False]
    acme.enact("admin1", "hold_release", f"case:{held['case_id']}", {})
    assert acme.tick()["purged"] == 1
    assert acme.scalar("SELECT count(*) FROM cs.ledger WHERE kind = 'case.purged'") == 2
