"""countersign learning: what people taught, what is remembered of suppliers, and what would teach most."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from api.commands import learning_pairs

if TYPE_CHECKING:
    from governance.record.db import Connection

HELP = "what people taught, what is remembered of suppliers, how the risk model holds; memories are proposed here"
STATE = ("what", "documents", "needed", "state")
MEMORIES = ("supplier_id", "supplier_name", "state", "version", "since", "approved_by", "reading", "habits")
HABITS = ("supplier_id", "kind", "words", "facts", "dismissed", "until")
PROPOSED = ("recommendation_id", "case_id", "digest", "expires_at")
HELD = ("figure", "value", "low", "high", "should_be", "rows", "customers", "raised")


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="state|memories|habits|propose|forget|pairs|risk")
    verbs.add_parser("state", help="labelled documents by class, corrected fields, and where that is not enough yet")
    verbs.add_parser("memories", help="memories of suppliers that hold, and those that wait for a signature")
    verbs.add_parser("habits", help="habits of suppliers that decisions on likely duplicates point to")
    propose = verbs.add_parser("propose", help="ask a reviewer to let such habits of a supplier hold")
    propose.add_argument("supplier", metavar="SUPPLIER", help="its id in the books")
    propose.add_argument("--habit", action="append", default=[], metavar="KIND", help="only this one; may be repeated")
    propose.add_argument("--until", type=date.fromisoformat, metavar="DAY", help="the last day (default in a year)")
    propose.add_argument("--why", default="", metavar="WORDS", help="what the signer is told besides the facts")
    forget = verbs.add_parser(
        "forget", help="ask a reviewer to take back how a supplier is read, or what it is used to"
    )
    forget.add_argument("supplier", metavar="SUPPLIER", help="its id in the books")
    what = forget.add_mutually_exclusive_group()
    what.add_argument("--field", metavar="NAME", help="only how this field is read; default how documents are read")
    what.add_argument("--habit", metavar="KIND", help="this habit of its bills instead, or all")
    forget.add_argument("--why", required=True, metavar="WORDS", help="what the signer is told")
    pairs = verbs.add_parser("pairs", help="the pairs of invoices whose labels would teach most")
    learning_pairs.configure(pairs)
    verbs.add_parser("risk", help="how the model of collection risk holds, by what became of the invoices")


def run(args: argparse.Namespace) -> int:
    verbs = {
        "state": _state,
        "memories": _memories,
        "habits": _habits,
        "propose": _propose,
        "forget": _forget,
        "pairs": learning_pairs.run,
        "risk": _risk,
    }
    return verbs[args.verb](args)


@contextlib.contextmanager
def _reading(args: argparse.Namespace) -> Iterator[Connection]:
    from api.acting import reader_key
    from api.wiring import connect
    from governance import permit
    from governance.record import people

    with connect(args.home) as system, system.database.transaction("review", reader_key(args, system)) as conn:
        permit.may_read(people.whoami(conn))
        yield conn


def _state(args: argparse.Namespace) -> int:
    from api import learning
    from api.commands.output import emit

    with _reading(args) as conn:
        found = learning.state(conn)
    if args.json:
        emit(args, STATE, [found])
        return 0
    rows = [{"what": f"class {row['document_class']}", **row} for row in found["classes"]]
    rows += [{"what": f"field {row['field']}", **row} for row in found["fields"]]
    rows.append(
        {"what": "to train on", "documents": found["texts"], "needed": found["needed"], "state": found["state"]}
    )
    rows.append({"what": "called wrong, the right class not said", "documents": found["unsaid"]})
    pairs = found["pairs"]
    rows += [
        {"what": f"pairs decided on: {name}", "documents": pairs[name], "needed": pairs["needed"], "state": state}
        for name, state in (("duplicates", pairs["state"]), ("others", pairs["state"]))
    ]
    emit(args, STATE, rows)
    return 0


def _memories(args: argparse.Namespace) -> int:
    from api import learning
    from api.commands.output import emit, moment

    with _reading(args) as conn:
        rows = learning.memories(conn)
    plain = [
        {
            **row,
            "since": moment(row["since"]),
            "reading": json.dumps(row["reading"]) if row["reading"] else None,
            "habits": [f"{one['words']} (until {one['until']})" for one in row["habits"]],
        }
        for row in rows
    ]
    emit(args, MEMORIES, rows if args.json else plain)
    return 0


def _habits(args: argparse.Namespace) -> int:
    from api import habits
    from api.commands.output import emit

    with _reading(args) as conn:
        rows = habits.rows(habits.suggestions(conn))
    emit(args, HABITS, rows)
    return 0


def _risk(args: argparse.Namespace) -> int:
    from api import watched
    from api.commands.listing import say
    from api.commands.output import emit

    with _reading(args) as conn:
        found = watched.state(conn)
    newest = found["newest"]
    if args.json:
        emit(args, tuple(found), [found])
    elif newest is None:
        say("it was not judged yet: the clock does so once a day, from the first estimate on")
    else:
        say(f"judged {newest['day']} by outcomes up to {newest['figures'].get('until')}")
        emit(args, HELD, watched.rows(newest))
        for one in found["proposals"]:
            say(f"{one['state']}: {one['action']} {one['subject']}, {one['recommendation_id']}")
    return 0


def _propose(args: argparse.Namespace) -> int:
    from api import habits
    from api.acting import person_key
    from api.commands.listing import say
    from api.commands.output import emit
    from api.wiring import connect
    from governance import permit
    from governance.record import people

    with connect(args.home) as system, system.database.transaction("review", person_key(args)) as conn:
        permit.may_propose_change(people.whoami(conn))
        made = habits.propose(conn, args.supplier, kinds=args.habit, until=args.until, why=args.why)
    emit(args, PROPOSED, [made])
    say("a reviewer signs it like everything else; you hold no seat")
    return 0


def _forget(args: argparse.Namespace) -> int:
    from api import habits, learning
    from api.acting import person_key
    from api.commands.listing import say
    from api.commands.output import emit
    from api.wiring import connect
    from governance import permit
    from governance.record import changes, people

    with connect(args.home) as system, system.database.transaction("review", person_key(args)) as conn:
        permit.may_propose_change(people.whoami(conn))
        content: dict[str, Any] = (
            habits.without(conn, args.supplier, None if args.habit == "all" else args.habit)
            if args.habit
            else learning.without(conn, args.supplier, args.field)
        )
        made = changes.propose(conn, "memory", args.supplier, content, args.why)
    emit(args, PROPOSED, [made])
    say("a reviewer signs it like everything else; you hold no seat")
    return 0
