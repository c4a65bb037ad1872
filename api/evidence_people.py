"""Who was who when an entry was written: roles, delegations, absences and signing keys, as the ledger's entries say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar

from governance.actor import Absence, Delegation
from governance.chain import sha256_hex
from governance.errors import Tampered
from governance.signature import key_id

Body = Mapping[str, Any]
_T = TypeVar("_T")

GRACE = timedelta(seconds=10)
"""An act is judged when it begins and recorded when it ends: what ended less than this before an entry still counts."""


def moment(text: str) -> datetime:
    """An aware time from the stamp of an entry."""
    return datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class _State:
    """`roles` None: they were changed by a text that has since been erased by right."""

    kind: str
    roles: frozenset[str] | None
    active: bool = True


@dataclass(slots=True)
class _Ending(Generic[_T]):
    """Something that holds until it was said to end."""

    what: _T
    ended_at: datetime | None = None

    def at(self, when: datetime) -> bool:
        return self.ended_at is None or self.ended_at > when - GRACE


@dataclass(frozen=True, slots=True)
class Scope:
    """What a delegation is scoped by; `amount` in the policy's currency, `known` False where no rate is at hand."""

    queue: str
    entity: str
    amount: Decimal | None
    known: bool


@dataclass(slots=True)
class People:
    """Follow the entries in order with `meet` … `recover`; ask in between. `notes`: what could not be judged."""

    notes: list[str] = field(default_factory=list)
    _states: dict[str, list[_Ending[_State]]] = field(default_factory=dict)
    _delegations: dict[str, _Ending[Delegation]] = field(default_factory=dict)
    _absences: dict[tuple[str, int], _Ending[Absence]] = field(default_factory=dict)
    _keys: dict[str, _Ending[tuple[str, str]]] = field(default_factory=dict)
    _lost_keys: set[str] = field(default_factory=set)

    # What the entries say ------------------------------------------------------------------------------

    def _becomes(self, name: str, state: _State, at: datetime) -> None:
        states = self._states.setdefault(name, [])
        if states:
            states[-1].ended_at = at
        states.append(_Ending(state))

    def _now(self, name: str) -> _State | None:
        states = self._states.get(name)
        return states[-1].what if states else None

    def meet(self, name: str, said: Body, at: datetime) -> None:
        """Genesis or an administrator adds somebody."""
        self._becomes(name, _State(said["kind"], frozenset(said.get("roles") or ())), at)

    def switch(self, name: str, kind: str, body: Body, at: datetime) -> None:
        """An `actor.*` entry of somebody known. Now only governed change grants roles; older ledgers have more."""
        if (was := self._now(name)) is None:
            return
        active = kind == "actor.activated" or (was.active and kind != "actor.deactivated")
        roles = frozenset(body["roles"]) if isinstance(body.get("roles"), list) else was.roles
        self._becomes(name, _State(was.kind, roles, active), at)

    def recover(self, names: list[str], at: datetime) -> None:
        """The owner made these people administrators."""
        for name in names:
            was = self._now(name) or _State("person", frozenset())
            roles = None if was.roles is None else was.roles | {"administrator"}
            self._becomes(name, _State(was.kind, roles, was.kind == "person" or was.active), at)

    def change(self, body: Body, text: str | None, at: datetime) -> None:
        """An applied change of roles or of a signing key. `text` None: erased by right."""
        of, subject = body["of"], body["subject"]
        content: Body = {}
        if text is not None:
            if "sha256:" + sha256_hex(text) != body["change"]:
                raise Tampered(f"the change of {of} of {subject} is not the one that was applied")
            said = json.loads(text)
            if (said["kind"], said["subject"]) != (of, subject):
                raise Tampered(f"the change of {of} of {subject} says another thing than its entry")
            content = said["content"]
        if of == "roles":
            roles = None if text is None else frozenset(content["roles"])
            self._becomes(subject, _State("person", roles, True if text is None else content["active"]), at)
        elif of == "signing_key" and text is None:
            self._lost_keys.add(subject)
        elif of == "signing_key":
            self._keys[key_id(content["public_key"])] = _Ending((subject, content["public_key"]))

    def revoke_key(self, key: str, at: datetime) -> None:
        if key in self._keys:
            self._keys[key].ended_at = at

    def delegation(self, kind: str, number: str, body: Body, at: datetime) -> None:
        if kind == "delegation.made":
            below = body["amount_below"]
            self._delegations[number] = _Ending(
                Delegation(
                    body["from"], body["to"], body["role"], moment(body["starts_at"]), moment(body["ends_at"]),
                    frozenset(body["queues"]), frozenset(body["entities"]), None if below is None else Decimal(below),
                )
            )  # fmt: skip
        elif number in self._delegations:
            self._delegations[number].ended_at = at

    def absence(self, kind: str, name: str, by: str, body: Body, at: datetime) -> None:
        if kind == "absence.set":
            away = Absence(name, by, moment(body["starts_at"]), moment(body["ends_at"]))
            self._absences[name, body["absence"]] = _Ending(away)
        elif (name, body["absence"]) in self._absences:
            self._absences[name, body["absence"]].ended_at = at

    # What is asked of them ------------------------------------------------------------------------------

    def _lately(self, name: str, at: datetime) -> Iterator[_State]:
        return (state.what for state in self._states.get(name, ()) if state.at(at))

    def is_person(self, name: str, at: datetime) -> bool:
        """Whether this was an active person."""
        return any(state.active and state.kind == "person" for state in self._lately(name, at))

    def holds(self, name: str, role: str, at: datetime) -> bool:
        """Whether this was an active person with the role. Where the roles were erased: yes, with a note."""
        states = [state for state in self._lately(name, at) if state.active and state.kind == "person"]
        if any(state.roles is not None and role in state.roles for state in states):
            return True
        if any(state.roles is None for state in states):
            self.notes.append(f"that {name} held the role {role}: the change that gave it was erased")
            return True
        return False

    def has_lent(self, giver: str, taker: str, role: str, case: Scope, at: datetime) -> bool:
        """Whether a delegation from one to the other covered this role and case."""
        for one in self._delegations.values():
            lent = one.what
            if (lent.from_actor, lent.to_actor, lent.role) != (giver, taker, role) or not one.at(at):
                continue
            unknown = lent.amount_below is not None and not case.known
            amount = Decimal(0) if unknown else case.amount
            if any(lent.covers(when, case.queue, case.entity, amount) for when in (at, at - GRACE)):
                if unknown:
                    self.notes.append(f"that the amount was within what {giver} delegated: it is in another currency")
                return True
        return False

    def all_away(self, role: str, excluded: frozenset[str], seated: set[str], stand_in: str, at: datetime) -> bool:
        """Whether everybody who held the role, and somebody at all, was away by another's word than the stand-in's."""
        holders = [
            name for name in self._states
            if name not in excluded and (state := self._now(name)) is not None and state.active
            and state.kind == "person" and (state.roles is None or role in state.roles)
        ]  # fmt: skip
        away = {
            one.what.actor
            for one in self._absences.values()
            if one.at(at) and one.what.set_by != stand_in and one.what.starts_at <= at < one.what.ends_at + GRACE
        }
        return bool(away & set(holders)) and all(name in seated or name in away for name in holders)

    def key_of(self, name: str, key: str, at: datetime) -> str | None:
        """The live public key of a person under this id, base64; None where none is known."""
        found = self._keys.get(key)
        return found.what[1] if found is not None and found.what[0] == name and found.at(at) else None

    def lost_key(self, name: str) -> bool:
        """Whether the text that registered a key of this person was erased."""
        return name in self._lost_keys
