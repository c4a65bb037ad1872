"""Signed checkpoints kept outside the database: in HOME/checkpoints and, the last one, in HOME/checkpoint.latest.

Copy them to where the database's administrators cannot write: a checkpoint that only they hold proves little.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from governance.chain import origin
from governance.record import ledger, people
from governance.record.db import Database

FOLDER = "checkpoints"
LATEST = "checkpoint.latest"
PUBLISHED = ".published"
"""checkpoints/TENANT.published: the last note that the webhook's receiver acknowledged, empty before the first."""


class KeptCheckpoints:
    """The checkpoints kept under one HOME, of any number of tenants."""

    def __init__(self, home: Path) -> None:
        self._home = home

    @property
    def latest(self) -> Path:
        return self._home / LATEST

    def keep(self, tenant: str, size: int, note: str) -> None:
        """Write a signed note, whole or not at all. Writing it again changes nothing."""
        folder = self._home / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{tenant}-{size}.txt"
        if not path.exists():
            _replace(path, note)
        newest = self.newest(tenant)
        if newest == note and (not self.latest.exists() or self.latest.read_text("utf-8") != note):
            _replace(self.latest, note)

    def newest(self, tenant: str) -> str | None:
        """The note of the largest size that was kept for a tenant. Signatures are not checked here."""
        found = max(self._of(tenant), default=None)
        return None if found is None else found[1]

    def tenants(self) -> set[str]:
        """Tenants of which a checkpoint was kept."""
        names = (self._home / FOLDER).glob("*-*.txt")
        return {found[1] for path in names if (found := re.fullmatch(r"(.+)-\d+\.txt", path.name))}

    def unpublished(self, tenant: str) -> list[Path]:
        """Files of the notes that the webhook's receiver has not acknowledged, smallest first.

        The first time, and where the record was set back since, that is the newest alone.
        """
        files = self._files(tenant)
        mark = self._mark(tenant)
        if mark is None or _set_back(mark, files, tenant):
            mark = files[-2][1].read_text("utf-8") if len(files) > 1 else ""
            self.published(tenant, mark)
        after = said_size(mark, tenant) or 0
        return [path for size, path in files if size > after]

    def published(self, tenant: str, note: str) -> None:
        """Remember that the receiver acknowledged this note, and so all before it."""
        (self._home / FOLDER).mkdir(parents=True, exist_ok=True)
        _replace(self._home / FOLDER / f"{tenant}{PUBLISHED}", note)

    def waiting(self, tenant: str) -> int | None:
        """How many notes the webhook's receiver has not acknowledged; None where none was ever to be published."""
        mark = self._mark(tenant)
        if mark is None:
            return None
        after = said_size(mark, tenant) or 0
        return sum(size > after for size, _ in self._files(tenant))

    def _mark(self, tenant: str) -> str | None:
        try:
            mark = (self._home / FOLDER / f"{tenant}{PUBLISHED}").read_text("utf-8")
        except FileNotFoundError:
            return None
        return mark if not mark or said_size(mark, tenant) is not None else None

    def _files(self, tenant: str) -> list[tuple[int, Path]]:
        name = re.compile(re.escape(tenant) + r"-([0-9]{1,18})\.txt")
        return sorted(
            (int(found[1]), path)
            for path in (self._home / FOLDER).glob(f"{tenant}-*.txt")
            if (found := name.fullmatch(path.name))
        )

    def _of(self, tenant: str) -> Iterator[tuple[int, str]]:
        if files := self._files(tenant):
            size, path = files[-1]
            yield size, path.read_text("utf-8")
        if self.latest.exists():
            note = self.latest.read_text("utf-8")
            if (size_said := said_size(note, tenant)) is not None:
                yield size_said, note


def _set_back(mark: str, files: list[tuple[int, Path]], tenant: str) -> bool:
    """The files do not go on from the note that was acknowledged: after a restore, other ones take their places."""
    size = said_size(mark, tenant)
    if size is None:
        return False
    same = dict(files).get(size)
    return not files or files[-1][0] < size or (same is not None and same.read_text("utf-8") != mark)


def said_size(note: str, tenant: str) -> int | None:
    """The size that a note states for a tenant's ledger, None where it is of another tenant or no note."""
    lines = note.split("\n")
    if len(lines) < 2 or lines[0] != origin(tenant) or not re.fullmatch(r"[0-9]{1,18}", lines[1]):
        return None
    return int(lines[1])


def _replace(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


class RestoreGuard:
    """Why nothing may be delivered, or None: the database is behind a checkpoint that was kept outside.

    A database restored from a backup has forgotten letters that were sent; its courier must not send them again. Looks
    once, and again whenever the ledger has become shorter.
    """

    def __init__(self, database: Database, token: str, key: Ed25519PublicKey, kept: KeptCheckpoints) -> None:
        self._database = database
        self._token = token
        self._key = key
        self._kept = kept
        self._seen: int | None = None

    def __call__(self) -> str | None:
        with self._database.transaction("courier", self._token) as conn:
            tenant = people.whoami(conn).tenant
            size = ledger.head(conn, tenant)
            if self._seen is None or size < self._seen:
                self._seen = None
                note = self._kept.newest(tenant)
                if note is not None and (found := ledger.follows(conn, tenant, note, self._key)):
                    return (
                        f"nothing is delivered: {found.reason}. If the database was restored from a backup, compare "
                        f"what was sent since, then move the newer files out of {FOLDER}/ and {LATEST} out of HOME"
                    )
        self._seen = size
        return None
