"""The ledger's entries of one case, replayed: who filled which seat of what, and what became of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Never

from api.evidence import OLD_FORMAT, Bundle, SeatRow, is_decision
from api.evidence_people import GRACE, People, moment
from api.evidence_rules import Asked, judged, seats_of
from api.evidence_seats import Bench, Standing
from governance.chain import sha256_hex
from governance.errors import Tampered
from governance.matrix import POLICY_TAG

Body = Mapping[str, Any]

_ENDS = frozenset(
    {"decision.override", "decision.reject", "decision.send_back", "recommendation.regated", "recommendation.expired",
     "effect.sent", "effect.refused", "effect.confirmed_done", "effect.confirmed_abandoned", "change.applied"}
)  # fmt: skip
"""After one of these nobody approves a recommendation and nothing more leaves."""


class Replay:
    """Follow the entries in order, then `finish`. Raises Tampered where one could not have been written lawfully."""

    def __init__(
        self,
        bundle: Bundle,
        facts: list[tuple[str, Body]],
        policies: Mapping[str, Body],
        envelopes: Mapping[str, Body],
    ) -> None:
        self._bundle = bundle
        self._facts = facts
        self._texts = {part.recommendation: part.text for part in bundle.changes}
        self._applied: set[str] = set()
        self._revisions = 0
        self.people = People()
        self.bench = Bench(bundle.tenant, self.people, facts)
        self.decisions: dict[str, Body] = {}
        self.erased: set[str] = set()  # recommendations whose words an entry says were erased
        self.policies: dict[int, str | None] = {}
        """Version → digest of policies that an entry made active; None: its text was erased."""
        self.notes: list[str] = self.people.notes
        self._standing: dict[str, Standing] = {}
        for part in bundle.recommendations:
            envelope = envelopes[part.id]
            law = judged(facts, envelope["revision"])
            change = part.leaves["change"].content if "change" in part.leaves else None
            asked = Asked(policies[envelope["policy"]["digest"]], law, envelope)
            self._standing[part.id] = Standing(
                part.id, part.digest, envelope, self._excluded(envelope, envelopes), part.seats, change, asked
            )

    def _excluded(self, envelope: Body, envelopes: Mapping[str, Body]) -> frozenset[str]:
        """Whoever brought in these or earlier facts, drafted this or an earlier proposal on them, and whom a change is
        about. (Under the old format's law only the newest facts counted.)"""
        upto = envelope["revision"] if self._bundle.format != OLD_FORMAT else 1
        initiators = (
            facts["initiator"] for _, facts in self._facts[envelope["revision"] - upto : envelope["revision"]]
        )
        drafters = (
            other["drafted_by"]
            for other in envelopes.values()
            if other["revision"] == envelope["revision"] and other["draft_number"] <= envelope["draft_number"]
        )
        action = envelope["action"]
        about = (action["args"]["subject"],) if action["name"] in ("change_roles", "change_identity") else ()
        return frozenset((*initiators, *drafters, *about))

    def follow(self, entry: Body) -> None:
        """One entry, in the order of the ledger."""
        kind, subject, body, at = entry["kind"], entry["subject"], entry["body"], moment(entry["at"])
        topic = kind.split(".")[0]
        if kind in ("genesis", "recovery") and subject == self._bundle.tenant:
            self._founded(kind, body, at)
        elif topic == "actor":
            if kind == "actor.added":
                self.people.meet(subject, body, at)
            else:
                self.people.switch(subject, kind, body, at)
        elif topic == "delegation":
            self.people.delegation(kind, subject, body, at)
        elif topic == "absence":
            self.people.absence(kind, subject, entry["actor"], body, at)
        elif kind == "signing_key.revoked":
            self.people.revoke_key(subject, at)
        elif topic == "case" and subject == self._bundle.case:
            self._case(kind, body)
        elif kind == "case.erased" and set(body["recommendations"]) & set(self._texts):
            self.erased |= set(body["recommendations"])
        elif kind == "change.applied" and subject in self._texts:
            self._change(subject, body, self._texts[subject], at)
        elif subject in self._standing and topic in ("recommendation", "decision", "effect", "change"):
            self._of(self._standing[subject], entry, at)
        else:
            _no(f"entry {entry['seq']} is not about this case")

    def _founded(self, kind: str, body: Body, at: datetime) -> None:
        if kind == "recovery":
            self.people.recover(body["people"], at)
            return
        self.policies[1] = body["policy"]
        for person in body["people"]:
            self.people.meet(person["id"], person, at)

    def _change(self, name: str, body: Body, text: str | None, at: datetime) -> None:
        self._applied.add(name)
        self.people.change(body, text, at)
        if body["of"] == "policy":
            policy = None if text is None else json.loads(text)["content"]["policy"]
            self.policies[body["version"]] = None if policy is None else "sha256:" + sha256_hex(POLICY_TAG + policy)

    def _case(self, kind: str, body: Body) -> None:
        if kind in ("case.erased", "case.purged"):
            self.erased |= set(body["recommendations"])
        if kind not in ("case.received", "case.revised", "case.corrected"):
            return
        self.bench.queue = body.get("queue", self.bench.queue)
        self._revised(body.get("revision", 1), body["facts"])
        if self._facts[self._revisions - 1][1].get("corrects") != body.get("corrects"):
            _no(f"revision {self._revisions} corrects other facts than the ledger says")
        superseded = body.get("superseded")
        if superseded is not None and superseded in self._standing:
            self._standing[superseded].over = True

    def _revised(self, revision: int, digest: str) -> None:
        self._revisions += 1
        if revision != self._revisions or self._revisions > len(self._facts):
            _no("a revision of the case is missing")
        if digest != self._facts[self._revisions - 1][0]:
            _no(f"the facts of revision {self._revisions} are not those that the ledger recorded")

    def _of(self, standing: Standing, entry: Body, at: datetime) -> None:
        kind, body, seq = entry["kind"], entry["body"], entry["seq"]
        if body.get("digest", standing.digest if kind.startswith("effect.") else None) != standing.digest:
            _no(f"entry {seq} names another digest than its recommendation has")
        if kind in ("recommendation.filed", "change.proposed"):
            self._filed(standing, entry)
        elif not standing.filed:
            _no(f"entry {seq} is about a recommendation that was not filed before")
        if kind == "decision.refused":
            return  # It changed nothing, and what came of the recommendation is what was said of it before.
        if is_decision(kind):
            if body["decision"] in self.decisions:
                _no(f"decision {body['decision']} was recorded twice")
            self.decisions[body["decision"]] = entry
            self._decided(standing, entry, at)
        elif kind == "recommendation.regated":
            self._becomes(standing, body, seq)
            if self._standing[body["becomes"]].envelope["action"] != standing.envelope["action"]:
                _no(f"entry {seq}: what was asked anew is another action")
        elif kind in ("effect.started", "change.applied"):
            self._leaves(standing, entry, at)
        elif kind in ("effect.sent", "effect.manual") and not standing.started:
            _no(f"entry {seq}: an effect that was never started")
        standing.over |= kind in _ENDS or (kind == "effect.confirmed_not_done" and body["was"] == "manual")
        standing.last = kind

    def _filed(self, standing: Standing, entry: Body) -> None:
        envelope, body, seq = standing.envelope, entry["body"], entry["seq"]
        if (body["case"], body["policy_version"]) != (
            self._bundle.case,
            envelope["policy"]["version"],
        ) or standing.filed:
            _no(f"entry {seq}: a filing is of another case or policy than its envelope")
        if entry["kind"] == "change.proposed":
            self.bench.queue = "governance"
            self._revised(1, envelope["facts"])
            facts = self._facts[0][1]
            said = (body["change"], entry["actor"], entry["actor"], 1, 1)
            if said != (
                facts["change"],
                facts["initiator"],
                envelope["drafted_by"],
                envelope["revision"],
                envelope["draft_number"],
            ):
                _no(f"entry {seq}: a change was proposed that is not the one in its envelope")
        elif (body["revision"], body["draft_number"]) != (envelope["revision"], envelope["draft_number"]):
            _no(f"entry {seq}: a filing is of another revision than its envelope")
        self._ask(standing, body["rules"])

    def _ask(self, standing: Standing, named: Collection[str] | None) -> None:
        standing.filed = True
        standing.rules = standing.asked.rules(named)
        standing.required = seats_of(standing.rules) if standing.rules else None

    def _becomes(self, standing: Standing, body: Body, seq: int) -> None:
        successor = self._standing.get(body["becomes"])
        if successor is None or successor.digest != body["new_digest"] or successor.filed:
            _no(f"entry {seq} becomes a recommendation that is not in the bundle")
        if body.get("policy_version", version := successor.envelope["policy"]["version"]) != version:
            _no(f"entry {seq} asks another policy than its successor's envelope names")
        self._ask(successor, body.get("rules"))
        standing.complete = False

    def _decided(self, standing: Standing, entry: Body, at: datetime) -> None:
        verb, body = entry["kind"].removeprefix("decision."), entry["body"]
        if verb == "approve":
            self.bench.approved(standing, entry, at)
        elif verb == "withdraw" and body["withdraws"] is not None:
            gone = standing.approvals.pop(body["withdraws"], None)
            if gone is None or gone.actor != entry["actor"]:
                _no(f"entry {entry['seq']} withdraws an approval that is not this person's")
            standing.complete = False
        elif verb == "withdraw":
            standing.over = True
        elif verb == "escalate" and standing.required is not None:
            standing.required["controller"] += 1
        elif verb == "override":
            self._becomes(standing, body, entry["seq"])

    def _leaves(self, standing: Standing, entry: Body, at: datetime) -> None:
        """The effect leaves, or the change is applied: every seat is filled, and still by who may hold it."""
        kind, body, where = entry["kind"], entry["body"], f"entry {entry['seq']}"
        if not standing.complete or standing.over:
            _no(f"{where}: the effect left without every seat filled")
        if at - GRACE >= moment(standing.envelope["expires_at"]):
            _no(f"{where}: the effect left after the recommendation had expired")
        for one in standing.approvals.values():
            self.bench.may_sit(standing, one, at, where)
            if one.wrong:
                _no(f"{where}: the effect left with a signature that {one.actor} did not make")
        args = standing.envelope["action"]["args"]
        if kind == "change.applied":
            if (body["change"], body["subject"]) != (args.get("change"), args.get("subject")):
                _no(f"{where}: another change was applied than the one that was approved")
            self._change(standing.id, body, standing.change, at)
        elif "change" in args:
            _no(f"{where}: a change is applied, not delivered")
        standing.started = True

    def finish(self) -> None:
        """After the last entry: all revisions and recommendations are accounted for, and the seats are as recorded."""
        if self._revisions != len(self._facts):
            _no("a revision of the case is not in the ledger")
        if missing := set(self._texts) - self._applied:
            _no(f"no entry applied the change {min(missing)}")
        for name in sorted(name for name, text in self._texts.items() if text is None and name not in self.erased):
            _no(f"the text of the change {name} is missing, and no entry says that it was erased")
        for name, standing in self._standing.items():
            if not standing.filed:
                _no(f"recommendation {name} was never filed")
            self._seated(name, standing)
            roles = Counter(seat.role for seat in standing.seats)
            if standing.required is not None and roles != standing.required:
                _no(f"the seats of {name} are not those that its policy asks for")
            if not set(roles) <= standing.asked.roles():
                _no(f"a seat of {name} has a role that its policy does not know")
            self.notes += [
                f"that {one.actor} signed {name}: the signature is not right"
                for one in standing.approvals.values()
                if one.wrong
            ]

    def _seated(self, name: str, standing: Standing) -> None:
        """By role, the filled seats in the order of the ledger, then the open ones (the old format had no order)."""
        filled = [
            SeatRow(
                role=one.role, filled_by=one.actor, acting_for=one.acting_for, stands_in_as=one.stands_in_as,
                decision=made,
            )
            for made, one in standing.approvals.items()
        ]  # fmt: skip
        taken = Counter(one.role for one in filled)
        total = Counter(seat.role for seat in standing.seats)
        empty = [
            SeatRow(role=role, filled_by=None, acting_for=None, stands_in_as=None, decision=None)
            for role, count in total.items()
            for _ in range(count - taken[role])
        ]
        expected = sorted([*filled, *empty], key=lambda seat: seat.role)
        found = standing.seats
        if self._bundle.format == OLD_FORMAT:
            found, expected = (sorted(rows, key=lambda seat: seat.model_dump_json()) for rows in (found, expected))
        if found != expected:
            _no(f"the seats of {name} are not filled as the ledger recorded")

    def limits(self) -> list[str]:
        """What one case cannot show of the rules that it was judged by."""
        found = []
        for name, standing in self._standing.items():
            if standing.asked.windows():
                found.append(
                    f"that no more seats were due for {name}: a rule counts what other cases paid to the same payee"
                )
            if not standing.asked.known:
                found.append(f"that the rules of {name} fit its amount: exchange rates are not in the file")
        return found

    def outcomes(self) -> dict[str, str]:
        """Recommendation id → kind of its last entry, or that it only waits."""
        return {name: standing.last or "recommendation.filed" for name, standing in self._standing.items()}


def _no(reason: str) -> Never:
    raise Tampered(reason)
