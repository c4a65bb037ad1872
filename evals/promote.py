"""countersign-evals promote: a trained bundle is proposed as champion. It becomes one through the gate, never here."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from governance.record.db import Connection
    from models.bundle import Bundle

HELP = "propose a trained bundle as the champion of a model; others sign it"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", choices=("classifier", "pair_scorer", "risk"), metavar="MODEL",
                        help="classifier, pair_scorer or risk")  # fmt: skip
    parser.add_argument("bundle", type=Path, metavar="FOLDER", help="the bundle that train made")
    parser.add_argument("--why", required=True, metavar="WORDS", help="what the signers are told")
    parser.add_argument("--as-challenger", action="store_true",
                        help="of risk: it is asked beside the champion on live cases, without anybody seeing what it "
                        "says; once it was better on enough outcomes, it is proposed as champion")  # fmt: skip
    parser.add_argument("--key-file", metavar="FILE", help="your API key (default $COUNTERSIGN_API_KEY)")


def run(args: argparse.Namespace) -> int:
    """0 proposed, 2 for a challenger of another model than risk.

    Raises Tampered or Unavailable for a bundle that cannot be used, and what the gate refuses.
    """
    from api.acting import person_key
    from api.wiring import connect
    from evals.lab import say
    from governance import permit
    from governance.record import changes, people, risk_outcomes
    from models.bundle import load

    if args.as_challenger and args.model != "risk":
        say("only the model risk can have a challenger")
        return 2
    bundle = load(args.bundle)
    subject = risk_outcomes.CHALLENGER if args.as_challenger else args.model
    with connect(args.home) as system, system.database.transaction("review", person_key(args)) as conn:
        permit.may_propose_change(people.whoami(conn))
        made = changes.propose(
            conn, "model", subject, {"digest": bundle.digest}, args.why, _compared(conn, args, bundle)
        )
    if args.json:
        sys.stdout.write(json.dumps({**made, "model": subject, "bundle": bundle.digest}) + "\n")
    else:
        sys.stdout.write(f"{made['recommendation_id']}: {subject} {bundle.digest}\n")
    if args.as_challenger:
        say("it is asked beside the champion once others have signed; countersign shows how it does under Models")
    else:
        say("it is champion once others have signed; workers and intake take it up when they start again")
    say(f"every machine that triages needs the folder {args.bundle.name} in its HOME/models")
    return 0


def _compared(conn: Connection, args: argparse.Namespace, bundle: Bundle) -> dict[str, Any] | None:
    """The latest judgement, for the signers, where it compares this very bundle as challenger with the champion."""
    from governance.record import risk_outcomes

    if args.model != "risk" or args.as_challenger:
        return None
    found = risk_outcomes.judgements(conn, 1)
    if not found or found[0].figures.get("challenger_model") != bundle.digest:
        return None
    return {"of": "risk_monitor", "figures": dict(found[0].figures)}
