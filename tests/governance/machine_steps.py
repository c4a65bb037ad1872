"""The steps of the machine: who decides what next, and how a courier carries it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from psycopg.types.json import Jsonb

from governance import errors, gate
from governance.errors import Refusal
from tests.governance.machine import MAIL, Rec, now
from tests.governance.machine_driver import ACTORS, DECIDE, Disagreement, Driver

CLAIM = "SELECT recommendation_id, fence FROM cs.claim_effects('test', 1, 3600)"
FIRST = """
UPDATE cs.effects SET available_at = now() - interval '1 day' WHERE tenant = %s AND recommendation_id = %s
"""
EXPIRE = """
UPDATE cs.recommendations SET expires_at = clock_timestamp() - interval '1 second' WHERE tenant = %s AND id = %s
RETURNING expires_at
"""
NO_KEY = "UPDATE cs.signing_keys SET revoked_at = now() WHERE tenant = %s AND actor = %s"
UNSEEN = "DELETE FROM cs.openings WHERE tenant = %s AND case_id = %s AND actor = %s"
TAMPER = "UPDATE cs.recommendations SET envelope = envelope || ' ' WHERE tenant = %s AND id = %s"
LONG_AGO = """
UPDATE cs.recommendations SET approved_at = approved_at - interval '31 days' WHERE tenant = %s AND state = 'executed'
"""
REJECT = "UPDATE cs.recommendations SET state = 'rejected' WHERE tenant = %s AND id = %s"


class Machine(Driver):
    """A driver that chooses its next step by chance, leaning towards what may succeed."""

    def step(self) -> None:
        waiting = sum(rec.state == "awaiting_review" for rec in self.model.recs.values())
        steps: list[tuple[Callable[[], None], int]] = [
            (self.file, 16 if waiting < 12 else 3), (self.approve, 46), (self.execute, 14), (self.claim, 5),
            (self.verb, 7), (self.delegate, 2), (self.revoke, 1), (self.absence, 3), (self.person, 4),
            (self.change_bank, 1), (self.change_email, 1), (self.change_key, 2), (self.new_facts, 2),
            (self.expire, 1), (self.activate, 1), (self.clock, 1), (self.forget, 2), (self.tamper, 1),
            (self.month, 1), (self.lonely, 1),
        ]  # fmt: skip
        chosen = self.rng.choices([one for one, _ in steps], [weight for _, weight in steps])[0]
        chosen()

    def at_stake(self) -> Rec | None:
        """Every other time something that is approved and has not left: what changes now must stop it."""
        approved = [
            rec for rec in self.model.recs.values() if rec.state == "approved" and rec.effect in ("ready", "leased")
        ]
        return self.rng.choice(approved) if approved and self.rng.random() < 0.5 else None

    def some(self, *states: str) -> Rec | None:
        """A recommendation in one of the states, the late ones first; now and then any at all."""
        recs = list(self.model.recs.values())
        found = [rec for rec in recs if rec.state in states]
        if recs and (not found or self.rng.random() < 0.06):
            found = recs[-30:]
        return self.rng.choice(found[-14:]) if found else None

    # Decisions -----------------------------------------------------------------------------------------

    def approve(self) -> None:
        rng = self.rng
        rec, who, acting_for = self._promising() if rng.random() < 0.7 else (self.some("awaiting_review"), "", None)
        if rec is None:
            return
        who = who or rng.choice(ACTORS)
        if acting_for is None and rng.random() < 0.06:
            acting_for = rng.choice([*ACTORS, "nobody"])
        self._approve(rec, who, acting_for)

    def _approve(self, rec: Rec, who: str, acting_for: str | None = None) -> None:
        rng = self.rng
        if rng.random() < 0.85:
            self.open(who, rec)
        key, signature = self._signature(rec, who)
        digest = rec.digest if rng.random() < 0.97 else "sha256:" + "0" * 64
        seat = rng.choice([None] * 9 + ["reviewer", "controller", "administrator"])
        signed = None if signature is None else key is not None
        asked = gate.Asked(digest, seat, acting_for, signed, rng.random() < 0.1)
        judged = self.model.judge_approval(rec, who, asked, key, now())
        answer = self.ask(
            "review", who, DECIDE, rec.id, "approve", digest, seat, acting_for, None, None, signature, asked.in_bulk
        )
        expected = judged if isinstance(judged, Refusal) else None
        if not self.compare("approve", expected, answer, f"{self._name(rec)} {who} {asked}") or isinstance(
            judged, Refusal
        ):
            return
        taken, seats = judged
        way = "for another" if taken.acting_for else "standing in" if taken.stands_in_as else "of one's own"
        self.seats[way] += 1
        self.seats["added by the total"] += len(seats) > len(rec.seats)
        self.model.approve(rec, who, key, seats)
        self._said(answer, rec)
        self.same_seats(rec)

    def _promising(self) -> tuple[Rec | None, str, str | None]:
        """A recommendation and somebody who could take a seat of it: themselves, or for another who delegated."""
        recs = [rec for rec in self.model.recs.values() if rec.state == "awaiting_review"]
        pairs: list[tuple[str, str | None]] = [(who, None) for who in ACTORS]
        pairs += [(one.to_actor, one.from_actor) for one in self.model.delegations.values()]
        self.rng.shuffle(recs)
        self.rng.shuffle(pairs)
        # Every other time whoever stands in or acts for somebody goes first.
        own = self.rng.random() < 0.5
        pairs.sort(key=lambda pair: not own and pair[1] is None)
        for rec in recs[:6]:
            need = self.model.need(rec.facts, rec.action, rec.risk, rec)
            standing = replace(self.model.standing(rec, need), evidence=frozenset(), signature=False)
            for who, acting_for in pairs:
                if need.signature and who not in self.model.keys:
                    continue
                asked = gate.Asked(rec.digest, None, acting_for)
                if isinstance(gate.judge_approval(standing, self.model.people[who], asked, now()), gate.Seat):
                    return rec, who, acting_for
        return (recs[0] if recs else None), "", None

    def _signature(self, rec: Rec, who: str) -> tuple[str | None, str | None]:
        """A key of one's own and a signature under it; sometimes none, another's, or no signature at all."""
        need = self.model.need(rec.facts, rec.action, rec.risk, rec)
        dice, key = self.rng.random(), self.model.keys.get(who)
        if dice < (0.95 if need.signature else 0.1) and key is not None:
            return key, f"ed25519:{key}:{'A' * 86}=="
        if dice > 0.98:
            others = [other for name, other in self.model.keys.items() if name != who]
            bad = [f"ed25519:{other}:{'A' * 86}==" for other in ("0" * 16, *others)]
            return None, self.rng.choice([*bad, "ed25519:xyz"])
        return None, None

    def verb(self) -> None:
        verb = self.rng.choices(["reject", "withdraw", "override", "send_back", "escalate"], [3, 4, 3, 3, 2])[0]
        rec = self.some("awaiting_review", *(["approved", "sent_back"] if verb in ("withdraw", "override") else []))
        if rec is None:
            return
        who = self.rng.choice(["reviewer", "reviewer2", "reviewer3", "controller", "controller2", "both", *ACTORS])
        signers = [seat.filled_by for seat in rec.seats if seat.filled_by]
        if verb == "withdraw" and signers and self.rng.random() < 0.7:
            who = self.rng.choice(signers)
        if rec.state == "sent_back" and rec.returned_to and self.rng.random() < 0.8:
            who = rec.returned_to
        digest = rec.digest if self.rng.random() < 0.95 else "sha256:" + "1" * 64
        expected = self.model.judge_verb(rec, who, verb, digest, now())
        draft = None
        if verb == "override" and rec.to and self.rng.random() < 0.5:
            draft = Jsonb({"to": rec.to, "subject": "other", "body": "words", "language": "en"})
        answer = self.ask("review", who, DECIDE, rec.id, verb, digest, None, None, "why", draft, None, False)
        if self.compare(verb, expected, answer, f"{self._name(rec)} {who}"):
            self._done(rec, who, verb)

    def _done(self, rec: Rec, who: str, verb: str) -> None:
        if verb == "reject":
            rec.state, rec.case.state = "rejected", "rejected"
        elif verb == "withdraw":
            self.model.withdraw(rec, who)
        elif verb == "escalate":
            rec.seats = [*rec.seats, gate.Seat("controller", None)]
        elif verb == "send_back":
            rec.state = "sent_back"
            rec.returned_to = rec.drafter if rec.drafter != "agent" else None
            if rec.returned_to is None:
                rec.case.state = "queued"
        else:
            rec.state, rec.returned_to = "overridden", None
            self._stored(rec.case, rec.action, rec.to, rec.risk, who, set(rec.excluded))
        self.same_seats(rec)

    def _said(self, answer: object, rec: Rec) -> None:
        assert isinstance(answer, tuple)
        if answer[0]["state"] != rec.state:
            raise Disagreement(f"{answer[0]}, not {rec.state}\n" + "\n".join(self.trail))

    def _name(self, rec: Rec) -> str:
        return f"{rec.action} {rec.id[:8]} of {rec.case.key} ({rec.state}, {rec.effect})"

    # The way out ---------------------------------------------------------------------------------------

    def claim(self) -> None:
        rec = next((one for one in self.model.recs.values() if one.effect == "ready"), None)
        if rec is not None:
            self._claim(rec)

    def _claim(self, rec: Rec) -> None:
        self.owner(FIRST, self.tenant, rec.id)
        answer = self.ask("courier", "courier", CLAIM)
        if not isinstance(answer, tuple) or answer[0] != rec.id:
            raise Disagreement(f"claimed {answer}, not {rec.id}\n" + "\n".join(self.trail))
        rec.fence, rec.effect = answer[1], "leased"
        self.note(f"claimed {self._name(rec)}")

    def execute(self) -> None:
        recs = list(self.model.recs.values())
        leased = [rec for rec in recs if rec.effect == "leased"]
        ready = [rec for rec in recs if rec.effect == "ready"]
        if leased and (not ready or self.rng.random() < 0.7):
            rec = self.rng.choice(leased)
        elif ready:
            rec = self.rng.choice(ready)
            self._claim(rec)
        elif recs and self.rng.random() < 0.1:
            rec = self.rng.choice(recs)
        else:
            return self.approve()
        fence = rec.fence if self.rng.random() < 0.96 else -1
        expected = self._judge_execution(rec, fence)
        answer = self.ask("courier", "courier", "SELECT cs.execute(%s, %s)", rec.id, fence)
        if self.compare("execute", expected, answer, self._name(rec)):
            self._settle(rec, self.rng.choice(["sent", "sent", "sent", "sent", "retry"]))
        elif not isinstance(expected, errors.LostLease):
            self._settle(rec, self.rng.choice(["refused", "refused", "retry"]))
        return None

    def _judge_execution(self, rec: Rec, fence: int) -> Refusal | None:
        if rec.effect != "leased" or fence != rec.fence:
            return errors.LostLease()
        if refusal := self.model.judge_effect(rec, now()):
            return refusal
        moved = rec.action == MAIL and rec.to != self.model.emails[rec.facts.supplier or ""]
        return errors.FactsMismatch() if moved else None

    def _settle(self, rec: Rec, outcome: str) -> None:
        if rec.state != "approved":
            outcome = "refused"  # somebody tampered: the courier gives it up
        answer = self.ask("courier", "courier", "SELECT cs.settle(%s, %s, %s, 'test', 0)", rec.id, rec.fence, outcome)
        assert isinstance(answer, tuple), (answer, outcome, self.trail)
        if outcome == "sent":
            rec.state, rec.effect, rec.case.state = "executed", "sent", "done"
        elif outcome == "retry":
            rec.effect, rec.case.state = "ready", "approved"
        else:
            rec.effect = "failed"
            self.model.end(rec, "expired" if rec.expires_at <= now() else "superseded")

    # What happens meanwhile ----------------------------------------------------------------------------

    def new_facts(self) -> None:
        rec = self.some("awaiting_review", "approved", "sent_back")
        if rec is not None:
            self.accept(rec.case)

    def expire(self) -> None:
        rec = self.at_stake() or self.some("awaiting_review", "approved")
        if rec is not None:
            at = self.owner(EXPIRE, self.tenant, rec.id)[0][0]
            rec.expires_at = at
            self.note(f"expired: {self._name(rec)}")

    def activate(self) -> None:
        """The other policy; what is pending is asked anew at once, or by the next tick."""
        policy = self.policies[self.model.version % 2]
        self.owner("SELECT cs._activate_policy(%s, %s, %s)", self.tenant, policy.text, policy.source)
        self.model.policy, self.model.version = policy, self.model.version + 1
        self.note(f"policy {policy.name}, version {self.model.version}")
        if self.rng.random() < 0.6:
            (count,) = self.owner("SELECT cs._regate(%s, 'admin1', 1000)", self.tenant)[0]
            self._regated(count)

    def clock(self) -> None:
        due = self.model.due(now())
        answer = self.ask("courier", "courier", "SELECT cs.tick()")
        if not isinstance(answer, tuple) or answer[0]["expired"] != len(due):
            raise Disagreement(f"{answer}, but {[self._name(rec) for rec in due]} are due\n" + "\n".join(self.trail))
        self.calls["tick"] += 1
        for rec in due:
            self.model.end(rec, "expired")
        self.note(f"tick {answer[0]}")
        self._regated(answer[0]["regated"])

    def _regated(self, count: int) -> None:
        old = self.model.outdated()
        if len(old) != count:
            raise Disagreement(f"{count} regated, not {len(old)}\n" + "\n".join(self.trail))
        # In the order of the database: the totals of one hang on those that were superseded before it.
        for rec in old:
            self.model.supersede(rec)
            rec.case.state = "awaiting_review"
            self._stored(rec.case, rec.action, rec.to, rec.risk, rec.drafter, set(rec.excluded))

    def month(self) -> None:
        """A month goes by: what was executed so far is in no window any more."""
        self.owner(LONG_AGO, self.tenant)
        for rec in self.model.recs.values():
            if rec.state == "executed":
                rec.approved = None
        self.note("a month goes by")

    def lonely(self) -> None:
        """Everybody who holds a role is away, off, or sits already: somebody else wants to stand in."""
        recs = [rec for rec in self.model.recs.values() if rec.state == "awaiting_review"]
        half = [rec for rec in recs if any(seat.filled_by for seat in rec.seats)]
        if not recs:
            return
        rec = self.rng.choice(half or recs)
        role = self.rng.choice([seat.role for seat in rec.seats if seat.filled_by is None])
        seated = {seat.filled_by for seat in rec.seats}
        holders = [who for who in self._holders(role) if who not in seated]
        off = holders[:1] if self.rng.random() < 0.4 else []
        for who in holders:
            if who in off:
                self._switch_off(who, "admin1")
            else:
                self._away(who, who)
        stand_ins = [
            one.id for one in self.model.people.values() if one.roles & {*self.model.policy.cover.get(role, ())}
        ]
        for who in stand_ins[:3]:
            if rec.state == "awaiting_review":
                self._approve(rec, who)

    def forget(self) -> None:
        """An opening or a key is gone between the last signature and the effect."""
        rec = self.some("approved")
        signers = [seat.filled_by for seat in rec.seats if seat.filled_by] if rec else []
        if rec is None or not signers:
            return
        who = self.rng.choice(signers)
        if self.rng.random() < 0.5 and who in self.model.keys:
            self.owner(NO_KEY, self.tenant, who)
            del self.model.keys[who]
        else:
            self.owner(UNSEEN, self.tenant, rec.case.id, who)
            for key in [key for key in self.model.opened if (key[0], key[2]) == (rec.case.id, who)]:
                del self.model.opened[key]
        self.note(f"{who} has lost a key or openings for {self._name(rec)}")

    def tamper(self) -> None:
        """The owner writes into what a courier holds: the envelope, or the state."""
        leased = [rec for rec in self.model.recs.values() if rec.effect == "leased" and rec.state == "approved"]
        if not leased:
            return
        rec = self.rng.choice(leased)
        if self.rng.random() < 0.5:
            self.owner(TAMPER, self.tenant, rec.id)
            rec.tampered = True
        else:
            self.owner(REJECT, self.tenant, rec.id)
            rec.state = "rejected"
        self.note(f"tampered with {self._name(rec)}")
