"""What one mail becomes in the child, whichever format it came in, with the limits that all of its parts share."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

DEPTH = 3
"""Mails within mails that are read."""
ATTACHMENTS = 50
"""Attachments of one file that are read, those of nested mails among them."""
BYTES = 30_000_000
"""Bytes of all attachments of one file."""


@dataclass(slots=True)
class _Budget:
    attachments: int = ATTACHMENTS
    size: int = BYTES


@dataclass(slots=True)
class Letter:
    """Sender, date (ISO, UTC) and so on, '' or None where the mail does not say.

    `unseen` is text that no reader is shown; `attachments` are as the child answers.
    """

    sender: str = ""
    to: str = ""
    subject: str = ""
    date: str | None = None
    message_id: str = ""
    text: str = ""
    unseen: str = ""
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    depth: int = 0
    budget: _Budget = field(default_factory=_Budget)

    def nested(self) -> Letter | None:
        """A mail within this one, or None where that is one too deep or one too many."""
        if self.depth + 1 > DEPTH or not self._has_room():
            return None
        self.budget.attachments -= 1
        return Letter(depth=self.depth + 1, budget=self.budget)

    def attach(self, name: str, kind: str, data: bytes) -> None:
        """Takes an attachment in, or says that there were too many."""
        if len(data) > self.budget.size or not self._has_room():
            self.left_out.append(name)
            return
        self.budget.attachments -= 1
        self.budget.size -= len(data)
        self.attachments.append({"name": name, "type": kind, "data": base64.b64encode(data).decode("ascii")})

    def _has_room(self) -> bool:
        if self.budget.attachments > 0:
            return True
        note = f"only the first {ATTACHMENTS} attachments were read; send the others by themselves"
        if note not in self.notes:
            self.notes.append(note)
        return False

    def as_dict(self) -> dict[str, Any]:
        """The answer's "mail" (see `mail_child`)."""
        return {
            "from": self.sender,
            "to": self.to,
            "subject": self.subject,
            "date": self.date,
            "message_id": self.message_id,
            "text": self.text,
            "unseen": self.unseen.strip()[:1000],
            "notes": self.notes,
            "left_out": [name[:200] for name in self.left_out[:100]],
            "attachments": self.attachments,
        }


def utc(moment: datetime) -> str:
    """ISO in UTC, to the second; a moment without a zone is taken for UTC."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="seconds")
