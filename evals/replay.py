"""countersign-evals replay: what people made of the agent's proposals is the next suite, and today's agent sits it.

The suite is a file with one settled proposal a line: what was proposed, what was sent, why, and how likely the proposal
was. It holds no letter and no argument: those stay in the record, where they can be erased.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.errors import Malformed

if TYPE_CHECKING:
    from api.system import System
    from evals.replay_agent import Action
    from governance.record.overrides import Override

HELP = "turn what people decided otherwise into a suite, and try today's agent on it"
COLUMNS = ("measure", "group", "value", "proposals")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", metavar="DAY", help="decided on that day or later, YYYY-MM-DD")
    parser.add_argument("--until", metavar="DAY", help="decided before that day")
    parser.add_argument("--suite", type=Path, metavar="FILE",
                        help="the suite: read where it is there, else written (default HOME/evals/replay.jsonl, always "
                        "written anew)")  # fmt: skip
    parser.add_argument("--only-record", action="store_true", help="do not run today's agent")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table there, as CSV")
    parser.add_argument("--key-file", metavar="FILE", help="your API key (default $COUNTERSIGN_API_KEY)")


def run(args: argparse.Namespace) -> int:
    """0 done. Raises Malformed, NotPermitted, Unauthenticated, Unavailable, OSError."""
    from api.commands.listing import show
    from api.wiring import connect
    from evals.lab import say

    since, until = _day(args.since), _day(args.until)
    with connect(args.home) as system:
        rows = _settled(args, system, since, until)
        known = args.suite if args.suite is not None and args.suite.exists() else None
        if known is not None:
            wanted = _named(known)
            kept = [one for one in rows if one.recommendation_id in wanted]
            if len(kept) < len(wanted):
                say(f"{len(wanted) - len(kept)} of {len(wanted)} are erased, open again or of other days")
            rows = kept
        else:
            path = args.suite or args.home / "evals" / "replay.jsonl"
            _write(path, rows)
            say(f"{len(rows)} settled proposals: {path}")
        now = None if args.only_record or not rows else _now(args, system, rows)
    show(args, COLUMNS, measures(rows, now))
    return 0


def _settled(
    args: argparse.Namespace, system: System, since: datetime | None, until: datetime | None
) -> list[Override]:
    from api.acting import person_key
    from governance import permit
    from governance.record import overrides, people

    with system.database.transaction("review", person_key(args)) as conn:
        permit.may_read_telemetry(people.whoami(conn))
        return overrides.settled(conn, since=since, until=until)


def _now(args: argparse.Namespace, system: System, rows: Sequence[Override]) -> dict[str, Action]:
    from agents.context import Models
    from evals.replay_agent import proposals
    from evals.run import load_bundle
    from models.embedding import Embedder

    models = Models(load_bundle(args), Embedder(threads=1))
    return proposals(system.database, system.token("agent"), models, rows)


def measures(rows: Sequence[Override], now: Mapping[str, Action] | None) -> list[dict[str, Any]]:
    """Rows of COLUMNS. Rejections and what was sent back settle on no action: they count in `rejected` and `sent_back`.

    agreed: the proposed action was sent. agreed_weighed: the same, each weighed by 1/propensity (self-normalised), as
    if no lot had been drawn. For today's agent: agreed_now; mended: of those that people changed, now proposed as they
    sent it; spoilt: of those that they approved, now proposed otherwise; dropped: of those rejected, not proposed now.
    """
    made: list[dict[str, Any]] = []

    def say(measure: str, group: str, hits: Sequence[bool], weights: Sequence[Decimal] | None = None) -> None:
        weighed = [float(one) for one in weights] if weights is not None else [1.0] * len(hits)
        total = sum(weighed)
        value = sum(weight for hit, weight in zip(hits, weighed, strict=True) if hit) / total if total else None
        made.append({"measure": measure, "group": group, "value": None if value is None else round(value, 4),
                     "proposals": len(hits)})  # fmt: skip

    sent = [one for one in rows if one.sent_action is not None]
    for verb in ("approve", "override", "reject", "send_back"):
        say(f"decided_{verb}", "all", [one.decided == verb for one in rows])
    say("agreed", "all", [one.agreed for one in sent])
    say("agreed_weighed", "all", [one.agreed for one in sent], [1 / one.propensity for one in sent])
    for name, group in _grouped(sent).items():
        say("agreed", name, [one.agreed for one in group])
    lettered = [one for one in sent if one.letter in ("kept", "edited", "dropped")]
    say("letter_kept", "all", [one.letter == "kept" for one in lettered])
    for reason, group in sorted(_by_reason(rows).items()):
        say("changed_because", reason, [True] * len(group))
    if now is not None:
        say("agreed_now", "all", [_is(now[one.recommendation_id], one) for one in sent])
        changed = [one for one in sent if not one.agreed]
        say("mended", "all", [_is(now[one.recommendation_id], one) for one in changed])
        for reason, group in sorted(_by_reason(changed).items()):
            say("mended", reason, [_is(now[one.recommendation_id], one) for one in group])
        say("spoilt", "all", [not _is(now[one.recommendation_id], one) for one in sent if one.agreed])
        refused = [one for one in rows if one.decided == "reject"]
        say("dropped", "all", [now[one.recommendation_id]["name"] != one.action for one in refused])
    return made


def _grouped(rows: Sequence[Override]) -> dict[str, list[Override]]:
    found: dict[str, list[Override]] = defaultdict(list)
    for one in rows:
        found[f"{one.queue}/{one.exception_type}"].append(one)
    return dict(sorted(found.items()))


def _by_reason(rows: Sequence[Override]) -> dict[str, list[Override]]:
    found: dict[str, list[Override]] = defaultdict(list)
    for one in rows:
        if one.decided != "approve":
            found[one.reason_code or "no reason given"].append(one)
    return found


def _is(action: Action, one: Override) -> bool:
    """Whether this is the action that people sent, but for the words of its reason."""
    from governance.record.overrides import changed

    if one.sent_action is None or action["name"] != one.sent_action:
        return False
    return not changed(action, {"name": one.sent_action, "args": one.sent_args or {}})


def _day(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Malformed(f"{text!r} is no day: write YYYY-MM-DD") from None


def _write(path: Path, rows: Sequence[Override]) -> None:
    """For the owner's eyes, whatever the umask says."""
    from governance.record.overrides import lines

    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(lines(rows))


def _named(path: Path) -> set[str]:
    """Recommendation ids of a suite. Raises Malformed for what is none."""
    try:
        found = [json.loads(line)["recommendation_id"] for line in path.read_text("utf-8").splitlines() if line.strip()]
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed(f"{path} is no suite that replay wrote") from error
    return {str(one) for one in found}
