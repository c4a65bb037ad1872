"""The container files: valid, hardened, true to the program, and their shell parts run as they stand."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import socket
import ssl
import stat
import subprocess
import threading
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from api.cli import COMMANDS, parser_of
from api.keyring import SERVICES
from api.lab_server import SERVER_ENVIRONMENT
from api.settings import PREFIX, Settings, load_settings
from governance.errors import Malformed
from governance.record.db import LOGIN_ROLES, check_transport

ROOT = Path(__file__).resolve().parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
VARIABLES = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
SECRETS_DIR = f"{PREFIX}SECRETS_DIR"
"""Says where the files of secrets are, so it is no field itself."""

ROLE_SECRETS = {
    "migrate": {"database_url", *(f"{role}_password" for role in LOGIN_ROLES), *(f"{name}_token" for name in SERVICES)},
    "serve": {"intake_password", "review_password", "audit_password", "intake_token"},
    "work": {"agent_password", "checkpoint_password", "agent_token"},
    "deliver": {"courier_password", "courier_token"},
    "clock": {"courier_password", "courier_token", "ledger_key"},
    "lab": {"courier_password", "courier_token"},
}
"""What each role is given, and nothing else: a hijacked one can do no more than its own part."""


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = COMPOSE["services"][name]
    return found


def interpolated(text: str) -> str:
    """The value where nobody set a variable: ${NAME:-default}."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", text)


def environment_of(name: str) -> dict[str, str]:
    return {key: interpolated(str(value)) for key, value in service(name).get("environment", {}).items()}


OURS = sorted(name for name, one in COMPOSE["services"].items() if {"image", "build"} <= set(one))


def test_schema() -> None:
    package = pytest.importorskip("check_jsonschema", reason="check-jsonschema, which carries the schema, is missing")
    folder = resources.files(package.__name__) / "builtin_schemas" / "vendor"
    schema = json.loads((folder / "compose-spec.json").read_text("utf-8"))
    validator = jsonschema.Draft202012Validator(schema)
    errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}" for e in validator.iter_errors(COMPOSE)]
    assert errors == []
    wrong = {**COMPOSE, "services": {"serve": {"image": "x", "depends_on": {"postgres": {"condition": "healthy"}}}}}
    assert not validator.is_valid(wrong)


def test_every_role_has_a_service() -> None:
    assert set(OURS) == set(ROLE_SECRETS)
    assert {service(name)["command"][0] for name in OURS} == {"migrate", "serve", "work", "deliver", "tick", "lab"}


@pytest.mark.parametrize("name", OURS)
def test_commands_exist(name: str) -> None:
    command, *arguments = service(name)["command"]
    assert command in COMMANDS
    parser, _ = parser_of(command)
    parser.parse_args(arguments)
    assert 'ENTRYPOINT ["countersign"]' in DOCKERFILE


@pytest.mark.parametrize("name", OURS)
def test_settings_exist(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every variable is one that the program reads, and the defaults of the file are values that it accepts."""
    variables = environment_of(name)
    assert set(variables) - {SECRETS_DIR} <= VARIABLES
    for key in [key for key in os.environ if key.startswith(PREFIX)]:
        monkeypatch.delenv(key)
    for key, value in variables.items():
        if key != SECRETS_DIR:
            monkeypatch.setenv(key, value)
    load_settings()


@pytest.mark.parametrize("name", OURS)
def test_secrets_are_least(name: str) -> None:
    given = service(name)["secrets"]
    assert {PREFIX.lower() + secret for secret in ROLE_SECRETS[name]} == set(given)
    assert {secret.upper() for secret in given} <= VARIABLES
    assert environment_of(name)[SECRETS_DIR] == "/run/secrets"


def test_secrets_are_declared() -> None:
    used = {secret for one in COMPOSE["services"].values() for secret in one.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])
    assert {one["file"] for one in COMPOSE["secrets"].values()} == {f"./secrets/{name}" for name in used}
    # What stands in the environment can be read by `docker inspect`.
    for name in COMPOSE["services"]:
        for key, value in environment_of(name).items():
            assert not re.search(r"PASSWORD|TOKEN(?!S_PER_)|SECRET|KEY", key) or value.startswith("/run/secrets"), key
            assert "@" not in value, f"{key} carries a user or password"


def test_secrets_are_read_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "countersign_agent_password").write_text("of-the-agent-alone\n")
    monkeypatch.setenv(SECRETS_DIR, str(tmp_path))
    monkeypatch.delenv(f"{PREFIX}AGENT_PASSWORD", raising=False)
    found = load_settings().secret("agent_password")
    if found is None:
        pytest.skip(f"api/settings.py does not read {SECRETS_DIR} yet")
    assert found == "of-the-agent-alone"


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_containers_are_hardened(name: str) -> None:
    one = service(name)
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert "cap_add" not in one
    assert not one.get("privileged")
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert {"cpus", "memory"} <= set(one["deploy"]["resources"]["limits"])
    assert one["logging"]["options"]["max-size"]
    if name == "tls":
        assert one["network_mode"] == "none"
    else:
        assert not one["user"].startswith("0")
        assert one["networks"]
    for volume in one.get("volumes", []):
        assert volume.split(":")[0] in COMPOSE["volumes"], "no folder of the host"


def test_networks() -> None:
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert service("postgres")["networks"] == ["inside"]
    assert service("work")["networks"] == ["inside"]
    ports = {name: one["ports"] for name, one in COMPOSE["services"].items() if "ports" in one}
    assert set(ports) == {"serve", "mlflow"}
    assert all(interpolated(port).startswith("127.0.0.1:") for published in ports.values() for port in published)


def test_order() -> None:
    """What is waited for can come: one-shot services end, and a healthy one has a check."""
    for name, one in COMPOSE["services"].items():
        for other, how in one.get("depends_on", {}).items():
            if how["condition"] == "service_completed_successfully":
                assert service(other)["restart"] == "no", f"{name} waits for the end of {other}"
            else:
                assert how["condition"] == "service_healthy"
                assert service(other)["healthcheck"]["test"]
    for name in ROLE_SECRETS.keys() - {"migrate"}:
        assert "migrate" in service(name)["depends_on"]
        assert service(name)["restart"] == "unless-stopped"
    assert service("work")["deploy"]["replicas"] == 2


def test_mlflow_is_lean_and_apart() -> None:
    """The settings are those that `up` measured; a start without the profile leaves it and its feed out."""
    one = service("mlflow")
    measured = {name: value for name, value in SERVER_ENVIRONMENT.items() if not name.startswith("MLFLOW_SQLALCHEMY")}
    assert environment_of("mlflow") == measured
    assert "secrets" not in one
    assert one["profiles"] == service("lab")["profiles"] == ["mlflow"]
    address = environment_of("lab")[f"{PREFIX}MLFLOW_URL"].removeprefix("http://")
    (hosts,) = [word for word in one["command"] if word.startswith("--allowed-hosts=")]
    assert address in hosts.partition("=")[2].split(",")
    (folder,) = [volume.partition(":")[2] for volume in one["volumes"]]
    assert any(folder in rest.split() for word, rest in instructions() if word == "RUN")
    assert all(folder in word for word in one["command"] if word.startswith(("--backend-store", "--artifacts")))


def test_database_is_reached_by_tls_only() -> None:
    for name in ROLE_SECRETS.keys() - {"migrate"}:
        url = environment_of(name)[f"{PREFIX}DATABASE_URL"]
        check_transport(url)
        assert "sslmode=verify-full" in url
        with pytest.raises(Malformed, match="not be encrypted"):
            check_transport(url.replace("sslmode=verify-full", "sslmode=prefer"))
        certificate = url.partition("sslrootcert=")[2]
        assert f"tls-public:{Path(certificate).parent}:ro" in service(name)["volumes"]
    arguments = service("postgres")["command"]
    assert "-cssl=on" in arguments
    assert "-chba_file=/run/tls/pg_hba.conf" in arguments
    mounted = {name for name, one in COMPOSE["services"].items() if any("tls-server" in v for v in one["volumes"])}
    assert mounted == {"tls", "postgres"}, "the key is for Postgres alone"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the service `tls` makes: server/ and public/."""
    if shutil.which("openssl") is None:
        pytest.skip("the program openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder)
    return folder


def make_certificate(folder: Path) -> None:
    (script,) = service("tls")["command"]
    for name in ("server", "public"):
        (folder / name).mkdir(exist_ok=True)
        script = re.sub(rf"(?<= )/{name}\b", str(folder / name), script)
    subprocess.run([*service("tls")["entrypoint"], script], check=True, capture_output=True)


def test_certificate(certificate: Path) -> None:
    key = certificate / "server" / "server.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o640
    assert not (certificate / "public" / "server.key").exists()
    rules = (certificate / "server" / "pg_hba.conf").read_text().splitlines()
    assert rules == ["local all all scram-sha-256", "hostssl all all all scram-sha-256"]
    assert handshake(certificate, "postgres") == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for 'elsewhere'"):
        handshake(certificate, "elsewhere")
    before = key.read_bytes()
    make_certificate(certificate)
    assert key.read_bytes() == before, "a certificate that is still good is kept"


def test_certificate_is_renewed_in_its_last_month(certificate: Path) -> None:
    server, public = certificate / "server", certificate / "public" / "postgres.crt"
    line = "openssl req -x509 -newkey rsa:2048 -nodes -days 29 -subj /CN=postgres -addext subjectAltName=DNS:postgres"
    subprocess.run(
        [*line.split(), "-keyout", server / "server.key", "-out", server / "server.crt"],
        check=True,
        capture_output=True,
    )
    old = (server / "server.crt").read_text()
    make_certificate(certificate)
    new = (server / "server.crt").read_text()
    assert new != old
    assert public.read_text() == new + old, "Postgres shows the old one until it reloads"
    assert handshake(certificate, "postgres") == "TLSv1.3"


def handshake(folder: Path, name: str) -> str | None:
    """Server and client in memory; the protocol that they agreed on."""
    listening = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    listening.load_cert_chain(folder / "server" / "server.crt", folder / "server" / "server.key")
    calling = ssl.create_default_context(cafile=str(folder / "public" / "postgres.crt"))
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = calling.wrap_bio(down, up, server_hostname=name)
    server = listening.wrap_bio(up, down, server_side=True)
    done: set[ssl.SSLObject] = set()
    while len(done) < 2:
        for side in (client, server):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                pass
    return client.version()


def instructions() -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n\s*", " ", "\n".join(s for s in DOCKERFILE.splitlines() if not s.lstrip().startswith("#")))
    return [(word, rest) for line in joined.splitlines() if line.strip() for word, _, rest in [line.partition(" ")]]


def test_image_is_made_of_what_is_here() -> None:
    kept = {line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for word, rest in instructions()
        if word == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    assert copied == kept, "a source that .dockerignore leaves out, or one that nobody copies"
    assert all((ROOT / source).exists() for source in copied)
    assert not kept & {"secrets", ".git", ".venv", "tests"}


def test_image_is_lean_and_without_root() -> None:
    stages = [index for index, (word, _) in enumerate(instructions()) if word == "FROM"]
    assert len(stages) == 2
    final = instructions()[stages[1] :]
    users = [rest for word, rest in final if word == "USER"]
    assert users == [service("serve")["user"]] == ["10001:10001"]
    assert not any("pip install" in rest for word, rest in final)
    (debian,) = (rest for word, rest in final if word == "RUN" and "apt-get" in rest)
    wanted = debian.partition("--no-install-recommends ")[2].partition(" && ")[0].split()
    assert all(package.startswith("tesseract-ocr") for package in wanted), "what pictures are read with, and no more"
    assert debian.endswith("rm -rf /var/lib/apt/lists/*")
    variables = dict(part.split("=", 1) for word, rest in final if word == "ENV" for part in rest.split())
    assert variables["PYTHONPATH"] == "/app"
    assert variables["HF_HUB_OFFLINE"] == "1"
    assert {name for name in variables if name.startswith(PREFIX)} <= VARIABLES
    mounts = [volume for name in OURS for volume in service(name)["volumes"]]
    for inside in {volume.split(":")[1] for volume in mounts if variables["COUNTERSIGN_HOME"] in volume}:
        # A new volume takes the owner of the folder in the image over; root's could not be written.
        assert any(inside in rest.split() for word, rest in final if word == "RUN"), inside


def test_image_installs_the_lock_file_and_nothing_else() -> None:
    installs = [rest for word, rest in instructions() if word == "RUN" and "pip install" in rest]
    assert all("--no-deps" in rest for rest in installs)
    assert "^torch==" in installs[0]
    assert "-r requirements.lock" in installs[1]
    assert len(re.findall("^torch==", (ROOT / "requirements.lock").read_text(), re.MULTILINE)) == 1


class _Ready(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Ready) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def healthcheck(tmp_path: Path, command: list[str], port: int) -> int:
    """The image's check as if process 1 ran `command`."""
    (check,) = [rest for word, rest in instructions() if word == "HEALTHCHECK"]
    cmdline = tmp_path / "cmdline"
    cmdline.write_bytes("\0".join([*command, ""]).encode())
    script = check.partition(" CMD ")[2].replace("/proc/1/cmdline", str(cmdline))
    environment = {**os.environ, f"{PREFIX}PORT": str(port)}
    return subprocess.run(["/bin/sh", "-c", script], env=environment, capture_output=True, check=False).returncode


def test_healthcheck_asks_serve_whether_it_is_ready(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["/sbin/docker-init", "--", "countersign", "serve"]
    assert healthcheck(tmp_path, command, port) == 0
    monkeypatch.setattr(_Ready, "status", 503)
    assert healthcheck(tmp_path, command, port) != 0


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="there is no /proc/net/tcp on this system")
def test_healthcheck_asks_the_others_for_a_connection(tmp_path: Path, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)):
        assert healthcheck(tmp_path, ["countersign", "work"], port) == 0
