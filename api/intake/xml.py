"""XML as data from strangers: one hardened parser for e-invoices and bank statements.

No document type declaration, no entities, no network, bounded depth and text size. The reasons are written for
the person who has to ask the sender for another file.
"""

from __future__ import annotations

import re

from lxml import etree

from governance.errors import Unreadable

Element = etree._Element

# Of elements and attributes: each costs over 100 bytes of memory, an invoice of 10,000 lines has a million marks.
_MARKS = 1_500_000
_DECLARATION = re.compile(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]{0,200}encoding[^>]{0,100}\?>")
TEXT_LIMIT = 200_000
"""Characters of running text that are kept of one document: for the classifier, not for the record."""


def parse(content: bytes) -> Element:
    """The root element. Raises Unreadable with reason_code `doctype`, `malformed_xml` or `xml_limits`."""
    if content.count(b"<") + content.count(b"=") > _MARKS:
        reason = "The XML has more than half a million elements. Ask the sender for one document a file."
        raise Unreadable(reason, reason_code="xml_limits")
    # NUL bytes are dropped so that the scan also sees UTF-16 and UTF-32. It runs before libxml2 does.
    if b"<!DOCTYPE" in content.replace(b"\0", b""):
        raise _doctype()
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        bare = _without_declaration(content)
        if bare is not None:
            return parse(bare)
        raise Unreadable(
            f"The XML is not well-formed ({str(error)[:160]}). Ask the sender to export it again.",
            reason_code="malformed_xml",
        ) from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise _doctype()
    return root


def _without_declaration(content: bytes) -> bytes | None:
    """The document in UTF-8 without its XML declaration, where that names an encoding that does not exist or is not
    the file's; None where the file is no UTF-8 or declares nothing."""
    match = _DECLARATION.match(content)
    if match is None:
        return None
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return content[match.end() :]


def _doctype() -> Unreadable:
    return Unreadable(
        "The XML carries a DOCTYPE declaration, which can reach for files and the network. "
        "Ask the sender for the document without it.",
        reason_code="doctype",
    )


def local_name(element: Element) -> str:
    return str(etree.QName(element).localname)


def namespace(element: Element) -> str:
    return str(etree.QName(element).namespace or "")


def path(steps: str) -> str:
    """`A/B` as an lxml path that matches these local names in any namespace version."""
    return "/".join("{*}" + step if step[:1].isalpha() else step for step in steps.split("/"))


def find(element: Element, steps: str) -> Element | None:
    return element.find(path(steps))


def find_all(element: Element, steps: str) -> list[Element]:
    return list(element.iterfind(path(steps)))


def text(element: Element | None) -> str | None:
    """The element's own text with runs of white space joined, or None when it is empty or missing."""
    if element is None or element.text is None:
        return None
    return " ".join(element.text.split()) or None


def first_text(element: Element, *choices: str) -> str | None:
    """The text of the first path that has any."""
    for steps in choices:
        for found in find_all(element, steps):
            value = text(found)
            if value:
                return value
    return None


def running_text(root: Element) -> str:
    """All text of the document, one node a line, at most TEXT_LIMIT characters."""
    lines: list[str] = []
    size = 0
    for node in root.itertext():
        line = " ".join(str(node).split())
        # An attachment inside the XML is one long base64 word: no reader learns anything from it.
        if not line or (len(line) > 2000 and " " not in line):
            continue
        lines.append(line)
        size += len(line) + 1
        if size > TEXT_LIMIT:
            break
    return "\n".join(lines)[:TEXT_LIMIT]
