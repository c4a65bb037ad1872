"""countersign-evals promote: a trained bundle is proposed as champion. It becomes one through the gate, never here."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

HELP = "propose a trained bundle as the champion of a model; others sign it"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", choices=("classifier", "pair_scorer", "risk"), metavar="MODEL",
                        help="classifier, pair_scorer or risk")  # fmt: skip
    parser.add_argument("bundle", type=Path, metavar="FOLDER", help="the bundle that train made")
    parser.add_argument("--why", required=True, metavar="WORDS", help="what the signers are told")
    parser.add_argument("--key-file", metavar="FILE", help="your API key (default $COUNTERSIGN_API_KEY)")


def run(args: argparse.Namespace) -> int:
    """0 proposed. Raises Tampered or Unavailable for a bundle that cannot be used, and what the gate refuses."""
    from api.acting import person_key
    from api.wiring import connect
    from evals.lab import say
    from governance import permit
    from governance.record import changes, people
    from models.bundle import load

    bundle = load(args.bundle)
    with connect(args.home) as system, system.database.transaction("review", person_key(args)) as conn:
        permit.may_propose_change(people.whoami(conn))
        made = changes.propose(conn, "model", args.model, {"digest": bundle.digest}, args.why)
    if args.json:
        sys.stdout.write(json.dumps({**made, "model": args.model, "bundle": bundle.digest}) + "\n")
    else:
        sys.stdout.write(f"{made['recommendation_id']}: {args.model} {bundle.digest}\n")
    say("it is champion once others have signed; workers and intake take it up when they start again")
    say(f"every machine that triages needs the folder {args.bundle.name} in its HOME/models")
    return 0
