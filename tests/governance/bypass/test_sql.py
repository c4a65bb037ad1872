"""SQL as each login role: nobody writes a row of the record, makes an object, or becomes somebody else."""

# ruff: noqa: E501  (a case stands on one line, as the statements in governance/record/schema)

from __future__ import annotations

import pytest

from governance.record.db import LOGIN_ROLES
from tests.build import World
from tests.governance.bypass.attempts import Ground, Reason, Register, denied, outcome, say

TABLES = (
    "absences", "action_catalogue", "actors", "bank_accounts", "case_readings", "case_revisions", "case_vectors",
    "cases", "challenger_estimates", "champions", "change_kinds", "checkpoints", "close_tasks", "control_keys", "correction_values", "corrections", "credentials", "customers", "decision_notes", "decisions",
    "delegations", "document_contents", "documents", "effects", "entities", "erasures", "expected_documents", "fx_rates", "idempotency", "identities", "identity_brokers",
    "intake_log", "invoice_vectors", "invoices", "jobs", "leaves", "ledger", "ledger_heads", "legal_holds", "llm_spending",
    "matrix_rules", "matrix_seats", "memory_effects", "observations", "open_items", "openings", "orders", "payments", "policies",
    "precedents", "receipts", "recommendations", "risk_estimates", "risk_monitors", "risk_references", "seats", "settings", "signing_keys", "suppliers", "tenants", "workflows", "worklist",
)  # fmt: skip
GUARDED = (
    "absences", "actors", "bank_accounts", "champions", "checkpoints", "credentials", "decisions", "delegations",
    "effects", "leaves", "ledger", "ledger_heads", "legal_holds", "matrix_rules", "matrix_seats", "openings",
    "policies", "recommendations", "seats", "settings", "signing_keys", "case_revisions", "cases", "corrections",
)  # fmt: skip
"""The tables on which everything hangs: each is tried by each role with every kind of write."""

STRONGEST = {"intake": "admin1", "agent": "agent", "review": "admin1", "courier": "courier", "audit": "auditor",
             "checkpoint": "admin1"}  # fmt: skip
"""Whose token each role's connection carries: with none at all, a refusal would say less."""

ITS_OWN = {
    "intake": ("accept", "refuse_item", "import_books", "idempotent", "remember_answer", "memories"),
    "agent": ("claim_jobs", "renew_jobs", "fail_job", "file", "note_thread", "remember", "observe",
              "sharing", "latest_sharing", "users_of", "stale_bills", "rekey", "remember_bills", "habits", "note_scores", "note_reference",
              "dunning", "control_draws", "recall", "routes", "seats_asked", "reserve_tokens", "settle_tokens"),
    "review": (
        "decide", "delegate", "revoke_delegation", "set_absence", "end_absence", "opened", "propose_change",
        "revoke_signing_key", "confirm", "requeue", "add_actor", "set_active", "issue_key", "revoke_key",
        "idempotent", "remember_answer", "open_session", "session", "close_session", "recorded",
        "open_identity_session", "revoke_identity", "revoke_identity_broker", "note_refusal", "correct", "facts_if_corrected",
        "propose_memory", "memories", "habits", "dunning",
    ),
    "courier": (
        "claim_effects", "execute", "settle", "tick", "add_checkpoint", "signatures", "erasures_for", "erased_in",
        "letter_to",
        "claim_observations", "settle_observations", "first_champion",
        "monitor_due", "risk_outcomes", "portfolio_outcomes", "note_monitor",
    ),
    "audit": ("control_draws",),
    "checkpoint": (),
}  # fmt: skip
"""The functions of each role, besides cs.tenant and cs.whoami."""

tries = Register()


def why(role: str, words: str) -> Reason:
    return denied("schema cs" if role == "checkpoint" else words)


def refused_as(acme: World, role: str, statement: str, reason: Reason) -> None:
    code, message = outcome(lambda: say(acme, role, STRONGEST[role], statement))
    assert (code, reason.words in str(message)) == (reason.code, True), f"{role}: {statement}: {code} {message}"


@pytest.mark.parametrize("table", GUARDED)
@pytest.mark.parametrize("role", LOGIN_ROLES)
def test_no_role_writes_a_table(ground: Ground, role: str, table: str) -> None:
    before = ground.fingerprint()
    for statement in (
        f"INSERT INTO cs.{table} OVERRIDING SYSTEM VALUE SELECT * FROM cs.{table}",
        f"INSERT INTO cs.{table} DEFAULT VALUES",
        f"UPDATE cs.{table} SET tenant = tenant",
        f"DELETE FROM cs.{table}",
        f"TRUNCATE cs.{table} CASCADE",
        f"MERGE INTO cs.{table} t USING (VALUES (1)) v (x) ON true WHEN MATCHED THEN DELETE",
    ):
        refused_as(ground.shared, role, statement, why(role, f"table {table}"))
    for statement in (
        f"LOCK TABLE cs.{table} IN ACCESS EXCLUSIVE MODE",
        f"COPY cs.{table} FROM PROGRAM 'true'",
    ):
        refused_as(ground.shared, role, statement, Reason("42501"))
    for statement in (
        f"ALTER TABLE cs.{table} DISABLE TRIGGER ALL",
        f"ALTER TABLE cs.{table} DISABLE ROW LEVEL SECURITY",
        f"DROP POLICY own_tenant ON cs.{table}",
        f"DROP TABLE cs.{table} CASCADE",
    ):
        # `DROP POLICY` says "relation", the others "table".
        refused_as(ground.shared, role, statement, why(role, f"{table}"))
    assert ground.fingerprint() == before


def test_the_lists_here_are_the_database_s_own(ground: Ground) -> None:
    with ground.database.transaction("owner") as conn:
        tables = conn.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'cs'::regnamespace AND relkind = 'r' ORDER BY 1"
        )
        assert tuple(row[0] for row in tables) == TABLES
        for role in LOGIN_ROLES:
            granted = conn.execute(
                "SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'cs'::regnamespace AND proname NOT IN "
                "('tenant', 'whoami') AND has_function_privilege(%s, oid, 'EXECUTE')",
                (f"countersign_{role}",),
            )
            assert {row[0] for row in granted} == set(ITS_OWN[role]), role
            writable = conn.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'cs'::regnamespace AND relkind IN ('r', 'v', 'S', 'm') "
                "AND CASE WHEN relkind = 'S' THEN has_sequence_privilege(%s, oid, 'USAGE, UPDATE') "
                "ELSE has_table_privilege(%s, oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') END",
                (f"countersign_{role}", f"countersign_{role}"),
            )
            assert writable.fetchall() == []


def signatures(ground: Ground) -> dict[str, list[str]]:
    """Every function of the schema by name, as calls with nulls: from a row, for a constant null is not even looked at."""
    calls: dict[str, list[str]] = {}
    with ground.database.transaction("owner") as conn:
        for name, kinds in conn.execute(
            "SELECT proname, ARRAY(SELECT format_type(t, NULL) FROM unnest(proargtypes::oid[]) AS t) FROM pg_proc "
            "WHERE pronamespace = 'cs'::regnamespace AND prorettype <> 'trigger'::regtype ORDER BY proname"
        ):
            nulls = ", ".join(f"NULL::{kind} AS a{place}" for place, kind in enumerate(kinds))
            names = ", ".join(f"a{place}" for place in range(len(kinds)))
            calls.setdefault(name, []).append(f"SELECT cs.{name}({names}) FROM (SELECT {nulls} OFFSET 0) v")
    return calls


OFFERED = tuple(sorted({name for names in ITS_OWN.values() for name in names}))
OWNERS = ("genesis", "recover")


@pytest.mark.parametrize("function", [*OFFERED, *OWNERS])
def test_no_role_calls_what_is_another_s(ground: Ground, function: str) -> None:
    before = ground.fingerprint()
    for role in LOGIN_ROLES:
        if function == "remember" and role == "checkpoint":
            continue  # its search path does not hold the type of the argument
        if function not in ITS_OWN[role]:
            for call in signatures(ground)[function]:
                refused_as(ground.shared, role, call, why(role, f"function {function}"))
    assert ground.fingerprint() == before


@pytest.mark.parametrize("role", LOGIN_ROLES)
def test_no_role_calls_the_law_s_inner_functions(ground: Ground, role: str) -> None:
    before = ground.fingerprint()
    inner = {name: calls for name, calls in signatures(ground).items() if name.startswith("_")}
    assert len(inner) > 40
    for name, calls in inner.items():
        for call in calls:
            # A row type of a table that the role cannot read is refused by the function all the same.
            refused_as(ground.shared, role, call, why(role, f"function {name}"))
    assert ground.fingerprint() == before


EVERYBODY = LOGIN_ROLES
TRICKS: dict[str, tuple[str, Reason]] = {
    "become the owner": ("SET ROLE countersign_owner", denied('set role "countersign_owner"')),
    "become the owner for this transaction": ("SET LOCAL ROLE countersign_owner", denied('"countersign_owner"')),
    "become postgres": ("SET SESSION AUTHORIZATION postgres", denied('set session authorization "postgres"')),
    "replica role, so that triggers sleep": ("SET session_replication_role = replica", denied("session_replication_role")),
    "a table in cs": ("CREATE TABLE cs.mine (a int)", denied("schema cs")),
    "a table in public": ("CREATE TABLE public.mine (a int)", denied("schema public")),
    "a view in cs": ("CREATE VIEW cs.mine AS SELECT 1", denied("schema cs")),
    "a temporary table": ("CREATE TEMP TABLE actors (id text)", denied("temporary tables")),
    "a temporary view": ("CREATE TEMP VIEW actors AS SELECT 1", denied("temporary tables")),
    "a function in cs": ("CREATE FUNCTION cs._mine() RETURNS int LANGUAGE sql AS 'SELECT 1'", denied("schema cs")),
    "a function in public": ("CREATE FUNCTION public.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz'",
                             denied("schema public")),
    "a temporary function that shadows": (
        "CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz'",
        denied("temporary tables")),
    "an operator in public": ("CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
                              denied("schema public")),
    "a schema": ("CREATE SCHEMA mine", denied("database")),
    "an extension": ("CREATE EXTENSION vector SCHEMA public VERSION '0.0'", Reason("42710", "already exists")),
    "a language": ("CREATE LANGUAGE mine HANDLER plpgsql_call_handler", denied("language")),
    "a role": ("CREATE ROLE mine SUPERUSER", denied("create role")),
    "more rights for oneself": ("ALTER ROLE CURRENT_USER SUPERUSER", denied("alter role")),
    "past row-level security": ("ALTER ROLE CURRENT_USER BYPASSRLS", denied("alter role")),
    "membership in the owner": ("GRANT countersign_owner TO CURRENT_USER", denied('grant role "countersign_owner"')),
    "the passwords": ("SELECT rolpassword FROM pg_authid", denied("table pg_authid")),
    "a program": ("COPY (SELECT 1) TO PROGRAM 'true'", denied("program")),
    "a file to write": ("COPY (SELECT 1) TO '/tmp/bypass'", denied("file")),
    "a file to read": ("SELECT pg_read_file('postgresql.conf')", denied("function pg_read_file")),
    "a folder to list": ("SELECT pg_ls_dir('.')", denied("function pg_ls_dir")),
    "a large object from a file": ("SELECT lo_import('/etc/hostname')", denied("function lo_import")),
    "the server's settings": ("SELECT set_config('fsync', 'off', false)", Reason("55P02", '"fsync"')),
    "a new database": ("ALTER DATABASE postgres SET search_path = public", denied("database postgres")),
    "a trigger's sleep for the session": ("SET lo_compat_privileges = on", denied("lo_compat_privileges")),
    "the catalogue by hand": ("UPDATE pg_proc SET prosecdef = false", denied("table pg_proc")),
    "a subscription": ("CREATE SUBSCRIPTION mine CONNECTION '' PUBLICATION p WITH (connect = false)", denied("create subscription")),
    "a publication of everything": ("CREATE PUBLICATION mine FOR ALL TABLES", denied("database")),
    "an event trigger": ("CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION pg_notify()", denied("event trigger")),
    "another's sessions": ("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'",
                           denied("terminate process")),
    "the migrator's memory": ("DELETE FROM countersign_meta.migrations", denied("schema countersign_meta")),
}  # fmt: skip
IN_CS: dict[str, tuple[str, Reason]] = {
    "a function replaced": (
        "CREATE OR REPLACE FUNCTION cs._gate(rec cs.recommendations) RETURNS void LANGUAGE sql AS ''", denied("schema cs")),
    "a function given away": ("GRANT EXECUTE ON FUNCTION cs._append(text, text, text, text, jsonb) TO PUBLIC",
                              denied("function _append")),
    "a function made harmless": ("ALTER FUNCTION cs._gate(cs.recommendations) SET search_path = pg_temp",
                                 denied("function cs._gate")),
    "a function dropped": ("DROP FUNCTION cs._gate(cs.recommendations)", denied("function cs._gate")),
    "a trigger of one's own": (
        "CREATE TRIGGER mine BEFORE INSERT ON cs.effects FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        denied("table effects")),
    "a trigger dropped": ("DROP TRIGGER effects_gate ON cs.effects", denied("relation effects")),
    "a rule instead": ("CREATE RULE mine AS ON INSERT TO cs.effects DO INSTEAD NOTHING", denied("table effects")),
    "a policy of one's own": ("CREATE POLICY mine ON cs.effects USING (true)", denied("table effects")),
    "an index dropped": ("DROP INDEX cs.one_seat_a_person", denied("index one_seat_a_person")),
    "rows of everybody": ("SET LOCAL row_security = off; SELECT count(*) FROM cs.cases", denied('"cases"')),
    "a row held": ("SELECT 1 FROM cs.recommendations FOR UPDATE", denied("table recommendations")),
    "a fence drawn": ("SELECT nextval('cs.fences')", denied("sequence fences")),
    "secrets of credentials": ("SELECT sha256 FROM cs.credentials", denied("table credentials")),
    "answers given to others": ("SELECT body FROM cs.idempotency", denied("table idempotency")),
    "a block of code": ("DO $$ BEGIN UPDATE cs.seats SET filled_by = 'reviewer'; END $$", denied("table seats")),
    "a prepared write": ("PREPARE p AS UPDATE cs.effects SET state = 'sent'; EXECUTE p", denied("table effects")),
    "a write inside a read": ("WITH w AS (DELETE FROM cs.decisions RETURNING 1) SELECT count(*) FROM w",
                              denied("table decisions")),
}  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_no_role_becomes_more_than_it_is(ground: Ground, trick: str) -> None:
    before = ground.fingerprint()
    statement, reason = TRICKS[trick]
    for role in EVERYBODY:
        refused_as(ground.shared, role, statement, reason)
    assert ground.fingerprint() == before


@pytest.mark.parametrize("trick", IN_CS)
def test_no_role_changes_the_law(ground: Ground, trick: str) -> None:
    before = ground.fingerprint()
    statement, reason = IN_CS[trick]
    for role in EVERYBODY:
        if role == "checkpoint":
            refused_as(ground.shared, role, statement, Reason("42501"))
        else:
            refused_as(ground.shared, role, statement, reason)
    assert ground.fingerprint() == before
