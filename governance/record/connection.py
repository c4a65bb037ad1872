"""One connection to Postgres: where it may go, and what its errors mean."""

from __future__ import annotations

import contextlib
import ipaddress
import json
from collections.abc import Iterator

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from governance.errors import BY_SQLSTATE, Malformed, Refusal, TextInvalid, Unavailable

Connection = psycopg.Connection[TupleRow]

_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
# A NUL in JSON; bytes that are no UTF-8.
_UNSTORABLE = frozenset({"22P05", "22021"})
# The server is going, gone or full; class 08 and errors without a code mean the connection itself.
_UNAVAILABLE = frozenset({"57P01", "57P02", "57P03", "53300"})


def check_transport(url: str) -> None:
    """Raises Malformed for a connection that would leave this machine unencrypted, or whose host is not in the URL."""
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError:
        # libpq's own words may quote the password.
        raise Malformed("this is not a Postgres URL: write postgresql://USER:PASSWORD@HOST:PORT/DATABASE") from None
    if "service" in given:
        raise Malformed("write the host into the database URL: a service file is not read")
    # libpq fills in what the URL leaves out, from the environment too; so the same is asked of it.
    implied = {o.keyword.decode(): o.val.decode() for o in pq.Conninfo.get_defaults() if o.val is not None}
    options = {**implied, **given}
    hosts = (options.get("hostaddr") or options.get("host") or "").split(",")
    far = [host for host in hosts if not _is_local(host)]
    if far and options.get("sslmode") not in _ENCRYPTED:
        raise Malformed(
            f"the connection to the database on {far[0]} would not be encrypted: add sslmode=verify-full and "
            "sslrootcert=FILE to its URL (sslmode=require encrypts without checking who answers)"
        )


def _is_local(host: str) -> bool:
    if host in ("", "localhost") or host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Psycopg's errors as refusals, where they are one; others pass unchanged (retry: see `retrying`)."""
    try:
        yield
    except psycopg.Error as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        raise refusal from error


def _refusal(error: psycopg.Error) -> Refusal | None:
    code = error.diag.sqlstate or error.sqlstate
    if code in BY_SQLSTATE:
        refusal = BY_SQLSTATE[code](error.diag.message_primary)
        refusal.extensions.update(_extensions(error.diag.message_detail))
        return refusal
    if code in _UNSTORABLE or (isinstance(error, psycopg.DataError) and code is None and "NUL" in str(error)):
        return TextInvalid("the text holds a NUL or is not Unicode: leave such characters out")
    if code == "22P02" and "surrogate" in (error.diag.message_detail or ""):
        return TextInvalid("the text holds half of a surrogate pair: leave it out")
    lost = isinstance(error, psycopg.OperationalError) and code is None
    if lost or code in _UNAVAILABLE or (code or "").startswith("08"):
        return Unavailable("the database cannot be reached now: try again later")
    return None


def _extensions(detail: str | None) -> dict[str, object]:
    """The DETAIL field where it is a JSON object, else nothing."""
    try:
        found = json.loads(detail or "null")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
