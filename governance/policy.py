"""TOML policy files → canonical rows of the approval matrix and workflow templates, validated and digested.

One rule: actions × amount band × risk × entity/region → seats, expiry, evidence, bulk. Local files only
add rules, and seats are the per-role maximum over all matching rules, so a local variant can only tighten.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from importlib import resources
from typing import Any

from governance.action import CATALOGUE, MAIL
from governance.actor import SEAT_ROLES
from governance.case import QUEUES, parse_amount, parse_currency
from governance.errors import Malformed, PolicyInvalid
from governance.matrix import Policy, Rule, Workflow
from governance.plan import parse_plan
from governance.recommendation import RISKS

_RULE_KEYS = frozenset(
    {"id", "actions", "amount_from", "amount_below", "risk_from", "entities", "regions", "seats", "expires_hours",
     "evidence", "bulk", "window_days", "signature"}
)  # fmt: skip
_WORKFLOW_KEYS = frozenset(
    {"queue", "exception_type", "owner", "sla_hours", "calendar", "actions", "letters", "judgement", "cause", "step"}
)
_TYPE = re.compile(r"[a-z][a-z0-9_]{0,62}")
CALENDARS = ("always", "working")
"""How an SLA counts: every hour, or the hours of working days by the entity's calendar."""
MODES = ("observe", "rules", "ai")
EVIDENCE = ("case", "document")
"""What a rule may demand that every signer has opened; where a case has no document, its facts stand for it."""


def _strings(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise PolicyInvalid(f"{where} must be a list of names that is not empty")
    return tuple(value)


def _whole(value: object, where: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise PolicyInvalid(f"{where} must be a whole number of at least {least}")
    return value


def _actions(value: object, where: str) -> tuple[str, ...]:
    names = _strings(value, where)
    if unknown := [name for name in names if name != "*" and name not in CATALOGUE]:
        raise PolicyInvalid(f"{where} names unknown actions: {', '.join(unknown)}")
    return names


def _band(value: object, where: str, currency: str) -> Decimal:
    try:
        amount = parse_amount(value, currency)
    except Malformed as error:
        raise PolicyInvalid(f"{where}: {error.detail}") from None
    if amount < 0:
        raise PolicyInvalid(f"{where} must not be negative")
    return amount


def _rule(raw: Mapping[str, Any], currency: str) -> Rule:
    where = f"rule {raw.get('id', '(without id)')}"
    if not isinstance(raw.get("id"), str) or not raw["id"]:
        raise PolicyInvalid("every rule needs an id")
    if unknown := set(raw) - _RULE_KEYS:
        raise PolicyInvalid(f"{where} has unknown keys: {', '.join(sorted(unknown))}")
    low = _band(raw.get("amount_from", "0"), f"{where}: amount_from", currency)
    high = raw.get("amount_below")
    high_amount = None if high is None else _band(high, f"{where}: amount_below", currency)
    if high_amount is not None and high_amount <= low:
        raise PolicyInvalid(f"{where}: amount_below must be above amount_from")
    if (risk := raw.get("risk_from", "low")) not in RISKS:
        raise PolicyInvalid(f"{where}: risk_from must be one of {', '.join(RISKS)}")
    seats = raw.get("seats")
    if not isinstance(seats, dict) or not seats:
        raise PolicyInvalid(f"{where} needs seats: nothing takes effect without a person")
    for role, count in seats.items():
        if role not in SEAT_ROLES:
            raise PolicyInvalid(f"{where}: a seat's role must be one of {', '.join(SEAT_ROLES)}")
        _whole(count, f"{where}: seats.{role}", 1)
    for key in ("bulk", "signature"):
        if not isinstance(raw.get(key, False), bool):
            raise PolicyInvalid(f"{where}: {key} must be true or false")
    evidence = _strings(raw["evidence"], f"{where}: evidence") if "evidence" in raw else ()
    if unknown := set(evidence) - set(EVIDENCE):
        raise PolicyInvalid(f"{where}: evidence must be of {', '.join(EVIDENCE)}, not {', '.join(sorted(unknown))}")
    return Rule(
        id=raw["id"],
        actions=_actions(raw.get("actions"), f"{where}: actions"),
        amount_from=low,
        amount_below=high_amount,
        risk_from=risk,
        entities=_strings(raw.get("entities", ["*"]), f"{where}: entities"),
        regions=_strings(raw.get("regions", ["*"]), f"{where}: regions"),
        seats=dict(seats),
        expires_hours=_whole(raw.get("expires_hours", 72), f"{where}: expires_hours", 1),
        evidence=evidence,
        bulk=raw.get("bulk", False),
        window_days=_whole(raw["window_days"], f"{where}: window_days", 1) if "window_days" in raw else None,
        signature=raw.get("signature", False),
    )


def _workflow(raw: Mapping[str, Any], calendar: object) -> Workflow:
    where = f"workflow {raw.get('queue')}/{raw.get('exception_type')}"
    if unknown := set(raw) - _WORKFLOW_KEYS:
        raise PolicyInvalid(f"{where} has unknown keys: {', '.join(sorted(unknown))}")
    if raw.get("queue") not in QUEUES:
        raise PolicyInvalid(f"{where}: queue must be one of {', '.join(QUEUES)}")
    for key in ("exception_type", "owner"):
        if not isinstance(raw.get(key), str) or not raw[key].strip():
            raise PolicyInvalid(f"{where} needs {key}")
    if not _TYPE.fullmatch(raw["exception_type"]):
        raise PolicyInvalid(f"{where}: an exception type is a name in small letters, such as price_variance")
    if (counted := raw.get("calendar", calendar)) not in CALENDARS:
        raise PolicyInvalid(f"{where}: calendar must be one of {', '.join(CALENDARS)}, not {counted!r}")
    actions = _actions(raw.get("actions"), f"{where}: actions")
    letters = _strings(raw["letters"], f"{where}: letters") if "letters" in raw else ()
    if bad := [name for name in letters if not _TYPE.fullmatch(name) or not _writes(name, actions)]:
        raise PolicyInvalid(f"{where}: letters: {bad[0]!r} is no template of an action that is allowed here")
    return Workflow(
        raw["queue"], raw["exception_type"], raw["owner"], _whole(raw.get("sla_hours"), f"{where}: sla_hours", 1),
        actions, counted, letters, parse_plan(raw, actions, where),
    )  # fmt: skip


def _writes(template: str, actions: Sequence[str]) -> bool:
    """Whether one of the actions writes this letter: a template is named as its action, or as `<action>_<topic>`."""
    mails = [name for name, spec in CATALOGUE.items() if spec.effect == MAIL and (name in actions or "*" in actions)]
    return any(template == name or template.startswith(f"{name}_") for name in mails)


def _modes(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise PolicyInvalid(f"modes must be a table: a queue, and one of {', '.join(MODES)}")
    if unknown := set(value) - set(QUEUES):
        raise PolicyInvalid(f"modes: {', '.join(sorted(unknown))} is no queue: {', '.join(QUEUES)}")
    modes = {queue: value.get(queue, "ai") for queue in QUEUES}
    if bad := [mode for mode in modes.values() if mode not in MODES]:
        raise PolicyInvalid(f"a mode must be one of {', '.join(MODES)}, not {bad[0]!r}")
    return modes


def _cover(value: object) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise PolicyInvalid("cover must be a table: a seat's role, and the roles that stand in for it")
    made = {role: _strings(names, f"cover.{role}") for role, names in value.items()}
    for role, names in made.items():
        if unknown := {role, *names} - set(SEAT_ROLES):
            raise PolicyInvalid(f"cover.{role}: {', '.join(sorted(unknown))} cannot hold a seat")
        if role in names:
            raise PolicyInvalid(f"cover.{role}: a role cannot stand in for itself")
    return made


def _load(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyInvalid(f"{name} is not TOML: {error}") from None


def _tables(raw: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = raw.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise PolicyInvalid(f"{key} must be a list of tables ([[{key}]])")
    return value


def _unique(names: Iterable[object], what: str) -> None:
    seen: set[object] = set()
    for name in names:
        if name in seen:
            raise PolicyInvalid(f"{what} {name} stands twice")
        seen.add(name)


def compile_policy(matrix: str, workflows: str, local: Sequence[str] = ()) -> Policy:
    """A policy from the texts of matrix.toml, workflows.toml and any number of local matrix files.

    Local files may hold [[rule]] tables and nothing else. Raises PolicyInvalid.
    """
    raw = _load(matrix, "matrix.toml")
    flows = _load(workflows, "workflows.toml")
    if unknown := set(raw) - {"name", "owner", "currency", "undo_seconds", "rule", "cover"}:
        raise PolicyInvalid(f"matrix.toml has unknown keys: {', '.join(sorted(unknown))}")
    for key in ("name", "owner"):
        if not isinstance(raw.get(key), str) or not raw[key].strip():
            raise PolicyInvalid(f"a policy needs a named {key}")
    try:
        currency = parse_currency(raw.get("currency"))
    except Malformed as error:
        raise PolicyInvalid(f"currency: {error.detail}") from None
    tables = _tables(raw, "rule")
    for text in local:
        extra = _load(text, "a local matrix file")
        if set(extra) - {"rule"}:
            raise PolicyInvalid("a local matrix file may only add [[rule]] tables")
        tables = [*tables, *_tables(extra, "rule")]
    rules = tuple(_rule(table, currency) for table in tables)
    if not rules:
        raise PolicyInvalid("a policy needs at least one rule")
    _unique((rule.id for rule in rules), "rule")
    if unknown := set(flows) - {"calendar", "modes", "workflow"}:
        raise PolicyInvalid(f"workflows.toml has unknown keys: {', '.join(sorted(unknown))}")
    steps = tuple(_workflow(table, flows.get("calendar", "always")) for table in _tables(flows, "workflow"))
    _unique(((flow.queue, flow.exception_type) for flow in steps), "workflow")
    return Policy(
        name=raw["name"],
        owner=raw["owner"],
        currency=currency,
        undo_seconds=_whole(raw.get("undo_seconds", 0), "undo_seconds", 0),
        rules=rules,
        workflows=steps,
        modes=_modes(flows.get("modes", {})),
        source="\n".join([matrix, *local, workflows]),
        cover=_cover(raw.get("cover", {})),
    )


def standard_policy() -> Policy:
    """The policy that comes with the product: governance/policies/standard."""
    folder = resources.files("governance") / "policies" / "standard"
    return compile_policy((folder / "matrix.toml").read_text("utf-8"), (folder / "workflows.toml").read_text("utf-8"))
