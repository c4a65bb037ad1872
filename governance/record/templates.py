"""The tenant's own letters: governed changes of kind `template`, whose subject is `<template>.<language>`."""

from __future__ import annotations

import json
from typing import Any

from psycopg import Connection

_CURRENT = """
SELECT DISTINCT ON (subject) subject, content FROM cs.settings
WHERE kind = 'template' AND (expires_at IS NULL OR expires_at > now()) ORDER BY subject, version DESC
"""


def current(conn: Connection[Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """(template, language) → its table, as one of agents/prompts/letters: subject, opening, request, background, tones.

    What is no such table is refused when it is proposed (an older program took any object) and left out here: the
    letters that come with the product then hold. One query.
    """
    found = {}
    for subject, content in conn.execute(_CURRENT):
        template, _, language = str(subject).rpartition(".")
        table = json.loads(content)
        if template and _is_letter(table):
            found[template, language] = table
    return found


_NO_LINES = ("subject", "expires_at")


def _is_letter(table: Any) -> bool:
    return (
        isinstance(table, dict)
        and isinstance(table.get("subject"), str)
        and all(_is_lines(table.get(name)) for name in ("opening", "request"))
        and all(_is_lines(value) for name, value in table.items() if name not in _NO_LINES)
    )


def _is_lines(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(line, str) and line for line in value)
