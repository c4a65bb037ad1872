"""The tower holds: imports only go down, each dependency has one door, files stay readable."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOWER = ("governance", "models", "agents", "api", "evals")

DOORS: dict[str, tuple[str, ...]] = {
    "psycopg": ("governance/record/",),
    "psycopg_pool": ("governance/record/",),
    "pgvector": ("governance/record/",),
    "cedarpy": ("governance/permit.py",),
    "mlflow": ("models/tracking.py",),
    "sentence_transformers": ("models/embedding.py",),
    "torch": ("models/embedding.py",),
    "transformers": ("models/embedding.py",),
    "openai": ("agents/llm.py",),
    "langgraph": ("agents/graph.py", "agents/threads.py"),
    "fastapi": ("api/",),
    "starlette": ("api/",),
    "uvicorn": ("api/",),
    "mcp": ("api/mcp_door.py", "evals/show_agents.py"),
    "mcp_types": ("api/mcp_door.py",),
    "lxml": ("api/intake/",),
    "pypdfium2": ("api/intake/",),
    "pypdf": ("api/intake/",),
    "python_calamine": ("api/intake/",),
    "olefile": ("api/intake/",),
    "PIL": ("api/intake/",),
}
NEVER = {"fitz", "pymupdf", "pymerkle", "trytond", "langchain"}
LONGEST_FILE = 320
LONGEST_FUNCTION = 60
JUNK_DRAWERS = {"utils", "core", "common", "helpers", "misc"}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for package in TOWER:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, ast.parse(path.read_text("utf-8"))


def imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every module named by an import, deferred and TYPE_CHECKING ones too, and by importlib.import_module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            yield node.module or "", node.lineno
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            arg = node.args[0] if node.args else None
            if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
                yield arg.value, node.lineno


SOURCES = [(path.relative_to(ROOT).as_posix(), tree) for path, tree in sources()]


@pytest.mark.parametrize(("name", "tree"), SOURCES, ids=[name for name, _ in SOURCES])
def test_file(name: str, tree: ast.Module) -> None:
    floor = TOWER.index(name.split("/")[0])
    for module, line in imported(tree):
        top = module.split(".")[0]
        if top in TOWER:
            assert TOWER.index(top) <= floor, f"{name}:{line} imports {module}: imports only go down"
        assert top not in NEVER, f"{name}:{line} imports {module}, which is never imported"
        if top in DOORS:
            assert name.startswith(DOORS[top]), f"{name}:{line} imports {module}, whose door is {DOORS[top]}"
        if name.startswith("governance/") and not name.startswith("governance/record/"):
            assert not module.startswith("governance.record"), f"{name}:{line}: the law does not know the record"
        assert top != "tests", f"{name}:{line} imports tests"


@pytest.mark.parametrize(("name", "tree"), SOURCES, ids=[name for name, _ in SOURCES])
def test_size(name: str, tree: ast.Module) -> None:
    assert not JUNK_DRAWERS & set(re.split(r"[/.]", name)), f"{name}: name the noun"
    lines = (ROOT / name).read_text("utf-8").count("\n")
    assert lines <= LONGEST_FILE, f"{name} has {lines} lines: it has two reasons to change"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            assert size <= LONGEST_FUNCTION, f"{name}:{node.lineno} {node.name} has {size} lines"


def test_environment_is_read_in_one_place() -> None:
    for name, tree in SOURCES:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv", "os.environb"):
                assert name in ENVIRONMENT_READERS, f"{name}:{node.lineno} reads the environment: api/settings.py does"


ENVIRONMENT_READERS = {
    "api/settings.py",
    "api/processes.py",  # passes the environment on to child processes
    "models/embedding.py",  # tells the hub library to stay offline
}


def test_law_does_no_io() -> None:
    """Files at the root of governance neither read clocks, files nor sockets."""
    forbidden = re.compile(
        r"\b(open|print|input)\(|\.now\(|\.today\(|\.utcnow\(|time\.time\(|\bsocket\b|\bsubprocess\b"
    )
    for path in sorted((ROOT / "governance").glob("*.py")):
        found = forbidden.search(path.read_text("utf-8"))
        assert found is None, f"governance/{path.name}: {found and found.group()}"


def test_sql_is_never_formatted() -> None:
    """No f-string, % or .format makes SQL: a statement is a constant beside the function that runs it."""
    for name, tree in SOURCES:
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func).endswith((".execute", ".executemany"))
                and node.args
            ):
                statement = node.args[0]
                bad = (
                    isinstance(statement, ast.JoinedStr)
                    or (isinstance(statement, ast.BinOp) and isinstance(statement.op, ast.Mod))
                    or (
                        isinstance(statement, ast.Call)
                        and ast.unparse(statement.func).endswith("format")
                        and "SQL(" not in ast.unparse(statement.func)
                    )
                )
                assert not bad, f"{name}:{node.lineno} formats SQL"


def test_packages_are_ours() -> None:
    """No installed distribution ships a top-level package of our names, and ours do not leak into site-packages."""
    owners = packages_distributions()
    for package in (*TOWER, "tests"):
        assert set(owners.get(package, ["countersign"])) <= {"countersign"}, f"{package} comes from {owners[package]}"


def test_nothing_third_party_is_committed() -> None:
    foreign = re.compile(r"\.min\.(js|css)$|\.(woff2?|ttf|onnx|safetensors|parquet|skops)$")
    for path in ROOT.rglob("*"):
        inside = path.relative_to(ROOT).as_posix()
        if not inside.startswith((".venv", ".git/", ".hypothesis")):
            assert not foreign.search(inside), inside
