"""countersign key: API keys. One's own by oneself; a machine's, and a person's first one, by an administrator."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from governance.record.db import Connection

HELP = "make, list and revoke API keys"
COLUMNS = ("id", "actor", "kind", "label", "created_at", "expires_at", "revoked_at")


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="new|list|revoke")
    new = verbs.add_parser("new", help="a new key, shown once")
    new.add_argument("--for", dest="actor", metavar="ID", help="whose key (default: yours)")
    new.add_argument("--label", default="", metavar="TEXT", help="what it is for")
    new.add_argument("--days", type=int, metavar="N", help="it ends after so many days (default: never)")
    verbs.add_parser("list", help="all keys, without their secrets")
    revoke = verbs.add_parser("revoke", help="end a key")
    revoke.add_argument("id", metavar="ID", help="the key's id, as `key list` shows it")


def run(args: argparse.Namespace) -> int:
    from api.acting import person_key, reader_key
    from api.wiring import connect

    with connect(args.home) as system:
        key = reader_key(args, system) if args.verb == "list" else person_key(args)
        with system.database.transaction("review", key) as conn:
            return {"new": _new, "list": _list, "revoke": _revoke}[args.verb](args, conn)


def _new(args: argparse.Namespace, conn: Connection) -> int:
    from api.commands.listing import say
    from api.commands.output import emit
    from api.keyring import new_token
    from governance.errors import Malformed
    from governance.record import accounts, people

    if args.days is not None and not 0 < args.days <= 3660:
        raise Malformed("--days must be between 1 and 3660")
    key = new_token()
    actor = args.actor or people.whoami(conn).id
    expires = None if args.days is None else datetime.now(UTC) + timedelta(days=args.days)
    made = accounts.issue_key(conn, key, actor, args.label, expires)
    emit(args, ("id", "actor", "expires_at", "key"), [{"id": made, "actor": actor, "expires_at": expires, "key": key}])
    say("the key is shown this once: keep it where only its owner reads")
    return 0


def _list(args: argparse.Namespace, conn: Connection) -> int:
    from api.commands.output import emit, moment
    from governance import permit
    from governance.record import people

    permit.may_read(people.whoami(conn))
    rows = people.keys(conn)
    if not args.json:
        times = ("created_at", "expires_at", "revoked_at")
        rows = [{**row, **{name: moment(row[name]) for name in times}} for row in rows]
    emit(args, COLUMNS, rows)
    return 0


def _revoke(args: argparse.Namespace, conn: Connection) -> int:
    from api.commands.output import emit
    from governance.record import accounts

    accounts.revoke_key(conn, args.id)
    emit(args, ("id", "revoked"), [{"id": args.id, "revoked": True}])
    return 0
