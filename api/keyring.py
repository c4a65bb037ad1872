"""HOME's secrets: role passwords and service tokens (secrets.json) and the key that signs checkpoints (ledger.key)."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from governance.chain import public_key_text
from governance.errors import Malformed, Unavailable
from governance.record.db import LOGIN_ROLES
from governance.record.home import write_private

SECRETS = "secrets.json"
LEDGER_KEY = "ledger.key"
LEDGER_PUB = "ledger.pub"
SERVICES = ("intake", "agent", "courier")
_MLFLOW = "mlflow"


@dataclass(frozen=True, slots=True)
class Keyring:
    """What HOME/secrets.json holds. Never printed."""

    tenant: str
    roles: Mapping[str, str] = field(repr=False)
    tokens: Mapping[str, str] = field(repr=False)


def new_token() -> str:
    """A key of 256 random bits."""
    return "cs_" + secrets.token_urlsafe(32)


def read_keyring(home: Path) -> Keyring | None:
    """HOME's secrets, or None where there are none. Raises Unavailable where the file cannot be read."""
    path = home / SECRETS
    try:
        found = json.loads(path.read_text())
        # MLflow's role is not Countersign's: what connects to the record never sees its password.
        roles = {role: password for role, password in dict(found["roles"]).items() if role != _MLFLOW}
        return Keyring(str(found["tenant"]), roles, dict(found["tokens"]))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise Unavailable(f"{path} belongs to another user: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise Unavailable(f"{path} is damaged: restore it") from error


def make_keyring(home: Path, tenant: str, roles: Mapping[str, str], tokens: Mapping[str, str]) -> Keyring:
    """HOME's secrets, made where missing; values that are given are taken instead of random ones."""
    known = read_keyring(home)
    if known is not None:
        return known
    made = Keyring(
        tenant,
        {role: roles.get(role) or secrets.token_urlsafe(32) for role in LOGIN_ROLES},
        {name: tokens.get(name) or new_token() for name in SERVICES},
    )
    text = json.dumps({"tenant": made.tenant, "roles": dict(made.roles), "tokens": dict(made.tokens)}, indent=1)
    if write_once(home / SECRETS, text + "\n"):
        return made
    found = read_keyring(home)
    assert found is not None
    return found


def mlflow_password(home: Path) -> str:
    """The password of MLflow's role, made in HOME/secrets.json where it is missing. Raises Unavailable without that."""
    if read_keyring(home) is None:
        raise Unavailable(f"{home / SECRETS} is missing: restore it")
    found = json.loads((home / SECRETS).read_text())
    if _MLFLOW not in found["roles"]:
        found["roles"][_MLFLOW] = secrets.token_urlsafe(32)
        write_private(home / SECRETS, json.dumps(found, indent=1), replace=True)
    return str(found["roles"][_MLFLOW])


def write_once(path: Path, text: str) -> bool:
    """A new file with mode 0600, complete or absent. False where one was there already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link, unlike a rename, fails where somebody was first.
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def make_ledger_key(home: Path) -> Ed25519PrivateKey:
    """The key that signs checkpoints, made where missing, with its public half in HOME/ledger.pub."""
    if not (home / LEDGER_KEY).exists():
        write_once(
            home / LEDGER_KEY, base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode() + "\n"
        )
    key = read_ledger_key(home)
    with contextlib.suppress(FileExistsError), (home / LEDGER_PUB).open("x") as file:
        file.write(public_key_text(key.public_key()) + "\n")
    return key


def read_ledger_key(home: Path, given: str | None = None) -> Ed25519PrivateKey:
    """The signing key: `given` (base64 or PEM) or HOME/ledger.key. Raises Unavailable, Malformed."""
    try:
        text = given if given is not None else (home / LEDGER_KEY).read_text()
    except OSError as error:
        raise Unavailable(f"the key that signs checkpoints cannot be read: {error}") from error
    try:
        if text.lstrip().startswith("-----BEGIN"):
            key = load_pem_private_key(text.encode(), password=None)
        else:
            key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(text.strip(), validate=True))
    except (ValueError, TypeError) as error:
        raise Malformed("the ledger key must be an Ed25519 key in PEM, or its 32 bytes in base64") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Malformed("the ledger key must be an Ed25519 key")
    return key


def public_key(home: Path) -> str | None:
    """The text of HOME/ledger.pub, or None where there is none."""
    try:
        return (home / LEDGER_PUB).read_text().strip()
    except OSError:
        return None
