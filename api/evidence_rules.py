"""What the policy in a bundle asks of a recommendation, as far as one case can tell.

Rules over a window count what other cases paid to the same payee, which no bundle holds: that at least their own amount
was counted is checked, that no more should have been is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from governance.errors import Tampered
from governance.gate import Question, matches
from governance.matrix import Policy, Rule, policy_from_rows

Body = Mapping[str, Any]


def judged(facts: Sequence[tuple[str, Body]], revision: int) -> list[Body]:
    """The facts that a revision is judged by: its own, and those that people corrected into it, back to intake's."""
    found = [facts[revision - 1][1]]
    while found[-1].get("corrects") is not None and len(found) < revision:
        found.append(facts[revision - 1 - len(found)][1])
    return found


class Asked:
    """One recommendation's question to its policy. `facts`: those that it is judged by, its own first.

    `amount`: the largest that they say, in the policy's currency. None: one of them knows it not, or not without rates.
    """

    def __init__(self, rows: Body, facts: Sequence[Body], envelope: Body) -> None:
        self.policy: Policy = policy_from_rows(rows)
        self._facts = facts[0]
        amounts = [_amount(each, self.policy) for each in facts]
        self.known = all(known for _, known in amounts)
        sizes = [abs(amount) for amount, _ in amounts if amount is not None]
        self.amount = max(sizes) if len(sizes) == len(amounts) else None
        self._questions = [
            Question(
                envelope["action"]["name"], amount, envelope["risk"],
                each.get("entity", "unknown"), each.get("region", "unknown"),
            )
            for each, (amount, _) in zip(facts, amounts, strict=True)
        ]  # fmt: skip

    def rules(self, named: Collection[str] | None) -> list[Rule]:
        """The rules that the ledger names, held against the matrix; asked of it where the ledger names none.

        None known (a foreign currency, and nothing named): an empty list.
        """
        by_id = {rule.id: rule for rule in self.policy.rules}
        if named is None:
            plain = [rule for rule in self.policy.rules if rule.window_days is None]
            found = [rule for rule in plain if any(matches(rule, each) for each in self._questions)]
            return (found or list(self.policy.rules)) if self.known else []
        if missing := set(named) - set(by_id):
            raise Tampered(f"the policy has no rule {min(missing)}")
        if self.known:
            self._hold(set(named), by_id)
        return [by_id[name] for name in named]

    def _hold(self, named: set[str], by_id: Mapping[str, Rule]) -> None:
        must: set[str] = set()
        may: set[str] = set()
        everything = False
        for each in self._questions:
            plain = {name for name, rule in by_id.items() if rule.window_days is None and matches(rule, each)}
            # A total to the payee is at least this amount: windows without an upper end that it reaches must be named.
            own = replace(each, totals=dict.fromkeys(by_id, each.amount))
            must |= plain | {name for name, rule in by_id.items() if rule.amount_below is None and matches(rule, own)}
            # And may be more: any band of a window that asks of such a case at all.
            windows = {name for name, rule in by_id.items() if rule.window_days is not None and self._concerns(rule)}
            may |= plain | windows
            everything |= not plain
        if not (must <= named and (named <= may or (everything and named == set(by_id)))) or not named:
            raise Tampered("the rules that the ledger names are not those that the policy has for such a case")

    def _concerns(self, rule: Rule) -> bool:
        band = replace(rule, amount_from=Decimal(0), amount_below=None)
        return any(matches(band, replace(each, totals={rule.id: None})) for each in self._questions)

    def windows(self) -> bool:
        """Whether the policy has a rule over a window that concerns such a case."""
        return any(rule.window_days is not None and self._concerns(rule) for rule in self.policy.rules)

    def evidence(self, rules: Collection[Rule]) -> set[str]:
        """What every signer must have opened; where there is no document, its facts stand for it."""
        asked = {what for rule in rules for what in rule.evidence}
        return asked if self._facts.get("document") else {"case" if what == "document" else what for what in asked}

    def roles(self) -> set[str]:
        """Every role that a seat of this policy can have."""
        return {role for rule in self.policy.rules for role in rule.seats} | {"controller"}


def _amount(facts: Body, policy: Policy) -> tuple[Decimal | None, bool]:
    """The amount in the policy's currency, and whether that could be told without exchange rates."""
    if facts.get("amount") is None or facts.get("currency") is None:
        return None, True
    if facts["currency"] != policy.currency:
        return None, False
    return Decimal(facts["amount"]), True


def seats_of(rules: Collection[Rule]) -> Counter[str]:
    """Per role the maximum over the rules."""
    found: Counter[str] = Counter()
    for rule in rules:
        found |= Counter(rule.seats)
    return found
