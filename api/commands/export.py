"""countersign export: one case with its proof, for people outside."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from api.wiring import System

HELP = "one case with everything that proves it, as one JSON file that countersign verify checks offline"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case_id", metavar="CASE_ID")
    parser.add_argument("--with-document", action="store_true", help="put the documents themselves in, not only hashes")
    parser.add_argument(
        "--since",
        type=Path,
        metavar="FILE",
        help="a checkpoint kept earlier: prove that the ledger has only grown since",
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0. Raises NotFound, Unavailable, and Tampered where the record of the case does not hold together."""
    from api import keyring, wiring
    from api.commands.verify import auditing
    from api.evidence import build_bundle
    from api.evidence_check import check_bundle
    from governance.chain import read_public_key
    from governance.errors import Unavailable

    with wiring.connect(args.home) as system:
        _sign(system)
        public = keyring.public_key(system.home)
        if public is None:
            raise Unavailable(f"{system.home / keyring.LEDGER_PUB} is missing: it names who signed the ledger")
        key = read_public_key(public)
        earlier = None if args.since is None else args.since.read_text("utf-8")
        with auditing(system, args) as conn:
            text = build_bundle(
                conn, system.tenant, args.case_id, key, with_document=args.with_document, earlier=earlier
            )
        text = _sealed(system, text)
    if args.out is None:
        sys.stdout.write(text)
    else:
        args.out.write_text(text, "utf-8")
    # After writing: a record that does not hold together is evidence too.
    report = check_bundle(text, key)
    if args.out is not None and args.json:
        line = {"case": report.case, "out": str(args.out), "entries": report.entries, "erased": list(report.erased)}
        sys.stdout.write(json.dumps(line) + "\n")
    sys.stderr.write(f"case {report.case}: {report.entries} ledger entries, signed up to {report.checkpoint_size}\n")
    return 0


def _sealed(system: System, text: str) -> str:
    """The bundle under the seal of who signs the ledger, where this machine holds that key."""
    from api import wiring

    seal = wiring.sealer(system)
    if seal is None:
        sys.stderr.write(
            "the file is not sealed, for this machine does not hold ledger.key: what was left out would not show\n"
        )
        return text
    return seal(text)


def _sign(system: System) -> None:
    """A checkpoint that covers the case's last entry, where this machine holds the key; else the stored one counts."""
    from api import wiring
    from governance.errors import Unavailable

    try:
        clock = wiring.clock(system)
    except Unavailable as error:
        sys.stderr.write(f"no new checkpoint was signed: {error.detail}\n")
        return
    clock.sign()
