"""Mails that the intake tests make themselves: EML by the standard library, MSG by a small writer of compound files."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from email.message import EmailMessage

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_NONE = 0xFFFFFFFF
_SECTOR, _MINI, _CUTOFF = 512, 64, 4096


def eml(
    text: str = "Please find our invoice attached.",
    *attachments: tuple[str, bytes],
    subject: str = "Invoice 42",
    html: str | None = None,
    sender: str = "Nordlicht Energie <billing@nordlicht.example>",
) -> EmailMessage:
    """A mail with files attached under their names."""
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "invoices@buyer.example"
    message["Subject"] = subject
    message["Date"] = "Mon, 02 Mar 2026 10:30:00 +0100"
    message["Message-ID"] = "<42@nordlicht.example>"
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    for name, content in attachments:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message


@dataclass
class Folder:
    """A storage of a compound file: streams and storages by name."""

    inside: dict[str, bytes | Folder] = field(default_factory=dict)


def msg(
    subject: str = "Invoice 42",
    text: str = "Please find our invoice attached.",
    attachments: tuple[tuple[str, bytes | Folder], ...] = (),
    *,
    html: bytes = b"",
    nested: bool = False,
    code_page: int | None = None,
) -> Folder:
    """The streams of an Outlook message, whose texts are in the code page where one is given.

    An attachment may be such a folder itself.
    """
    fixed = [(0x00390040, 0x01DCAA2DB3E6A000)]  # submitted, as FILETIME
    if code_page is not None:
        fixed.append((0x3FFD0003, code_page))
    properties = bytes(24 if nested else 32) + b"".join(struct.pack("<IIQ", tag, 6, value) for tag, value in fixed)
    kind, encoding = ("001F", "utf-16-le") if code_page is None else ("001E", f"cp{code_page}")
    folder = Folder({"__properties_version1.0": properties})
    said = {"0037": subject, "1000": text, "0C1A": "Nordlicht Energie", "5D01": "billing@nordlicht.example"}
    for tag, value in {**said, "0E04": "invoices@buyer.example", "1035": "<42@nordlicht.example>"}.items():
        folder.inside[f"__substg1.0_{tag}{kind}"] = value.encode(encoding)
    if html:
        folder.inside["__substg1.0_10130102"] = html
    for number, (name, content) in enumerate(attachments):
        attached = Folder({"__properties_version1.0": bytes(8), f"__substg1.0_3707{kind}": name.encode(encoding)})
        attached.inside["__substg1.0_3701000D" if isinstance(content, Folder) else "__substg1.0_37010102"] = content
        folder.inside[f"__attach_version1.0_#{number:08X}"] = attached
    return folder


@dataclass
class _Entry:
    name: str
    kind: int  # 1 storage, 2 stream, 5 root
    data: bytes = b""
    left: int = _NONE
    right: int = _NONE
    child: int = _NONE
    start: int = _END
    size: int = 0


def compound(root: Folder) -> bytes:
    """The bytes of a compound file, [MS-CFB] version 3: directory, FAT, and small streams in the mini stream."""
    entries = [_Entry("Root Entry", 5)]
    _directory(root, 0, entries)
    fat: list[int] = []
    sectors = bytearray()

    def store(data: bytes) -> int:
        if not data:
            return _END
        first, count = len(fat), -(-len(data) // _SECTOR)
        fat.extend([*range(first + 1, first + count), _END])
        sectors.extend(data.ljust(count * _SECTOR, b"\0"))
        return first

    mini, mini_fat = bytearray(), list[int]()
    for entry in entries[1:]:
        entry.size = len(entry.data)
        if entry.size >= _CUTOFF:
            entry.start = store(entry.data)
        elif entry.size:
            entry.start, count = len(mini_fat), -(-entry.size // _MINI)
            mini_fat.extend([*range(entry.start + 1, entry.start + count), _END])
            mini.extend(entry.data.ljust(count * _MINI, b"\0"))
    entries[0].start, entries[0].size = store(bytes(mini)), len(mini)
    mini_start = store(struct.pack(f"<{len(mini_fat)}I", *mini_fat)) if mini_fat else _END
    directory_start = store(b"".join(_directory_bytes(entry) for entry in entries))
    fat_count = 1
    while fat_count * 128 < len(fat) + fat_count:
        fat_count += 1
    fat_start = len(fat)
    fat.extend([_FAT] * fat_count)
    fat.extend([_FREE] * (fat_count * 128 - len(fat)))
    sectors.extend(struct.pack(f"<{len(fat)}I", *fat))
    places = [*range(fat_start, fat_start + fat_count), *[_FREE] * (109 - fat_count)]
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes(16), 0x3E, 3, 0xFFFE, 9, 6, 0, fat_count, directory_start, 0,
        _CUTOFF, mini_start, -(-len(mini_fat) * 4 // _SECTOR), _END, 0,
    )  # fmt: skip
    return (header + struct.pack("<109I", *places)).ljust(_SECTOR, b"\0") + bytes(sectors)


def _directory(folder: Folder, at: int, entries: list[_Entry]) -> None:
    """Entries of a folder, as a tree that leans to one side: each has the next in its order to the right."""
    names = sorted(folder.inside, key=lambda name: (len(name), name.upper()))
    before: int | None = None
    for name in names:
        inner = folder.inside[name]
        place = len(entries)
        entries.append(_Entry(name, 1) if isinstance(inner, Folder) else _Entry(name, 2, inner))
        if before is None:
            entries[at].child = place
        else:
            entries[before].right = place
        before = place
        if isinstance(inner, Folder):
            _directory(inner, place, entries)


def _directory_bytes(entry: _Entry) -> bytes:
    name = entry.name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16sIQQIQ",
        name, len(name) + 2, entry.kind, 1, entry.left, entry.right, entry.child, bytes(16), 0, 0, 0, entry.start,
        entry.size,
    )  # fmt: skip
