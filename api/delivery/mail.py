"""Letters by SMTP (RFC 5321). The Message-ID is made of the recommendation's id, so that a receiver and a person who
reconciles can tell one letter from a second copy.

Connect, EHLO, MAIL FROM and RCPT TO happen while the effect is still only leased; the gate's last look comes then, and
DATA after it. So a courier that dies leaves an open question only if it dies during DATA.
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any, Literal

from api.delivery.connector import NotDelivered, Outcome, is_loopback
from governance.errors import Malformed
from governance.record.outbox import Effect

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
_START_INPUT = 354
_FAREWELL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters go. `security`: starttls, tls (implicit, usually port 465) or none (loopback only).

    `sender` is an address with or without a name. Certificates are verified, against `ca_file` where one is given.
    `timeout` is in seconds, for each answer of the server. Raises Malformed.
    """

    host: str
    port: int
    sender: str
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    timeout: float = 30.0

    def __post_init__(self) -> None:
        if self.security == "none" and not is_loopback(self.host):
            raise Malformed(f"mail to {self.host} would not be encrypted: use STARTTLS, or TLS on port 465")
        self.address()

    def address(self) -> Address:
        """The sender. Raises Malformed where it is not one mailbox."""
        name, spec = parseaddr("" if _CONTROL.search(self.sender) else self.sender)
        try:
            return _mailbox(spec, name)
        except NotDelivered as error:
            raise Malformed(f"the sender of letters, {self.sender!r}, is not a mail address") from error


def _mailbox(spec: str, name: str = "") -> Address:
    """One mailbox and nothing else: no list, no group, no control character, and none that needs SMTPUTF8."""
    if _CONTROL.search(spec + name) or not spec.isascii():
        raise NotDelivered("an address with control characters, or outside ASCII, is refused", for_good=True)
    try:
        address = Address(name, addr_spec=spec)
    except (ValueError, IndexError, MessageError) as error:
        raise NotDelivered(f"{spec[:100]!r} is not a mail address", for_good=True) from error
    if not address.username or not address.domain:
        raise NotDelivered(f"{spec[:100]!r} is not a mail address", for_good=True)
    return address


def compose(draft: Mapping[str, str], sender: Address, recommendation_id: str, now: datetime) -> EmailMessage:
    """The letter of an approved draft. Raises NotDelivered where a header would break out of its line."""
    if _CONTROL.search(draft["subject"]) or not _LANGUAGE.fullmatch(draft["language"]):
        raise NotDelivered("a subject with a line break, or a language that is no tag, is refused", for_good=True)
    message = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    message["From"] = sender
    message["To"] = _mailbox(draft["to"])
    message["Subject"] = draft["subject"]
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{recommendation_id}@{sender.domain}>"
    # RFC 3834: no out-of-office answers to a machine.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(draft["body"], charset="utf-8")
    message["Content-Language"] = draft["language"]
    return message


@dataclass(frozen=True, slots=True)
class _Envelope:
    """A session in which the server has accepted sender and recipient."""

    session: smtplib.SMTP
    sender: Address
    recipient: str

    def send(self, approved: Mapping[str, Any], now: datetime) -> Outcome:
        draft = approved["draft"]
        if draft is None or draft["to"] != self.recipient:
            raise NotDelivered("the letter is not addressed to the recipient that was signed", for_good=True)
        message = compose(draft, self.sender, approved["recommendation_id"], now)
        content = message.as_bytes()
        with _surely_not("DATA"):
            self.session.putcmd("data")
            code, answer = self.session.getreply()
        if code != _START_INPUT:
            raise _refused("DATA", code, answer)
        try:
            self.session.send(_LEADING_DOT.sub(b"..", content) + (b"" if content.endswith(b"\r\n") else b"\r\n"))
            self.session.send(b".\r\n")
            code, answer = self.session.getreply()
        except (OSError, smtplib.SMTPException) as error:
            return Outcome("unknown", f"the connection ended while the letter was being handed over: {error}")
        if 200 <= code < 300:
            return Outcome("sent", f"accepted: {message['Message-ID']} {_words(answer)}")
        if code < 0:
            return Outcome("unknown", "the server gave no answer after the letter was handed over")
        # An explicit refusal after the last dot leaves the letter with us (RFC 5321 section 4.2.5).
        raise _refused("the letter", code, answer)


def _words(answer: bytes) -> str:
    return _CONTROL.sub(" ", answer.decode("utf-8", "replace"))[:200]


def _refused(what: str, code: int, answer: bytes) -> NotDelivered:
    return NotDelivered(f"the server refused {what}: {code} {_words(answer)}", for_good=500 <= code < 600)


@contextlib.contextmanager
def _surely_not(step: str) -> Iterator[None]:
    """Before the letter itself is on its way, an error means that nothing was sent."""
    try:
        yield
    except (OSError, smtplib.SMTPException) as error:
        raise NotDelivered(f"{step} failed: {_CONTROL.sub(' ', str(error))[:300]}") from error


def _leave(session: smtplib.SMTP) -> None:
    """QUIT where the server still listens; nothing hangs on its answer."""
    with contextlib.suppress(OSError, smtplib.SMTPException):
        if session.sock is not None:
            session.sock.settimeout(_FAREWELL_SECONDS)
            session.quit()
    session.close()


class MailConnector:
    """Delivers letters through one SMTP server, a connection for each."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._sender = server.address()

    @contextlib.contextmanager
    def prepare(self, effect: Effect, envelope: Mapping[str, Any]) -> Iterator[_Envelope]:
        """Connect, and have the server accept sender and recipient. Raises NotDelivered."""
        recipient = _mailbox(str(envelope.get("recipient") or ""))
        with _surely_not("connecting"):
            session = self._connect()
        try:
            yield self._accepted(session, recipient)
        finally:
            _leave(session)

    def _accepted(self, session: smtplib.SMTP, recipient: Address) -> _Envelope:
        with _surely_not("the greeting"):
            session.ehlo_or_helo_if_needed()
            code, answer = session.mail(self._sender.addr_spec)
            if code != 250:
                # The sender is our configuration: what a person corrects there helps every letter.
                raise NotDelivered(f"the server refused the sender: {code} {_words(answer)}")
            code, answer = session.rcpt(recipient.addr_spec)
        if code not in (250, 251):
            raise _refused("the recipient", code, answer)
        return _Envelope(session, self._sender, recipient.addr_spec)

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        session: smtplib.SMTP
        if server.security == "none":
            session = smtplib.SMTP(server.host, server.port, timeout=server.timeout)
        else:
            context = ssl.create_default_context(cafile=server.ca_file)
            if server.security == "tls":
                session = smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout, context=context)
            else:
                session = smtplib.SMTP(server.host, server.port, timeout=server.timeout)
        try:
            if server.security == "starttls":
                session.starttls(context=context)
            if server.user is not None:
                session.login(server.user, server.password or "")
        except BaseException:
            session.close()
            raise
        return session
