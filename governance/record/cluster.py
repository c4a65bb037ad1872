"""The files of one embedded Postgres cluster: created, and put in order after a crash."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

from governance.errors import Unavailable
from governance.record import home, placement, watchdog
from governance.record.placement import Account, Place

USER = "postgres"

# Written to postgresql.conf once, where a person can tune them.
_SETTINGS = {
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "100",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Files below the data folder: nothing is ever left in /dev/shm, and a container's 64 MB there do not matter.
    "dynamic_shared_memory_type": "mmap",
    # The log is for operators and holds no business data: no statements, no DETAIL lines with row values.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


def initialise(place: Place, programs: Path, password: str, lock: int) -> None:
    """A new cluster, complete or absent: made beside its place and renamed. Takes about 2 s on two cores."""
    staging = place.folder / f"{placement.DATA}.new"
    secret = place.folder / ".initdb-password"
    maker = _initdb_account(place.account)
    command = [str(programs / "initdb"), "-D", str(staging), "-U", USER, f"--pwfile={secret}", "--encoding=UTF8"]
    command += ["--auth-host=scram-sha-256", "--auth-local=scram-sha-256", "--data-checksums"]
    command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    command += [f"--set={name}={value}" for name, value in _SETTINGS.items()]
    shutil.rmtree(staging, ignore_errors=True)
    secret.unlink(missing_ok=True)
    try:
        staging.mkdir(mode=0o700)
        if maker.uid is not None and maker.gid is not None:
            os.chown(staging, maker.uid, maker.gid, follow_symlinks=False)
        home.write_private(secret, password, uid=maker.uid)
        done = subprocess.run(  # noqa: S603 - our own arguments
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
            cwd="/", env=placement.ENVIRONMENT, pass_fds=(lock,), umask=0o077, **maker.options,
        )  # fmt: skip
        if done.returncode != 0:
            raise Unavailable(f"the database could not be created in {place.data}:\n{done.stdout[-2000:]}")
        _give(staging, place.account)
        staging.rename(place.data)
    finally:
        secret.unlink(missing_ok=True)
        shutil.rmtree(staging, ignore_errors=True)


def _initdb_account(account: Account) -> Account:
    """initdb, unlike the server, wants a user with a name. So root's free number borrows one for these two seconds."""
    if account.uid is None:
        try:
            pwd.getpwuid(os.geteuid())
        except KeyError:
            raise Unavailable(
                f"user {os.geteuid()} has no entry in the password database, which Postgres needs to create a cluster: "
                "add one, or give a database URL"
            ) from None
        return account
    for name in ("nobody", "daemon"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            if entry.pw_uid > 0:
                return Account(entry.pw_uid, entry.pw_gid)
    raise Unavailable("root needs the user `nobody` to create the database: add it, or start this as an ordinary user")


def _give(folder: Path, account: Account) -> None:
    """Make a tree the account's own. By directory descriptor and without following links, for another user wrote it."""
    if account.uid is None or account.gid is None:
        return
    for _, folders, files, fd in os.fwalk(folder, follow_symlinks=False):
        for name in (*folders, *files):
            os.chown(name, account.uid, account.gid, dir_fd=fd, follow_symlinks=False)
    os.chown(folder, account.uid, account.gid, follow_symlinks=False)


def end_orphan(data: Path) -> None:
    """Deal with what a crash left: stop a server without a watchdog, unlearn a process id that was given out again.

    Call with HOME's lock held. The rest is Postgres's own check: of the process where there is no /proc, and always
    of the shared memory that postmaster.pid names.
    """
    try:
        fd = os.open(data / "postmaster.pid", os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    with os.fdopen(fd, "r+") as file:
        lines = file.read().splitlines()
        pid = int(lines[0]) if lines and lines[0].isdigit() else 0
        if _works_in(pid, data):
            _end(pid)
        elif Path("/proc/self").exists():
            # Our own id is one that the server which we start ignores (PG_GRANDPARENT_PID).
            file.seek(0)
            file.truncate()
            file.write("\n".join([str(os.getpid()), *lines[1:]]) + "\n")


def _works_in(pid: int, folder: Path) -> bool:
    """Whether this is the working folder of that process, as a server's data is."""
    try:
        return pid > 0 and Path(f"/proc/{pid}/cwd").readlink() == folder.resolve()
    except OSError:
        return False


def _end(pid: int) -> None:
    for signum in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)
        end = time.monotonic() + watchdog.IMMEDIATE_SECONDS
        while home.alive(pid) and time.monotonic() < end:
            time.sleep(0.05)
        if not home.alive(pid):
            return
