"""The command line itself: help, lazy imports, exit codes, no tracebacks for what a person can do wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from api import cli, processes
from governance import errors

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "numpy",
    "pandas",
    "torch",
    "sklearn",
    "duckdb",
    "psycopg",
    "fastapi",
    "uvicorn",
    "langgraph",
    "mlflow",
    "rich",
)


@pytest.mark.parametrize("name", list(cli.COMMANDS))
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([name, "--help"]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"usage: countersign {name}")
    assert "--json" in shown.out
    assert "--home DIR" in shown.out
    assert shown.err == ""


def test_help_costs_no_heavy_import() -> None:
    code = (
        "import sys; from api import cli\n"
        "for name in cli.COMMANDS: cli.parser_of(name)\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_overview_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    assert cli.main([]) == 2
    listed = capsys.readouterr().out
    assert [name for name in cli.COMMANDS if f"\n  {name} " not in listed] == []
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("countersign ")


def test_an_unknown_command_names_the_likely_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["intak"]) == 2
    assert "do you mean intake?" in capsys.readouterr().err


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[BaseException], int]:
    """Runs a command that raises what it is given; the exit code."""

    def run(error: BaseException) -> int:
        def fails(args: object) -> int:
            raise error

        module = types.ModuleType("api.commands.cases")
        module.HELP = "x"  # type: ignore[attr-defined]
        module.configure = lambda parser: None  # type: ignore[attr-defined]
        module.run = fails  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "api.commands.cases", module)
        return cli.main(["cases", "--home", str(tmp_path)])

    return run


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.Unavailable("no database runs"), 1),
        (errors.NotPermitted("not you"), 1),
        (errors.Malformed("write it otherwise"), 2),
        (errors.Tampered("entry 7 was changed"), 3),
        (FileNotFoundError(2, "No such file or directory", "gone.csv"), 2),
        (PermissionError(13, "Permission denied", "secret.csv"), 1),
    ],
)
def test_refusals_are_a_message_and_an_exit_code(
    failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    assert failing(error) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("countersign: ")
    assert "Traceback" not in shown.err
    assert len(shown.err.splitlines()) == 1


def test_ctrl_c_is_quiet(failing: Callable[[BaseException], int], capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(KeyboardInterrupt()) == 130
    assert capsys.readouterr() == ("", "")


def test_a_programming_error_is_not_hidden(failing: Callable[[BaseException], int]) -> None:
    with pytest.raises(ZeroDivisionError):
        failing(ZeroDivisionError())


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    """Output into a pipe that closes: no traceback, no complaint at exit."""
    command = f"{sys.executable} -m api.cli policy check --json --home {tmp_path}"
    line = f"{command} | head -c 10 >/dev/null; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode in (0, 141)


@pytest.mark.parametrize(
    "arguments",
    [
        ["cases", "--state", "nowhere"],
        ["import", "horses", "f.csv"],
        ["up", "--workers", "-1"],
        ["key"],
        ["user", "add"],
    ],
)
def test_usage_errors_are_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 2
    assert "usage: countersign" in capsys.readouterr().err


def test_without_a_database_a_command_says_how_to_start_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cases", "--home", str(tmp_path)]) == 1
    assert "countersign up" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "two administrators"),
        (["--admin", "Ada=ada@example.org"], "two administrators"),
        (["--admin", "Ada=a@example.org", "--admin", "Bob=b@example.org"], "and a controller"),
        (["--admin", "Ada=a@example.org", "--admin", "Bob=b@e.org", "--controller", "Ada=a@e.org"], "three"),
        (["--reset"], "--demo --reset"),
        (["--demo", "--admin", "Ada=ada@example.org"], "--admin"),
        (["--admin", "Ada"], "NAME=EMAIL"),
    ],
)
def test_up_says_what_it_needs_before_it_touches_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    home = tmp_path / "home"
    assert cli.main(["up", *arguments, "--home", str(home), "--port", "0"]) == 2
    assert words in capsys.readouterr().err
    assert not home.exists()


def test_drained_by_several_processes_is_one_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    part = {"filed": 3, "resumed": 0, "failed": 0, "dead": 0, "lost": 0, "seconds": 2.0, "split": {"file": 1.0}}
    slower = {**part, "filed": 5, "seconds": 4.0, "failed": 1}
    said = [(0, json.dumps(part)), (1, json.dumps(slower))]
    monkeypatch.setattr(processes, "answers", lambda commands: said)
    assert cli.main(["work", "--drain", "--workers", "2", "--json", "--home", str(tmp_path)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["filed"], told["failed"], told["workers"], told["seconds"]) == (8, 1, 2, 4.0)
    assert (told["cases_per_second"], told["split"]) == (2.0, {"file": 2.0})
    said[0] = (2, "")
    assert cli.main(["work", "--drain", "--workers", "2", "--json", "--home", str(tmp_path)]) == 1
    assert "1 of 2 processes failed" in capsys.readouterr().err


def test_policy_check_and_its_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["policy", "check", "--json", "--home", str(tmp_path)]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["digest"].startswith("sha256:")
    assert shown["rules"]
    local = tmp_path / "local.toml"
    local.write_text('[[rule]]\nid = "X-1"\nactions = ["hold_payment"]\nseats = { controller = 1 }\n')
    assert cli.main(["policy", "check", str(local), "--json", "--home", str(tmp_path)]) == 0
    tightened = json.loads(capsys.readouterr().out)
    assert {rule["id"] for rule in tightened["rules"]} - {rule["id"] for rule in shown["rules"]} == {"X-1"}
    local.write_text("[[rule]]\nid = ")
    assert cli.main(["policy", "check", str(local), "--home", str(tmp_path)]) == 1
    assert "is not TOML" in capsys.readouterr().err
