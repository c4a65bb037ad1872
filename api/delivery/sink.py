"""The demo's mail server: real SMTP on loopback, which keeps every letter as one .eml file and sends nothing on."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import threading
import weakref
from collections import Counter
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from types import TracebackType

from aiosmtpd.smtp import SMTP, Envelope, Session

from governance.errors import Unavailable

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9@_.-]{0,150}")
_MOST_BYTES = 10 * 1024 * 1024


def file_name(message_id: str) -> str:
    """The name of a letter's file: its Message-ID where that is harmless, else a hash of it."""
    bare = message_id.strip().removeprefix("<").removesuffix(">")
    if _SAFE.fullmatch(bare) and ".." not in f"{bare}.eml":
        return f"{bare}.eml"
    return f"{hashlib.sha256(message_id.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.eml"


class Outbox:
    """A folder of letters, by Message-ID. `received` counts every arrival, the second copy of a letter too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.received: Counter[str] = Counter()

    def keep(self, content: bytes) -> bool:
        """Write a letter, complete or not at all; False where it was there already."""
        given = message_from_bytes(content, policy=default)["Message-ID"]
        name = file_name(str(given)) if given else f"{hashlib.sha256(content).hexdigest()[:32]}.eml"
        self.received[name] += 1
        draft = self.folder / f".{secrets.token_hex(8)}.part"
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # A link, unlike a rename, fails where the same letter came first.
            os.link(draft, self.folder / name)
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        return True


class Keeper:
    """aiosmtpd's handler: every letter goes into the outbox."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.content
        data = content if isinstance(content, bytes) else (content or "").encode()
        new = await asyncio.get_running_loop().run_in_executor(None, self.outbox.keep, data)
        return "250 OK: kept" if new else "250 OK: known already"


class Sink:
    """An SMTP server on loopback in a thread of its own, from `start` to `stop` or inside a `with` block.

    `port` 0 takes a free one. `handler` replaces the one that keeps letters: for trials of a server that misbehaves.
    """

    def __init__(self, folder: Path, *, port: int = 0, handler: object | None = None) -> None:
        self.host = "127.0.0.1"
        self.port = port
        self.outbox = Outbox(folder)
        self._handler = handler or Keeper(self.outbox)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._sessions: weakref.WeakSet[SMTP] = weakref.WeakSet()

    @property
    def received(self) -> Counter[str]:
        """File name → how many times the letter arrived."""
        return self.outbox.received

    def start(self) -> Sink:
        """Listen. Raises Unavailable where the port is taken."""
        self.outbox.folder.mkdir(parents=True, exist_ok=True)
        loop = self._loop = asyncio.new_event_loop()
        try:
            server = loop.run_until_complete(loop.create_server(self._session, self.host, self.port))
        except OSError as error:
            loop.close()
            self._loop = None
            raise Unavailable(f"the mail sink cannot listen on port {self.port}: {error.strerror}") from error
        self.port = server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._run, args=(loop, server), name="mail-sink", daemon=True)
        self._thread.start()
        return self

    def _session(self) -> SMTP:
        session = SMTP(self._handler, hostname="sink.invalid", data_size_limit=_MOST_BYTES, loop=self._loop)
        self._sessions.add(session)
        return session

    def _run(self, loop: asyncio.AbstractEventLoop, server: asyncio.Server) -> None:
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(self._hang_up(server))
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    async def _hang_up(self, server: asyncio.Server) -> None:
        server.close()
        for session in list(self._sessions):
            if session.transport is not None:
                session.transport.close()
        pending = asyncio.all_tasks() - {asyncio.current_task()}
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await server.wait_closed()
        await asyncio.sleep(0)  # the transports say goodbye in the loop's next round

    def stop(self) -> None:
        """Close every session and wait until the thread has ended."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop = self._thread = None

    def __enter__(self) -> Sink:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
