"""The demo of one HOME: its people and their keys, whether its company is there, how it is deleted."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from api import keyring
from api.acting import DEMO_CREDENTIALS as DEMO_CREDENTIALS
from governance.errors import Malformed, Unavailable
from governance.record.embedded import erase
from governance.record.home import write_private

TENANT = "demo"
ADMIN_CREDENTIALS = "admin-credentials.json"
OUTBOX = "outbox"
MAIL_DOMAIN = "halden-brook.example"
_STATE = "demo.json"
_PEOPLE: Mapping[str, tuple[str, str, str]] = {
    "analyst": ("person", "Anna Falk", "analyst"),
    "analyst2": ("person", "Ben Osei", "analyst"),
    "reviewer": ("person", "Rita Lang", "reviewer"),
    "reviewer2": ("person", "Omar Haddad", "reviewer"),
    "controller": ("person", "Carla Neri", "controller"),
    "auditor": ("person", "Ada Weiss", "auditor"),
    "ml_engineer": ("person", "Mei Tan", "ml_engineer"),
    "service": ("service", "ERP interface", "service"),
    "admin1": ("person", "Ines Roth", "administrator"),
    "admin2": ("person", "Paul Grant", "administrator"),
}
_ADMINS = ("admin1", "admin2")
# What a HOME of the demo holds beside its database; models stay, for training them again would change nothing.
_FILES = (
    keyring.SECRETS, keyring.LEDGER_KEY, keyring.LEDGER_PUB, "checkpoint.latest", _STATE, ADMIN_CREDENTIALS,
    "mlflow.json", DEMO_CREDENTIALS,
)  # fmt: skip
_FOLDERS = ("checkpoints", OUTBOX, "logs", "mlflow")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who founds the demo, and where their keys are."""

    persons: list[dict[str, Any]]
    file: Path


def credentials(home: Path, url: str, mlflow_url: str | None = None) -> Credentials:
    """The demo's people with their keys: those in HOME's files, or new ones that are written there first (mode 0600).

    `url` is where the API answers now, and `mlflow_url` where MLflow does, if it runs. Raises Unavailable where a file
    is damaged.
    """
    path = home / DEMO_CREDENTIALS
    known = {**_keys(path), **_keys(home / ADMIN_CREDENTIALS)}
    keys = {name: known.get(name) or keyring.new_token() for name in _PEOPLE}
    shown = {
        "url": url,
        "mlflow_url": mlflow_url,
        "keys": {name: keys[name] for name in _PEOPLE if name not in _ADMINS},
    }
    admins = {"keys": {name: keys[name] for name in _ADMINS}}
    for target, content in ((home / ADMIN_CREDENTIALS, admins), (path, shown)):
        text = json.dumps(content, indent=2)
        if not target.exists() or target.read_text() != text + "\n":
            write_private(target, text, replace=True)
    persons = [
        {"id": name, "kind": kind, "name": full, "roles": [role], "email": f"{name}@{MAIL_DOMAIN}", "key": keys[name]}
        for name, (kind, full, role) in _PEOPLE.items()
    ]
    return Credentials(persons, path)


def _keys(path: Path) -> dict[str, str]:
    try:
        return dict(json.loads(path.read_text())["keys"])
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"{path} is damaged: restore it, or begin again with up --demo --reset") from error


def seeded(home: Path) -> tuple[date | None, bool]:
    """The day on which the demo company was begun, None where it was not, and whether all of it is there.

    Raises Unavailable where the file that says so is damaged.
    """
    try:
        state = json.loads((home / _STATE).read_text())
        return date.fromisoformat(state["day"]), bool(state["done"])
    except FileNotFoundError:
        return None, False
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"{home / _STATE} is damaged: begin again with up --demo --reset") from error


def note_seeded(home: Path, day: date, *, done: bool) -> None:
    """Remember it, in HOME."""
    write_private(home / _STATE, json.dumps({"day": day.isoformat(), "done": done}), replace=True)


def reset(home: Path) -> None:
    """Delete the demo of this HOME: database, secrets, credentials, letters, logs. Models stay.

    Raises Malformed where HOME holds something else than a demo, Unavailable while its database runs.
    """
    if not home.is_dir() or not any(home.iterdir()):
        return
    known = keyring.read_keyring(home)
    if known is not None and known.tenant != TENANT:
        raise Malformed(f"{home} belongs to tenant {known.tenant}: --reset deletes demos and nothing else")
    if known is None and not (home / DEMO_CREDENTIALS).exists():
        raise Malformed(f"{home} does not look like the home of a demo: --reset leaves it alone; choose another --home")
    erase(home)
    for name in _FOLDERS:
        folder = home / name
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)
    # The credentials last: they say that this is a demo, should this be interrupted.
    for name in _FILES:
        (home / name).unlink(missing_ok=True)
