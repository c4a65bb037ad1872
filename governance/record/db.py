"""The way into Postgres: a pool per role, one transaction per hand-off, and the migrator.

Records are changed by the database's functions; what they refuse arrives here as the Refusal that the SQLSTATE names.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import TypeVar

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from governance.errors import Malformed
from governance.record.connection import Connection, check_transport, translated
from governance.record.migrator import LOGIN_ROLES, ROLES, close_to_public, migrate

__all__ = [
    "LOGIN_ROLES", "ROLES", "Connection", "Database", "check_transport", "clone", "create", "drop", "migrate",
    "retrying", "translated", "urls_for",
]  # fmt: skip

T = TypeVar("T")


class Database:
    """Pools of connections, one per role and made at first use.

    `urls`: role (see ROLES) → URL or libpq connection string. `close` it, or use it as a context manager.
    """

    def __init__(self, urls: Mapping[str, str], *, max_size: int = 10, timeout: float = 10.0) -> None:
        self._urls = dict(urls)
        self._max_size = max_size
        self._timeout = timeout
        self._pools: dict[str, ConnectionPool[Connection]] = {}
        self._lock = threading.Lock()

    def url(self, role: str) -> str:
        """The role's connection string. Raises Malformed for a role without one."""
        if role not in self._urls:
            raise Malformed(f"no database URL was given for the role {role!r}: known are {', '.join(self._urls)}")
        return self._urls[role]

    def pool(self, role: str) -> ConnectionPool[Connection]:
        """The role's pool of autocommit connections. Raises Malformed for an unknown role or an unsafe URL."""
        with self._lock:
            if role not in self._pools:
                url = self.url(role)
                check_transport(url)
                self._pools[role] = ConnectionPool(
                    url,
                    connection_class=Connection,
                    kwargs={"autocommit": True, "application_name": f"countersign-{role}"},
                    min_size=0,
                    max_size=self._max_size,
                    timeout=self._timeout,
                    num_workers=1,
                    name=role,
                    check=ConnectionPool.check_connection,
                    open=True,
                )
            return self._pools[role]

    @contextlib.contextmanager
    def transaction(self, role: str, token: str | None = None) -> Iterator[Connection]:
        """A connection inside one transaction; `token` says who acts, until the transaction ends.

        Raises the Refusal that the database raised, Unavailable when it cannot be reached.
        """
        with translated(), self.pool(role).connection() as conn, conn.transaction():
            if token is not None:
                conn.execute("SELECT set_config('countersign.token', %s, true)", (token,))
            yield conn

    def close(self) -> None:
        with self._lock:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def __enter__(self) -> Database:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def retrying(fn: Callable[[], T], *, attempts: int = 5) -> T:
    """Call `fn`, which holds a whole transaction, again when Postgres made it give way (40001, 40P01)."""
    again = Retrying(
        retry=retry_if_exception_type((psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)),
        stop=stop_after_attempt(attempts),
        wait=wait_random_exponential(multiplier=0.02, max=0.5),
        reraise=True,
    )
    return again(fn)


def urls_for(owner_url: str, passwords: Mapping[str, str]) -> dict[str, str]:
    """What Database takes: the owner's URL and, for each role with a password, the same as countersign_<role>.

    A URL that names no user only says where the database is: nobody gets the owner's rights by it.
    """
    logins = {
        role: make_conninfo(owner_url, user=f"countersign_{role}", password=password)
        for role, password in passwords.items()
    }
    return {**({"owner": owner_url} if "user" in conninfo_to_dict(owner_url) else {}), **logins}


def create(owner_url: str, name: str) -> str:
    """Make an empty database where there is none of this name; its URL."""
    with _maintenance(owner_url) as conn:
        if conn.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is None:
            # The same order of text on every server, whatever its own locale.
            conn.execute(
                sql.SQL(
                    "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' "
                    "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
                ).format(sql.Identifier(name))
            )
    return make_conninfo(owner_url, dbname=name)


def clone(owner_url: str, template: str, name: str) -> str:
    """A copy of a database that nobody is connected to; its URL. For tests."""
    with _maintenance(owner_url) as conn:
        conn.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        close_to_public(conn, name)
    return make_conninfo(owner_url, dbname=name)


def drop(owner_url: str, name: str) -> None:
    """Delete a database and end the connections to it."""
    with _maintenance(owner_url) as conn:
        conn.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextlib.contextmanager
def _maintenance(owner_url: str) -> Iterator[Connection]:
    check_transport(owner_url)
    with translated(), psycopg.connect(owner_url, dbname="postgres", autocommit=True) as conn:
        yield conn
