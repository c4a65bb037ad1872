"""countersign user: who may do what. An administrator adds people and switches them off.

Roles are granted, and people come back, through the gate: the command proposes that and others sign it.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from governance.actor import ROLES

if TYPE_CHECKING:
    from governance.record.db import Connection

HELP = "add and list users, switch them off, propose their roles"
COLUMNS = ("id", "kind", "name", "roles", "active", "created_at")


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|list|off|on|roles")
    add = verbs.add_parser("add", help="a new user; the key is shown once")
    add.add_argument("id", metavar="ID", help="letters, digits, . _ @ -")
    add.add_argument("--name", metavar="NAME", help="as people write it (default: the id)")
    add.add_argument("--email", metavar="ADDRESS")
    add.add_argument("--role", action="append", default=[], choices=ROLES, metavar="ROLE", help=", ".join(ROLES))
    add.add_argument("--service", action="store_true", help="a machine, which never decides")
    verbs.add_parser("list", help="all users")
    for verb, words in (
        ("off", "nobody who is off can do anything"),
        ("on", "propose that a user comes back with the same roles"),
        ("roles", "propose other roles for a user"),
    ):
        switch = verbs.add_parser(verb, help=words)
        switch.add_argument("id", metavar="ID")
        if verb == "roles":
            switch.add_argument(
                "--role",
                action="append",
                default=[],
                choices=ROLES,
                metavar="ROLE",
                help="all that the user shall hold",
            )


def founder_options(parser: argparse.ArgumentParser) -> None:
    """--admin and --controller, for the commands that found an installation."""
    admin = "an administrator of a new installation; give it twice, for two are needed"
    controller = "a controller of it, who is no administrator: changes of rules and people take the signatures of both"
    for flag, who in (("--admin", admin), ("--controller", controller)):
        parser.add_argument(flag, action="append", default=[], type=parse_person, metavar="NAME=EMAIL", help=who)


def founders(args: argparse.Namespace) -> list[dict[str, Any]]:
    """The people that founder_options named.

    Raises Malformed where they could not sign what one of them proposes: policy asks for an administrator and a
    controller, and the author counts for neither.
    """
    from governance.errors import Malformed

    people = [{**person, "roles": ["administrator"]} for person in args.admin]
    people += [{**person, "roles": ["controller"]} for person in args.controller]
    if len(args.admin) < 2 or not args.controller or len({person["id"] for person in people}) < len(people):
        raise Malformed(
            "a new installation needs two administrators and a controller, three people at least: "
            "--admin 'NAME=EMAIL' --admin 'NAME=EMAIL' --controller 'NAME=EMAIL'"
        )
    return people


def parse_person(text: str) -> dict[str, Any]:
    """NAME=EMAIL as a person; the id is the name in lower case with dots."""
    name, found, email = (part.strip() for part in text.partition("="))
    made = re.sub(r"[^a-z0-9]+", ".", name.casefold()).strip(".")
    if not found or not made or "@" not in email:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=EMAIL, such as 'Ada Lovelace=ada@example.org'")
    return {"id": made, "name": name, "email": email}


def run(args: argparse.Namespace) -> int:
    from api.acting import person_key, reader_key
    from api.wiring import connect

    with connect(args.home) as system:
        key = reader_key(args, system) if args.verb == "list" else person_key(args)
        with system.database.transaction("review", key) as conn:
            return {"add": _add, "list": _list, "off": _off, "on": _propose_roles, "roles": _propose_roles}[args.verb](
                args, conn
            )


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
    roles = ["service"] if args.service else []
    accounts.add(conn, args.id, kind=kind, name=args.name or args.id, email=args.email, roles=roles, key=key)
    made = {"id": args.id, "kind": kind.value, "roles": roles, "key": key, "recommendation_id": None}
    if args.role and not args.service:
        made["recommendation_id"] = _ask(conn, args.id, args.role, f"{args.name or args.id} is new")[
            "recommendation_id"
        ]
    emit(args, ("id", "kind", "roles", "key", "recommendation_id"), [made])
    say("the key is shown this once: hand it to its owner")
    if made["recommendation_id"]:
        say(f"the roles ({', '.join(args.role)}) hold once others have signed the recommendation")
    return 0


def _ask(conn: Connection, actor: str, roles: Sequence[str], why: str) -> dict[str, Any]:
    from governance.record import changes

    return changes.propose(conn, "roles", actor, {"roles": sorted(set(roles)), "active": True}, why)


def _list(args: argparse.Namespace, conn: Connection) -> int:
    from api.commands.output import emit, moment
    from governance import permit
    from governance.record import people

    permit.may_read(people.whoami(conn))
    rows = people.actors(conn)
    emit(args, COLUMNS, rows if args.json else [{**row, "created_at": moment(row["created_at"])} for row in rows])
    return 0


def _off(args: argparse.Namespace, conn: Connection) -> int:
    from api.commands.output import emit
    from governance import permit
    from governance.record import accounts, people

    permit.may_administer(people.whoami(conn))
    accounts.set_active(conn, args.id, False)
    emit(args, ("id", "active"), [{"id": args.id, "active": False}])
    return 0


def _propose_roles(args: argparse.Namespace, conn: Connection) -> int:
    from api.commands.listing import say
    from api.commands.output import emit
    from governance import permit
    from governance.errors import NotFound
    from governance.record import people

    permit.may_administer(people.whoami(conn))
    found = next((row for row in people.actors(conn) if row["id"] == args.id), None)
    if found is None:
        raise NotFound(f"there is no user {args.id}")
    roles = args.role if args.verb == "roles" else found["roles"]
    made = _ask(conn, args.id, roles, f"countersign user {args.verb}")
    emit(args, ("id", "roles", "recommendation_id"), [{"id": args.id, "roles": sorted(set(roles)), **made}])
    say("this holds once others have signed the recommendation")
    return 0
