"""countersign tasks: approved effects that wait for a person."""

from __future__ import annotations

import argparse

HELP = "what waits for a person: manual tasks, unknown outcomes, deliveries that were given up"
COLUMNS = ("recommendation_id", "queue", "title", "action", "state", "detail", "created_at")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="at most so many (default 100)")


def run(args: argparse.Namespace) -> int:
    from api.acting import reader_key
    from api.commands.output import emit, moment
    from api.wiring import connect
    from governance import permit
    from governance.record import cases, people

    with connect(args.home) as system, system.database.transaction("review", reader_key(args, system)) as conn:
        permit.may_read(people.whoami(conn))
        rows = cases.tasks(conn, limit=args.limit)
    if args.json:
        emit(args, COLUMNS, rows)
    else:
        emit(
            args,
            COLUMNS,
            [{**row, "action": row["action"]["name"], "created_at": moment(row["created_at"])} for row in rows],
        )
    return 0
