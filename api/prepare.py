"""What `up` does once before it starts the roles: models, and the demo's data. A child of `up`, so that the
supervisor stays small: python -m api.prepare --home DIR [--demo DAY]
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from api.processes import end_with_parent
from governance.errors import Refusal


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m api.prepare")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--demo", type=date.fromisoformat, metavar="DAY")
    args = parser.parse_args()
    end_with_parent()
    try:
        _prepare(args.home, args.demo)
    except Refusal as refusal:
        _say(refusal.detail)
        return 1
    return 0


def _prepare(home: Path, day: date | None) -> None:
    from api.wiring import connect
    from models.bundle import default_bundle

    default_bundle(home, lambda stage: _say(f"training once: {stage}"))
    if day is not None:
        from api.demo_company import seed

        with connect(home) as system:
            opened = seed(system, day, _say)
        if opened:
            _say(f"{opened} cases are in the queues")


def _say(message: str) -> None:
    sys.stderr.write(f"countersign: {message}\n")


if __name__ == "__main__":
    sys.exit(main())
