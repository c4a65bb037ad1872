"""Pools, transactions and the migrator."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.errors import (
    BY_SQLSTATE,
    IllegalState,
    Malformed,
    Refusal,
    StaleDigest,
    Unavailable,
)
from governance.record.db import (
    LOGIN_ROLES,
    Database,
    check_transport,
    clone,
    create,
    drop,
    migrate,
    retrying,
    urls_for,
)
from governance.record.embedded import EmbeddedPostgres

TABLES = """
CREATE SCHEMA cs;
CREATE TABLE cs.things (name text PRIMARY KEY, near vector(2));
"""
FUNCTIONS = """
CREATE OR REPLACE FUNCTION cs.refuse(code text, message text, extra text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    -- 100 % of what follows reaches the server as it is
    RAISE EXCEPTION USING ERRCODE = code, MESSAGE = message, DETAIL = coalesce(extra, '');
END $$;
CREATE OR REPLACE FUNCTION cs.version() RETURNS int LANGUAGE sql AS 'SELECT 1';
GRANT USAGE ON SCHEMA cs TO countersign_intake;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cs TO countersign_intake;
"""
PASSWORDS = {role: f"test-{role}" for role in LOGIN_ROLES}


@dataclass
class Small:
    """A database of its own with a schema folder of its own."""

    url: str
    folder: Path

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def migrate(self) -> list[str]:
        return migrate(self.url, roles=PASSWORDS, schema=self.folder)

    def ask(self, query: bytes) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url) as conn:
            return conn.execute(query).fetchall()


@pytest.fixture
def small(postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Small]:
    name = f"small_{uuid.uuid4().hex[:12]}"
    made = Small(create(postgres.superuser_url(), name), tmp_path / "schema")
    made.folder.mkdir()
    made.write("001_things.sql", TABLES)
    made.write("functions_things.sql", FUNCTIONS)
    yield made
    drop(postgres.superuser_url(), name)


@pytest.fixture
def ready(small: Small) -> Iterator[Database]:
    small.migrate()
    with Database(urls_for(small.url, PASSWORDS), max_size=2, timeout=3) as database:
        yield database


# Transport ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@127.0.0.1:5432/d",
        "postgresql://u:p@127.9.9.9/d",
        "postgresql://u:p@[::1]/d",
        "postgresql://u:p@localhost/d",
        "postgresql:///d?host=/var/run/postgresql",
        "host=/tmp dbname=d",
        "dbname=d",
        "postgresql://u:p@db.example.com/d?sslmode=verify-full",
        "postgresql://u:p@10.0.0.1/d?sslmode=require",
        "host=db.example.com sslmode=verify-ca",
    ],
)
def test_loopback_or_encrypted_is_accepted(url: str) -> None:
    check_transport(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@db.example.com/d",
        "postgresql://u:p@10.0.0.1/d?sslmode=prefer",
        "postgresql://u:p@10.0.0.1/d?sslmode=disable",
        "postgresql://u:p@localhost,db.example.com/d",
        "host=localhost hostaddr=10.0.0.1",
        "postgresql://u:p@localhost.example.com/d",
        "postgresql://u:p@0.0.0.0/d",
    ],
)
def test_unencrypted_off_loopback_is_refused(url: str) -> None:
    with pytest.raises(Malformed, match="verify-full"):
        check_transport(url)
    with pytest.raises(Malformed, match="verify-full"), Database({"intake": url}) as database:
        database.pool("intake")
    with pytest.raises(Malformed, match="verify-full"):
        migrate(url, roles={})


def test_the_environment_is_no_way_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example.com")
    with pytest.raises(Malformed, match=r"db\.example\.com"):
        check_transport("dbname=d")
    check_transport("host=localhost dbname=d")
    monkeypatch.delenv("PGHOST")
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.1")
    with pytest.raises(Malformed, match=r"10\.0\.0\.1"):
        check_transport("host=localhost dbname=d")
    with pytest.raises(Malformed, match="service"):
        check_transport("service=elsewhere")


def test_a_broken_url_is_refused_without_repeating_it() -> None:
    with pytest.raises(Malformed) as refused:
        check_transport("postgresq//u:secret@host")
    assert "secret" not in str(refused.value)


@given(st.ip_addresses())
@settings(deadline=None)
def test_an_address_passes_in_clear_only_when_it_is_loopback(address: object) -> None:
    text = str(address)
    try:
        check_transport(f"host={text} dbname=d")
    except Malformed:
        passed = False
    else:
        passed = True
    assert passed == (text.startswith("127.") or text == "::1")


# Transactions ------------------------------------------------------------------------------------------------------


def test_a_role_connects_as_itself_and_the_token_ends_with_the_transaction(ready: Database) -> None:
    with ready.transaction("intake", "secret-token") as conn:
        row = conn.execute("SELECT current_user, current_setting('countersign.token')").fetchone()
        pid = conn.info.backend_pid
    assert row == ("countersign_intake", "secret-token")
    with ready.transaction("intake") as conn:
        assert conn.info.backend_pid == pid
        assert not conn.execute("SELECT current_setting('countersign.token', true)").fetchall()[0][0]


def test_commits_at_the_end_and_rolls_back_on_an_error(ready: Database) -> None:
    with ready.transaction("owner") as conn:
        conn.execute("INSERT INTO cs.things VALUES ('kept')")
    with pytest.raises(RuntimeError), ready.transaction("owner") as conn:
        conn.execute("INSERT INTO cs.things VALUES ('lost')")
        raise RuntimeError
    with ready.transaction("owner") as conn:
        assert conn.execute("SELECT name FROM cs.things").fetchall() == [("kept",)]


def test_what_the_database_refuses_is_that_refusal(ready: Database) -> None:
    for code, kind in BY_SQLSTATE.items():
        with pytest.raises(Refusal) as refused, ready.transaction("intake") as conn:
            conn.execute("SELECT cs.refuse(%s, 'because', %s)", (code, '{"detail": "x", "seats": [1]}'))
        assert type(refused.value) is kind
        assert refused.value.detail == "because"
        named = {"controls": list(kind.controls)} if kind.controls else {}
        assert refused.value.extensions == {"detail": "x", "seats": [1], **named}


def test_a_stale_digest_is_a_stale_digest(ready: Database) -> None:
    with pytest.raises(StaleDigest, match="read it again"), ready.transaction("intake") as conn:
        conn.execute("SELECT cs.refuse('CS420', 'read it again', 'no JSON')")


def test_other_errors_stay_what_they_are(ready: Database) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege), ready.transaction("intake") as conn:
        conn.execute("SELECT * FROM cs.things")
    with pytest.raises(psycopg.errors.UniqueViolation), ready.transaction("owner") as conn:
        conn.execute("INSERT INTO cs.things VALUES ('twice'), ('twice')")


def test_a_lost_connection_is_unavailable_and_the_next_one_works(ready: Database) -> None:
    with ready.transaction("intake") as conn:
        pid = conn.info.backend_pid
    with pytest.raises(Unavailable), ready.transaction("intake") as conn:
        with ready.transaction("owner") as owner:
            owner.execute("SELECT pg_terminate_backend(%s, 3000)", (pid,))
        conn.execute("SELECT 1")
    with ready.transaction("intake") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_no_server_is_unavailable() -> None:
    with (
        Database({"intake": "host=127.0.0.1 port=1 dbname=d user=u"}, timeout=0.2) as database,
        pytest.raises(Unavailable, match="cannot be reached"),
        database.transaction("intake"),
    ):
        pass


def test_an_unknown_role_is_named(ready: Database) -> None:
    with pytest.raises(Malformed, match="'janitor'"), ready.transaction("janitor"):
        pass


def test_a_deadlock_is_tried_again(ready: Database) -> None:
    with ready.transaction("owner") as conn:
        conn.execute("INSERT INTO cs.things VALUES ('a'), ('b')")
    both = threading.Barrier(2, timeout=10)
    runs: list[str] = []

    def lock(first: str, second: str) -> None:
        def once() -> None:
            runs.append(first)
            with ready.transaction("owner") as conn:
                conn.execute("SELECT FROM cs.things WHERE name = %s FOR UPDATE", (first,))
                if len(runs) <= 2:
                    both.wait()
                conn.execute("SELECT FROM cs.things WHERE name = %s FOR UPDATE", (second,))

        retrying(once)

    other = threading.Thread(target=lock, args=("b", "a"))
    other.start()
    lock("a", "b")
    other.join(20)
    assert not other.is_alive()
    assert len(runs) > 2


def test_retrying_gives_up_and_lets_other_errors_through() -> None:
    calls: list[int] = []

    def conflict() -> None:
        calls.append(1)
        raise psycopg.errors.SerializationFailure

    with pytest.raises(psycopg.errors.SerializationFailure):
        retrying(conflict, attempts=3)
    assert len(calls) == 3

    def refusal() -> None:
        calls.append(1)
        raise StaleDigest

    with pytest.raises(StaleDigest):
        retrying(refusal)
    assert len(calls) == 4


# Migrations --------------------------------------------------------------------------------------------------------


def test_each_file_runs_once(small: Small) -> None:
    assert small.migrate() == ["001_things.sql", "functions_things.sql"]
    assert small.migrate() == []
    small.write("002_more.sql", "CREATE TABLE cs.more (x int)")
    assert small.migrate() == ["002_more.sql", "functions_things.sql"]
    assert small.migrate() == []


def test_functions_run_again_when_one_of_them_changed(small: Small) -> None:
    small.write("functions_other.sql", "CREATE OR REPLACE FUNCTION cs.other() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    small.migrate()
    small.write("functions_things.sql", FUNCTIONS.replace("SELECT 1", "SELECT 2"))
    assert small.migrate() == ["functions_other.sql", "functions_things.sql"]
    assert small.ask(b"SELECT cs.version()") == [(2,)]
    assert small.migrate() == []


def test_a_changed_table_file_is_refused(small: Small) -> None:
    small.migrate()
    small.write("001_things.sql", TABLES + "CREATE TABLE cs.late (x int);")
    with pytest.raises(IllegalState, match=r"001_things\.sql was changed"):
        small.migrate()
    small.write("001_things.sql", TABLES.replace("\n", "\r\n"))
    assert small.migrate() == []


def test_history_cannot_be_rewritten(small: Small) -> None:
    small.write("003_later.sql", "CREATE TABLE cs.later (x int)")
    small.migrate()
    small.write("002_between.sql", "CREATE TABLE cs.between_ (x int)")
    with pytest.raises(IllegalState, match=r"002_between\.sql comes before"):
        small.migrate()
    (small.folder / "002_between.sql").unlink()
    (small.folder / "003_later.sql").unlink()
    with pytest.raises(IllegalState, match=r"003_later\.sql.*newer"):
        small.migrate()


def test_an_older_program_is_refused(small: Small) -> None:
    """Its functions would undo what the newer one's say, on tables that both know."""
    small.migrate()
    newer = FUNCTIONS.replace("SELECT 1", "SELECT 2")
    small.write("functions_things.sql", newer)
    small.migrate()
    small.write("functions_things.sql", FUNCTIONS)
    with pytest.raises(IllegalState, match=r"newer schema than this program's.*run the newer version"):
        migrate(small.url, roles={"audit": "of-the-older-program"}, schema=small.folder)
    assert small.ask(b"SELECT cs.version()") == [(2,)]
    psycopg.connect(urls_for(small.url, PASSWORDS)["audit"]).close()
    small.write("functions_things.sql", newer)
    assert small.migrate() == []
    # A change back is a change, not an older program.
    small.write("functions_things.sql", FUNCTIONS + "-- as it was at first")
    assert small.migrate() == ["functions_things.sql"]


def test_what_ran_before_schemas_were_remembered_counts(small: Small) -> None:
    small.migrate()
    with psycopg.connect(small.url) as conn:
        conn.execute("DROP TABLE countersign_meta.schemas")
    small.write("functions_things.sql", FUNCTIONS.replace("SELECT 1", "SELECT 2"))
    small.migrate()
    small.write("functions_things.sql", FUNCTIONS)
    with pytest.raises(IllegalState, match="newer schema"):
        small.migrate()


@pytest.mark.parametrize("name", ["1_things.sql", "things.sql", "001_again.sql"])
def test_a_file_with_an_ambiguous_name_is_refused(small: Small, name: str) -> None:
    small.write(name, "SELECT 1")
    with pytest.raises(Malformed, match=name):
        small.migrate()


def test_a_failed_file_leaves_nothing_and_functions_are_made_up_for(small: Small) -> None:
    small.migrate()
    small.write("002_more.sql", "CREATE TABLE cs.more (x int); SELECT no_such_thing")
    with pytest.raises(psycopg.errors.UndefinedColumn) as failed:
        small.migrate()
    assert failed.value.__notes__ == ["in the migration 002_more.sql"]
    assert small.ask(b"SELECT to_regclass('cs.more')") == [(None,)]
    small.write("002_more.sql", "DROP FUNCTION cs.version(); CREATE TABLE cs.more (x int)")
    small.write("functions_things.sql", "SELECT no_such_thing")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        small.migrate()
    small.write("functions_things.sql", FUNCTIONS)
    assert small.migrate() == ["functions_things.sql"]
    assert small.ask(b"SELECT cs.version()") == [(1,)]


def test_two_migrators_at_once_do_the_work_once(small: Small) -> None:
    done: list[list[str]] = []
    threads = [threading.Thread(target=lambda: done.append(small.migrate())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(done, key=len) == [[], [], ["001_things.sql", "functions_things.sql"]]


def test_roles_have_logins_and_nothing_else(small: Small) -> None:
    small.migrate()
    rows = small.ask(
        b"SELECT rolname, rolcanlogin, rolpassword LIKE 'SCRAM-SHA-256$%' FROM pg_authid "
        b"WHERE rolname LIKE 'countersign%' AND rolname <> 'countersign_mlflow' "
        b"AND NOT (rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls)"
    )
    assert set(rows) == {("countersign_owner", False, None)} | {(f"countersign_{r}", True, True) for r in LOGIN_ROLES}
    owners = small.ask(
        b"SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class "
        b"WHERE relnamespace IN ('cs'::regnamespace, 'countersign_meta'::regnamespace)"
    )
    assert owners == [("countersign_owner",)]
    assert not small.ask(b"SELECT FROM pg_auth_members WHERE roleid::regrole::text LIKE 'countersign%'")


def test_passwords_are_replaced_and_strangers_stay_out(small: Small) -> None:
    small.migrate()
    old = urls_for(small.url, PASSWORDS)["audit"]
    psycopg.connect(old).close()
    migrate(small.url, roles={"audit": "it's \\ new"}, schema=small.folder)
    try:
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            psycopg.connect(old)
        psycopg.connect(urls_for(small.url, {"audit": "it's \\ new"})["audit"]).close()
        psycopg.connect(urls_for(small.url, PASSWORDS)["intake"]).close()
    finally:
        small.migrate()
    assert small.ask(b"SELECT has_database_privilege('public', current_database(), 'CONNECT')") == [(False,)]
    with pytest.raises(Malformed, match="janitor"):
        migrate(small.url, roles={"janitor": "x"}, schema=small.folder)


def test_checkpoints_have_a_schema_of_their_own(ready: Database) -> None:
    with ready.transaction("checkpoint") as conn:
        conn.execute("CREATE TABLE threads (id text)")
        assert conn.execute("SELECT 'langgraph.threads'::regclass::text").fetchone() == ("threads",)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), ready.transaction("checkpoint") as conn:
        conn.execute("SELECT FROM cs.things")
    with pytest.raises(psycopg.errors.InsufficientPrivilege), ready.transaction("intake") as conn:
        conn.execute("SELECT FROM langgraph.threads")


# Copies ------------------------------------------------------------------------------------------------------------


def test_a_clone_is_a_separate_copy(small: Small, postgres: EmbeddedPostgres) -> None:
    small.migrate()
    owner = postgres.superuser_url()
    template = psycopg.conninfo.conninfo_to_dict(small.url)["dbname"]
    name = f"{template}_copy"
    url = clone(owner, str(template), name)
    try:
        assert migrate(url, roles={}, schema=small.folder) == []
        with Database(urls_for(url, PASSWORDS)) as copy, copy.transaction("owner") as conn:
            conn.execute("INSERT INTO cs.things VALUES ('here')")
            public = conn.execute("SELECT has_database_privilege('public', current_database(), 'CONNECT')").fetchone()
        assert public == (False,)
        assert small.ask(b"SELECT name FROM cs.things") == []
        held = psycopg.connect(url)
        drop(owner, name)
        with pytest.raises(psycopg.OperationalError):
            held.execute("SELECT 1")
        held.close()
    finally:
        drop(owner, name)


def test_create_keeps_what_is_there(small: Small, postgres: EmbeddedPostgres) -> None:
    small.migrate()
    name = psycopg.conninfo.conninfo_to_dict(small.url)["dbname"]
    assert create(postgres.superuser_url(), str(name)) == small.url
    assert small.ask(b"SELECT count(*) FROM cs.things") == [(0,)]


def test_the_record_itself_migrates(database: Database) -> None:
    """The installed schema, by way of the shared fixture."""
    with database.transaction("owner") as conn:
        ran = conn.execute("SELECT name FROM countersign_meta.migrations ORDER BY name").fetchall()
    assert ran[0] == ("001_record.sql",)
    assert len(ran) > 1
