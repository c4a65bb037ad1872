"""countersign change: how this system itself is altered. A change is proposed here and signed by others."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from governance.record.db import Connection

HELP = "propose a governed change (roles, thresholds, rates, holds …), or see what is set"
KINDS = ("kind", "action", "proposers", "what")
SETTINGS = ("kind", "subject", "version", "content", "since", "expires_at")
PROPOSED = ("recommendation_id", "case_id", "digest", "expires_at")


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="kinds|settings|propose")
    verbs.add_parser("kinds", help="what can be changed, and who may propose it")
    settings = verbs.add_parser("settings", help="the settings that hold")
    settings.add_argument("--kind", metavar="KIND")
    propose = verbs.add_parser("propose", help="ask others to sign a change; its author holds no seat")
    propose.add_argument("kind", metavar="KIND", help="see: countersign change kinds")
    propose.add_argument("subject", metavar="SUBJECT", help="a user, model, currency, queue, supplier …")
    propose.add_argument(
        "content", metavar="JSON", help='what shall hold, such as \'{"roles": ["reviewer"], "active": true}\', or @FILE'
    )
    propose.add_argument("--why", required=True, metavar="WORDS", help="what the signers are told")


def run(args: argparse.Namespace) -> int:
    return {"kinds": _kinds, "settings": _settings, "propose": _propose}[args.verb](args)


def content_of(text: str) -> dict[str, Any]:
    """A JSON object, from the text or from the file that @FILE names. Raises Malformed, FileNotFoundError."""
    from governance.errors import Malformed

    try:
        value = json.loads(Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Malformed(f"what shall hold is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise Malformed('what shall hold is a JSON object, such as {"days": "3650"}')
    return value


@contextlib.contextmanager
def _reading(args: argparse.Namespace) -> Iterator[Connection]:
    from api.acting import reader_key
    from api.wiring import connect
    from governance import permit
    from governance.record import people

    with connect(args.home) as system, system.database.transaction("review", reader_key(args, system)) as conn:
        permit.may_read(people.whoami(conn))
        yield conn


def _kinds(args: argparse.Namespace) -> int:
    from api.commands.output import emit
    from governance.record import changes

    with _reading(args) as conn:
        rows = changes.kinds(conn)
    emit(args, KINDS, rows if args.json else [{**row, "proposers": ", ".join(row["proposers"])} for row in rows])
    return 0


def _settings(args: argparse.Namespace) -> int:
    from api.commands.output import emit, moment
    from governance.record import changes

    with _reading(args) as conn:
        rows = changes.settings(conn, args.kind)
    plain = [
        {**row, "content": json.dumps(row["content"]), "since": moment(row["since"]),
         "expires_at": row["expires_at"] and moment(row["expires_at"])} for row in rows
    ]  # fmt: skip
    emit(args, SETTINGS, rows if args.json else plain)
    return 0


def _propose(args: argparse.Namespace) -> int:
    from agents import own_templates
    from api.acting import person_key
    from api.commands.listing import say
    from api.commands.output import emit
    from api.wiring import connect
    from governance import permit
    from governance.record import changes, people

    content = content_of(args.content)
    with connect(args.home) as system, system.database.transaction("review", person_key(args)) as conn:
        permit.may_propose_change(people.whoami(conn))
        own_templates.checked(args.kind, args.subject, content)
        made = changes.propose(conn, args.kind, args.subject, content, args.why)
    emit(args, PROPOSED, [made])
    say("others sign it like everything else; you hold no seat")
    return 0
