"""The demo: its people and their keys, its company's books and month, brought in through the real doors."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from api import keyring
from api.acting import DEMO_CREDENTIALS as DEMO_CREDENTIALS
from api.intake import bills, rows
from api.intake.door import CaseRow, File, IntakeDoor, Item
from api.intake.pdf import PdfPool
from api.intake.reader import DocumentReader
from api.system import System
from governance.errors import Malformed, Unavailable
from governance.record import books
from governance.record.embedded import erase
from governance.record.home import write_private
from models.synthetic import CompanyMonth, company_month

TENANT = "demo"
ADMIN_CREDENTIALS = "admin-credentials.json"
OUTBOX = "outbox"
MAIL_DOMAIN = "halden-brook.example"
_STATE = "demo.json"
_SEED = 20261120
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
_BOOKS = {
    "entities": "entity", "suppliers": "supplier", "customers": "customer", "bank_accounts": "bank_account",
    "orders": "order", "receipts": "receipt", "payments": "payment", "fx": "fx", "open_items": "open_item",
}  # fmt: skip
# What a HOME of the demo holds beside its database; models stay, for training them again would change nothing.
_FILES = (
    keyring.SECRETS, keyring.LEDGER_KEY, keyring.LEDGER_PUB, "checkpoint.latest", _STATE, ADMIN_CREDENTIALS,
    DEMO_CREDENTIALS,
)  # fmt: skip
_FOLDERS = ("checkpoints", OUTBOX, "logs")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who founds the demo, and where their keys are."""

    persons: list[dict[str, Any]]
    file: Path


def credentials(home: Path, url: str) -> Credentials:
    """The demo's people with their keys: those in HOME's files, or new ones that are written there first (mode 0600).

    `url` is where the API answers now. Raises Unavailable where a file is damaged.
    """
    path = home / DEMO_CREDENTIALS
    known = {**_keys(path), **_keys(home / ADMIN_CREDENTIALS)}
    keys = {name: known.get(name) or keyring.new_token() for name in _PEOPLE}
    shown = {"url": url, "mlflow_url": None, "keys": {name: keys[name] for name in _PEOPLE if name not in _ADMINS}}
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


def seed(system: System, today: date, progress: Callable[[str], None]) -> int:
    """Bring in the company's books and exceptions, once; how many cases were opened now.

    `today` is the company's present the first time. What was interrupted is taken up on the same day.
    """
    state = _read_state(system.home)
    if state.get("done"):
        return 0
    day = date.fromisoformat(state["day"]) if "day" in state else today
    _write_state(system.home, day, done=False)
    month = company_month(_SEED, today=day)
    token = system.token("intake")
    progress(f"the demo company's books: {len(month.invoices)} invoices, {len(month.receivables)} receivables")
    with system.database.transaction("intake", token) as conn:
        for kind, name in _BOOKS.items():
            books.import_books(conn, kind, month.books[name], "demo company")
        ledger = bills.ledger_rows([(invoice, None) for invoice in month.invoices])
        books.import_books(conn, "invoices", ledger, "demo company")
    progress(f"{len(month.exceptions)} exceptions, {len(month.documents)} of them with a document")
    with PdfPool(size=1) as pool:
        door = IntakeDoor(system.database, token, DocumentReader(None, pool))
        opened = sum(receipt.status == "accepted" for receipt in door.receive(_items(month)))
    _write_state(system.home, day, done=True)
    return opened


def _items(month: CompanyMonth) -> list[Item]:
    """Every planted exception as an ERP sends it: its row, and the document where there is one."""
    items: list[Item] = []
    for number, planted in enumerate(month.exceptions, 1):
        row = rows.case_row(planted.row, index=number)
        if planted.document is None:
            items.append(CaseRow(row, name="erp"))
        else:
            document = month.document(planted.document)
            items.append(File(document.name, document.content, document.media_type, row))
    return items


def _read_state(home: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((home / _STATE).read_text()))
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError) as error:
        raise Unavailable(f"{home / _STATE} is damaged: begin again with up --demo --reset") from error


def _write_state(home: Path, day: date, *, done: bool) -> None:
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
