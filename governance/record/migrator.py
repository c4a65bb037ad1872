"""Brings a database to this program's schema and makes its roles.

Numbered files (NNN_name.sql) make the tables; each runs once, in order. Function files (functions_*.sql) are
repeatable: all of them run again whenever one of them, or a table, changed. What ran is remembered by its SHA-256,
and so is every program's schema that the database ever had: an older program cannot put its functions back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

import psycopg
from psycopg import sql

from governance.errors import IllegalState, Malformed
from governance.record.connection import Connection, check_transport, translated

LOGIN_ROLES = ("intake", "agent", "review", "courier", "audit", "checkpoint")
ROLES = ("owner", *LOGIN_ROLES)
OWNER = "countersign_owner"
CHECKPOINT_SCHEMA = "langgraph"

_NUMBERED = re.compile(r"(\d{3})_[a-z0-9_]+\.sql")
_REPEATABLE = re.compile(r"functions_[a-z0-9_]+\.sql")
_LOCK_KEY = 0x636F756E74657273


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    text: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text).hexdigest()


def migrate(owner_url: str, *, roles: Mapping[str, str], schema: Traversable | None = None) -> list[str]:
    """Bring the database to this program's schema; the names of the files that ran, in order.

    `roles`: login role (see LOGIN_ROLES) → password; a role that is not named keeps its password, or has none.
    `schema`: folder of SQL files, by default the installed one. The connecting user makes extension and roles;
    countersign_owner owns the rest. Idempotent, and safe to run twice at once on one database.
    Raises IllegalState, and changes nothing, where an applied file was changed or is missing, and where the database
    has gone on from this program to a newer one.
    """
    check_transport(owner_url)
    numbered, repeatable = _files(schema or resources.files("governance.record").joinpath("schema"))
    with translated(), psycopg.connect(owner_url, autocommit=True) as conn:
        conn.execute("SELECT pg_advisory_lock(%s)", (_LOCK_KEY,))
        with conn.transaction():
            _make_roles(conn, roles)
            _prepare(conn)
            known: dict[str, str] = dict(
                conn.execute("SELECT name, sha256 FROM countersign_meta.migrations").fetchall()
            )
            pending = _pending(numbered, known)
            ours = {file.name: file.sha256 for file in (*numbered, *repeatable)}
            _refuse_to_go_back(conn, known, ours)
        for file in pending:
            _apply(conn, [file])
        if known == ours:
            return []
        _apply(conn, repeatable, of=_digest(ours))
        return [file.name for file in (*pending, *repeatable)]


def _files(folder: Traversable) -> tuple[list[_File], list[_File]]:
    """Numbered and repeatable files in order. A file with another kind of name is a mistake, not to be skipped."""
    numbered: list[_File] = []
    repeatable: list[_File] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not entry.name.endswith(".sql"):
            continue
        # Line ends do not make another file.
        file = _File(entry.name, entry.read_bytes().replace(b"\r\n", b"\n"))
        if _NUMBERED.fullmatch(entry.name):
            numbered.append(file)
        elif _REPEATABLE.fullmatch(entry.name):
            repeatable.append(file)
        else:
            raise Malformed(f"{entry.name} is neither NNN_name.sql nor functions_name.sql: rename it")
    numbers = [file.name[:3] for file in numbered]
    if len(set(numbers)) != len(numbers):
        raise Malformed(f"two migrations have the same number: {', '.join(file.name for file in numbered)}")
    return numbered, repeatable


def _pending(numbered: list[_File], known: Mapping[str, str]) -> list[_File]:
    """The files still to run. Raises IllegalState where history and files differ."""
    applied = sorted(name for name in known if _NUMBERED.fullmatch(name))
    missing = set(applied) - {file.name for file in numbered}
    if missing:
        raise IllegalState(
            f"the database has migrations that this program lacks ({', '.join(sorted(missing))}): run a newer version"
        )
    pending = []
    for file in numbered:
        if file.name not in known:
            if applied and file.name < applied[-1]:
                raise IllegalState(f"{file.name} comes before {applied[-1]}, which has run: give it a higher number")
            pending.append(file)
        elif known[file.name] != file.sha256:
            raise IllegalState(f"{file.name} was changed after it ran: restore it, and put the change into a new file")
    return pending


def _digest(files: Mapping[str, str]) -> str:
    """A program's schema as one value. `files`: name → SHA-256."""
    lines = "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def _refuse_to_go_back(conn: Connection, known: Mapping[str, str], ours: Mapping[str, str]) -> None:
    """Raises IllegalState where the database had this very schema once and has another one since."""
    if not all(_NUMBERED.fullmatch(name) for name in known):
        # Also what ran before schemas were remembered.
        conn.execute(
            "INSERT INTO countersign_meta.schemas (digest) VALUES (%s) ON CONFLICT DO NOTHING", (_digest(known),)
        )
    rows = conn.execute(
        "SELECT digest, to_char(applied_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM countersign_meta.schemas ORDER BY id"
    ).fetchall()
    if _digest(ours) in {digest for digest, _ in rows[:-1]}:
        raise IllegalState(
            f"the database has been brought to a newer schema than this program's, on {rows[-1][1]} UTC: "
            "run the newer version, or restore the backup from before"
        )


def _apply(conn: Connection, files: list[_File], of: str | None = None) -> None:
    """Run files as the owner in one transaction, and remember them instead of the functions that ran before.

    `of`: the digest of the schema that is complete with them.
    """
    with conn.transaction():
        conn.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(OWNER)))
        # After a table, too: should the functions then fail, the next run begins with them.
        conn.execute("DELETE FROM countersign_meta.migrations WHERE name LIKE 'functions%'")
        for file in files:
            try:
                conn.execute(file.text)
            except psycopg.Error as error:
                error.add_note(f"in the migration {file.name}")
                raise
            conn.execute(
                "INSERT INTO countersign_meta.migrations (name, sha256) VALUES (%s, %s)", (file.name, file.sha256)
            )
        if of is not None:
            conn.execute("INSERT INTO countersign_meta.schemas (digest) VALUES (%s) ON CONFLICT DO NOTHING", (of,))


def _make_roles(conn: Connection, passwords: Mapping[str, str]) -> None:
    unknown = set(passwords) - set(LOGIN_ROLES)
    if unknown:
        raise Malformed(f"no such role: {', '.join(sorted(unknown))}; there are {', '.join(LOGIN_ROLES)}")
    names = {f"countersign_{role}": role for role in LOGIN_ROLES}
    there = {name for (name,) in conn.execute("SELECT rolname FROM pg_roles WHERE rolname LIKE 'countersign%'")}
    for name in [OWNER, *names]:
        if name not in there:
            login = sql.SQL("NOLOGIN" if name == OWNER else "LOGIN")
            conn.execute(sql.SQL("CREATE ROLE {} {}").format(sql.Identifier(name), login))
    for name, role in names.items():
        if role in passwords:
            # Hashed here: the clear password reaches neither the wire nor a log.
            verifier = conn.pgconn.encrypt_password(passwords[role].encode(), name.encode(), b"scram-sha-256").decode()
            conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(verifier)))


def _prepare(conn: Connection) -> None:
    """What the owner cannot do for itself: the extension, rights on the database, two schemas."""
    conn.execute("CREATE EXTENSION IF NOT EXISTS vector SCHEMA public")
    database = conn.info.dbname
    close_to_public(conn, database)
    for role in (OWNER, "countersign_checkpoint"):
        # A database service's administrator is no superuser and must be a member to act for a role.
        row = conn.execute("SELECT pg_has_role(current_user, %s, 'SET')", (role,)).fetchone()
        if row is not None and not row[0]:
            conn.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(role)))
    conn.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(sql.Identifier(database), sql.Identifier(OWNER)))
    conn.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS countersign_meta AUTHORIZATION {}").format(sql.Identifier(OWNER)))
    conn.execute(
        sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION countersign_checkpoint").format(
            sql.Identifier(CHECKPOINT_SCHEMA)
        )
    )
    conn.execute(
        sql.SQL("ALTER ROLE countersign_checkpoint SET search_path = {}").format(sql.Identifier(CHECKPOINT_SCHEMA))
    )
    conn.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(OWNER)))
    conn.execute(
        "CREATE TABLE IF NOT EXISTS countersign_meta.migrations ("
        "name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    conn.execute(
        "CREATE TABLE IF NOT EXISTS countersign_meta.schemas (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "
        "digest text NOT NULL UNIQUE, applied_at timestamptz NOT NULL DEFAULT now())"
    )


def close_to_public(conn: Connection, database: str) -> None:
    """Only Countersign's own roles may connect. A copy of a database does not inherit this."""
    name = sql.Identifier(database)
    conn.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    logins = sql.SQL(", ").join(sql.Identifier(f"countersign_{role}") for role in LOGIN_ROLES)
    conn.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, logins))
