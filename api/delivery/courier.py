"""The courier drains the outbox: it carries approved effects out and records what became of each.

For one effect: prepare (connect, and all that can fail without consequence) → the gate's last look, the signatures that
stand on the approvals, and the state `delivering`, in a transaction → send, outside any transaction → settle. What a
crash leaves in `delivering` the clock hands to a person where a second copy would do harm, and to the next courier
where it would not.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from api.delivery.connector import Connector, NotDelivered, Outcome, Ready
from governance.decision import signed_statement
from governance.errors import LostLease, Refusal, SignatureRequired, Unavailable
from governance.record import changes, outbox, people
from governance.record.db import Connection, Database, retrying, translated
from governance.record.outbox import Effect
from governance.signature import verify_signature

log = structlog.get_logger(__name__)

_SETTLE_ATTEMPTS = 6
_STOP_SECONDS = 1.0
_RANDOM = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waiting between attempts: `first` seconds, doubled each time up to `longest`, half of it at random.

    The defaults try ten times in about two hours.
    """

    first: float = 15.0
    longest: float = 3600.0
    attempts: int = 10

    def seconds(self, attempt: int) -> float:
        """How long to wait after the attempt of this number, from 1."""
        full = min(self.longest, self.first * 2.0 ** min(attempt - 1, 30))
        return full * _RANDOM.uniform(0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one effect. `outcome` None: the lease was lost, and somebody else settles it."""

    effect: Effect
    outcome: Outcome | None


Notice = Callable[[Delivery], None]


class Courier:
    """Delivers one tenant's effects; run as many as wanted against one database.

    `token`: session token of a service. `connectors`: by the effect's connector (mail, task, timer). `parallel` effects
    are claimed and delivered at a time. `halted` says, before each claim, why nothing may be delivered, or None.
    """

    def __init__(
        self,
        database: Database,
        token: str,
        connectors: Mapping[str, Connector],
        *,
        name: str,
        lease_seconds: int = 120,
        parallel: int = 4,
        backoff: Backoff | None = None,
        halted: Callable[[], str | None] = lambda: None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._token = token
        self._connectors = dict(connectors)
        self._name = name
        self._lease_seconds = lease_seconds
        self._parallel = parallel
        self._backoff = backoff or Backoff()
        self._halted = halted
        self._clock = clock

    def run_once(self, notice: Notice = lambda delivery: None) -> int:
        """Claim and deliver what is due, up to `parallel` effects; how many were claimed. `notice` is told of each.

        Raises Unavailable where the database cannot be reached or delivery is halted.
        """
        if why := self._halted():
            raise Unavailable(why)
        effects = retrying(self._claim)
        if len(effects) < 2:
            deliveries = [self._deliver(effect) for effect in effects]
        else:
            with ThreadPoolExecutor(len(effects), thread_name_prefix=f"{self._name}-deliver") as pool:
                deliveries = list(pool.map(self._deliver, effects))
        for delivery in deliveries:
            notice(delivery)
        return len(effects)

    def drain(self, patience: float = 30.0, notice: Notice = lambda delivery: None) -> int:
        """Deliver until nothing is due within `patience` seconds; how many attempts were made.

        The patience covers the time in which an approval may still be withdrawn, and the first retries.
        """
        total = 0
        while True:
            if count := self.run_once(notice):
                total += count
            elif self._due_within(patience):
                threading.Event().wait(0.2)
            else:
                return total

    def run_forever(
        self, stop: threading.Event, poll_seconds: float = 1.0, notice: Notice = lambda delivery: None
    ) -> None:
        """Deliver until `stop` is set. An outage of the database is waited out; a token that is not valid is raised."""
        while not stop.is_set():
            try:
                with translated(), self._database.pool("courier").connection() as conn, outbox.listening(conn) as wait:
                    while not stop.is_set():
                        # The hint says that something was approved, not that it is due: so the poll decides.
                        if not self.run_once(notice):
                            deadline = time.monotonic() + poll_seconds
                            while not stop.is_set() and (left := deadline - time.monotonic()) > 0:
                                if wait(min(left, _STOP_SECONDS)):
                                    break
            except Unavailable as error:
                log.warning("delivery waits", reason=error.detail)
                stop.wait(5 * poll_seconds)

    def _claim(self) -> list[Effect]:
        with self._database.transaction("courier", self._token) as conn:
            return outbox.claim(conn, self._name, self._parallel, self._lease_seconds)

    def _due_within(self, seconds: float) -> bool:
        with self._database.transaction("courier", self._token) as conn:
            return outbox.due_within(conn, seconds)

    def _deliver(self, effect: Effect) -> Delivery:
        """One effect from claim to settlement. What goes wrong here stays here: its neighbours go on."""
        try:
            return Delivery(effect, self._attempt(effect))
        except LostLease:
            log.info("the lease was lost", recommendation=effect.recommendation_id)
        except Exception:
            # Not settled, so the clock finds it when the lease ends: nothing is lost, nothing is sent twice.
            log.exception("an effect was left to the clock", recommendation=effect.recommendation_id)
        return Delivery(effect, None)

    def _attempt(self, effect: Effect) -> Outcome:
        if effect.attempts > self._backoff.attempts:
            return self._settle(effect, Outcome("dead", f"given up: {effect.attempts - 1} attempts ended in a crash"))
        if effect.connector == "change":
            return self._apply(effect)
        connector = self._connectors.get(effect.connector)
        if connector is None:
            return self._settle(effect, Outcome("retry", f"this courier has no connector for {effect.connector}"))
        try:
            envelope = self._envelope(effect)
            if isinstance(envelope, Outcome):
                return self._settle(effect, envelope)
            with connector.prepare(effect, envelope) as ready:
                return self._settle(effect, self._carry_out(effect, ready))
        except NotDelivered as error:
            return self._settle(effect, error.outcome)

    def _envelope(self, effect: Effect) -> Mapping[str, Any] | Outcome:
        """What to prepare with; or that the letter is not the signed one, and nobody is called for it."""
        try:
            with self._database.transaction("courier", self._token) as conn:
                return outbox.envelope(conn, effect)
        except (LostLease, Unavailable):
            raise
        except Refusal as error:
            return Outcome.of_refusal(error)

    def _apply(self, effect: Effect) -> Outcome:
        """A governed change: the record applies it in the transaction of the gate's last look, and settles it there."""
        try:
            retrying(lambda: self._execute(effect))
        except (LostLease, Unavailable):
            raise
        except Refusal as error:
            return self._settle(effect, Outcome.of_refusal(error))
        log.info("a change was applied", recommendation=effect.recommendation_id)
        return Outcome("sent", "applied")

    def _carry_out(self, effect: Effect, ready: Ready) -> Outcome:
        try:
            approved = retrying(lambda: self._execute(effect))
        except (LostLease, Unavailable):
            raise
        except Refusal as error:
            return Outcome.of_refusal(error)
        try:
            return ready.send(approved, self._clock())
        except NotDelivered as error:
            return error.outcome
        except Exception as error:
            log.exception("a connector failed while sending", recommendation=effect.recommendation_id)
            return Outcome("unknown", f"the connector failed while sending: {type(error).__name__}")

    def _execute(self, effect: Effect) -> Mapping[str, Any]:
        with self._database.transaction("courier", self._token) as conn:
            approved = outbox.execute(conn, effect)
            # Here the recommendation is held: nobody signs anew behind this look, and a refusal undoes it all.
            _check_signatures(conn, approved)
            return approved

    def _settle(self, effect: Effect, outcome: Outcome) -> Outcome:
        """Record the outcome; it is known only here, so an outage of the database is waited out for a while."""
        wait = 0.0
        if outcome.state == "retry":
            if effect.attempts >= self._backoff.attempts:
                outcome = Outcome("dead", f"given up after {effect.attempts} attempts: {outcome.why}")
            else:
                wait = self._backoff.seconds(effect.attempts)

        def settle() -> None:
            with self._database.transaction("courier", self._token) as conn:
                outbox.settle(conn, effect, outcome.state, outcome.why, wait, outcome.controls)

        again = Retrying(
            retry=retry_if_exception_type(Unavailable),
            stop=stop_after_attempt(_SETTLE_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.2, max=5.0),
            reraise=True,
        )
        again(retrying, settle)
        log.info("effect settled", recommendation=effect.recommendation_id, outcome=outcome.state, detail=outcome.why)
        return outcome


def _check_signatures(conn: Connection, approved: Mapping[str, Any]) -> None:
    """Raises SignatureRequired unless every signature that was given is its signer's, over exactly what is approved.

    The database has seen to it that those signed whom policy wants to; that a signature is more than well formed it
    cannot know, nor can whoever stored it have made it without the signer's key.
    """
    found = changes.signatures(conn, approved["recommendation_id"])
    if not found:
        return
    statement = signed_statement(people.whoami(conn).tenant, approved["recommendation_id"], approved["digest"])
    for one in found:
        if one.public_key is None:
            raise SignatureRequired(f"the signature of {one.actor} is by no live key of theirs: nothing was done")
        if not verify_signature(one.public_key, one.signature, statement):
            raise SignatureRequired(f"the signature of {one.actor} is not over what was approved: nothing was done")
