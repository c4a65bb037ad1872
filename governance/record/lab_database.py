"""MLflow's own database and role in the same Postgres. Neither side can connect to the other's database."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from governance.errors import Unavailable
from governance.record.connection import Connection, check_transport
from governance.record.db import create

DATABASE = "mlflow"
ROLE = "countersign_mlflow"
_DRIVER = "postgresql+psycopg"
_PASSED_ON = ("host", "hostaddr", "port", "sslmode", "sslrootcert")


def prepare(owner_url: str, password: str) -> str:
    """Make database and role where they are missing, with this password; the URL for SQLAlchemy, a secret.

    Raises Unavailable where the connecting user may not do that, or the server does not answer.
    """
    check_transport(owner_url)
    try:
        own = create(owner_url, DATABASE)
        with psycopg.connect(own, autocommit=True) as conn:
            _make_role(conn, password)
            _give(conn)
    except psycopg.Error as error:
        raise Unavailable(f"a database for MLflow cannot be made: {error.diag.message_primary or error}") from error
    given = {name: str(value) for name, value in conninfo_to_dict(own).items() if name in _PASSED_ON and value}
    return f"{_DRIVER}://{ROLE}:{quote(password, safe='')}@/{DATABASE}?{urlencode(given)}"


def _make_role(conn: Connection, password: str) -> None:
    name = sql.Identifier(ROLE)
    if conn.execute("SELECT FROM pg_roles WHERE rolname = %s", (ROLE,)).fetchone() is None:
        conn.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    # Hashed here: the clear password reaches neither the wire nor a log.
    verifier = conn.pgconn.encrypt_password(password.encode(), ROLE.encode(), b"scram-sha-256").decode()
    conn.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(verifier)))


def _give(conn: Connection) -> None:
    database, role = sql.Identifier(DATABASE), sql.Identifier(ROLE)
    row = conn.execute("SELECT pg_has_role(current_user, %s, 'SET')", (ROLE,)).fetchone()
    if row is not None and not row[0]:
        # A database service's administrator is no superuser and must be a member to give something away.
        conn.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(role))
    conn.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    conn.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, role))
