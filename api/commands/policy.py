"""countersign policy: what policy files say, how they differ from the policy that holds, and proposing them; baselines.

Changing the active policy is a governed case of its own: `propose` asks others to sign it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from governance.matrix import Policy, Workflow

HELP = "check policy files, compare them with the active policy, or propose them"
RULES = ("id", "actions", "amount_from", "amount_below", "risk_from", "entities", "regions", "seats", "expires_hours")
FLOWS = ("queue", "exception_type", "mode", "owner", "sla_hours", "calendar", "actions", "letters", "causes", "steps")
PROPOSED = ("recommendation_id", "case_id", "digest", "policy", "expires_at")
BASELINE = ("queue", "exception_type", "cases", "decided", "agreed", "agreement", "hours")
CHANGES = ("change", "what", "id", "key", "before", "after")


def configure(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="check|diff|propose|baseline")
    for verb, words in (
        ("check", "validate files; their digest, rules and workflows"),
        ("diff", "what the files would change in the active policy, rule by rule"),
        ("propose", "ask others to sign the files as the next policy, with a replay over what is on record"),
    ):
        one = verbs.add_parser(verb, help=words)
        one.add_argument(
            "files", nargs="*", type=Path, metavar="FILE",
            help="matrix.toml, workflows.toml and local files that add rules; a missing one is the standard policy's",
        )  # fmt: skip
        if verb == "propose":
            one.add_argument("--why", required=True, metavar="WORDS", help="what the signers are told")

    seen = verbs.add_parser(
        "baseline", help="of queues that are or were observed: what rules would have proposed beside what people did"
    )
    seen.add_argument("--queue", metavar="QUEUE", help="this queue only")


def run(args: argparse.Namespace) -> int:
    if args.verb == "baseline":
        return _baseline(args)
    policy = read_policy(args.files)
    return {"check": _check, "diff": _diff, "propose": _propose}[args.verb](args, policy)


def read_policy(files: Sequence[Path]) -> Policy:
    """The policy of these files, told apart by what stands in them. Raises PolicyInvalid, FileNotFoundError."""
    import tomllib
    from importlib import resources

    from governance.errors import PolicyInvalid
    from governance.policy import compile_policy

    texts: dict[str, list[str]] = {"matrix": [], "workflows": [], "local": []}
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
            keys = set(tomllib.loads(text))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise PolicyInvalid(f"{path} is not TOML: {error}") from None
        kind = "matrix" if keys & {"owner", "name"} else "workflows" if keys & {"workflow", "modes"} else "local"
        texts[kind].append(text)
    for kind in ("matrix", "workflows"):
        if len(texts[kind]) > 1:
            raise PolicyInvalid(f"two of the files are a {kind} file: a policy has one")
    standard = resources.files("governance") / "policies" / "standard"
    whole = {
        kind: texts[kind][0] if texts[kind] else (standard / f"{kind}.toml").read_text("utf-8")
        for kind in ("matrix", "workflows")
    }
    return compile_policy(whole["matrix"], whole["workflows"], texts["local"])


def _check(args: argparse.Namespace, policy: Policy) -> int:
    from api.commands.listing import say
    from api.commands.output import emit

    rows = policy.rows()
    if args.json:
        emit(args, (), [{"digest": policy.digest, **rows}])
        return 0
    emit(args, RULES, rows["rules"])
    if args.out is None:
        emit(args, FLOWS, [_flow(flow, policy.modes) for flow in policy.workflows])
    say(
        f"{policy.name}, owned by {policy.owner}: {len(policy.rules)} rules, {len(policy.workflows)} workflows, "
        f"amounts in {policy.currency}; {policy.digest}"
    )
    return 0


def _flow(flow: Workflow, modes: Mapping[str, str]) -> dict[str, Any]:
    """A workflow in a line; how many causes and steps it has as data (without steps, the agent's own rules)."""
    plan = flow.plan
    return {
        **flow.as_row(), "mode": modes[flow.queue], "calendar": flow.calendar, "letters": list(flow.letters),
        "causes": len(plan.causes), "steps": "summarised" if plan.judgement else len(plan.steps) or "rules",
    }  # fmt: skip


def _diff(args: argparse.Namespace, policy: Policy) -> int:
    from api.acting import reader_key
    from api.commands.listing import say
    from api.commands.output import emit
    from api.differences import changes
    from api.wiring import connect
    from governance import permit
    from governance.errors import NotFound
    from governance.record import people

    with connect(args.home) as system, system.database.transaction("review", reader_key(args, system)) as conn:
        permit.may_read(people.whoami(conn))
        active = people.active_policy(conn)
    if active is None:
        raise NotFound("no policy is active")
    found = changes(json.loads(active["canon"]), policy.rows())
    emit(args, CHANGES, found)
    if active["digest"] == policy.digest:
        say(f"the files say what the active policy (version {active['version']}) says: {policy.digest}")
    else:
        say(f"{len(found)} differences to version {active['version']} ({active['digest']}); the files: {policy.digest}")
    return 0


def _baseline(args: argparse.Namespace) -> int:
    from api.acting import reader_key
    from api.commands.listing import say
    from api.commands.output import emit
    from api.wiring import connect
    from governance import permit
    from governance.record import people
    from governance.record.baseline import baseline

    with connect(args.home) as system, system.database.transaction("review", reader_key(args, system)) as conn:
        permit.may_read(people.whoami(conn))
        found = [one.as_dict() for one in baseline(conn, args.queue)]
    emit(args, BASELINE, found)
    say(f"{sum(one['cases'] for one in found)} cases were observed, {sum(one['decided'] for one in found)} are decided")
    return 0


def _propose(args: argparse.Namespace, policy: Policy) -> int:
    from api.acting import person_key
    from api.commands.listing import say
    from api.commands.output import emit
    from api.wiring import connect
    from governance import permit
    from governance.errors import IllegalState, NotFound
    from governance.matrix import policy_from_rows
    from governance.record import changes as governed
    from governance.record import people
    from governance.replay import replay

    with connect(args.home) as system, system.database.transaction("review", person_key(args)) as conn:
        permit.may_propose_change(people.whoami(conn))
        active = people.active_policy(conn)
        if active is None:
            raise NotFound("no policy is active")
        if active["digest"] == policy.digest:
            raise IllegalState("the files say what the active policy says: there is nothing to propose")
        found = replay(
            policy_from_rows(json.loads(active["canon"])), policy, governed.recorded(conn, policy.currency)
        ).as_dict()
        made = governed.propose(
            conn, "policy", policy.name, {"policy": policy.text, "source": policy.source}, args.why, found
        )
    emit(args, PROPOSED, [{**made, "policy": policy.digest, **(found if args.json else {})}])
    say(
        f"over {found['cases']} recommendations on record ({found['skipped']} erased): {found['more']} would have "
        f"asked for more people ({found['amount_more']} {policy.currency}), {found['fewer']} for fewer "
        f"({found['amount_fewer']} {policy.currency})"
    )
    say("others sign it like everything else; you hold no seat")
    return 0
