"""countersign cases: what is in the queues."""

from __future__ import annotations

import argparse

from governance.case import QUEUES, CaseState

HELP = "list cases, oldest first"
COLUMNS = ("id", "queue", "exception_type", "state", "amount", "currency", "title", "sla_due_at", "sla_breached")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--queue", choices=QUEUES)
    parser.add_argument("--state", choices=[state.value for state in CaseState], metavar="STATE")
    parser.add_argument("--limit", type=_count, default=50, metavar="N", help="at most so many (default 50)")


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value


def run(args: argparse.Namespace) -> int:
    from api import shapes
    from api.acting import reader_key
    from api.commands.listing import say
    from api.commands.output import emit, moment
    from api.wiring import connect
    from governance import permit
    from governance.record import cases, people

    with connect(args.home) as system, system.database.transaction("review", reader_key(args, system)) as conn:
        permit.may_read(people.whoami(conn))
        rows = cases.listing(conn, state=args.state, queue=args.queue, limit=args.limit + 1)
    shown = [shapes.case(row) for row in rows[: args.limit]]
    if not args.json:
        shown = [{**row, "sla_due_at": moment(row["sla_due_at"])} for row in shown]
    emit(args, COLUMNS, shown)
    if len(rows) > args.limit:
        say(f"there are more than {args.limit}: narrow them with --queue and --state, or raise --limit")
    return 0
