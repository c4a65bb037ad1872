"""What is done once before the roles start: models, their champions, the demo's data. A child of `up` or `lab`, so that
those stay small: python -m api.prepare --home DIR [--demo DAY]
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from api.processes import end_with_parent
from api.system import System
from governance.errors import Refusal
from governance.record import telemetry

if TYPE_CHECKING:
    from models.bundle import Bundle


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

    bundle = default_bundle(home, lambda stage: _say(f"training once: {stage}"))
    with connect(home) as system:
        _set_champions(system, bundle)
        if day is not None:
            from api.demo_company import seed

            opened = seed(system, day, _say)
            if opened:
                _say(f"{opened} cases are in the queues")


def _set_champions(system: System, bundle: Bundle) -> None:
    """The shipped models are the champions of an installation that has none."""
    with system.database.transaction("courier", system.token("courier")) as conn:
        for file in bundle.manifest["files"]:
            telemetry.first_champion(conn, Path(file).stem, bundle.digest)


def _say(message: str) -> None:
    sys.stderr.write(f"countersign: {message}\n")


if __name__ == "__main__":
    sys.exit(main())
