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
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from governance.errors import Malformed

if TYPE_CHECKING:
    from api.system import System
    from evals.replay_agent import Action
    from evals.thresholds import Judged, Marks
    from governance.record.overrides import Override

HELP = "turn what people decided otherwise into a suite, and try today's agent on it"
RESAMPLES = 200
COLUMNS = ("measure", "group", "value", "proposals")
_VERBS = ("approve", "override", "reject", "send_back")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", metavar="DAY", help="decided on that day or later, YYYY-MM-DD")
    parser.add_argument("--until", metavar="DAY", help="decided before that day")
    parser.add_argument("--suite", type=Path, metavar="FILE",
                        help="the suite: read where it is there, else written (default HOME/evals/replay.jsonl, always "
                        "written anew)")  # fmt: skip
    parser.add_argument("--only-record", action="store_true", help="do not run today's agent")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table there, as CSV")
    parser.add_argument("--report", type=Path, metavar="FILE", help="the report (default HOME/evals/TIME-replay.html)")
    parser.add_argument("--thresholds", type=Path, metavar="TOML", help="pass marks (default those of the product)")
    parser.epilog = "Exit code: 0 every pass mark is met, 1 one is missed, 2 wrong usage."
    parser.add_argument("--key-file", metavar="FILE", help="your API key (default $COUNTERSIGN_API_KEY)")


def run(args: argparse.Namespace) -> int:
    """0 every pass mark is met, 1 one is missed. Raises Malformed, NotPermitted, Unauthenticated, Unavailable,
    OSError."""
    from api.commands.listing import show
    from api.wiring import connect
    from evals.lab import say
    from evals.run import must_be_writable
    from evals.thresholds import read_marks

    marks, started = read_marks(args.thresholds), datetime.now(UTC)
    report = args.report or args.home / "evals" / f"{started:%Y%m%dT%H%M%SZ}-replay.html"
    must_be_writable(report)
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
    missed = _reported(args, rows, now, marks, started, report)
    show(args, COLUMNS, measures(rows, now))
    say(f"report: {report}")
    for one in missed:
        say(f"missed: replay {one.metric.key} is {one.metric.value:g}, must be {one.mark}")
    return 1 if missed else 0


def again(suite: Path, args: argparse.Namespace) -> int:
    """`countersign-evals run replay --data SUITE`: a suite that is there, sat by today's agent, judged and reported."""
    if not suite.is_file():
        raise Malformed(f"--data {suite}: there is no such suite; countersign-evals replay writes one")
    own = argparse.ArgumentParser()
    configure(own)
    given = ["--suite", str(suite)]
    given += ["--report", str(args.out)] if args.out else []
    given += ["--thresholds", str(args.thresholds)] if args.thresholds else []
    settled = own.parse_args(given)
    for name in ("home", "json", "bundle", "seed", "resamples"):
        setattr(settled, name, getattr(args, name))
    return run(settled)


def _reported(
    args: argparse.Namespace, rows: Sequence[Override], now: Mapping[str, Action] | None, marks: Marks,
    started: datetime, path: Path,
) -> list[Judged]:  # fmt: skip
    """Writes the report. Which pass marks are missed: only those of measures that had proposals."""
    from evals.report import Run, html
    from evals.suite_replay import result
    from evals.thresholds import judge

    found = result(rows, now, seed=args.seed, resamples=getattr(args, "resamples", RESAMPLES))
    there = {one.key for one in found.metrics}
    judged = judge(found, {"replay": {key: mark for key, mark in marks.get("replay", {}).items() if key in there}})
    done = Run([found], {"replay": judged}, [("Settled proposals", f"{len(rows):,}")], started)
    path.write_text(html(done), encoding="utf-8")
    return done.missed


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


@dataclass(frozen=True, slots=True)
class Counted:
    """One measure of one group. weights: of each proposal; None where all count the same."""

    measure: str
    group: str
    hits: Sequence[bool]
    weights: Sequence[float] | None = None

    @property
    def value(self) -> float | None:
        weights = self.weights or [1.0] * len(self.hits)
        total = sum(weights)
        return sum(weight for hit, weight in zip(self.hits, weights, strict=True) if hit) / total if total else None


def measures(rows: Sequence[Override], now: Mapping[str, Action] | None) -> list[dict[str, Any]]:
    """`counted` as rows of COLUMNS."""
    return [
        {"measure": one.measure, "group": one.group, "proposals": len(one.hits),
         "value": None if one.value is None else round(one.value, 4)}
        for one in counted(rows, now)
    ]  # fmt: skip


def counted(rows: Sequence[Override], now: Mapping[str, Action] | None) -> list[Counted]:
    """Rejections and what was sent back settle on no action: they count in `rejected` and `sent_back`.

    agreed: the proposed action was sent. agreed_weighed: the same, each weighed by 1/propensity (self-normalised), as
    if no lot had been drawn. For today's agent: agreed_now; mended: of those that people changed, now proposed as they
    sent it; spoilt: of those that they approved, now proposed otherwise; dropped: of those rejected, not proposed now.
    Groups: all, each queue, each queue/type; reason codes for what was changed.
    """
    sent = [one for one in rows if one.sent_action is not None]
    lettered = [one for one in sent if one.letter in ("kept", "edited", "dropped")]
    weights = [float(1 / one.propensity) for one in sent]
    made = [Counted(f"decided_{verb}", "all", [one.decided == verb for one in rows]) for verb in _VERBS]
    made += [Counted("agreed", "all", [one.agreed for one in sent])]
    made += [Counted("agreed_weighed", "all", [one.agreed for one in sent], weights)]
    made += [Counted("agreed", name, [one.agreed for one in group]) for name, group in _grouped(sent).items()]
    made += [Counted("letter_kept", "all", [one.letter == "kept" for one in lettered])]
    made += [Counted("changed_because", name, [True] * len(group)) for name, group in sorted(_by_reason(rows).items())]
    return made if now is None else made + _counted_now(rows, sent, now)


def _counted_now(rows: Sequence[Override], sent: Sequence[Override], now: Mapping[str, Action]) -> list[Counted]:
    same = {one.recommendation_id: is_now(now[one.recommendation_id], one) for one in sent}
    changed = [one for one in sent if not one.agreed]
    refused = [one for one in rows if one.decided == "reject"]
    made = []
    for name, group in {"all": sent, **_grouped(sent)}.items():
        kept = [one for one in group if one.agreed]
        made.append(Counted("agreed_now", name, [same[one.recommendation_id] for one in group]))
        if kept or name == "all":
            made.append(Counted("spoilt", name, [not same[one.recommendation_id] for one in kept]))
    for name, group in {"all": changed, **dict(sorted(_by_reason(changed).items()))}.items():
        made.append(Counted("mended", name, [same[one.recommendation_id] for one in group]))
    dropped = [now[one.recommendation_id]["name"] != one.action for one in refused]
    return [*made, Counted("dropped", "all", dropped)]


def _grouped(rows: Sequence[Override]) -> dict[str, list[Override]]:
    found: dict[str, list[Override]] = defaultdict(list)
    for one in rows:
        found[one.queue].append(one)
        found[f"{one.queue}/{one.exception_type}"].append(one)
    return dict(sorted(found.items()))


def _by_reason(rows: Sequence[Override]) -> dict[str, list[Override]]:
    found: dict[str, list[Override]] = defaultdict(list)
    for one in rows:
        if one.decided != "approve":
            found[one.reason_code or "no reason given"].append(one)
    return found


def is_now(action: Action, one: Override) -> bool:
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
