"""How people decided similar cases: the text by which cases are compared, and what the nearest ones say."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

import numpy as np
from numpy.typing import NDArray

AGREED = frozenset({"approve", "override"})
"""Decisions after which the recorded action is what a person wanted; `override` records the person's own."""
UNDONE = frozenset({"undone", "failed", "reversed"})
"""Outcomes that speak against the action, whatever was decided."""

# Bank details and addresses do not make two cases alike, and do not belong into a vector.
_LEFT_OUT = frozenset({"iban", "bic", "email", "mail", "phone", "address", "digest", "sha256"})
_NUMBERED = frozenset({"source_key", "document_id", "case_id", "invoice_number", "purchase_order"})
# Whose case it is makes cases alike; which paper it is about does not.
_PARTIES = frozenset({"supplier_id", "customer_id", "vendor_id", "partner_id"})
_PAPER = re.compile(r"[A-Z]{1,6}(?:[-/]\d{3,}|\d{5,})[\dA-Z/-]*")
_DATE = re.compile(r"\d{4}-\d\d(?:-\d\d(?:[T ].*)?)?")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def case_text(queue: str, exception_type: str | None, cause: str | None, facts: Mapping[str, object]) -> str:
    """The text that is embedded for a case: one clause a fact, in the order of their names.

    Amounts are named by their size ("about 2000"), because an embedding reads digits as letters. Of a date
    or a document number only that it is given is said; bank details and addresses are left out; names of nested
    mappings are joined with a space.
    """
    clauses = [_words(queue)]
    if exception_type:
        clauses.append(_words(exception_type))
    if cause:
        clauses.append(f"cause {_words(cause)}")
    clauses += [f"{_words(name)} {value}" for name, value in _facts("", facts)]
    return "; ".join(clauses)


def _facts(prefix: str, facts: Mapping[str, object]) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    for name in sorted(facts):
        full = f"{prefix} {name}".strip()
        value = facts[name]
        if name in _NUMBERED or _LEFT_OUT & set(name.lower().split("_")):
            continue
        if isinstance(value, Mapping):
            said += _facts(full, value)
        elif (spoken := _spoken(value)) is not None:
            said.append((full, spoken if name in _PARTIES or not _PAPER.fullmatch(spoken) else "given"))
    return said


def _spoken(value: object) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float | Decimal):
        return _about(Decimal(str(value)))
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        inner = [spoken for item in value if (spoken := _spoken(item)) is not None]
        return ", ".join("given" if _PAPER.fullmatch(spoken) else spoken for spoken in inner) or None
    if isinstance(value, date):
        return "given"
    if not isinstance(value, str) or not value.strip():
        return None
    text = value.strip()
    if _DATE.fullmatch(text):
        return "given"
    if _NUMBER.fullmatch(text):
        try:
            return _about(Decimal(text))
        except InvalidOperation:
            return None
    return " ".join(text.split())[:160]


def _about(number: Decimal) -> str:
    """One or two significant digits: 1, 2 or 5 times a power of ten, the nearest below."""
    if not number.is_finite():
        return "unknown"
    if number == 0:
        return "nothing"
    size = abs(number)
    power = Decimal(10) ** math.floor(size.log10())
    step = next(factor for factor in (5, 2, 1) if size >= factor * power or factor == 1)
    text = f"{step * power:f}"
    return f"about {'-' if number < 0 else ''}{text}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def nearest(
    query: NDArray[np.float32], vectors: NDArray[np.float32], count: int, least: float = 0.0
) -> list[tuple[int, float]]:
    """(row, cosine) of the `count` nearest rows, the nearest first, none below `least`.

    query: (d,), vectors: (n, d), all of length 1. The exact twin of what the database's index finds.
    """
    if not len(vectors):
        return []
    cosines = vectors @ query
    order = np.argsort(-cosines, kind="stable")[:count]
    return [(int(row), float(cosines[row])) for row in order if cosines[row] >= least]


@dataclass(frozen=True, slots=True)
class Precedent:
    """One decided case. `action` is what was recorded as decided on; similarity is a cosine, -1 to 1."""

    case_id: str
    similarity: float
    action: str
    decision: str
    role: str | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Vote:
    """What the precedents say. None of these numbers is a probability.

    action: the one with the most weight, or None where none has any. share: its part of all weight, for and
    against, 0 to 1. support: how many precedents are for it. against: how many were rejected or undone with
    it. weights: every action with its net weight, the heaviest first. role: who decided most of the support.
    """

    action: str | None
    share: float
    support: int
    against: int
    weights: tuple[tuple[str, float], ...]
    role: str | None


def vote(precedents: Sequence[Precedent]) -> Vote:
    """A similarity-weighted summary: agreed precedents weigh for their action, rejected or undone ones against it.

    Decisions that settle nothing (send_back, escalate, withdraw) and similarities of 0 and less weigh nothing.
    """
    gain: defaultdict[str, float] = defaultdict(float)
    total = 0.0
    fore: defaultdict[str, list[Precedent]] = defaultdict(list)
    against: defaultdict[str, int] = defaultdict(int)
    for one in precedents:
        weight = max(0.0, one.similarity)
        if not weight or (one.decision not in AGREED and one.decision != "reject"):
            continue
        total += weight
        if one.decision in AGREED and one.outcome not in UNDONE:
            gain[one.action] += weight
            fore[one.action].append(one)
        else:
            gain[one.action] -= weight
            against[one.action] += 1
    weights = tuple(sorted(gain.items(), key=lambda item: (-item[1], item[0])))
    if not weights or weights[0][1] <= 0.0:
        return Vote(None, 0.0, 0, sum(against.values()), weights, None)
    action, weight = weights[0]
    return Vote(action, weight / total, len(fore[action]), against[action], weights, _usual_role(fore[action]))


def _usual_role(precedents: Sequence[Precedent]) -> str | None:
    weights: defaultdict[str, float] = defaultdict(float)
    for one in precedents:
        if one.role is not None:
            weights[one.role] += one.similarity
    return min(weights, key=lambda role: (-weights[role], role), default=None)
