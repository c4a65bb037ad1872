"""Settings, secrets and the composition root."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from api import founding, keyring, wiring
from api.settings import Settings, load_settings
from governance.chain import public_key_text
from governance.errors import Malformed, Unavailable
from governance.record import people
from governance.record.db import Database
from governance.record.embedded import EmbeddedPostgres
from tests.conftest import PASSWORDS

ADMINS: list[dict[str, Any]] = [
    {"id": "ada", "name": "Ada", "roles": ["administrator"], "email": "ada@acme.example"},
    {"id": "bob", "name": "Bob", "roles": ["administrator"]},
]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("COUNTERSIGN_"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("value", ["", "   ", "changeme", "Password", "postgres"])
@pytest.mark.parametrize("name", ["review_password", "intake_token", "smtp_password", "llm_api_key", "database_url"])
def test_secrets_that_everybody_knows_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"COUNTERSIGN_{name.upper()}", value)
    with pytest.raises(Malformed, match=f"COUNTERSIGN_{name.upper()}"):
        load_settings()


def test_a_wrong_setting_is_named_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COUNTERSIGN_PORT", "hunter2")
    monkeypatch.setenv("COUNTERSIGN_WEBHOOK_SECRETS", '{"erp": "hunter2"')
    with pytest.raises(Malformed, match="COUNTERSIGN_WEBHOOK_SECRETS") as refusal:
        load_settings()
    assert "hunter2" not in str(refusal.value)
    monkeypatch.delenv("COUNTERSIGN_WEBHOOK_SECRETS")
    with pytest.raises(Malformed, match="COUNTERSIGN_PORT") as refusal:
        load_settings()
    assert "hunter2" not in str(refusal.value)


def test_secrets_are_not_printed() -> None:
    made = Settings(review_password=SecretStr("hunter2-hunter2"), webhook_secrets={"erp": SecretStr("hunter2-hunter2")})
    assert "hunter2" not in repr(made) + str(made) + str(made.model_dump()) + made.model_dump_json()
    assert made.secret("review_password") == "hunter2-hunter2"
    with pytest.raises(ValidationError) as error:
        Settings(review_password="hunter2-hunter2", port=-1)  # type: ignore[arg-type]
    assert "hunter2" not in str(error.value)


def test_unset_by_docker_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SMTP_HOST", "LLM_BASE_URL", "TENANT"):
        monkeypatch.setenv(f"COUNTERSIGN_{name}", "")
    made = load_settings(Path("~/somewhere"))
    assert (made.smtp_host, made.llm_base_url, made.tenant) == (None, None, None)
    assert made.home == Path.home() / "somewhere"


def test_nothing_runs(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="start it with countersign up"):
        wiring.connect(tmp_path)


def configured(url: str, home: Path, **more: Any) -> Settings:
    passwords = {f"{role}_password": SecretStr(password) for role, password in PASSWORDS.items()}
    return Settings(home=home, database_url=SecretStr(url), **{**passwords, **more})


def test_a_configured_database_is_founded_once(database: Database, tmp_path: Path) -> None:
    url = database.url("owner")
    settings = configured(url, tmp_path)
    keys = founding.first_start(tmp_path, url, "acme", [*ADMINS], settings=settings)
    assert set(keys) == {"ada", "bob"}
    assert founding.first_start(tmp_path, url, "acme", ADMINS, settings=settings) == {}
    with wiring.connect(tmp_path, settings=settings) as system:
        assert system.tenant == "acme"
        for token, name in ((keys["ada"], "ada"), (system.token("intake"), "intake"), (system.token("agent"), "agent")):
            with system.database.transaction("review", token) as conn:
                assert people.whoami(conn).id == name
        assert keys["ada"] not in repr(system)
        assert system.token("courier") not in repr(system)
        wiring.clock(system).tick()
        assert wiring.courier(system, "test").run_once() == 0
    with pytest.raises(Malformed, match="belongs to tenant acme"):
        founding.first_start(tmp_path, url, "other", ADMINS, settings=settings)


def test_lost_secrets_are_noticed_and_not_replaced(database: Database, tmp_path: Path) -> None:
    url = database.url("owner")
    home = tmp_path / "home"
    settings = configured(url, home)
    founding.first_start(home, url, "acme", ADMINS, settings=settings)
    with wiring.connect(home, settings=settings) as system:
        tokens = dict(system.tokens)
    (home / keyring.SECRETS).unlink()
    assert founding.first_start(home, url, "acme", ADMINS, settings=settings) == {}
    assert not (home / keyring.SECRETS).exists()
    with (
        wiring.connect(home, settings=settings) as system,
        pytest.raises(Unavailable, match="COUNTERSIGN_AGENT_TOKEN"),
    ):
        system.token("agent")
    with pytest.raises(Unavailable, match="the token of agent is not known"):
        wrong = settings.model_copy(update={"agent_token": SecretStr("somebody-elses")})
        founding.first_start(home, url, "acme", ADMINS, settings=wrong)
    # Another machine is told by its environment.
    elsewhere = settings.model_copy(update={f"{name}_token": SecretStr(token) for name, token in tokens.items()})
    assert founding.first_start(tmp_path / "other", url, "acme", ADMINS, settings=elsewhere) == {}
    with wiring.connect(tmp_path / "other", settings=elsewhere) as system:
        assert dict(system.tokens) == tokens


def test_genesis_needs_two_administrators(database: Database, tmp_path: Path) -> None:
    url = database.url("owner")
    with pytest.raises(Malformed, match="two administrators"):
        founding.first_start(tmp_path, url, "acme", ADMINS[:1], settings=configured(url, tmp_path))


def test_a_role_may_have_a_url_of_its_own(tmp_path: Path) -> None:
    review = "postgresql://countersign_review:its-own@127.0.0.1/else"
    settings = configured("postgresql://127.0.0.1:5432/acme", tmp_path, review_url=SecretStr(review))
    with wiring.connect(tmp_path, settings=settings) as system:
        assert system.database.url("review") == review
        intake = system.database.url("intake")
        assert "user=countersign_intake" in intake
        assert "password=test-intake" in intake
        assert "dbname=acme" in intake


def test_the_embedded_database_of_a_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    settings = load_settings(home)
    with EmbeddedPostgres(home):
        keys = founding.first_start(home, wiring.embedded_url(home), "demo", [*ADMINS], settings=settings)
        with wiring.connect(home) as system:
            assert system.tenant == "demo"
            with system.database.transaction("review", keys["bob"]) as conn:
                assert people.whoami(conn).roles == {"administrator"}
        for name in (keyring.SECRETS, keyring.LEDGER_KEY):
            assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
        found = json.loads((home / keyring.SECRETS).read_text())
        assert set(found) == {"tenant", "roles", "tokens"}
        assert set(found["tokens"]) == {"intake", "agent", "courier"}
        public = keyring.read_ledger_key(home).public_key()
        assert keyring.public_key(home) == public_key_text(public)
        (home / keyring.SECRETS).write_text("{")
        with pytest.raises(Unavailable, match="damaged"):
            wiring.connect(home)


def test_a_file_is_written_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    assert keyring.write_once(path, "first")
    assert not keyring.write_once(path, "second")
    assert path.read_text() == "first"
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("text", ["", "nonsense", base64.b64encode(b"short").decode(), "-----BEGIN nothing"])
def test_a_key_that_is_none(tmp_path: Path, text: str) -> None:
    with pytest.raises(Malformed):
        keyring.read_ledger_key(tmp_path, text)
    with pytest.raises(Unavailable):
        keyring.read_ledger_key(tmp_path)
