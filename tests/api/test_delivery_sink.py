"""The demo's mail server keeps each letter once."""

from __future__ import annotations

import smtplib
import threading
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from api.delivery.sink import Outbox, Sink, file_name
from governance.errors import Unavailable


def letter(message_id: str | None, body: str = "hello") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@b.example", "c@d.example", "x"
    if message_id:
        message["Message-ID"] = message_id
    message.set_content(body)
    return message


def test_a_second_copy_is_counted_and_not_kept(tmp_path: Path) -> None:
    with Sink(tmp_path) as sink, smtplib.SMTP("127.0.0.1", sink.port) as client:
        for body in ("first", "second"):
            client.send_message(letter("<one@b.example>", body))
        client.send_message(letter(None))
        assert sink.received["one@b.example.eml"] == 2
    assert "first" in (tmp_path / "one@b.example.eml").read_text()
    assert len(list(tmp_path.iterdir())) == 2


@given(st.text(max_size=200))
@example("0.")
@example("<..>")
def test_no_message_id_leaves_the_folder(message_id: str) -> None:
    name = file_name(message_id)
    assert "/" not in name
    assert ".." not in name
    assert not name.startswith(".")
    assert name.isascii()
    assert len(name) < 200


def test_the_same_letter_many_times_at_once_is_one_file(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    content = letter("<one@b.example>").as_bytes()
    kept: list[bool] = []
    threads = [threading.Thread(target=lambda: kept.append(outbox.keep(content))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kept) == [False] * 7 + [True]
    assert [path.name for path in tmp_path.iterdir()] == ["one@b.example.eml"]


def test_stopping_ends_open_sessions_and_frees_the_port(tmp_path: Path) -> None:
    sink = Sink(tmp_path).start()
    client = smtplib.SMTP("127.0.0.1", sink.port)
    client.ehlo()
    sink.stop()
    with pytest.raises((OSError, smtplib.SMTPException)):
        client.sendmail("a@b.example", ["c@d.example"], "x")
    client.close()
    with Sink(tmp_path, port=sink.port) as again:
        assert again.port == sink.port
    assert not [thread for thread in threading.enumerate() if thread.name == "mail-sink"]


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with Sink(tmp_path) as first, pytest.raises(Unavailable, match=str(first.port)):
        Sink(tmp_path, port=first.port).start()
