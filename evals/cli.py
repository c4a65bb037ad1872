"""The command line of the evaluations. Only the command that was asked for is imported.

A command module has HELP, configure(parser) and run(args) -> exit code: 0 done and every pass mark met, 1 a pass mark
missed, 2 usage, 3 tampered.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

OK, FAILED, USAGE, TAMPERED = 0, 1, 2, 3
_INTERRUPTED, _BROKEN_PIPE = 130, 141

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("evals.run", "measure suites, write a report, compare with the pass marks"),
    "train": ("evals.train", "fit one model on data of your own, as a new bundle"),
    "replay": ("evals.replay", "what people decided otherwise becomes a suite; today's agent sits it"),
    "promote": ("evals.promote", "propose a trained bundle as the champion of a model; others sign it"),
    "show": ("evals.show", "a case of every type of a workflow, from what came in to the letter"),
    "bench": ("evals.bench", "speed of reading, matching and scoring beside a floor"),
}
"""Name → (module, help in one line)."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Messages go to stderr, results to stdout."""
    given = list(sys.argv[1:] if argv is None else argv)
    if not given or given[0] in ("-h", "--help", "help"):
        sys.stdout.write(_overview())
        return OK if given else USAGE
    if given[0] == "--version":
        sys.stdout.write(f"countersign-evals {_version()}\n")
        return OK
    if given[0] not in COMMANDS:
        near = difflib.get_close_matches(given[0], COMMANDS, n=1)
        hint = f"do you mean {near[0]}?" if near else "countersign-evals --help lists them"
        _say(f"there is no command {given[0]!r}: {hint}")
        return USAGE
    try:
        code = _run(given[0], given[1:])
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has seen enough. What Python would still flush at exit goes nowhere.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE


def parser_of(name: str) -> argparse.ArgumentParser:
    """The command's own parser with the flags of every command."""
    module = importlib.import_module(COMMANDS[name][0])
    parser = argparse.ArgumentParser(
        prog=f"countersign-evals {name}", description=f"{module.HELP[:1].upper()}{module.HELP[1:]}.", allow_abbrev=False
    )
    module.configure(parser)
    common = parser.add_argument_group("common")
    common.add_argument("--json", action="store_true", help="one JSON object a line on stdout, and nothing else there")
    common.add_argument(
        "--home", type=Path, metavar="DIR", help="models and reports (default $COUNTERSIGN_HOME, ~/.countersign)"
    )
    common.add_argument(
        "--seed", type=int, default=1, metavar="N", help="the same seed gives the same metrics (default 1)"
    )
    common.add_argument(
        "--bundle", type=Path, metavar="DIR", help="the models to use (default the standard bundle in HOME)"
    )
    common.add_argument("--version", action="version", version=f"countersign-evals {_version()}")
    return parser


def _run(name: str, given: list[str]) -> int:
    from api.logs import to_stderr
    from api.settings import load_settings
    from governance.errors import Malformed, Refusal, Tampered

    to_stderr()
    try:
        args = parser_of(name).parse_args(given)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else USAGE
    try:
        args.home = load_settings(args.home).home.absolute()
        code: int = importlib.import_module(COMMANDS[name][0]).run(args)
        return code
    except Refusal as refusal:
        _say(refusal.detail)
        return TAMPERED if isinstance(refusal, Tampered) else USAGE if isinstance(refusal, Malformed) else FAILED
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.filename is None:
            raise
        _say(f"{os.fsdecode(error.filename)}: {error.strerror}")
        return USAGE if isinstance(error, FileNotFoundError | IsADirectoryError | NotADirectoryError) else FAILED


def _overview() -> str:
    width = max(len(name) for name in COMMANDS)
    lines = [f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items()]
    said = ("usage: countersign-evals COMMAND [...]", "", "How well the parts of Countersign work, measured.", "")
    return "\n".join((*said, *lines, "", "countersign-evals COMMAND --help says more.", ""))


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("countersign")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _say(message: str) -> None:
    sys.stderr.write(f"countersign-evals: {message}\n")


if __name__ == "__main__":
    sys.exit(main())
