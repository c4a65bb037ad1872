"""Two made-up companies and who signs what in them.

The steady one: every entity has its reviewer for payables and another for the rest, a controller looks at what is large
there, and in a twentieth of the seats somebody stands in. The restless one: halfway somebody left, one entity changed
hands, and the line from which a controller is asked was moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from random import Random

ENTITIES = ("DE01", "FR01", "IT01", "NL01")
KINDS: Mapping[tuple[str, str], Sequence[str]] = {
    ("accounts_payable", "price_variance"): ("hold_payment", "request_credit_note"),
    ("accounts_payable", "duplicate_suspect"): ("mark_duplicate", "hold_payment"),
    ("order_to_cash", "overdue"): ("send_customer_reminder", "schedule_call", "escalate_to_collections"),
    ("order_to_cash", "dispute"): ("open_dispute", "send_customer_reminder"),
}
"""(queue, exception type) → what may be done, the usual first."""
_STAND_IN, _LINES = 0.05, (Decimal(5000), Decimal(8000), Decimal(12000), Decimal(20000))


@dataclass(frozen=True, slots=True)
class Signing:
    """One decided case, in order of time: who signed in which role. `matrix`: the seats that had to be filled."""

    kind: tuple[str, str]
    action: str
    entity: str
    amount: Decimal
    seats: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Company:
    """`past` is on record, `next` is to be foretold; `gone` has left since."""

    name: str
    past: Sequence[Signing]
    next: Sequence[Signing]
    gone: frozenset[str]


def company(name: str, seed: int, cases: int, demanded: Mapping[str, Mapping[str, int]]) -> Company:
    """`demanded`: action → least seats per role; the company asks for as many, and for more where it is used to."""
    rng = Random(f"{name}-{seed}")  # noqa: S311  (made-up data)
    restless = name == "restless"
    signings = [_signing(rng, demanded, late=restless and number > cases // 2) for number in range(cases)]
    cut = cases * 4 // 5
    gone = frozenset({_person("reviewer", "accounts_payable", "FR01")}) if restless else frozenset()
    return Company(name, signings[:cut], signings[cut:], gone)


def _signing(rng: Random, demanded: Mapping[str, Mapping[str, int]], *, late: bool) -> Signing:
    kind = rng.choice(list(KINDS))
    options = KINDS[kind]
    action = options[0] if rng.random() < 0.7 else rng.choice(options[1:])
    at = rng.randrange(len(ENTITIES))
    entity = ENTITIES[at]
    amount = Decimal(round(10 ** rng.uniform(1.5, 5.3), 2)).quantize(Decimal("0.01"))
    seats: list[tuple[str, str]] = []
    need = dict(demanded[action])
    line = _LINES[(at + 1) % len(_LINES)] if late else _LINES[at]
    if amount >= line:
        need["controller"] = max(1, need.get("controller", 0))
    for role, count in sorted(need.items()):
        for number in range(count):
            person = _sits(role, kind[0], entity, number, late=late)
            if rng.random() < _STAND_IN:
                person = f"{role}-relief"
            seats.append((role, person))
    return Signing(kind, action, entity, amount, tuple(seats))


def _sits(role: str, queue: str, entity: str, number: int, *, late: bool) -> str:
    if role == "controller":
        return "controller-south" if entity in ("FR01", "IT01") else "controller-north"
    if late and entity == "FR01" and queue == "accounts_payable" and number == 0:
        return "reviewer-newcomer"
    return _person(role, queue, entity) if number == 0 else f"{role}-second"


def _person(role: str, queue: str, entity: str) -> str:
    return (
        f"{role}-{entity}"
        if queue == "accounts_payable"
        else f"{role}-cash-{'north' if entity[:1] in 'DN' else 'south'}"
    )
