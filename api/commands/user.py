"""countersign user: who may do what. An administrator changes it; everybody who may read sees it."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

from governance.actor import ROLES

if TYPE_CHECKING:
    from governance.record.db import Connection

HELP = "add, list and switch users"
COLUMNS = ("id", "kind", "name", "roles", "active", "created_at")


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|list|off|on")
    add = verbs.add_parser("add", help="a new user; the key is shown once")
    add.add_argument("id", metavar="ID", help="letters, digits, . _ @ -")
    add.add_argument("--name", metavar="NAME", help="as people write it (default: the id)")
    add.add_argument("--email", metavar="ADDRESS")
    add.add_argument("--role", action="append", default=[], choices=ROLES, metavar="ROLE", help=", ".join(ROLES))
    add.add_argument("--service", action="store_true", help="a machine, which never decides")
    verbs.add_parser("list", help="all users")
    for verb, words in (("off", "nobody who is off can do anything"), ("on", "switch a user on again")):
        switch = verbs.add_parser(verb, help=words)
        switch.add_argument("id", metavar="ID")


def parse_person(text: str) -> dict[str, Any]:
    """NAME=EMAIL as a person for genesis; the id is the name in lower case with dots."""
    name, found, email = (part.strip() for part in text.partition("="))
    made = re.sub(r"[^a-z0-9]+", ".", name.casefold()).strip(".")
    if not found or not made or "@" not in email:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=EMAIL, such as 'Ada Lovelace=ada@example.org'")
    return {"id": made, "name": name, "email": email, "roles": ["administrator"]}


def run(args: argparse.Namespace) -> int:
    from api.acting import person_key, reader_key
    from api.wiring import connect

    with connect(args.home) as system:
        key = reader_key(args, system) if args.verb == "list" else person_key(args)
        with system.database.transaction("review", key) as conn:
            return {"add": _add, "list": _list, "off": _switch, "on": _switch}[args.verb](args, conn)


def _add(args: argparse.Namespace, conn: Connection) -> int:
    from api.commands.listing import say
    from api.commands.output import emit
    from api.keyring import new_token
    from governance import permit
    from governance.actor import ActorKind
    from governance.record import accounts, people

    permit.may_administer(people.whoami(conn))
    key = new_token()
    kind = ActorKind.SERVICE if args.service else ActorKind.PERSON
    roles = args.role or (["service"] if args.service else [])
    accounts.add(conn, args.id, kind=kind, name=args.name or args.id, email=args.email, roles=roles, key=key)
    emit(args, ("id", "kind", "roles", "key"), [{"id": args.id, "kind": kind.value, "roles": roles, "key": key}])
    say("the key is shown this once: hand it to its owner")
    return 0


def _list(args: argparse.Namespace, conn: Connection) -> int:
    from api.commands.output import emit, moment
    from governance import permit
    from governance.record import people

    permit.may_read(people.whoami(conn))
    rows = people.actors(conn)
    emit(args, COLUMNS, rows if args.json else [{**row, "created_at": moment(row["created_at"])} for row in rows])
    return 0


def _switch(args: argparse.Namespace, conn: Connection) -> int:
    from api.commands.output import emit
    from governance import permit
    from governance.record import accounts, people

    permit.may_administer(people.whoami(conn))
    active = args.verb == "on"
    accounts.set_active(conn, args.id, active)
    emit(args, ("id", "active"), [{"id": args.id, "active": active}])
    return 0
