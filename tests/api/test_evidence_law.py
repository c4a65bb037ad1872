"""Evidence of all that the law knows: it proves itself, and a signed but lawless ledger does not."""

# ruff: noqa: E501  (statements stand on one line, as in governance/record/schema)
from __future__ import annotations

import copy
import dataclasses
import json
import random
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.evidence import seal
from api.evidence_check import check_bundle, extends
from governance.chain import canonical
from governance.errors import Malformed, Tampered
from governance.matrix import Policy
from governance.record import agreement, ledger
from governance.record.db import Database, clone, drop, urls_for
from tests.api.lawful import KEY, PUBLIC, Lawful, eventful, lawless, policy
from tests.api.test_evidence_mutations import delete, edit, old_format, places, rewrite
from tests.build import world
from tests.conftest import PASSWORDS


@pytest.fixture(scope="module")
def told(postgres: Any, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lawful]:
    """Tests leave it as it is."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = clone(postgres.superuser_url(), template, name)
    try:
        with Database(urls_for(url, PASSWORDS)) as database:
            yield eventful(database, tmp_path_factory.mktemp("told"))
    finally:
        drop(postgres.superuser_url(), name)


def test_every_case_proves_itself(told: Lawful) -> None:
    for name, case_id in told.cases.items():
        report = check_bundle(told.bundle(name), PUBLIC)
        assert report.case == case_id, name
        assert not report.sealed
    with told.made.database.transaction("owner") as conn:
        ledger.as_owner(conn)
        assert agreement.disagreements(conn, "acme") == []
        assert ledger.verify(conn, "acme", PUBLIC)[1] is None


def test_what_a_bundle_cannot_prove_is_said(told: Lawful) -> None:
    signed, gone = check_bundle(told.bundle("signed"), PUBLIC), check_bundle(told.bundle("gone"), PUBLIC)
    assert signed.signatures == 3
    assert any("other cases" in one for one in signed.unproven)
    assert gone.unproven == ()
    assert len(gone.erased) == 3 + 2


def test_the_bundle_shows_who_acted_for_whom_and_with_which_key(told: Lawful) -> None:
    delegated, covered, signed = (json.loads(told.bundle(name)) for name in ("delegated", "covered", "signed"))
    (seat,) = [one for one in delegated["recommendations"][0]["seats"] if one["role"] == "controller"]
    assert (seat["filled_by"], seat["acting_for"]) == ("reviewer2", "controller")
    (seat,) = [one for one in covered["recommendations"][0]["seats"] if one["role"] == "controller"]
    assert (seat["filled_by"], seat["stands_in_as"]) == ("admin1", "administrator")
    assert len(signed["changes"]) == 3
    applied = [json.loads(one["entry"]) for one in signed["entries"] if '"signing_key"' in one["entry"]]
    assert {one["subject"] for one in applied} == {one["recommendation"] for one in signed["changes"]}


# A seal, and an earlier checkpoint ----------------------------------------------------------------------------


def test_a_sealed_bundle_lets_nothing_be_left_out(told: Lawful) -> None:
    text = seal(told.bundle("delegated"), KEY)
    assert check_bundle(text, PUBLIC).sealed
    bundle = json.loads(text)
    # Only a seal shows an entry that was left out together with the count: nothing else here depends on the last one.
    del bundle["entries"][-1]
    bundle["found"] -= 1
    check_bundle(canonical({**bundle, "seal": None}), PUBLIC)
    with pytest.raises(Tampered, match="seal"):
        check_bundle(canonical(bundle), PUBLIC)


def test_an_earlier_checkpoint_is_proven_to_have_only_grown(told: Lawful) -> None:
    text = told.bundle("delegated")
    with told.made.database.transaction("owner") as conn:
        ledger.as_owner(conn)
        newest = ledger.newest_checkpoint(conn, "acme")
        assert newest is not None
        notes = [_signed_at(conn, size) for size in (1, 7, 16, newest[0])]
    assert extends(text, notes[-1], PUBLIC) is True
    for note in notes[:-1]:
        assert extends(text, note, PUBLIC) is None
        longer = told.bundle("delegated", earlier=note)
        assert check_bundle(longer, PUBLIC).grew_from == int(note.split("\n")[1])
        assert extends(longer, note, PUBLIC) is True
        for change in (
            lambda b: b["earlier"]["proof"].pop(),
            lambda b: b["earlier"]["proof"].append("0" * 64),
            lambda b: b["earlier"].update(checkpoint=notes[-1]),
            lambda b: b["earlier"].update(checkpoint=b["earlier"]["checkpoint"] + "\n"),
        ):
            with pytest.raises(Tampered):
                check_bundle(forge(longer, change), PUBLIC)


def test_a_checkpoint_of_another_history_is_noticed(told: Lawful) -> None:
    from governance.chain import Checkpoint, origin, sign_checkpoint

    other = sign_checkpoint(Checkpoint(origin("acme"), 7, b"x" * 32), KEY)
    with pytest.raises(Tampered, match="does not begin with"):
        check_bundle(told.bundle("delegated", earlier=other), PUBLIC)
    with pytest.raises(Malformed):
        told.bundle("delegated", earlier=sign_checkpoint(Checkpoint(origin("acme"), 10**6, b"x" * 32), KEY))
    text = told.bundle("delegated")
    size = int(json.loads(text)["checkpoint"].split("\n")[1])
    with pytest.raises(Tampered, match="not those"):
        extends(text, sign_checkpoint(Checkpoint(origin("acme"), size, b"x" * 32), KEY), PUBLIC)


def _signed_at(conn: Any, size: int) -> str:
    from governance.chain import Checkpoint, origin, sign_checkpoint

    return sign_checkpoint(Checkpoint(origin("acme"), size, ledger.root_at(conn, "acme", size)), KEY)


# A lawless record, signed by the right key ----------------------------------------------------------------------


def forge(text: str, change: Callable[[dict[str, Any]], Any]) -> str:
    bundle = json.loads(text)
    change(bundle)
    return canonical(bundle)


def entry(kind: str, path: str, value: str, also: str = "true") -> str:
    """Rewrite one value in entries of a kind."""
    return f"IF line.kind = '{kind}' AND {also} THEN body := jsonb_set(body, '{path}', {value}); END IF;"


APPROVED = "decision.approve"
LAWLESS: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    "nobody delegated": (
        "delegated", entry("delegation.made", "{body,role}", "'\"reviewer\"'"), (), "had not delegated",
    ),
    "another delegate": (
        "delegated", entry("delegation.made", "{body,queues}", "'[\"order_to_cash\"]'"), (), "had not delegated",
    ),
    "a delegation below the amount": (
        "delegated", entry("delegation.made", "{body,amount_below}", "'\"100\"'"), (), "had not delegated",
    ),
    "a delegation that was over": (
        "delegated", entry("delegation.made", "{body,ends_at}", "'\"2020-01-01T00:00:00.000000Z\"'"), (), "had not delegated",
    ),
    "a stand-in while the holder was there": (
        "covered", entry("absence.set", "{body,ends_at}", "'\"2020-01-01T00:00:00.000000Z\"'"), (), "stood in",
    ),
    "a stand-in who sent the holder away": (
        "covered", entry("absence.set", "{actor}", "'\"admin1\"'"), (), "stood in",
    ),
    "a stand-in of another role": (
        "covered", entry(APPROVED, "{body,stands_in_as}", "'\"reviewer\"'", "body#>>'{body,stands_in_as}' IS NOT NULL"), (), "reviewer",
    ),
    "the seats of the total left out": (
        "split", entry(APPROVED, "{body,seats}", "'{\"controller\": 1}'"), (), "not those that the policy asks for",
    ),
    "a rule that does not match": (
        "delegated", entry("recommendation.filed", "{body,rules}", "'[\"L-1 letters and tasks\"]'"), (), "rules that the ledger names",
    ),
    "a window that the amount alone reaches": (
        "signed", entry("recommendation.filed", "{body,rules}",
            "(SELECT jsonb_agg(r) FROM jsonb_array_elements(body#>'{body,rules}') AS r WHERE r::text NOT LIKE '\"M-3%%')"),
        (), "rules that the ledger names",
    ),
    "nothing was opened": ("delegated", entry(APPROVED, "{body,opened}", "'[]'"), (), "had not opened"),
    "a signature left out": (
        "signed", entry(APPROVED, "{body,signature}", "'null'"), ("UPDATE cs.decisions SET signature = NULL",), "demands a signature",
    ),
    "a signature over something else": (
        "signed", entry(APPROVED, "{body,signature}", "to_jsonb(translate(body#>>'{body,signature}', 'abcdefghij', 'jihgfedcba'))",
                        "body#>>'{body,signature}' IS NOT NULL"),
        ("UPDATE cs.decisions SET signature = translate(signature, 'abcdefghij', 'jihgfedcba') WHERE signature IS NOT NULL",),
        "signed with a key that was not theirs|did not make",
    ),
    "a key that nobody signed for": (
        "signed", entry("change.applied", "{body,subject}", "'\"nobody\"'", "body#>>'{body,of}' = 'signing_key'"), (), "says another thing",
    ),
    "a key that was revoked long ago": (
        "signed", "IF line.kind = 'change.applied' THEN body := jsonb_set(body, '{at}', '\"2020-01-01T00:00:00.000000Z\"'); END IF;"
        " IF body#>>'{body,of}' = 'signing_key' AND body#>>'{body,subject}' = 'reviewer' THEN body := jsonb_set(body, '{body,of}', '\"memory\"'); END IF;",
        (), "says another thing|not theirs",
    ),
    "another change was applied": (
        "policy", entry("change.applied", "{body,change}", "'\"sha256:00\"'"), (), "another change was applied|not the one that was applied",
    ),
    "a change that was never proposed": (
        "policy", entry("change.proposed", "{actor}", "'\"admin2\"'"), (), "not the one in its envelope",
    ),
    "an unlawful policy": (
        "regated", entry("change.applied", "{body,version}", "'7'", "body#>>'{body,of}' = 'policy'"),
        (), "no entry made active|never",
    ),
    "roles that no change gave": (
        "regated", entry("change.applied", "{body,of}", "'\"memory\"'", "body#>>'{body,of}' = 'roles'"), (), "no active person|says another",
    ),
    "somebody who was switched off": (
        "delegated", "IF line.kind = 'genesis' THEN body := jsonb_set(body, '{body,people}', (SELECT jsonb_agg(CASE WHEN p->>'id' = 'controller'"
        " THEN p || '{\"roles\": []}' ELSE p END) FROM jsonb_array_elements(body#>'{body,people}') AS p)); END IF;", (), "no active person",
    ),
    "an approval after expiry": (
        "delegated", entry(APPROVED, "{at}", "'\"2199-01-01T00:00:00.000000Z\"'"), (), "no longer open",
    ),
    "an effect after expiry": (
        "delegated", entry("effect.started", "{at}", "'\"2199-01-01T00:00:00.000000Z\"'"), (), "expired|no active|had not",
    ),
    "an effect before the last seat": (
        "split", entry(APPROVED, "{body,complete}", "'false'"), (), "not those that the policy|without every seat",
    ),
    "words that are gone without a word": ("delegated", "", ("DELETE FROM cs.leaves WHERE name = 'findings'",), "no entry says"),
    "a key's text that is gone without a word": ("signed", "", ("DELETE FROM cs.leaves WHERE name = 'change'",), "no entry says"),
}  # fmt: skip


def test_the_rewriting_itself_is_sound(told: Lawful) -> None:
    assert check_bundle(lawless(told, "signed", ""), PUBLIC).signatures == 3


@pytest.mark.parametrize("what", LAWLESS)
def test_a_lawless_record_does_not_pass(told: Lawful, what: str) -> None:
    name, rewrite, statements, reason = LAWLESS[what]
    with pytest.raises(Tampered, match=reason):
        check_bundle(lawless(told, name, rewrite, *statements), PUBLIC)


def test_an_approval_with_a_wrong_signature_is_said_while_nothing_has_left(told: Lawful) -> None:
    """The database cannot tell; what was let out with it would be tampering."""
    rewrite = (
        "IF body->>'kind' IN ('effect.started', 'effect.sent') THEN"
        ' body := body || \'{"kind": "recommendation.unstaffed"}\'; END IF;'
    )
    change = "translate(%s, 'abcdefghijKLMNOPQ', 'jihgfedcbaQPONMLK')"
    tail = change % "split_part(signature, ':', 3)"
    made = "split_part(signature, ':', 1) || ':' || split_part(signature, ':', 2) || ':' || " + tail
    text = lawless(
        told, "signed",
        rewrite + entry(APPROVED, "{body,signature}", "(SELECT to_jsonb(d.signature) FROM cs.decisions d WHERE d.id = body#>>'{body,decision}')",
                        "body#>>'{body,signature}' IS NOT NULL"),
        f"UPDATE cs.decisions SET signature = {made} WHERE signature IS NOT NULL",
        "UPDATE cs.ledger SET kind = 'recommendation.unstaffed' WHERE kind IN ('effect.started', 'effect.sent')",
    )  # fmt: skip
    report = check_bundle(text, PUBLIC)
    assert len([one for one in report.unproven if "signature is not right" in one]) == 3


# The tables against the ledger ------------------------------------------------------------------------------------

TABLES = {
    "for whom somebody acted": "UPDATE cs.seats SET acting_for = 'reviewer' WHERE acting_for IS NOT NULL",
    "for whom a decision was made": "UPDATE cs.decisions SET acting_for = NULL WHERE acting_for IS NOT NULL",
    "as what somebody stood in": "UPDATE cs.seats SET stands_in_as = NULL WHERE stands_in_as IS NOT NULL",
    "a signature": "UPDATE cs.decisions SET signature = NULL WHERE signature IS NOT NULL",
    "a seat that a total added": "DELETE FROM cs.seats WHERE seat = 3 AND filled_by IS NULL",
    "a delegation": "UPDATE cs.delegations SET amount_below = NULL",
    "a delegation that nobody made": (
        "INSERT INTO cs.delegations (tenant, from_actor, to_actor, role, starts_at, ends_at) "
        "VALUES ('acme', 'controller', 'analyst', 'controller', now(), now() + interval '1 day')"
    ),
    "a revocation": "UPDATE cs.delegations SET revoked_at = NULL",
    "an absence": "UPDATE cs.absences SET set_by = 'admin2'",
    "an absence that is gone": "DELETE FROM cs.absences",
    "who opened what": "DELETE FROM cs.openings WHERE actor = 'controller'",
    "a signing key": "UPDATE cs.signing_keys SET actor = 'admin1' WHERE actor = 'controller'",
    "a signing key that came back": "UPDATE cs.signing_keys SET revoked_at = NULL",
    "a signing key of one's own": (
        "INSERT INTO cs.signing_keys (tenant, id, actor, public_key) SELECT 'acme', left(encode(sha256(decode(k, 'base64')), 'hex'), 16), 'admin1', k "
        "FROM (VALUES ('AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=')) AS t(k)"
    ),
    "the text of a change": "UPDATE cs.leaves SET content = replace(content, 'controller', 'administrator') WHERE name = 'change'",
    "a window of the matrix": "UPDATE cs.matrix_rules SET window_days = 1 WHERE window_days = 30",
    "a signature of the matrix": "UPDATE cs.matrix_rules SET signature = false WHERE signature",
    "evidence of the matrix": "UPDATE cs.matrix_rules SET evidence = '{}' WHERE rule_id LIKE 'M-%'",
    "roles that were granted": "UPDATE cs.actors SET roles = '{reviewer}' WHERE id = 'analyst2'",
    "who was switched off": "UPDATE cs.actors SET active = false WHERE id = 'analyst2'",
    "an erasure": "DELETE FROM cs.erasures",
    "an erasure that nobody ordered": (
        "INSERT INTO cs.erasures (tenant, case_id, recommendations, threads, traces) SELECT tenant, id, '{}', '{}', '{}' FROM cs.cases LIMIT 1"
    ),
    "words that are gone": "DELETE FROM cs.leaves WHERE name = 'draft'",
    "comments that are gone": "DELETE FROM cs.decision_notes",
    "a hold that nobody placed": "INSERT INTO cs.legal_holds (tenant, subject, reason_hash) VALUES ('acme', '*', '')",
    "a champion that nobody chose": "INSERT INTO cs.champions (tenant, model, digest) VALUES ('acme', 'risk', 'sha256:0')",
    "a setting that nobody signed": (
        "INSERT INTO cs.settings (tenant, kind, subject, version, content, digest, recommendation_id) "
        "SELECT 'acme', 'tolerance', 'price', 1, '{}', 'sha256:' || encode(sha256('{}'), 'hex'), id FROM cs.recommendations LIMIT 1"
    ),
    "a policy that nobody signed": "UPDATE cs.policies SET version = version + 5 WHERE version = 2",
}  # fmt: skip


@pytest.mark.parametrize("what", TABLES)
def test_a_table_that_says_other_than_the_ledger_is_named(told: Lawful, what: str) -> None:
    with told.made.database.transaction("owner") as conn, conn.transaction(force_rollback=True):
        conn.execute("SET LOCAL session_replication_role = replica")
        assert conn.execute(TABLES[what].encode()).rowcount != 0, "the test changes nothing"
        ledger.as_owner(conn)
        assert agreement.disagreements(conn, "acme")


def test_a_settled_change_of_every_other_kind_agrees(database: Database, tmp_path: Path) -> None:
    told = Lawful.on(database, tmp_path)
    made = told.made
    for author, kind, subject, content, signers in (
        ("reviewer2", "tolerance", "*", {"price_percent": "2"}, ("reviewer", "controller")),
        ("controller", "hold", "supplier:S-1", {"reason": "court"}, ("reviewer",)),
        ("admin1", "hold_release", "supplier:S-1", {}, ("controller", "admin2")),
        ("controller", "hold", "case:x", {"reason": "court"}, ("reviewer",)),
        ("ml_engineer", "model", "risk", {"digest": "sha256:" + "a" * 64}, ("reviewer", "controller")),
        ("admin1", "erasure", "customer:C-1", {}, ("controller", "admin2")),
        ("admin1", "identity", "reviewer", {"issuer": "https://id.example", "subject": "r1"}, ("controller", "admin2")),
        ("admin1", "identity", "reviewer", {"issuer": "https://id.example", "subject": "r2"}, ("controller", "admin2")),
        ("admin1", "identity_broker", "service", {"issuer": "https://id.example"}, ("controller", "admin2")),
    ):
        made.enact(author, kind, subject, content, signers)
    with made.database.transaction("owner") as conn:
        conn.execute("SET LOCAL ROLE countersign_owner")
        people = json.dumps([{"id": n, "name": n, "token_sha256": n * 64} for n in ("a", "b")])
        conn.execute("SELECT cs.recover('acme', %s::jsonb, 'both left')", (people,))
    with made.database.transaction("review", made.tokens["admin1"]) as conn:
        conn.execute("SELECT cs.revoke_identity_broker('service', 'https://id.example')")
    told.sign()
    with made.database.transaction("owner") as conn:
        ledger.as_owner(conn)
        assert agreement.disagreements(conn, "acme") == []
        for statement in (
            "UPDATE cs.identities SET subject = 'r3' WHERE revoked_at IS NULL",
            "UPDATE cs.identities SET revoked_at = NULL",
            "UPDATE cs.identity_brokers SET revoked_at = NULL",
            "DELETE FROM cs.identities",
        ):
            with conn.transaction(force_rollback=True):
                conn.execute("RESET ROLE")
                conn.execute("SET LOCAL session_replication_role = replica")
                conn.execute("DROP INDEX cs.one_account_of_a_person")
                assert conn.execute(statement.encode()).rowcount
                assert agreement.disagreements(conn, "acme"), statement
        ids = [str(row[0]) for row in conn.execute("SELECT id FROM cs.cases ORDER BY created_at")]
    for case_id in ids:
        assert check_bundle(told.bundle(case_id), PUBLIC).unproven == ()


# The chain itself -------------------------------------------------------------------------------------------------

EDITED = 'UPDATE cs.ledger SET entry = replace(entry, \'"at":"20\', \'"at":"19\') WHERE seq = %(at)s'
REHASHED = "UPDATE cs.ledger SET hash = encode(sha256(convert_to(E'countersign/ledger/v1\\n' || entry, 'UTF8')), 'hex') WHERE seq = %(at)s"
SHIFTED = (
    "UPDATE cs.ledger SET seq = -seq WHERE seq > %(at)s",
    "UPDATE cs.ledger SET seq = 1 - seq WHERE seq < 0",
    "INSERT INTO cs.ledger SELECT tenant, seq + 1, entry, hash, kind, subject FROM cs.ledger WHERE seq = %(at)s",
    "UPDATE cs.ledger_heads SET seq = seq + 1",
)
SWAPPED = (
    "UPDATE cs.ledger a SET entry = b.entry, hash = b.hash, kind = b.kind, subject = b.subject FROM cs.ledger b "
    "WHERE (a.seq, b.seq) IN ((%(at)s, %(at)s - 1), (%(at)s - 1, %(at)s))"
)
CUT_AFTER = (
    "DELETE FROM cs.ledger WHERE seq > %(at)s",
    "UPDATE cs.ledger_heads h SET seq = l.seq, hash = l.hash FROM cs.ledger l WHERE l.seq = %(at)s",
    "DELETE FROM cs.checkpoints",
)
CHAIN: dict[str, tuple[tuple[str, ...], int]] = {
    "edit": ((EDITED,), 0),
    "edit and hash": ((EDITED, REHASHED), 1),
    "refile": (("UPDATE cs.ledger SET kind = 'case.requeued' WHERE seq = %(at)s",), 0),
    "delete": (("DELETE FROM cs.ledger WHERE seq = %(at)s",), 0),
    "insert": (SHIFTED, 1),
    "reorder": ((SWAPPED,), -1),
    "cut": (CUT_AFTER, 1),
}


@pytest.mark.parametrize("how", CHAIN)
def test_the_first_bad_entry_of_every_kind_is_named(told: Lawful, how: str) -> None:
    statements, offset = CHAIN[how]
    with told.made.database.transaction("owner") as conn:
        size = ledger.head(conn, "acme")
        outside = _signed_at(conn, size)
        kinds = conn.execute(
            "SELECT kind, min(seq) FROM cs.ledger WHERE seq > 1 AND seq < %s GROUP BY kind", (size,)
        ).fetchall()
        assert {"change.applied", "change.proposed", "delegation.made", "delegation.revoked", "absence.set", "absence.ended",
                "signing_key.revoked", "recommendation.regated", "case.erased", "actor.deactivated"} <= {kind for kind, _ in kinds}  # fmt: skip
        for kind, at in kinds:
            with conn.transaction(force_rollback=True):
                conn.execute("SET LOCAL session_replication_role = replica")
                for statement in statements:
                    assert conn.execute(statement.encode(), {"at": at}).rowcount != 0, "the test changes nothing"
                ledger.as_owner(conn)
                found = ledger.verify(conn, "acme", PUBLIC, outside)[1]
                assert found is not None, kind
                assert found.seq == at + offset, kind
                conn.execute("RESET ROLE")


# Bundles from before the law grew ------------------------------------------------------------------------------------


class OldPolicy(Policy):
    """A policy as it was written before rules knew windows and signatures, and roles their cover."""

    def rows(self) -> dict[str, Any]:
        rows = super().rows()
        del rows["cover"]
        rows["rules"] = [
            {k: v for k, v in row.items() if k not in ("window_days", "signature")} for row in rows["rules"]
        ]
        return rows


OLD_ENTRIES = (
    "IF line.kind = 'decision.approve' THEN body := body #- '{body,stands_in_as}' #- '{body,opened}' #- '{body,signature}' #- '{body,seats}'; END IF;"
    " IF line.kind = 'decision.override' THEN body := body #- '{body,rules}' #- '{body,policy_version}'; END IF;"
)


def test_a_bundle_from_before_the_law_grew_still_verifies(database: Database, tmp_path: Path) -> None:
    now = policy()
    old = OldPolicy(**{one.name: getattr(now, one.name) for one in dataclasses.fields(now)})
    told = Lawful(world(database, policy=old), tmp_path)
    made = told.made
    row = made.filed(source_key="old")
    kinder = {"to": "ap@supplier.example", "subject": "Order?", "body": "Would you please?", "language": "en"}
    made.decide("controller", row, "override", draft=kinder)
    edited = made.recommendation(made.scalar("SELECT id FROM cs.recommendations WHERE drafted_by = 'controller'"))
    told.approve(edited, "reviewer", comment="fine")
    made.carry_out(edited)
    told.cases["old"] = row["case_id"]
    text = lawless(told, "old", OLD_ENTRIES)
    check_bundle(text, PUBLIC)
    bundle = json.loads(text)
    old_format(random.Random(0), bundle, bundle)
    report = check_bundle(canonical(bundle), PUBLIC)
    assert sorted(report.outcomes.values()) == ["decision.override", "effect.sent"]
    rng, tried = random.Random(1), 0
    optional = {("key",), *(path for path, _ in places(bundle) if path[-1] in ("comment", "content", "salt"))}
    while tried < 100:
        changed = copy.deepcopy(bundle)
        rng.choice((edit, rewrite, delete))(rng, changed, bundle)
        # Words that were erased needed no entry then: a part that is null says less, and the report names it.
        if changed == bundle or any(path in optional and value is None for path, value in places(changed)):
            continue
        tried += 1
        with pytest.raises((Tampered, Malformed)):
            check_bundle(canonical(changed), PUBLIC)
