"""A governed change as a page shows it: what holds, what shall hold, key by key, and what a replay found.

Content and replay are JSON of any shape: what is not as expected is shown key by key or left out, and never an error.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from api.console.findings import text
from api.console.plain import amount, label, phrase
from api.differences import changes

Piece = tuple[str, bool]
"""A word or phrase, and whether only this side has it."""
Cell = tuple[Piece, ...]


HABITS = {
    "numbers_restart": "Numbers start again each year",
    "reference_reused": "Reference on bill after bill:",
    "recurring_amount": "Recurring amount:",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One key with its values; an empty cell where there is none."""

    key: str
    before: Cell
    after: Cell


@dataclass(frozen=True, slots=True)
class Group:
    """What changes in one thing. `how`: added | removed | changed | set (what holds now is not known here)."""

    title: str
    how: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Replay:
    """Whom a policy would have asked over recorded history, as whoever proposed it computed."""

    sentence: str
    seats: tuple[tuple[str, str, str], ...]
    """(role, seats that the policy in force asked for, seats that this one would)"""
    people: tuple[tuple[str, str, str], ...]
    """(actor id, approvals given, approvals that would not have been asked)"""


@dataclass(frozen=True, slots=True)
class Change:
    kind: str
    subject: str
    notes: tuple[str, ...]
    groups: tuple[Group, ...]
    replay: Replay | None


_NOTES: Mapping[str, str] = {
    "erasure": "This erases the words for good, here and in every store that follows: letters, findings, comments, "
    "documents, names. Digests and proofs stay valid.",
    "hold_release": "The legal hold ends: what it kept may be erased and purged again.",
    "retraining": "Whoever signs says that the model is to be trained anew or replaced. Nothing is replaced by it: a "
    "trained bundle becomes champion by a change of its own.",
    "hold": "As long as it is held, nothing of it is erased or purged.",
    "signing_key": "With this key its owner signs digests, which count as theirs from then on.",
    "fx": "These rates are added, or replace those of the same days. What policy asks of amounts may change.",
}


def read(change: object, before: object, evidence: object, names: Mapping[str, str]) -> Change | None:
    """The leaves of a governed change; None where they were erased. `before`: canonical JSON of what held, or None."""
    if not isinstance(change, Mapping):
        return None
    kind, subject = str(change.get("kind")), str(change.get("subject"))
    content, old = change.get("content"), _json(before)
    new: Mapping[str, Any] = content if isinstance(content, Mapping) else {}
    notes = (_NOTES[kind],) if kind in _NOTES else ()
    currency = ""
    if kind == "policy":
        rows = _json(new.get("policy"))
        currency = str(_map(rows).get("currency", ""))
        groups = _policy(old, rows)
        notes = () if groups else ("It says what the active policy says: nothing would change.",)
    else:
        groups = _plain(kind, subject, old, new, names)
    return Change(kind, subject, notes, groups, _replay(evidence, currency))


def _json(value: object) -> Any:
    if not isinstance(value, str):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _words(value: object, levels: int = 4) -> tuple[str, ...]:
    """A value in pieces: each item of a list, each pair of an object, or all of it. What stands deeper is JSON."""
    if value is None:
        return ()
    if levels == 0:
        return (json.dumps(value, ensure_ascii=False),)
    if isinstance(value, Mapping):
        return tuple(f"{key}: {', '.join(_words(inner, levels - 1)) or 'none'}" for key, inner in value.items())
    if isinstance(value, list):
        return tuple(", ".join(_words(one, levels - 1)) for one in value) or ("none",)
    return (text(value) or "empty",)


def _cells(before: object, after: object) -> tuple[Cell, Cell]:
    old, new = _words(before), _words(after)
    several = isinstance(before, list | Mapping) and isinstance(after, list | Mapping)
    return (
        tuple((one, several and bool(before) and one not in new) for one in old),
        tuple((one, several and bool(after) and one not in old) for one in new),
    )


def _line(key: str, before: object, after: object) -> Line:
    return Line(label(key), *_cells(_readable(key, before), _readable(key, after)))


def _readable(key: str, value: object) -> object:
    """Names of actions in words, and `*` as what it stands for."""
    if not isinstance(value, list) or key not in ("actions", "entities", "regions"):
        return value
    return ["every one" if one == "*" else phrase(one) if key == "actions" else one for one in value]


def _group(title: str, how: str, old: object, new: object) -> Group:
    """Key by key what differs; all of it where there is only one side."""
    before, after = _map(old), _map(new)
    keys = [key for key in dict.fromkeys([*before, *after]) if before.get(key) != after.get(key)]
    return Group(title, how, tuple(_line(key, before.get(key), after.get(key)) for key in keys))


def _is_policy(rows: object) -> bool:
    def named(name: str, keys: Sequence[str]) -> bool:
        items = _map(rows).get(name)
        return isinstance(items, list) and all(
            isinstance(one, Mapping) and all(k in one for k in keys) for one in items
        )

    return named("rules", ("id",)) and named("workflows", ("queue", "exception_type")) and "name" in _map(rows)


def _policy(old: object, new: object) -> tuple[Group, ...]:
    """Rule by rule, workflow by workflow; what is no policy is shown key by key."""
    if not (_is_policy(old) and _is_policy(new)):
        return (_group("Policy", "changed" if old else "added", old, new),)
    groups = []
    found = changes(_map(old), _map(new))
    for (what, name), rows in itertools.groupby(found, key=lambda row: (row["what"], row["id"])):
        title = (
            f"{label(what)} {name}" if what != "workflow" else " · ".join(label(part) for part in name.split("/", 1))
        )
        several = list(rows)
        if several[0]["key"] is None:
            old_row, new_row = ({**_map(several[0][side]), "id": None} for side in ("before", "after"))
            groups.append(_group(title, several[0]["change"], old_row, new_row))
        else:
            lines = tuple(_line(row["key"], row["before"], row["after"]) for row in several)
            groups.append(Group(title, "changed", lines))
    return tuple(groups)


def _plain(kind: str, subject: str, old: object, new: Mapping[str, Any], names: Mapping[str, str]) -> tuple[Group, ...]:
    if kind in ("erasure", "hold_release") and not new:
        return ()
    if kind == "memory" and {"reading", "habits"} & {**_map(old), **new}.keys():
        return _memory(subject, _map(old), new)
    if kind == "roles":
        return (_group(f"{names.get(subject, subject)} ({subject})", "changed", old, new),)
    if kind == "signing_key":
        return (_key(names.get(subject, subject), old, new),)
    if kind == "fx":
        # What holds now is on record as a digest only.
        rates = _map(new.get("rates"))
        return (
            Group(
                f"{subject} for one EUR", "set", tuple(Line(day, (), _cells(None, r)[1]) for day, r in rates.items())
            ),
        )
    if kind in ("hold", "hold_release", "erasure"):
        return (_group(subject, "set", None, new),)
    return (_group(subject, "changed" if isinstance(old, Mapping) else "added", old, new),)


def _memory(supplier: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Group, ...]:
    """How the supplier's documents are read and what is usual on its bills, rule by rule in words, and what else is
    known of it."""
    how = "changed" if old else "added"
    known = (
        (f"How documents of {supplier} are read", [dict(rules(side.get("reading"))) for side in (old, new)]),
        (f"What is usual on bills of {supplier}", [dict(habits(side.get("habits"))) for side in (old, new)]),
    )
    groups = []
    for title, (before, after) in known:
        names = [name for name in dict.fromkeys([*before, *after]) if before.get(name) != after.get(name)]
        groups.append(
            Group(title, how, tuple(Line(name, *_cells(before.get(name), after.get(name))) for name in names))
        )
    gone: dict[str, Any] = {"reading": None, "habits": None}
    groups.append(_group(supplier, how, {**old, **gone}, {**new, **gone}))
    return tuple(group for group in groups if group.lines) or (groups[0],)


def habits(said: object) -> list[tuple[str, str]]:
    """What is usual for a supplier in words: (what, until when)."""
    found = []
    for one in said if isinstance(said, list) else []:
        habit = _map(one)
        if habit.get("kind") in HABITS:
            what = " ".join(
                str(habit[name]) for name in ("reference", "amount", "currency", "rhythm") if habit.get(name)
            )
            found.append((f"{HABITS[str(habit['kind'])]} {what}".strip(), f"until {habit.get('until')}"))
    return found


def rules(reading: object) -> list[tuple[str, str]]:
    """A memory of a supplier in words: (what, how it is found)."""
    places = {"before": "behind the words", "left": "right of the words", "above": "below the words"}
    found = []
    for name, rule in _map(_map(reading).get("fields")).items():
        how = _map(rule)
        where = f"page {how.get('page')}, {how.get('across')}/10 across and {how.get('down')}/10 down"
        place = places.get(str(how.get("relation")))
        words = f"{place} “{how.get('label')}”, nearest to {where}" if place else f"at {where}"
        found.append((label(str(name)), words))
    titles = _map(_map(reading).get("titles")).items()
    return found + [(f"Class where the document is headed “{title}”", label(str(name))) for title, name in titles]


def _key(owner: str, old: object, new: Mapping[str, Any]) -> Group:
    """Key ids are the first 16 hex digits of the SHA-256 of the raw key."""
    public = str(new.get("public_key"))
    try:
        number = hashlib.sha256(base64.b64decode(public, validate=True)).hexdigest()[:16]
    except ValueError:
        number = "not a key"
    live = old if isinstance(old, list) else []
    lines = (_line("live_keys", live, [*live, number]), _line("public_key", None, public))
    return Group(f"Signing keys of {owner}", "changed", lines)


def _count(value: object) -> str:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else "?"


def _replay(evidence: object, currency: str) -> Replay | None:
    found = _map(evidence)
    if "cases" not in found:
        return None

    def money(name: str) -> str:
        try:
            return amount(Decimal(str(found.get(name))), currency or None)
        except InvalidOperation:
            return "an amount that cannot be read"

    sentence = (
        f"Over {_count(found['cases'])} recommendations on record ({_count(found.get('skipped'))} erased, skipped), "
        f"{_count(found.get('more'))} would have asked for more people ({money('amount_more')}) and "
        f"{_count(found.get('fewer'))} for fewer ({money('amount_fewer')})."
    )
    old, new = _map(found.get("seats_before")), _map(found.get("seats_after"))
    signed, spared = _map(found.get("signed")), _map(found.get("no_longer_asked"))
    return Replay(
        sentence,
        tuple((role, _count(old.get(role, 0)), _count(new.get(role, 0))) for role in sorted({*old, *new})),
        tuple((who, _count(signed.get(who, 0)), _count(spared.get(who, 0))) for who in sorted({*signed, *spared})),
    )
