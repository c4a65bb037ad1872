"""Letters as bytes, addresses, and who is trusted to carry them."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import unicodedata
from collections.abc import Mapping
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from api.delivery.connector import NotDelivered, Outcome
from api.delivery.mail import MailConnector, MailServer, compose
from api.delivery.sink import Sink
from governance.errors import Malformed
from governance.record.outbox import Effect

NOW = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
EFFECT = Effect("11111111-2222-3333-4444-555555555555", "mail", 1, 1)
SENDER = MailServer("127.0.0.1", 1, "Acme <ap@acme.example>", "none").address()


def draft(**changes: str) -> dict[str, str]:
    return {"to": "a@b.example", "subject": "Invoice 7", "body": "Hello.", "language": "en", **changes}


def approved(letter: Mapping[str, str]) -> dict[str, Any]:
    return {"recommendation_id": EFFECT.recommendation_id, "case_id": "c", "digest": "d", "action": {}, "draft": letter}


def deliver(server: MailServer, letter: Mapping[str, str], to: str | None = None) -> Outcome:
    with MailConnector(server).prepare(EFFECT, {"recipient": to or letter["to"]}) as ready:
        return ready.send(approved(letter), NOW)


@given(st.text(max_size=60), st.text(max_size=300))
def test_any_subject_and_body_stay_in_their_place(subject: str, body: str) -> None:
    """A header never breaks out of its line: the letter is refused, or carries exactly our headers."""
    try:
        content = compose(draft(subject=subject, body=body), SENDER, "id", NOW).as_bytes()
    except (NotDelivered, UnicodeEncodeError):
        # A lone surrogate cannot be in the record: canonical text refuses it.
        assert any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in subject + body)
        return
    head, _, rest = content.partition(b"\r\n\r\n")
    names = sorted(line.split(b":")[0].lower() for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t")))
    assert names == sorted(
        [b"from", b"to", b"subject", b"date", b"message-id", b"auto-submitted", b"content-type",
         b"content-transfer-encoding", b"mime-version", b"content-language"]
    )  # fmt: skip
    assert content.isascii()
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert b"\n" not in content.replace(b"\r\n", b"")
    parsed = message_from_bytes(content, policy=default)
    assert parsed["Message-ID"] == "<id@acme.example>"
    assert [str(address) for address in parsed["To"].addresses] == ["a@b.example"]
    assert rest or not body


@pytest.mark.parametrize(
    "text", ["Grüße aus Köln – 1.234,56 €", "発注書をお送りください", "Ignore\tprevious"[:6] + " x" * 200]
)
def test_text_in_any_script_reads_back(text: str) -> None:
    content = compose(draft(subject=text, body=f"{text}\n.\nlast line"), SENDER, "id", NOW).as_bytes()
    parsed = message_from_bytes(content, policy=default)
    assert str(parsed["Subject"]).replace("\r\n", "") == text
    assert parsed.get_content().splitlines() == [text, ".", "last line"]
    assert parsed["Date"].datetime == NOW


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Invoice\r\nBcc: all@b.example"},
        {"subject": "Invoice\nX: y"},
        {"to": "a@b.example\r\nBcc: all@b.example"},
        {"to": "a@b.example, c@b.example"},
        {"to": "Everybody: a@b.example;"},
        {"to": "a@b.example>\r\nRCPT TO:<c@b.example"},
        {"to": ""},
        {"to": "nobody"},
        {"to": "jörg@b.example"},
        {"to": "a@bücher.example"},
        {"language": "en\r\nX: y"},
    ],
)
def test_what_would_break_out_of_a_header_is_refused_for_good(changes: dict[str, str]) -> None:
    with pytest.raises(NotDelivered) as refused:
        compose(draft(**changes), SENDER, "id", NOW)
    assert refused.value.outcome.state == "dead"


def test_the_recipient_is_the_signed_one(tmp_path: Path) -> None:
    with Sink(tmp_path) as sink:
        server = MailServer("127.0.0.1", sink.port, "ap@acme.example", "none")
        with pytest.raises(NotDelivered, match="signed"):
            deliver(server, draft(), to="other@b.example")
        assert deliver(server, draft()).state == "sent"
    assert len(list(tmp_path.glob("*.eml"))) == 1


def test_lines_with_dots_arrive_as_written(tmp_path: Path) -> None:
    body = ".\n..\n.hidden\nlast"
    with Sink(tmp_path) as sink:
        deliver(MailServer("127.0.0.1", sink.port, "ap@acme.example", "none"), draft(body=body))
    (path,) = tmp_path.glob("*.eml")
    assert message_from_bytes(path.read_bytes(), policy=default).get_content().splitlines() == body.splitlines()


@pytest.mark.parametrize(
    "values",
    [
        {"host": "mail.example", "security": "none"},
        {"host": "10.0.0.7", "security": "none"},
        {"host": "127.0.0.1", "security": "none", "sender": "nobody"},
        {"host": "127.0.0.1", "security": "none", "sender": "a@b.example\r\nBcc: c@d.example"},
    ],
)
def test_settings_that_would_leak_or_break_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        MailServer(**{"port": 25, "sender": "ap@acme.example", **values})


def test_a_password_is_not_printed() -> None:
    assert "hunter2" not in repr(MailServer("mail.example", 587, "ap@acme.example", password="hunter2"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A server's own certificate for 127.0.0.1, and its TLS context."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink")])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(True, False, False, False, False, True, False, False, False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context


class Guarded(Sink):
    """A sink that wants STARTTLS and a login."""

    def __init__(self, folder: Path, context: ssl.SSLContext) -> None:
        super().__init__(folder)
        self._context = context

    def _session(self) -> SMTP:
        def login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object) -> AuthResult:
            assert isinstance(data, LoginPassword)
            return AuthResult(handled=False, success=(data.login, data.password) == (b"acme", b"s3cret-of-ours"))

        return SMTP(
            self._handler, loop=self._loop, tls_context=self._context, require_starttls=True, auth_required=True,
            authenticator=login,
        )  # fmt: skip


def test_starttls_with_a_certificate_that_verifies_and_a_login(
    tmp_path: Path, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    with Guarded(tmp_path, certificate[1]) as sink:
        server = MailServer(
            "127.0.0.1", sink.port, "ap@acme.example", "starttls", "acme", "s3cret-of-ours", certificate[0]
        )
        assert deliver(server, draft()).state == "sent"


@pytest.mark.parametrize(("trusted", "password"), [(False, "s3cret-of-ours"), (True, "wrong")])
def test_a_stranger_s_certificate_or_a_wrong_password_sends_nothing(
    tmp_path: Path, certificate: tuple[Path, ssl.SSLContext], trusted: bool, password: str
) -> None:
    with Guarded(tmp_path, certificate[1]) as sink:
        server = MailServer(
            "127.0.0.1", sink.port, "ap@acme.example", "starttls", "acme", password, certificate[0] if trusted else None
        )
        with pytest.raises(NotDelivered) as refused:
            deliver(server, draft())
        assert refused.value.outcome.state == "retry"
    assert list(tmp_path.glob("*.eml")) == []


def test_a_server_without_starttls_gets_no_letter_in_the_clear(tmp_path: Path) -> None:
    with Sink(tmp_path) as sink:
        with pytest.raises(NotDelivered) as refused:
            deliver(MailServer("127.0.0.1", sink.port, "ap@acme.example", "starttls"), draft())
        assert refused.value.outcome.state == "retry"
        assert not sink.received
