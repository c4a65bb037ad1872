"""A candidate policy over what is on record: who would have been asked? Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from governance.gate import Question, required_seats
from governance.matrix import Policy


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recommendation on record; `signed`: (role of the seat, person) of each approval."""

    question: Question
    signed: tuple[tuple[str, str], ...] = ()
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Replay:
    """What a candidate would have changed. Amounts in the policies' currency; an unknown amount counts as none."""

    cases: int = 0
    skipped: int = 0
    """Erased: nobody can look at them any more."""
    more: int = 0
    fewer: int = 0
    amount_more: Decimal = Decimal(0)
    amount_fewer: Decimal = Decimal(0)
    seats_before: Mapping[str, int] = field(default_factory=dict)
    seats_after: Mapping[str, int] = field(default_factory=dict)
    signed: Mapping[str, int] = field(default_factory=dict)
    """Per person: approvals given."""
    no_longer_asked: Mapping[str, int] = field(default_factory=dict)
    """Per person: approvals that the candidate would not have asked of their role."""

    def as_dict(self) -> dict[str, Any]:
        """JSON values; money as strings."""
        return {
            "cases": self.cases,
            "skipped": self.skipped,
            "more": self.more,
            "fewer": self.fewer,
            "amount_more": str(self.amount_more),
            "amount_fewer": str(self.amount_fewer),
            "seats_before": dict(self.seats_before),
            "seats_after": dict(self.seats_after),
            "signed": dict(self.signed),
            "no_longer_asked": dict(self.no_longer_asked),
        }


def replay(active: Policy, candidate: Policy, history: Iterable[Recorded]) -> Replay:
    """Ask both policies about each case on record. Rules over a window are asked as if the total were unknown."""
    counts: Counter[str] = Counter()
    money: dict[str, Decimal] = {"more": Decimal(0), "fewer": Decimal(0)}
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    signed: Counter[str] = Counter()
    spared: Counter[str] = Counter()
    for one in history:
        counts["cases"] += 1
        if one.erased:
            counts["skipped"] += 1
            continue
        old, new = required_seats(active, one.question), required_seats(candidate, one.question)
        before.update(old)
        after.update(new)
        amount = abs(one.question.amount or Decimal(0))
        for word, many, few in (("more", new, old), ("fewer", old, new)):
            if any(count > few.get(role, 0) for role, count in many.items()):
                counts[word] += 1
                money[word] += amount
        for role, person in one.signed:
            signed[person] += 1
            spared[person] += role not in new
    return Replay(
        cases=counts["cases"],
        skipped=counts["skipped"],
        more=counts["more"],
        fewer=counts["fewer"],
        amount_more=money["more"],
        amount_fewer=money["fewer"],
        seats_before=dict(sorted(before.items())),
        seats_after=dict(sorted(after.items())),
        signed=dict(sorted(signed.items())),
        no_longer_asked={person: count for person, count in sorted(spared.items()) if count},
    )
