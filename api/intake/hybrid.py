"""The e-invoice inside a PDF (ZUGFeRD, Factur-X, XRechnung): which of its files it is, and whether the page agrees."""

from __future__ import annotations

from collections.abc import Sequence

from api.intake import einvoice, twins, xml
from governance.case import Finding, Reading
from governance.errors import Unreadable
from models.layout import Word

_NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml", "order-x.xml", "cida.xml")
"""The names that the standards give, best first; any other file that is an e-invoice follows."""


def embedded(
    attachments: Sequence[tuple[str, bytes]], text: str, words: Sequence[Word] = ()
) -> tuple[Reading | None, tuple[str, ...]]:
    """The reading of the embedded e-invoice, compared with the visible text of the pages, and warnings about files
    that could not be read. No reading where no file is one."""
    warnings: list[str] = []
    found: list[tuple[str, Reading]] = []
    for name, data in sorted(attachments, key=_rank):
        try:
            root = xml.parse(data)
        except Unreadable as refusal:
            warnings.append(f"the embedded {name[:60]!r} cannot be read: {refusal.detail}")
            continue
        if einvoice.is_known(root):
            found.append((name, einvoice.read(root)))
    if not found:
        return None, tuple(warnings)
    reading = twins.compared(found[0][1], text, words)
    return _with_others(reading, found), tuple(warnings)


def _rank(attachment: tuple[str, bytes]) -> int:
    name = attachment[0].lower()
    return _NAMES.index(name) if name in _NAMES else len(_NAMES)


def _with_others(reading: Reading, found: Sequence[tuple[str, Reading]]) -> Reading:
    """Two data files that differ in what is paid are as bad as data and page that differ."""
    first = found[0][0]
    for name, other in found[1:]:
        for field in ("invoice_number", "total_amount", "iban"):
            ours, theirs = reading.fields.get(field), other.fields.get(field)
            if not ours or not theirs or ours == theirs or reading.document_class != other.document_class:
                continue
            said = f"{field}: {first[:60]!r} in the PDF says {ours[:60]!r}, and {name[:60]!r} says {theirs[:60]!r}"
            values = {"embedded": ours, "other": theirs}
            finding = Finding("embedded_files_differ", said, (field,), "contested", values)
            reading = twins.with_findings(reading, [finding])
    return reading
