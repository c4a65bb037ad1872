"""Is every guard of the database's law held by a test? `python -m tests.governance.mutate` removes them one at a time.

First the suite runs once and notes, from the CONTEXT that Postgres gives with each refusal, which tests reach which
statement. Then each guard is taken out of the function files in turn (a refusal, a demand on the caller's kind, one
clause of the check of seats, a lock, a trigger, a wall of row-level security) and the tests that reach it run on a
database made of what is left. A guard that no test misses is printed; exit code 1 where fewer than 95 % are noticed.

The same module is the pytest plugin of those runs (`-p tests.governance.mutate`).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "governance" / "record" / "schema"
SUITE = (
    "tests/governance",
    "tests/api/test_app_change.py",
    "tests/api/test_app_decisions.py",
    "tests/api/test_console_sessions.py",
)
LEAST = 0.95
MOST_TESTS = 25
"""Of the tests that reach a guard so many run: the first ones to miss it end the run."""
RACES = (
    "tests/governance/test_locks.py",
    "tests/governance/test_races.py",
    "tests/governance/bypass/test_races_decisions.py",
    "tests/governance/bypass/test_races_delivery.py",
)
FIRST = (
    "tests/governance/bypass/test_sql.py", "tests/governance/bypass/test_tenants.py", "tests/governance/test_law.py",
    "tests/governance/test_standing.py", "tests/governance/test_change.py", "tests/governance",
)  # fmt: skip
"""For what no refusal points to: where it is likely to be missed, then everything."""
SEATS = "tests/governance/test_tampered_seats.py"
"""A case for each clause of the check of seats."""
RIGHTS = "tests/governance/test_rights_taken_back.py"
"""Triggers that end sessions, and rights that a migration takes back."""

OWN = ("test_refused_", "test_callers", "test_tampered", "test_rights", "test_law.py")
"""Files whose tests were written for one guard each: of many tests that reach a guard, these first."""

_SCHEMA, _REACHED, _SERVER = "COUNTERSIGN_MUTANT_SCHEMA", "COUNTERSIGN_MUTANT_REACHED", "COUNTERSIGN_MUTANT_SERVER"
_CONTEXT = re.compile(r"PL/pgSQL function (?:cs\.)?(\w+)\(.*?\) line (\d+) at")
_FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION cs\.(\w+)\(.*?AS \$\$(.*?)\$\$;", re.S)
_LOCK = re.compile(r" FOR (UPDATE|SHARE)(?: OF c)?+(?= |;|\n|\))(?! SKIP)")


@dataclass(frozen=True, slots=True)
class Guard:
    """One thing that stands in the way: cut `file` from `start` to `end` and put `instead` there."""

    kind: str
    file: str
    start: int
    end: int
    instead: str
    function: str
    line: int
    words: str

    def __str__(self) -> str:
        return f"{self.kind} in {self.file}, {self.function or '-'}: {' '.join(self.words.split())[:110]}"


# The plugin ---------------------------------------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Databases of this run are made of the mutant's files, and refusals are noted by test."""
    from governance.record import connection
    from tests import conftest

    if folder := os.environ.get(_SCHEMA):
        whole: Any = vars(conftest)["migrate"]
        files = Path(folder)

        def migrate_mutant(owner_url: str, *, roles: Mapping[str, str]) -> list[str]:
            return list(whole(owner_url, roles=roles, schema=files))

        vars(conftest)["migrate"] = migrate_mutant
    if os.environ.get(_SERVER):
        vars(conftest)["EmbeddedPostgres"] = Running
    if folder := os.environ.get(_REACHED):
        _note_refusals(connection, Path(folder))


class Running:
    """In place of an EmbeddedPostgres of the tests' own: one that `main` has started."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def superuser_url(self) -> str:
        return os.environ[_SERVER]


@contextlib.contextmanager
def servers(number: int) -> Iterator[queue.SimpleQueue[str]]:
    """The URLs of so many servers, for whoever runs tests to take one and put it back."""
    from governance.record.embedded import EmbeddedPostgres

    free: queue.SimpleQueue[str] = queue.SimpleQueue()
    with contextlib.ExitStack() as stack:
        for _ in range(number):
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="countersign-mutants-")))
            home.chmod(0o711)
            free.put(stack.enter_context(EmbeddedPostgres(home)).superuser_url())
        yield free


def _note_refusals(connection: Any, folder: Path) -> None:
    plain = connection._refusal

    def noting(error: Any) -> Any:
        if error.diag.context and (test := os.environ.get("PYTEST_CURRENT_TEST")):
            with (folder / f"{os.getpid()}.jsonl").open("a") as file:
                file.write(json.dumps([test.rsplit(" ", 1)[0], _CONTEXT.findall(error.diag.context)]) + "\n")
        return plain(error)

    connection._refusal = noting


# Guards -------------------------------------------------------------------------------------------------------------


def guards() -> list[Guard]:
    """Every guard of the function files, in order."""
    return [guard for file in sorted(SCHEMA.glob("functions_*.sql")) for guard in _of_file(file)]


def _of_file(file: Path) -> Iterator[Guard]:
    text = file.read_text("utf-8")
    for found in _FUNCTION.finditer(text):
        name, body, at = found.group(1), found.group(2), found.start(2)
        if name in ("_refuse", "_need", "_canon"):
            continue
        for start, end in _statements(body, "PERFORM cs._refuse("):
            yield _guard("refusal", file, body, at, start, end, "NULL;", name)
        for start, end in _statements(body, "PERFORM cs._need("):
            yield _guard("demand on the caller", file, body, at, start, end, "NULL;", name)
        for start, end in _statements(body, "PERFORM cs._lock_payee("):
            yield _guard("lock", file, body, at, start, end, "NULL;", name)
        for lock in _LOCK.finditer(body):
            yield _guard("lock", file, body, at, lock.start(), lock.end(), "", name)
        if name == "_check_seats":
            for start, end in _clauses(body):
                yield _guard("clause", file, body, at, start, end, "", name)
    for trigger in re.finditer(r"CREATE OR REPLACE TRIGGER (\w+).*?;", text, re.S):
        yield Guard("trigger", file.name, trigger.start(), trigger.end(), "", trigger.group(1), 0, trigger.group(0))
    for wall in re.finditer(r"EXECUTE format\('ALTER TABLE cs\.%I ENABLE ROW LEVEL SECURITY', t\);", text):
        yield Guard("row-level security", file.name, wall.start(), wall.end(), "", "", 0, wall.group(0))
    for revoked in re.finditer(r"REVOKE ALL ON (?:ALL FUNCTIONS|ALL TABLES|cs\.)[^;]*;", text):
        yield Guard("revoked right", file.name, revoked.start(), revoked.end(), "", "", 0, revoked.group(0))


def _guard(kind: str, file: Path, body: str, at: int, start: int, end: int, instead: str, name: str) -> Guard:
    line = body.count("\n", 0, start) + 1
    return Guard(kind, file.name, at + start, at + end, instead, name, line, body[start:end])


def _statements(body: str, opening: str) -> Iterator[tuple[int, int]]:
    """From where the statement opens to after its semicolon; brackets and quotes are minded."""
    for found in re.finditer(re.escape(opening), body):
        depth, quoted, at = 1, False, found.end()
        while depth:
            if body[at] == "'":
                quoted = not quoted
            elif not quoted:
                depth += (body[at] == "(") - (body[at] == ")")
            at += 1
        yield found.start(), body.index(";", at) + 1


def _clauses(body: str) -> Iterator[tuple[int, int]]:
    """Each ` OR …` up to the next one, or to the bracket that closes what it stands in."""
    for found in re.finditer(r"\bOR ", body):
        depth, at = 0, found.end()
        while depth >= 0 and not (depth == 0 and re.match(r"\s(?:OR|THEN)\b|\n\s*FROM\b", body[at:])):
            depth += (body[at] == "(") - (body[at] == ")")
            at += depth >= 0
        yield found.start(), at


# Runs ---------------------------------------------------------------------------------------------------------------


def _pytest(tests: Sequence[str], environment: Mapping[str, str], *more: str) -> subprocess.CompletedProcess[str]:
    line = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "tests.governance.mutate",
        "-m",
        "not slow",
    ]
    return subprocess.run(
        [*line, *more, *tests], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def reached(suite: Sequence[str]) -> dict[tuple[str, int], list[str]]:
    """(function, line of its body) → the tests that met a refusal there. SystemExit where the suite is not green."""
    with tempfile.TemporaryDirectory() as folder:
        done = _pytest(suite, {_REACHED: folder}, "-n", "2", "--dist", "loadfile")
        if done.returncode:
            raise SystemExit(f"the suite must be green before guards are removed:\n{done.stdout[-3000:]}")
        found: dict[tuple[str, int], dict[str, None]] = defaultdict(dict)
        for file in sorted(Path(folder).glob("*.jsonl")):
            for row in file.read_text().splitlines():
                test, places = json.loads(row)
                for function, line in places:
                    found[function, int(line)][test] = None
    return {place: list(tests) for place, tests in found.items()}


def _tests_of(guard: Guard, known: Mapping[tuple[str, int], list[str]]) -> list[str]:
    if guard.kind in ("refusal", "demand on the caller"):
        # A statement of several lines is reported by its first.
        found = known.get((guard.function, guard.line), [])
        return sorted(found, key=lambda test: not any(name in test for name in OWN))[:MOST_TESTS]
    if guard.kind == "clause":
        return [SEATS]
    if guard.kind == "lock":
        return list(RACES)
    if guard.kind in ("trigger", "revoked right"):
        return [RIGHTS, *FIRST]
    return list(FIRST)


def clear(url: str) -> None:
    """Drop what the tests of a mutant left: its template, and databases of tests that were cut off."""
    from governance.record.db import drop

    with psycopg.connect(url) as conn:
        names = conn.execute(
            "SELECT datname FROM pg_database WHERE datname ~ '^(template_countersign|test_|old_|new_)'"
        )
        left = [name for (name,) in names.fetchall()]
    for name in left:
        drop(url, name)


def verdict(guard: Guard, tests: Sequence[str], free: queue.SimpleQueue[str]) -> str:
    """`noticed`, `missed` or, where no test reaches the guard, `unreached`; `broken` where the files do not load."""
    if not tests:
        return "unreached"
    with tempfile.TemporaryDirectory() as folder:
        mutant = Path(folder) / "schema"
        shutil.copytree(SCHEMA, mutant)
        text = (SCHEMA / guard.file).read_text("utf-8")
        (mutant / guard.file).write_text(text[: guard.start] + guard.instead + text[guard.end :], "utf-8")
        url = free.get()
        try:
            # Two runs: named in one, a folder would swallow what is in it, and the order with it.
            likely, rest = (
                [test for test in tests if test not in SUITE],
                [test for test in tests if test in SUITE],
            )
            for some in filter(None, (likely, rest)):
                done = _pytest(some, {_SCHEMA: str(mutant), _SERVER: url}, "-x")
                if "in the migration" in done.stdout:
                    return "broken"
                if done.returncode == 1:
                    return "noticed"
        finally:
            clear(url)
            free.put(url)
    return "missed"


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 where at least 95 % of the guards are noticed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", metavar="WORD", help="only guards whose description has this in it")
    parser.add_argument("--tests", metavar="PATH", nargs="+", help="these, whatever the guard: no run to find them")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args(argv)
    wanted = [guard for guard in guards() if args.only is None or args.only in str(guard)]
    known = {} if args.tests else reached(SUITE)
    with servers(args.jobs) as free, ThreadPoolExecutor(args.jobs) as pool:
        runs = pool.map(lambda guard: verdict(guard, args.tests or _tests_of(guard, known), free), wanted)
        verdicts = []
        for guard, said in zip(wanted, tqdm(runs, total=len(wanted), unit="guard", mininterval=5), strict=True):
            verdicts.append(said)
            if said != "noticed":
                tqdm.write(f"{said}: {guard}", file=sys.stdout)
                sys.stdout.flush()
    sound = [said for said in verdicts if said != "broken"]
    noticed = sound.count("noticed")
    sys.stdout.write(f"{noticed} of {len(sound)} removed guards noticed ({noticed / max(1, len(sound)):.1%})\n")
    return 0 if noticed >= LEAST * len(sound) else 1


if __name__ == "__main__":
    sys.exit(main())
