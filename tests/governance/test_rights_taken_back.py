"""What was given is taken back: sessions end with what they came from, and a migration leaves no right too many."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from importlib import resources
from typing import Any

import psycopg
import pytest
from psycopg import sql

from governance.errors import Unauthenticated
from governance.record import migrator
from governance.record.db import LOGIN_ROLES, Database, create, drop, urls_for
from governance.record.embedded import EmbeddedPostgres
from tests import conftest
from tests.build import World, world
from tests.governance.bypass.attempts import say

# Sessions -----------------------------------------------------------------------------------------------------------

ISSUER, OTHER = "https://login.example", "https://other.example"
OPEN = "SELECT cs.open_identity_session(%s, %s, %s, 60)"
SESSIONS = {
    "reviewer by service": ("service", ISSUER, "r-1"),
    "reviewer by service, other issuer": ("service", OTHER, "r-2"),
    "reviewer by intake": ("intake", ISSUER, "r-1"),
    "analyst by service": ("service", ISSUER, "a-1"),
}
"""Session → who vouched, for which account."""
EVERYONE = frozenset(SESSIONS)
BY_SERVICE = frozenset(name for name, (broker, _, _) in SESSIONS.items() if broker == "service")
KEY_OF = "SELECT cs.revoke_key(id) FROM cs.credentials WHERE actor = '{}' AND kind <> 'session'"

ENDS: dict[str, tuple[str, str, frozenset[str]]] = {
    "the account, by its holder": (
        "reviewer",
        f"SELECT cs.revoke_identity('{ISSUER}', 'r-1')",
        frozenset({"reviewer by service", "reviewer by intake"}),
    ),
    "the account, by an administrator": (
        "admin1",
        f"SELECT cs.revoke_identity('{OTHER}', 'r-2')",
        frozenset({"reviewer by service, other issuer"}),
    ),
    "the broker for one issuer": (
        "admin1",
        f"SELECT cs.revoke_identity_broker('service', '{ISSUER}')",
        frozenset({"reviewer by service", "analyst by service"}),
    ),
    "the broker's key": ("admin1", KEY_OF.format("service"), BY_SERVICE),
    "the other broker's key": ("admin1", KEY_OF.format("intake"), EVERYONE - BY_SERVICE),
    "the broker itself": ("admin1", "SELECT cs.set_active('service', false)", BY_SERVICE),
}


@pytest.fixture
def signed_in(database: Database) -> World:
    """Two brokers, two issuers, three accounts, and a session of each kind."""
    acme = world(database)
    with database.transaction("owner") as conn:
        for broker, issuer in (("service", ISSUER), ("service", OTHER), ("intake", ISSUER)):
            conn.execute(
                "INSERT INTO cs.identity_brokers (tenant, actor, issuer, recommendation_id)"
                " VALUES ('acme', %s, %s, gen_random_uuid()::text)",
                (broker, issuer),
            )
        for who, issuer, subject in (
            ("reviewer", ISSUER, "r-1"),
            ("reviewer", OTHER, "r-2"),
            ("analyst", ISSUER, "a-1"),
        ):
            conn.execute(
                "INSERT INTO cs.identities (tenant, actor, issuer, subject, recommendation_id)"
                " VALUES ('acme', %s, %s, %s, gen_random_uuid()::text)",
                (who, issuer, subject),
            )
    for name, (broker, issuer, subject) in SESSIONS.items():
        say(acme, "review", broker, (OPEN, (hashlib.sha256(name.encode()).hexdigest(), issuer, subject)))
    return acme


def alive(acme: World) -> frozenset[str]:
    """The sessions with which somebody is still somebody."""
    found = set()
    for name in SESSIONS:
        try:
            say(acme, "review", name, "SELECT * FROM cs.whoami()")
        except Unauthenticated:
            continue
        found.add(name)
    return frozenset(found)


@pytest.mark.parametrize("what", ENDS)
def test_sessions_end_with_what_they_came_from(signed_in: World, what: str) -> None:
    by, statement, ended = ENDS[what]
    assert alive(signed_in) == EVERYONE
    assert len(say(signed_in, "review", by, statement)) == 1
    assert alive(signed_in) == EVERYONE - ended
    # A person's own key has nothing to do with it.
    assert say(signed_in, "review", "reviewer", "SELECT id FROM cs.whoami()") == [("reviewer",)]


# Rights -------------------------------------------------------------------------------------------------------------

NOBODY_READS = ("credentials", "idempotency")
OPEN_COLUMNS = {
    "review": {"id", "tenant", "actor", "kind", "label", "created_at", "expires_at", "revoked_at", "scopes"},
    "audit": set(),
}
_RIGHTS = """
SELECT kind, name, part, coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC'), a.privilege_type FROM (
    SELECT 'function' AS kind, p.oid::regprocedure::text AS name, '' AS part, p.proowner AS owner,
           coalesce(p.proacl, acldefault('f', p.proowner)) AS acl
    FROM pg_proc p WHERE p.pronamespace = 'cs'::regnamespace
    UNION ALL
    SELECT 'table', c.relname, '', c.relowner, coalesce(c.relacl, acldefault('r', c.relowner))
    FROM pg_class c WHERE c.relnamespace = 'cs'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
    UNION ALL
    SELECT 'column', c.relname, t.attname, c.relowner, t.attacl
    FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid
    WHERE c.relnamespace = 'cs'::regnamespace AND t.attacl IS NOT NULL
) things, LATERAL aclexplode(things.acl) a WHERE a.grantee <> things.owner
"""


def rights(conn: psycopg.Connection[Any]) -> set[tuple[Any, ...]]:
    """(kind, name, column, to whom, right) of everything in the record that is not its owner's."""
    return set(conn.execute(_RIGHTS).fetchall())


@pytest.fixture(scope="module")
def migrated(postgres: EmbeddedPostgres, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database in which a former program gave everybody everything, after this program's migration; its URL."""
    assert template, "its migration made the roles"
    former = tmp_path_factory.mktemp("former") / "schema"
    former.mkdir()
    for entry in resources.files("governance.record").joinpath("schema").iterdir():
        if entry.name.endswith(".sql"):
            prefix = b"" if entry.name[0].isdigit() else b"-- before\n"
            (former / entry.name).write_bytes(prefix + entry.read_bytes())
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = create(postgres.superuser_url(), name)
    try:
        migrator.migrate(url, roles={}, schema=former)
        with psycopg.connect(url) as conn:
            everybody = sql.SQL(", ").join(
                [sql.SQL("PUBLIC"), *(sql.Identifier(f"countersign_{role}") for role in LOGIN_ROLES)]
            )
            for things in ("FUNCTIONS", "TABLES"):
                conn.execute(sql.SQL(f"GRANT ALL ON ALL {things} IN SCHEMA cs TO {{}}").format(everybody))
            conn.execute(sql.SQL("GRANT SELECT (sha256) ON cs.credentials TO {}").format(everybody))
        # By its name there, for that is the one that a run with other function files replaces.
        assert vars(conftest)["migrate"](url, roles={})
        yield url
    finally:
        drop(postgres.superuser_url(), name)


@pytest.fixture(scope="module")
def fresh(postgres: EmbeddedPostgres, template: str) -> str:
    return psycopg.conninfo.make_conninfo(postgres.superuser_url(), dbname=template)


@pytest.mark.parametrize("kind", ["function", "table", "column"])
def test_a_migration_leaves_the_rights_of_a_new_database_and_no_other(migrated: str, fresh: str, kind: str) -> None:
    with psycopg.connect(migrated) as conn:
        found = {one for one in rights(conn) if one[0] == kind}
    with psycopg.connect(fresh) as conn:
        wanted = {one for one in rights(conn) if one[0] == kind}
    assert wanted
    assert found == wanted
    assert not [one for one in found if one[3] == "PUBLIC"]


@pytest.mark.parametrize("role", ["review", "audit"])
def test_who_reads_every_table_reads_no_secret(migrated: str, role: str) -> None:
    with psycopg.connect(migrated) as conn:
        found = rights(conn)
        on_tables = {one[1] for one in found if one[0] == "table" and one[3] == f"countersign_{role}"}
        columns = {one[2] for one in found if one[:2] == ("column", "credentials") and one[3] == f"countersign_{role}"}
    assert {"cases", "ledger"} <= on_tables
    assert not on_tables & set(NOBODY_READS)
    assert columns == OPEN_COLUMNS[role]
    with psycopg.connect(urls_for(migrated, conftest.PASSWORDS)[role], autocommit=True) as conn:
        for column, table in (("sha256", "credentials"), ("body", "idempotency")):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match=f"table {table}"):
                conn.execute(sql.SQL("SELECT {} FROM cs.{}").format(sql.Identifier(column), sql.Identifier(table)))
