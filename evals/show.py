"""countersign-evals show: for each workflow a case of every type end to end, as a person would read it.

The demo company's planted exceptions go through the agent's own nodes, without a database: what came in, the cause, the
action with its alternatives, and the letter.
"""

from __future__ import annotations

import argparse
import json
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from governance.case import QUEUES

if TYPE_CHECKING:
    from models.duplicates import PairScorer

HELP = "a case of every type of a workflow, from what came in to the letter"
_SEED = 20261120


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("queues", nargs="*", metavar="QUEUE", help=f"{', '.join(QUEUES)} (default all of them)")
    parser.add_argument("--one", action="store_true", help="one case a workflow: one with a letter where there is one")
    parser.add_argument("--agents", action="store_true",
                        help="instead: an MCP client reads cases, an Agent Inbox client approves one")  # fmt: skip
    parser.add_argument("--language", metavar="CODE", help="all parties read this language (default: each its own)")


def run(args: argparse.Namespace) -> int:
    """Exit code 0; raises Malformed for a queue or language that is not known."""
    from agents.letter import LANGUAGES
    from evals.run import load_bundle
    from governance.errors import Malformed

    if args.agents:
        from evals import show_agents

        for said in show_agents.shown(load_bundle(args)):
            sys.stdout.write(json.dumps(said, default=str) + "\n" if args.json else show_agents.page(said))
        return 0
    if unknown := [queue for queue in args.queues if queue not in QUEUES]:
        raise Malformed(f"{unknown[0]} is no workflow: {', '.join(QUEUES)}")
    if args.language not in (None, *LANGUAGES):
        raise Malformed(f"letters are written in {', '.join(LANGUAGES)}")
    for one in shown(args, load_bundle(args).pair_scorer):
        sys.stdout.write(json.dumps(one) + "\n" if args.json else page(one))
    return 0


def shown(args: argparse.Namespace, scorer: PairScorer) -> Iterator[dict[str, Any]]:
    """{queue, exception_type, owner, sla_hours, calendar, mode, title, details, cause, action, why, risk, confidence,
    alternatives, draft, planted} of each case, in the order of the workflows."""
    from evals.cases import triaged
    from governance.policy import standard_policy
    from models.synthetic import company_month
    from models.synthetic_watched import other_exceptions

    month = company_month(_SEED, mail=0)
    month = replace(month, exceptions=[*month.exceptions, *other_exceptions(month)])
    policy = standard_policy()
    flows = {(flow.queue, flow.exception_type): flow for flow in policy.workflows}
    seen: set[Any] = set()
    cases = triaged(month, scorer, policy, args.language)
    for queue in args.queues or QUEUES:
        own = [one for one in cases if one.planted.queue == queue]
        for one in sorted(own, key=lambda one: one.letter["draft"] is None) if args.one else own:
            key = queue if args.one else (queue, one.planted.exception_type)
            if key in seen:
                continue
            seen.add(key)
            flow = flows[queue, one.planted.exception_type]
            yield {
                "queue": queue, "exception_type": one.planted.exception_type, "owner": flow.owner,
                "sla_hours": flow.sla_hours, "calendar": flow.calendar, "mode": policy.modes[queue],
                "title": one.planted.row["title"], "details": one.planted.row["details"],
                "cause": one.view.cause, "action": one.choice["action"], "why": one.choice["why"],
                "risk": one.choice["risk"], "confidence": one.choice["confidence"],
                "alternatives": one.choice["alternatives"], "draft": one.letter["draft"],
                "planted": {"cause": one.planted.cause, "action": one.planted.action},
            }  # fmt: skip


def page(shown: dict[str, Any]) -> str:
    """One case for a reader."""
    cause = shown["cause"]
    also = f", also {', '.join(cause['contributing'])}" if cause["contributing"] else ""
    lines = [
        "=" * 100,
        f"{shown['queue']} / {shown['exception_type']}   {shown['owner']}, {shown['sla_hours']} h "
        f"({shown['calendar']}), mode {shown['mode']}",
        shown["title"],
        f"cause        {cause['primary']}{also}",
        *(f"             - {one['fact']} ({one['source']})" for one in cause["facts"]),
        f"action       {shown['action']['name']} {json.dumps(shown['action']['args'], ensure_ascii=False)}",
        f"why          {shown['why']}",
        f"risk         {shown['risk']}",
        *(
            f"otherwise    {one['action']}: {one['obstacle'] or one['reason']}"
            for one in shown["alternatives"][:3]
        ),
    ]  # fmt: skip
    if (draft := shown["draft"]) is not None:
        body = "\n".join(textwrap.fill(line, 92) for line in draft["body"].split("\n"))
        letter = f"To: {draft['to']} ({draft['language']})\nSubject: {draft['subject']}\n\n{body}"
        lines += ["", textwrap.indent(letter, "    | ", lambda _: True)]
    return "\n".join(lines) + "\n\n"
