"""The command line. Every command is a module of api.commands; only the one that was asked for is imported.

A command module has HELP, configure(parser) and run(args) -> exit code: 0 done, 1 some failed, 2 usage, 3 tampered.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

OK, FAILED, USAGE, TAMPERED = 0, 1, 2, 3
_INTERRUPTED, _BROKEN_PIPE = 130, 141

COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("up", "run everything on this machine; --demo with the demo company"),
    "serve": ("serve", "run the API and the console"),
    "work": ("work", "run an agent that triages cases"),
    "deliver": ("deliver", "run the courier that delivers what was approved"),
    "lab": ("lab", "feed MLflow with traces, decisions and champions"),
    "tick": ("tick", "do the clock's work once: expiry, deadlines, checkpoints"),
    "migrate": ("migrate", "bring the database to this program's schema"),
    "intake": ("intake", "documents and rows become cases"),
    "import": ("import_", "reference data into the books"),
    "read": ("read", "class and fields of documents; stores nothing"),
    "duplicates": ("duplicates", "find likely duplicates in a ledger of supplier invoices"),
    "risk": ("risk", "how late customers will pay their open invoices"),
    "cases": ("cases", "list cases"),
    "case": ("case", "one case: facts, recommendation, seats, timeline"),
    "tasks": ("tasks", "what waits for a person to do or to reconcile"),
    "export": ("export", "one case with its proof, for outside"),
    "verify": ("verify", "check the ledger, or an exported case"),
    "policy": ("policy", "check policy files, compare them with the active policy, or propose them"),
    "change": ("change", "propose a governed change, or see what is set"),
    "learning": ("learning", "what people taught the reader, and how suppliers are read"),
    "user": ("user", "add, list and switch users"),
    "key": ("key", "make, list and revoke API keys; make a signing key"),
    "sign": ("sign", "approve with a signature by your own key"),
}
"""Name → (module in api.commands, help in one line)."""
_ACTING = frozenset(
    [
        "intake",
        "import",
        "cases",
        "case",
        "tasks",
        "policy",
        "change",
        "learning",
        "user",
        "key",
        "sign",
        "export",
        "verify",
    ]
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Messages go to stderr, results to stdout."""
    given = list(sys.argv[1:] if argv is None else argv)
    if not given or given[0] in ("-h", "--help", "help"):
        sys.stdout.write(_overview())
        return OK if given else USAGE
    if given[0] == "--version":
        sys.stdout.write(f"countersign {_version()}\n")
        return OK
    if given[0] not in COMMANDS:
        return _unknown(given[0])
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


def parser_of(name: str) -> tuple[argparse.ArgumentParser, str]:
    """The command's own parser with the common flags, and the module that runs it."""
    module_name = f"api.commands.{COMMANDS[name][0]}"
    module = importlib.import_module(module_name)
    parser = argparse.ArgumentParser(prog=f"countersign {name}", description=_sentence(module.HELP), allow_abbrev=False)
    module.configure(parser)
    _add_common(name, parser)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb in action.choices.values():
                # After the verb, too. What is not given there must not undo what stood before it.
                _add_common(name, verb, argument_default=argparse.SUPPRESS)
    return parser, module_name


def _add_common(name: str, parser: argparse.ArgumentParser, argument_default: str | None = None) -> None:
    """The flags of every command."""
    off: str | bool = argument_default or False
    common = parser.add_argument_group("common")
    common.add_argument(
        "--json", action="store_true", default=off, help="one JSON object a line on stdout, and nothing else there"
    )
    common.add_argument(
        "--home", type=Path, metavar="DIR", default=argument_default,
        help="database, secrets, models (default $COUNTERSIGN_HOME, ~/.countersign)",
    )  # fmt: skip
    common.add_argument(
        "--out", type=Path, metavar="FILE", default=argument_default, help="write the result there, not to stdout"
    )
    if name in _ACTING:
        common.add_argument(
            "--key-file", type=Path, metavar="FILE", default=argument_default,
            help="a file with your API key (default $COUNTERSIGN_API_KEY)",
        )  # fmt: skip
    common.add_argument("--version", action="version", version=f"countersign {_version()}")
    parser.add_argument("--supervised", action="store_true", default=off, help=argparse.SUPPRESS)


def _run(name: str, given: list[str]) -> int:
    from governance.errors import Malformed, Refusal, Tampered

    parser, module_name = parser_of(name)
    try:
        args = parser.parse_args(given)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else USAGE
    try:
        args.home = _home(args.home)
        if args.supervised:
            from api.processes import end_with_parent

            end_with_parent()
        code: int = importlib.import_module(module_name).run(args)
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
        return USAGE if isinstance(error, FileNotFoundError) else FAILED


def _home(given: Path | None) -> Path:
    from api.settings import load_settings

    return load_settings(given).home.absolute()


def _overview() -> str:
    width = max(len(name) for name in COMMANDS)
    lines = [f"  {name:<{width}}  {text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(
        ("usage: countersign COMMAND [...]", "", "Governed triage of finance exceptions: an agent proposes, people", 
         "countersign, one record proves it.", "", *lines, "", "countersign COMMAND --help says more.", "")
    )  # fmt: skip


def _unknown(name: str) -> int:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    _say(f"there is no command {name!r}" + (f": do you mean {near[0]}?" if near else ": countersign --help lists them"))
    return USAGE


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("countersign")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _say(message: str) -> None:
    sys.stderr.write(f"countersign: {message}\n")


if __name__ == "__main__":
    sys.exit(main())
