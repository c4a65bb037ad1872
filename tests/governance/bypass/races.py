"""Two at once, many times over, and what became of it each time."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from governance.policy import standard_policy
from governance.record import outbox
from tests.build import World
from tests.governance.bypass.attempts import outcome, say

ROUNDS = pytest.mark.parametrize("rounds", [100, pytest.param(1000, marks=pytest.mark.slow)])
LEAD = 0.003
"""Seconds by which one side may start before the other: about the length of what they do."""


def race(rounds: int, prepare: Callable[[int], Any], left: Callable[[Any], Any], right: Callable[[Any], Any],
         judge: Callable[[Any, str, str], str]) -> Counter[str]:  # fmt: skip
    """How often each outcome came. `judge` gets the scene and how each side was refused ("" where it was not)."""
    seen: Counter[str] = Counter()
    dice = random.Random(rounds)
    barrier = threading.Barrier(2)

    def side(act: Callable[[Any], Any], scene: Any, wait: float) -> str:
        barrier.wait(30)
        time.sleep(wait)
        return outcome(lambda: act(scene))[0]

    with ThreadPoolExecutor(2) as pool:
        for number in range(rounds):
            scene = prepare(number)
            lead = (0.0, 2 * LEAD, -2 * LEAD, dice.uniform(-LEAD, LEAD))[number % 4]
            one = pool.submit(side, left, scene, max(-lead, 0.0))
            two = pool.submit(side, right, scene, max(lead, 0.0))
            seen[judge(scene, one.result(60), two.result(60))] += 1
    return seen


def state(acme: World, row: Any) -> tuple[str, str | None]:
    """The recommendation's state, and its effect's."""
    found = say(acme, "owner", None, ("SELECT r.state, e.state FROM cs.recommendations r LEFT JOIN cs.effects e "
                "ON e.tenant = r.tenant AND e.recommendation_id = r.id WHERE r.id = %s", (row["id"],)))  # fmt: skip
    return found[0][0], found[0][1]


def case(acme: World, number: int) -> dict[str, Any]:
    return acme.filed(source_key=f"k{number}", invoice_id=f"I{number}")


def ready(acme: World, number: int) -> tuple[dict[str, Any], outbox.Effect]:
    """Approved, and in the courier's hands."""
    row = case(acme, number)
    acme.decide("reviewer", row, "approve")
    acme.scalar(
        "UPDATE cs.effects SET available_at = now() - interval '1 day' WHERE recommendation_id = %s RETURNING 1",
        row["id"],
    )
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        (effect,) = outbox.claim(conn, "racer", 1, 60)
    return row, effect


def by(acme: World, who: str, verb: str) -> Callable[[Any], Any]:
    return lambda row: acme.decide(who, row, verb, comment="x")


def both(seen: Counter[str], *names: str) -> None:
    """Every outcome came, and no other."""
    assert set(seen) == set(names), seen


def new_account(acme: World, row: Any) -> None:
    number = row["id"].replace("-", "")[:20].upper()
    acme.import_books("bank_accounts", [{"owner_kind": "supplier", "owner_id": "S-1", "iban": f"DE{number}"}])


def new_policy(acme: World) -> None:
    policy = standard_policy()
    with acme.database.transaction("owner") as conn:
        conn.execute("SELECT cs._activate_policy(%s, %s, %s)", (acme.tenant, policy.text, policy.source))
