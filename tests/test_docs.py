"""The pages for newcomers are true: every command of docs/api.md runs, every problem type is in docs/problems.md."""

from __future__ import annotations

import ast
import json
import os
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

import evals.cli
from api import app, mcp_endpoint, mcp_tools, problems
from api.cli import COMMANDS
from api.routes import inbox
from evals.suites import SUITES
from governance import errors
from governance.errors import PROBLEM_BASE, Refusal
from models import bundle
from tests.models.test_bundle import small_scorer

ROOT = Path(__file__).resolve().parents[1]
API = (ROOT / "docs" / "api.md").read_text("utf-8")
PROBLEMS = (ROOT / "docs" / "problems.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")
STARTING, *EXAMPLES = re.findall(r"^```sh\n(.*?)^```", API, re.DOTALL | re.MULTILINE)
OF_HTTP = {"internal-error": 500, "method-not-allowed": 405}
"""Types that no class of refusals has."""


def of_classes(cls: type[Refusal] = Refusal) -> dict[str, int]:
    """Slug → status of a class of refusals and all below it."""
    found = {cls.slug: cls.status}
    for one in cls.__subclasses__():
        found |= of_classes(one)
    return found


def written() -> set[str]:
    """Every constant in the code that becomes the end of a problem type."""
    found: set[str] = set()
    for package in ("governance", "models", "agents", "api", "evals"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Assign):
                    for target in node.targets:
                        names = target.elts if isinstance(target, ast.Tuple) else [target]
                        values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
                        for name, value in zip(names, values, strict=False):
                            if isinstance(name, ast.Name) and name.id == "slug" and isinstance(value, ast.Constant):
                                found.add(str(value.value))
                elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "problem":
                    found |= {str(arg.value) for arg in node.args[1:2] if isinstance(arg, ast.Constant)}
    return found


def test_every_problem_type_is_on_the_page() -> None:
    assert app is not None
    assert errors is not None
    listed = {
        slug: int(status) for slug, status in re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", PROBLEMS, re.MULTILINE)
    }
    assert listed == of_classes() | OF_HTTP
    assert written() - set(listed) == set()
    assert [*listed.values()] == sorted(listed.values()), "by status, as one looks for them"
    for row in re.findall(r"^\| `.*\|$", PROBLEMS, re.MULTILINE):
        assert all(cell.strip() for cell in row.strip("|").split("|")), row


def test_the_example_on_the_page_is_what_is_answered() -> None:
    (example,) = re.findall(r"^```json\n(.*?)^```", PROBLEMS, re.DOTALL | re.MULTILINE)
    assert json.loads(example) == json.loads(bytes(problems.of_refusal(errors.StaleDigest()).body))
    assert PROBLEM_BASE in example


# docs/api.md -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def secret() -> dict[str, str]:
    """What the page exports before the demo starts."""
    *lines, last = STARTING.strip().splitlines()
    assert last == "make run"
    script = "\n".join([*lines, "env -0"])
    said = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True).stdout
    given = dict(pair.split("=", 1) for pair in said.split("\0") if pair)
    return {name: given[name] for name in ("WEBHOOK_SECRET", "COUNTERSIGN_WEBHOOK_SECRETS")}


@pytest.fixture(scope="module")
def demo(secret: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The running demo, as variables for the page's commands."""
    home = tmp_path_factory.mktemp("docs") / "home"
    with pytest.MonkeyPatch.context() as patch:
        # The shipped models take longer to train than the page to read.
        patch.setattr(bundle, "train_pair_scorer", small_scorer)
        bundle.save(bundle.train_bundle(scale=0.02), bundle.standard(home / "models"))
    line = [sys.executable, "-m", "api.cli", "up", "--demo", "--no-lab", "--json", "--port", "0", "--home", str(home)]
    with subprocess.Popen(
        line, cwd=ROOT, env={**os.environ, **secret}, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said, "the demo did not start"
        try:
            yield {**secret, "URL": json.loads(said)["url"], "HOME_DIR": str(home)}
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a curl that notes each status, and the command of this checkout."""
    folder = tmp_path_factory.mktemp("tools")
    real = subprocess.run(["which", "curl"], capture_output=True, text=True, check=False).stdout.strip()
    if not real:
        pytest.skip("the program curl is not installed")
    (folder / "curl").write_text(f"""#!/bin/sh
{real} --noproxy '*' --max-time 60 "$@" -w '%{{stderr}}%{{http_code}}\\n' 2>"$STATUSES.$$"
code=$?
tail -n 1 "$STATUSES.$$" >> "$STATUSES"
rm "$STATUSES.$$"
exit $code
""")
    (folder / "countersign").write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m api.cli "$@"\n')
    for path in folder.iterdir():
        path.chmod(0o755)
    return folder


def test_the_whole_page_runs(demo: dict[str, str], tools: Path, tmp_path: Path) -> None:
    """All blocks in one shell; a block's statuses are those that its comments promise."""
    marked = "\n".join(
        f'export STATUSES="$PWD/block-{n}"; : > "$STATUSES"\n{block}' for n, block in enumerate(EXAMPLES)
    )
    environment = {**os.environ, **demo, "PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", marked],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=180,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    for number, block in enumerate(EXAMPLES):
        promised = [status for line in re.findall(r"# ((?:\d{3} ?)+)$", block, re.MULTILINE) for status in line.split()]
        got = (tmp_path / f"block-{number}").read_text().split()
        assert promised or "curl" not in block
        if "until" in block:
            # Who waits asks often.
            promised, got = ([status for status, _ in groupby(seen)] for seen in (promised, got))
        assert got == promised, f"{block}\n{done.stdout[-2000:]}"
    assert len(EXAMPLES) > 8
    told = [entry["kind"] for entry in json.loads((tmp_path / "timeline.json").read_text())["items"]]
    assert told[-1] == "effect.confirmed_done"
    (example,) = [
        json.loads(text) for text in re.findall(r"^```json\n(.*?)^```", API, re.DOTALL | re.MULTILINE) if "path" in text
    ]
    (posted,) = json.loads((tmp_path / "posted.json").read_text())["items"]
    assert posted == {**example["items"][0], "source_key": posted["source_key"], "case_id": posted["case_id"]}


def test_every_address_on_the_page_is_one_of_ours(demo: dict[str, str]) -> None:
    import httpx

    described = httpx.get(f"{demo['URL']}/openapi.json", trust_env=False).json()["paths"]
    shapes = [re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path)) for path in described]
    # The facade has the shapes of its clients, and the protocol describes itself.
    shapes += [
        re.compile(re.sub(r"\{[^}]+\}", "[^/]+", one.path)) for one in inbox.router.routes if isinstance(one, APIRoute)
    ]
    used = set(re.findall(r'"\$URL(/[^"?]*)', API)) - {"/openapi.json", mcp_endpoint.PATH}
    assert used
    for path in used:
        assert any(shape.fullmatch(path) for shape in shapes), path


def test_the_tools_on_the_page_are_those_that_other_agents_are_shown() -> None:
    said = re.findall(r"^\| `((?:list|get)_\w+)` \| (.*?) \|", API, re.MULTILINE)
    assert [name for name, _ in said] == list(mcp_tools.TOOLS)
    for name, arguments in said:
        assert set(re.findall(r"`(\w+)`", arguments)) == set(mcp_tools.TOOLS[name].asked.model_fields), name


@pytest.mark.parametrize("who", ["reviewer", "service"])
@pytest.mark.parametrize(
    "much",
    [
        pytest.param(["--phases", "fuzzing", "--max-examples", "5", "--generation-deterministic"], id="a few"),
        pytest.param(["--max-time", "300"], marks=pytest.mark.slow, id="300 s"),
    ],
)
def test_whatever_is_sent_is_answered_as_described(
    demo: dict[str, str], tmp_path: Path, who: str, much: list[str]
) -> None:
    """Schemathesis on openapi.json: of requests of every kind none meets a 500, or an answer that is not described."""
    pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    key = json.loads((Path(demo["HOME_DIR"]) / "demo-credentials.json").read_text())["keys"][who]
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,allow_header_conformance"
    line = ["run", f"{demo['URL']}/openapi.json", "--header", f"Authorization: Bearer {key}", "--checks", checks]
    done = subprocess.run(
        [str(Path(sys.executable).parent / "schemathesis"), *line, *much, "--no-color"],
        cwd=tmp_path, env={**os.environ, "NO_PROXY": "127.0.0.1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert re.search(r"Tested: +\d\d", done.stdout), "it tested what there is"


# README.md ---------------------------------------------------------------------------------------------------------


PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    *(f"docs/{one.name}" for one in sorted((ROOT / "docs").glob("*.md"))),
]


def places(page: Path) -> set[str]:
    """The places in a page that a link may name: its headings, as hosts of Markdown write them."""
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.casefold()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    found = re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", text) + [
        (one, "") for one in re.findall(r'src="([^"]+)"', text)
    ]
    assert len(PAGES) >= 11
    for target, place in found:
        if not target.startswith("http"):
            path = (ROOT / page).parent / target if target else ROOT / page
            assert path.exists(), target
            assert not place or place in places(path), f"{target}#{place}"


def test_commands_of_the_readme_exist() -> None:
    assert set(re.findall(r"^ +(?:\.venv/bin/)?countersign ([a-z]+)", README, re.MULTILINE)) <= set(COMMANDS)


def test_suites_of_the_readme_are_those_that_run() -> None:
    assert re.findall(r"^\| `(\w+)` \| .*\? \|$", README, re.MULTILINE) == list(SUITES)
    asked = set(re.findall(r"^ +countersign-evals ([a-z]+)", README, re.MULTILINE))
    assert {"run", "show", "replay"} <= asked <= set(evals.cli.COMMANDS)


def test_pictures_are_light_and_described() -> None:
    assert (ROOT / "docs" / "console.png").stat().st_size < 200_000
    picture = ET.fromstring((ROOT / "docs" / "way-of-a-case.svg").read_text("utf-8"))
    names = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in picture}
    assert names["title"]
    assert names["desc"]
    assert "prefers-color-scheme: dark" in "".join(picture.itertext())
