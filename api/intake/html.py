"""The words of an HTML mail as a person sees them: no scripts, no styles, nothing fetched, nothing that is hidden."""

from __future__ import annotations

import re
from itertools import islice

from lxml import etree

TEXT_LIMIT = 200_000
"""Characters that are kept."""

_TOLD, _QUOTED = 5, 400
_UNSEEN = frozenset({"head", "script", "style", "template", "noscript", "title", "object", "svg", "select"})
_BLOCKS = frozenset(
    ("address", "article", "blockquote", "body", "br", "center", "dd", "div", "dl", "dt", "footer", "form", "h1", "h2",
     "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tbody", "thead", "tr",
     "ul")
)  # fmt: skip
_CELLS = frozenset({"td", "th"})
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])|opacity\s*:\s*0(?![.\d])|mso-hide\s*:\s*all",
    re.IGNORECASE,
)
_SPACES = re.compile(r"[ \t\r\f\v\u00a0\u200b\ufeff]+")


def html_text(content: str) -> tuple[str, str]:
    """Lines of text, table cells two spaces apart, and the beginning of what is there and no reader is shown.

    Never raises on content: what is no HTML at all is empty text.
    """
    # The encoding is given, whatever a meta tag claims.
    parser = etree.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, huge_tree=False, encoding="utf-8")
    try:
        root = etree.fromstring(content.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return "", ""
    if root is None:
        return "", ""
    pieces: list[str] = []
    hidden: etree._Element | None = None
    unseen: list[str] = []
    size = 0
    for event, node in etree.iterwalk(root, events=("start", "end")):
        tag = node.tag if isinstance(node.tag, str) else ""
        if event == "start":
            if hidden is None and (tag in _UNSEEN or _is_hidden(node)):
                hidden = node
                if tag not in _UNSEEN and len(unseen) < _TOLD and (words := _words(node)):
                    unseen.append(words)
            if hidden is None:
                pieces.append(_before(tag) + _SPACES.sub(" ", (node.text or "").replace("\n", " ")))
        else:
            if hidden is node:
                hidden = None
            if hidden is None:
                pieces.append(_after(tag) + _SPACES.sub(" ", (node.tail or "").replace("\n", " ")))
        size += len(pieces[-1]) if pieces else 0
        if size > 2 * TEXT_LIMIT:
            break
    return _tidy("".join(pieces))[:TEXT_LIMIT], " ".join(unseen)[:_QUOTED]


def _is_hidden(node: etree._Element) -> bool:
    return node.get("hidden") is not None or bool(_HIDING.search(node.get("style") or ""))


def _words(node: etree._Element) -> str:
    texts = islice(node.itertext(), 100)
    return " ".join("".join(str(text)[:_QUOTED] for text in texts).split()).strip("\u200c\u200b\u00ad\u034f ")


def _before(tag: str) -> str:
    return "\n" if tag in _BLOCKS else "  " if tag in _CELLS else ""


def _after(tag: str) -> str:
    return "\n" if tag in _BLOCKS else ""


def _tidy(text: str) -> str:
    """Lines without white space at their ends, at most one empty line between two."""
    lines = [re.sub(r" {2,}", "  ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
