"""What the policy in a bundle asks of a recommendation, as far as one case can tell.

Rules over a window count what other cases paid to the same payee, which no bundle holds: that at least their own amount
was counted is checked, that no more should have been is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from governance.errors import Tampered
from governance.gate import Question, matches
from governance.matrix import Policy, Rule, policy_from_rows

Body = Mapping[str, Any]


class Asked:
    """One recommendation's question to its policy."""

    def __init__(self, rows: Body, facts: Body, envelope: Body) -> None:
        self.policy: Policy = policy_from_rows(rows)
        self._facts = facts
        self.amount, self.known = _amount(facts, self.policy)
        self._question = Question(
            envelope["action"]["name"], self.amount, envelope["risk"],
            facts.get("entity", "unknown"), facts.get("region", "unknown"),
        )  # fmt: skip

    def rules(self, named: Collection[str] | None) -> list[Rule]:
        """The rules that the ledger names, held against the matrix; asked of it where the ledger names none.

        None known (a foreign currency, and nothing named): an empty list.
        """
        by_id = {rule.id: rule for rule in self.policy.rules}
        if named is None:
            found = [rule for rule in self.policy.rules if rule.window_days is None and matches(rule, self._question)]
            return (found or list(self.policy.rules)) if self.known else []
        if missing := set(named) - set(by_id):
            raise Tampered(f"the policy has no rule {min(missing)}")
        if self.known:
            self._hold(set(named), by_id)
        return [by_id[name] for name in named]

    def _hold(self, named: set[str], by_id: Mapping[str, Rule]) -> None:
        plain = {name for name, rule in by_id.items() if rule.window_days is None and matches(rule, self._question)}
        # A total to the payee is at least this amount: windows without an upper end that it reaches must be named.
        own = replace(self._question, totals=dict.fromkeys(by_id, self.amount))
        must = plain | {name for name, rule in by_id.items() if rule.amount_below is None and matches(rule, own)}
        # And may be more: any band of a window that asks of such a case at all.
        may = plain | {name for name, rule in by_id.items() if rule.window_days is not None and self._concerns(rule)}
        if not (must <= named and (named <= may or (not plain and named == set(by_id)))) or not named:
            raise Tampered("the rules that the ledger names are not those that the policy has for such a case")

    def _concerns(self, rule: Rule) -> bool:
        band = replace(rule, amount_from=Decimal(0), amount_below=None)
        return matches(band, replace(self._question, totals={rule.id: None}))

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
