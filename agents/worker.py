"""OPEN AFTER graph.py: claim a batch, compute its context, run each case, hand the rest of the work to people.

A worker may be killed at any moment. What it had filed is in the record, in the transaction that also finished the
job; everything else is claimed again when the lease ends, and a late write with the old fencing token is refused.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date
from random import SystemRandom

import structlog

from agents import shadow
from agents.champion import Champion, Give, NoChampion, stamps_of
from agents.context import Memory, Models, Parts, build_context
from agents.graph import NODES
from agents.letter import Composer, TemplateComposer
from agents.risk_scores import Scored
from agents.state import BatchContext, Json
from agents.threads import Threads, thread_id
from agents.tolerances import Tolerances
from agents.tracing import Tracer, where
from agents.upkeep import Upkeep
from agents.waking import thread_version, wake
from governance.errors import LostLease, Unavailable
from governance.recommendation import Proposal
from governance.record import checkpoints, hints, queue, review, telemetry
from governance.record.db import Connection, Database, retrying
from governance.record.queue import Brief, Job
from governance.record.review import Filed

log = structlog.get_logger("countersign.worker")

_JITTER = SystemRandom()
_PRUNE_EVERY = 20
_LAST_SECONDS = 10.0


@dataclass(slots=True)
class Counts:
    """What became of the jobs. `resumed` are those of `filed` that went on in their old thread; `lost`: leases."""

    filed: int = 0
    resumed: int = 0
    failed: int = 0
    dead: int = 0
    lost: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class _Paused:
    """Where a recommendation's thread waits, and how long its nodes took."""

    recommendation_id: str
    thread: str
    interrupt: str
    run: Json


class Worker:
    """One thread of triage work. `token` is the agent's session token; `today` None means the database's day.

    `composer` phrases letters; the templates do where there is none, and where it fails. `champions` gives the bundle
    of the champions in the record (model → digest) and raises Unavailable where it cannot; they are looked up before a
    claim, at most every `champion_seconds`, and take the place of `models`. Without it `models` are never changed.
    `challenger` gives the model that is asked beside the champion, after the cases are filed (agents.shadow).
    """

    def __init__(
        self,
        database: Database,
        token: str,
        models: Models,
        *,
        name: str,
        batch: int = 16,
        lease_seconds: int = 30,
        composer: Composer | None = None,
        tolerances: Tolerances | None = None,
        most_attempts: int = 5,
        backoff_seconds: float = 2.0,
        today: date | None = None,
        champions: Give | None = None,
        champion_seconds: float = 10.0,
        challenger: shadow.Give | None = None,
    ) -> None:
        self.database = database
        self.token = token
        self.name = name
        self.batch = batch
        self.lease_seconds = lease_seconds
        self.most_attempts = most_attempts
        self.backoff_seconds = backoff_seconds
        self.counts = Counts()
        self.tracer = Tracer()
        self._champion = Champion(champions, champion_seconds)
        self._threads: Threads | None = None
        self._upkeep = Upkeep(self._transaction)
        self._shadow = shadow.Shadow(self._transaction, challenger)
        self.parts = Parts(
            models=models,
            memory=Memory(),
            composer=composer or TemplateComposer(),
            stamps=stamps_of(models),
            tolerances=tolerances or Tolerances(),
            file=self._file,
            tracer=self.tracer,
            today=today,
        )

    # The loop ------------------------------------------------------------------------------------------

    def run_once(self) -> int:
        """Claim one batch and see every case of it through; how many were claimed. Raises Unavailable, NoChampion."""
        self._follow()
        self._upkeep.keys()
        start = time.perf_counter()
        with self.tracer.step("claim"), self._transaction() as conn:
            jobs = queue.claim(conn, self.name, self.batch, self.lease_seconds)
        if not jobs:
            return 0
        claimed = time.monotonic()
        paused: list[_Paused] = []
        scored: dict[int, tuple[Scored | None, list[tuple[str, int]]]] = {}
        try:
            for number, (job, context) in enumerate(self._contexts(jobs)):
                if time.monotonic() - claimed > self.lease_seconds / 4:
                    self._renew(jobs[number:])
                    claimed = time.monotonic()
                if (where := self._guarded(job, context)) is not None:
                    paused.append(where)
                    scored.setdefault(id(context.scored), (context.scored, []))[1].append((job.case_id, job.revision))
        except Unavailable:
            self.close()
            raise
        finally:
            self._note(paused)
            self._shadow.follow_all(scored.values(), self.parts.models.bundle.digest)
            self.counts.seconds += time.perf_counter() - start
        return len(jobs)

    def _follow(self) -> None:
        if (models := self._champion.since(self.parts.models, self._transaction)) is not None:
            before = self.parts.models.bundle.digest
            self.parts = replace(self.parts, models=models, stamps=stamps_of(models))
            log.info("champion taken up", worker=self.name, bundle=models.bundle.digest, before=before)

    def drain(self) -> Counts:
        """Work until nothing is ready. Jobs that were given back and wait for their next attempt are left."""
        while self.run_once():
            pass
        self.prune()
        return self.counts

    def run_forever(self, stop: threading.Event, *, poll_seconds: float = 2.0) -> None:
        """Work until `stop` is set. Notifications only shorten the wait between polls.

        An outage of the database is waited out, and so is a champion that is not on this machine.
        """
        while not stop.is_set():
            try:
                with hints.listening(self.database, "agent", queue.CHANNEL) as hint:
                    self._work(stop, hint, poll_seconds)
            except NoChampion as error:
                if self._champion.missed != str(error):
                    self._champion.missed = str(error)
                    log.error("nothing is triaged", worker=self.name, reason=str(error))
                stop.wait(self._champion.seconds)
            except Unavailable as error:
                log.warning("database unavailable", worker=self.name, error=error.slug)
                self.close()
                stop.wait(poll_seconds)

    def _work(self, stop: threading.Event, hint: hints.Wait, poll_seconds: float) -> None:
        batches = 0
        while not stop.is_set():
            if self.run_once():
                batches += 1
                if batches % _PRUNE_EVERY == 0:
                    self.prune()
                continue
            self.prune()
            if self._upkeep.texts(self.parts.memory, self.parts.models.embedder):
                continue
            until = time.monotonic() + poll_seconds
            while not stop.is_set() and (left := until - time.monotonic()) > 0 and not hint(min(left, 0.5)):
                pass

    def close(self) -> None:
        self._shadow.wait(_LAST_SECONDS)
        if self._threads is not None:
            self._threads.close()
            self._threads = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def prune(self, limit: int = 500) -> int:
        """Forget threads whose case has ended, looking at the next `limit` of them; how many were forgotten."""
        threads = self._open()
        found = threads.next_page(limit)
        if not found:
            return 0
        with self._transaction() as conn:
            over = checkpoints.closed(conn, found)
        return threads.forget(over)

    def split(self) -> dict[str, float]:
        """Seconds by step since the start, longest first; `langgraph` is what the graph took beside its nodes."""
        return self.tracer.split(whole="graph", inside=tuple(NODES), rest="langgraph")

    # One batch -----------------------------------------------------------------------------------------

    def _transaction(self) -> AbstractContextManager[Connection]:
        return self.database.transaction("agent", self.token)

    def _open(self) -> Threads:
        if self._threads is None:
            self._threads = Threads(self.database)
        return self._threads

    def _contexts(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, BatchContext]]:
        """The jobs with their common context; where that fails, each alone, so that only its cause is given back."""
        try:
            context = build_context(self._transaction, jobs, self.parts)
        except Unavailable:
            raise
        except Exception as error:
            if len(jobs) == 1:
                self._give_back(jobs[0], error)
                return
            log.warning("batch split", worker=self.name, jobs=len(jobs), error=where(error))
            for job in jobs:
                yield from self._contexts([job])
            return
        fresh = [thread_id(job.case_id, job.revision) for job in jobs if job.kind != "resume"]
        # A fresh run on an old thread would go on with its papers.
        self._open().forget(fresh)
        yield from ((job, context) for job in jobs)

    def _guarded(self, job: Job, context: BatchContext) -> _Paused | None:
        """One case; what goes wrong with it is its own affair."""
        try:
            return self._run(job, context.only(job.case_id))
        except LostLease:
            self.counts.lost += 1
            log.info("lease lost", worker=self.name, case=job.case_id)
        except Unavailable:
            raise
        except Exception as error:
            self._give_back(job, error)
        return None

    def _run(self, job: Job, context: BatchContext) -> _Paused:
        brief = context.briefs[job.case_id]
        thread = thread_id(job.case_id, job.revision)
        result = wake(self._open(), self._transaction, brief, context) if job.kind == "resume" else None
        if result is not None:
            self.counts.resumed += 1
        else:
            if job.kind == "resume":
                self._open().forget([thread])
            with self.tracer.step("graph"):
                result = self._open().start(thread, job.case_id, context)
        self.counts.filed += 1
        filed = result["filed"]["recommendation_id"]
        return _Paused(filed, thread, result["__interrupt__"][0].id, self._open().spans.as_dict())

    # The record ----------------------------------------------------------------------------------------

    def _file(self, brief: Brief, proposal: Proposal, embedding: Sequence[float]) -> Filed:
        """One transaction: the embedding, the recommendation, the end of the job. The ledger entry comes last."""

        def filing() -> Filed:
            with self._transaction() as conn:
                review.remember(conn, brief.facts.case_id, brief.facts.revision, embedding)
                return review.file(conn, brief.job, proposal)

        return retrying(filing)

    def _note(self, paused: Sequence[_Paused]) -> None:
        """Where the threads of this batch wait, and their spans. Losing this costs a run from the stored evidence."""
        if not paused:
            return
        version = thread_version(self.parts.stamps)
        with self.tracer.step("note"), contextlib.suppress(Unavailable), self._transaction() as conn:
            for one in paused:
                review.note_thread(conn, one.recommendation_id, one.thread, one.interrupt, version)
            telemetry.observe(conn, {one.recommendation_id: one.run for one in paused})

    def _renew(self, jobs: Sequence[Job]) -> None:
        with self._transaction() as conn:
            held = queue.renew(conn, jobs, self.lease_seconds)
        if lost := [job.case_id for job in jobs if job.id not in held]:
            log.info("leases lost", worker=self.name, cases=lost)

    def _give_back(self, job: Job, error: Exception) -> None:
        """The case waits with backoff, after the last attempt in the dead-letter room, where a person sees it."""
        why = where(error)
        delay = min(300.0, self.backoff_seconds * 2 ** (job.attempts - 1)) * _JITTER.uniform(0.5, 1.0)
        log.warning("case failed", worker=self.name, case=job.case_id, attempt=job.attempts, error=why)
        try:
            with self._transaction() as conn:
                outcome = queue.fail(conn, job, why, delay, self.most_attempts)
        except LostLease:
            self.counts.lost += 1
            return
        self.counts.failed += 1
        self.counts.dead += outcome == "dead"
