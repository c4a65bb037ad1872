"""An exception type as data: conditions over what the case says, the causes that follow, the steps that could be taken.

    [[workflow.cause]]                             [[workflow.step]]
    cause = "integration_failure"                  action = "hold_payout"
    when = ["feed_status contains gap|error"]      when = ["feed_status contains gap|error"]
    facts = ["feed_status"]                        why = "our usage feed has a gap[ since {gap_since}]"
    because = "the feed has a gap"                 args = { … }   # only what the record cannot say by itself

Conditions are over the case's evidence (details) and its amount, currency, entity, title, issue_date and due_date; how
they and the texts are written: governance.conditions. Whom a step addresses, and how much money, is never in its args:
that comes from the case and the books.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from governance.action import CATALOGUE
from governance.conditions import LONGEST, NAME, OPTIONAL, SLOT, Condition, conditions
from governance.errors import PolicyInvalid

CAUSES = (
    "missing_order_reference", "supplier_master_mismatch", "approval_bottleneck", "integration_failure",
    "policy_exception", "data_quality", "counterparty", "unknown",
)  # fmt: skip
OF_THE_RECORD = frozenset(
    {"supplier_id", "customer_id", "partner_id", "invoice_id", "invoice_number", "amount", "currency", "date", "reason"}
)
"""Arguments that a step takes from the case, the books and its own `why`: no policy text names a party or an amount."""
TONES = ("friendly", "firm", "final")


@dataclass(frozen=True, slots=True)
class CauseRule:
    """`facts`: names whose values are the evidence; `because`: what follows from them; `refuted_by`: what would show
    that it is another cause."""

    cause: str
    when: tuple[Condition, ...] = ()
    facts: tuple[str, ...] = ()
    because: str = ""
    contributing: tuple[str, ...] = ()
    refuted_by: str = ""

    def as_row(self) -> dict[str, Any]:
        row = {
            "cause": self.cause, "when": [str(one) for one in self.when], "facts": list(self.facts),
            "because": self.because, "contributing": list(self.contributing), "refuted_by": self.refuted_by,
        }  # fmt: skip
        return {key: value for key, value in row.items() if value}


@dataclass(frozen=True, slots=True)
class Step:
    """One action that could be proposed, where `when` holds. `topic` picks the letter; `days`: how long to wait."""

    action: str
    why: str
    when: tuple[Condition, ...] = ()
    args: Mapping[str, str] = field(default_factory=dict)
    topic: str = ""
    days: int | None = None

    def as_row(self) -> dict[str, Any]:
        row = {
            "action": self.action, "why": self.why, "when": [str(one) for one in self.when], "args": dict(self.args),
            "topic": self.topic, "days": self.days,
        }  # fmt: skip
        return {key: value for key, value in row.items() if value}


@dataclass(frozen=True, slots=True)
class Plan:
    """What an exception type is about. Without steps, the agent's own rules know it. `judgement`: it takes a person's
    judgement, so that it is summarised and never acted upon."""

    causes: tuple[CauseRule, ...] = ()
    steps: tuple[Step, ...] = ()
    judgement: bool = False

    def as_row(self) -> dict[str, Any]:
        row = {
            "causes": [one.as_row() for one in self.causes], "steps": [one.as_row() for one in self.steps],
            "judgement": self.judgement,
        }  # fmt: skip
        return {key: value for key, value in row.items() if value}


NO_PLAN = Plan()


def plan_from_row(row: Mapping[str, Any]) -> Plan:
    """A plan as the record keeps it (`Plan.as_row`)."""
    return Plan(
        tuple(_cause(one, "a cause on record") for one in row.get("causes", ())),
        tuple(_step(one, "a step on record") for one in row.get("steps", ())),
        row.get("judgement") is True,
    )


def parse_plan(raw: Mapping[str, Any], actions: tuple[str, ...], where: str) -> Plan:
    """The `judgement`, [[workflow.cause]] and [[workflow.step]] of one workflow. Raises PolicyInvalid, saying where."""
    if not isinstance(raw.get("judgement", False), bool):
        raise PolicyInvalid(f"{where}: judgement must be true or false")
    made = Plan(
        tuple(_cause(one, f"{where}, cause {at}") for at, one in enumerate(_tables(raw.get("cause", []), where), 1)),
        tuple(_step(one, f"{where}, step {at}") for at, one in enumerate(_tables(raw.get("step", []), where), 1)),
        raw.get("judgement", False),
    )
    for at, step in enumerate(made.steps, 1):
        if step.action != "refer_to_person" and not {step.action, "*"} & set(actions):
            raise PolicyInvalid(f"{where}, step {at}: {step.action} is not among the workflow's actions")
    return made


def _tables(value: object, where: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise PolicyInvalid(f"{where}: causes and steps are tables ([[workflow.cause]], [[workflow.step]])")
    return value


def _known(raw: Mapping[str, Any], keys: frozenset[str], where: str) -> None:
    if unknown := set(raw) - keys:
        raise PolicyInvalid(f"{where} has unknown keys: {', '.join(sorted(unknown))}")


def _words(value: object, where: str, *, most: int = LONGEST) -> str:
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        raise PolicyInvalid(f"{where} must be printable text of at most {most} characters")
    bare = SLOT.sub("", OPTIONAL.sub(r"\1", value))
    if any(mark in bare for mark in "{}[]"):
        raise PolicyInvalid(f"{where}: {value[:60]!r}: a slot is {{name}}, a part that may fall away [ … ]")
    return value


def _names(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) and NAME.fullmatch(one) for one in value):
        raise PolicyInvalid(f"{where} must be a list of names in small letters")
    return tuple(value)


def _cause(raw: Mapping[str, Any], where: str) -> CauseRule:
    _known(raw, frozenset({"cause", "when", "facts", "because", "contributing", "refuted_by"}), where)
    contributing = _names(raw.get("contributing", []), f"{where}: contributing")
    for one in (raw.get("cause"), *contributing):
        if one not in CAUSES:
            raise PolicyInvalid(f"{where}: a cause is one of {', '.join(CAUSES)}, not {one!r}")
    return CauseRule(
        raw["cause"],
        conditions(raw.get("when", []), where),
        _names(raw.get("facts", []), f"{where}: facts"),
        _words(raw.get("because", ""), f"{where}: because"),
        contributing,
        _words(raw.get("refuted_by", ""), f"{where}: refuted_by"),
    )


def _step(raw: Mapping[str, Any], where: str) -> Step:
    _known(raw, frozenset({"action", "when", "why", "args", "topic", "days"}), where)
    spec = CATALOGUE.get(raw.get("action") or "")
    if spec is None or spec.effect == "change":
        raise PolicyInvalid(f"{where} proposes {raw.get('action')!r}, which is no action of the catalogue")
    if not raw.get("why"):
        raise PolicyInvalid(f"{where} needs a why: people are told it")
    args = raw.get("args", {})
    if not isinstance(args, dict):
        raise PolicyInvalid(f"{where}: args is a table of texts")
    if taken := set(args) & (OF_THE_RECORD - {"reason"}):
        raise PolicyInvalid(f"{where}: {', '.join(sorted(taken))} comes from the case and the books, never from policy")
    if unknown := set(args) - set(spec.required) - set(spec.optional):
        raise PolicyInvalid(f"{where}: {raw['action']} takes no {', '.join(sorted(unknown))}")
    if missing := set(spec.required) - OF_THE_RECORD - set(args):
        raise PolicyInvalid(f"{where}: {raw['action']} needs args: {', '.join(sorted(missing))}")
    if "tone" in args and args["tone"] not in TONES:
        raise PolicyInvalid(f"{where}: a tone is {', '.join(TONES)}")
    days = raw.get("days")
    if ("date" in spec.required) != (days is not None):
        raise PolicyInvalid(f"{where}: days are given where something waits, and nowhere else")
    if days is not None and (isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 366):
        raise PolicyInvalid(f"{where}: days is a whole number from 1 to 366")
    topic = raw.get("topic", "")
    if topic and not NAME.fullmatch(topic):
        raise PolicyInvalid(f"{where}: a topic is a name in small letters")
    return Step(
        raw["action"],
        _words(raw["why"], f"{where}: why"),
        conditions(raw.get("when", []), where),
        {name: _words(text, f"{where}: {name}") for name, text in args.items()},
        topic,
        days,
    )
