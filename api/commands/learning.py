"""countersign learning: what people taught the reader, how suppliers are read, and taking a memory back."""

from __future__ import annotations

import argparse
import contextlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from governance.record.db import Connection

HELP = "what people taught the reader, and how suppliers are read; a memory is taken back here"
STATE = ("what", "documents", "needed", "state")
MEMORIES = ("supplier_id", "supplier_name", "state", "version", "since", "approved_by", "reading")
PROPOSED = ("recommendation_id", "case_id", "digest", "expires_at")


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="state|memories|forget")
    verbs.add_parser("state", help="labelled documents by class, corrected fields, and where that is not enough yet")
    verbs.add_parser("memories", help="memories of suppliers that hold, and those that wait for a signature")
    forget = verbs.add_parser("forget", help="ask a reviewer to take back how a supplier, or one field of it, is read")
    forget.add_argument("supplier", metavar="SUPPLIER", help="its id in the books")
    forget.add_argument("--field", metavar="NAME", help="only this field; default all of it")
    forget.add_argument("--why", required=True, metavar="WORDS", help="what the signer is told")


def run(args: argparse.Namespace) -> int:
    return {"state": _state, "memories": _memories, "forget": _forget}[args.verb](args)


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
    emit(args, STATE, rows)
    return 0


def _memories(args: argparse.Namespace) -> int:
    from api import learning
    from api.commands.output import emit, moment

    with _reading(args) as conn:
        rows = learning.memories(conn)
    plain = [{**row, "since": moment(row["since"]), "reading": json.dumps(row["reading"])} for row in rows]
    emit(args, MEMORIES, rows if args.json else plain)
    return 0


def _forget(args: argparse.Namespace) -> int:
    from api import learning
    from api.acting import person_key
    from api.commands.listing import say
    from api.commands.output import emit
    from api.wiring import connect
    from governance import permit
    from governance.record import changes, people

    with connect(args.home) as system, system.database.transaction("review", person_key(args)) as conn:
        permit.may_propose_change(people.whoami(conn))
        content: dict[str, Any] = learning.without(conn, args.supplier, args.field)
        made = changes.propose(conn, "memory", args.supplier, content, args.why)
    emit(args, PROPOSED, [made])
    say("a reviewer signs it like everything else; you hold no seat")
    return 0
