"""What differs between two policies, one key at a time: what a person reads before signing the second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """{change (added | removed | changed), what, id, key, before, after}: canonical policy rows, one key at a time."""
    found: list[dict[str, Any]] = []
    for what, name_of in (("rule", _rule_name), ("workflow", _workflow_name)):
        old = {name_of(row): row for row in before[f"{what}s"]}
        new = {name_of(row): row for row in after[f"{what}s"]}
        for name in sorted(old.keys() | new.keys()):
            if name not in new or name not in old:
                change = "removed" if name in old else "added"
                found.append(_change(change, what, name, None, old.get(name), new.get(name)))
            else:
                found += _changed(what, name, old[name], new[name])
    plain = sorted((before.keys() | after.keys()) - {"rules", "workflows"})
    found += _changed(
        "policy", str(after["name"]), {key: before.get(key) for key in plain}, {key: after.get(key) for key in plain}
    )
    return found


def _changed(what: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        _change("changed", what, name, key, old.get(key), new.get(key))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    ]


def _change(change: str, what: str, name: str, key: str | None, before: Any, after: Any) -> dict[str, Any]:
    return {"change": change, "what": what, "id": name, "key": key, "before": before, "after": after}


def _rule_name(row: Mapping[str, Any]) -> str:
    return str(row["id"])


def _workflow_name(row: Mapping[str, Any]) -> str:
    return f"{row['queue']}/{row['exception_type']}"
