"""The agent's paused threads: whatever a checkpoint or an answer says, only the record decides."""

# ruff: noqa: E501  (a case stands on one line, as the statements in governance/record/schema)

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pydantic import ValidationError

from agents import threads
from agents.context import Models
from agents.state import BatchContext
from agents.worker import Worker
from governance import errors
from tests.agents.conftest import bundle as bundle
from tests.agents.conftest import month as month
from tests.agents.scenes import TODAY, HashEncoder, SmallBundle
from tests.build import World
from tests.governance.bypass.attempts import Attempt, Blank, Ground, Reason, Register, Try, name_of, say

tries = Register()
REDRAFT = (
    "case_vectors",
    "cases",
    "jobs",
    "ledger",
    "ledger_heads",
    "leaves",
    "observations",
    "recommendations",
    "seats",
)


class Watched(Worker):
    """A worker that remembers the contexts with which it ran its cases."""

    seen: list[BatchContext]

    def _run(self, job: Any, context: BatchContext) -> Any:
        self.seen = [*getattr(self, "seen", []), context]
        return super()._run(job, context)


@dataclass(slots=True)
class Scene:
    """A tenant, its worker, and one recommendation whose thread waits."""

    acme: World
    worker: Watched
    row: dict[str, Any]

    @property
    def thread(self) -> str:
        return f"{self.row['case_id']}:1"

    @property
    def interrupt(self) -> str:
        return str(self.acme.scalar("SELECT interrupt_id FROM cs.recommendations WHERE id = %s", self.row["id"]))

    def wake(self, answer: Any, context: BatchContext | None = None, interrupt: str | None = None) -> Any:
        """Straight at the thread, past the worker's own look at the record; whether it waits again afterwards."""
        with contextlib.closing(threads.Threads(self.acme.database)) as opened:
            try:
                result = opened.wake(self.thread, interrupt or self.interrupt, answer, context or self.worker.seen[0])
            except ValidationError:
                return "no answer of this shape"
        return "waits again" if "__interrupt__" in result else "went on to its end"

    def send_back(self, note: str = "friendlier") -> None:
        self.acme.decide("reviewer", self.row, "send_back", comment=note)


Stage = Callable[[World], Scene]


@pytest.fixture
def stage(bundle: SmallBundle) -> Iterator[Stage]:
    workers: list[Watched] = []

    def set_up(acme: World) -> Scene:
        acme.accept(source_key="one")
        made = Watched(acme.database, acme.tokens["agent"], Models(bundle, HashEncoder()), name="w", today=TODAY)
        workers.append(made)
        made.drain()
        return Scene(acme, made, newest(acme))

    yield set_up
    for one in workers:
        one.close()


def newest(acme: World) -> dict[str, Any]:
    return acme.recommendation(
        acme.scalar("SELECT id FROM cs.recommendations WHERE tenant = %s ORDER BY created_at DESC LIMIT 1", acme.tenant)
    )


def states(acme: World) -> list[tuple[Any, ...]]:
    return list(say(acme, "review", "auditor", "SELECT state, action FROM cs.recommendations ORDER BY created_at"))


# Answers ------------------------------------------------------------------------------------------------------------

SHAPES: dict[str, Any] = {
    "an inbox's accept": [{"type": "accept"}],
    "an inbox's edit": [{"type": "edit", "args": {"action": "release_payment", "args": {"invoice_id": "INV-1"}}}],
    "middleware's approval": {"decisions": [{"type": "approve"}]},
    "a word": "approve",
    "yes": True,
    "a field": {"approved": True},
    "half an answer": {"recommendation_id": "x"},
    "a number for an id": {"recommendation_id": 1, "decision_id": 2},
    "a command": {"goto": "file", "update": {"filed": None}},
    "a list of answers": ["x", "y"],
}


@tries.each({name: (Blank("no answer of this shape"), answer) for name, answer in SHAPES.items()})
def thread_woken_by(scene: Scene, answer: Any) -> Try:
    return lambda: scene.wake(answer)


@tries(Blank("went on to its end"))
def thread_woken_by_a_made_up_decision(scene: Scene) -> Try:
    return lambda: scene.wake({"recommendation_id": scene.row["id"], "decision_id": "made-up"})


@tries(Blank("went on to its end"))
def thread_woken_with_an_approval_s_id(scene: Scene) -> Try:
    """One of two signatures is there; the thread is told that all is signed."""
    scene.acme.decide("analyst", scene.row, "escalate", comment="x")
    scene.acme.decide("reviewer", scene.row, "approve")
    made = scene.acme.scalar(
        "SELECT id FROM cs.decisions WHERE decision = 'approve' AND recommendation_id = %s", scene.row["id"]
    )
    return lambda: scene.wake({"recommendation_id": scene.row["id"], "decision_id": made})


@tries(Blank("went on to its end"))
def thread_woken_after_the_approval(scene: Scene) -> Try:
    scene.acme.decide("reviewer", scene.row, "approve")
    return lambda: scene.wake({"recommendation_id": scene.row["id"], "decision_id": "x"})


@tries(Blank("went on to its end"))
def thread_woken_after_newer_facts(scene: Scene) -> Try:
    """With the old context: its job is done, its facts are old."""
    scene.acme.accept(source_key="one", amount="9999.00")
    return lambda: scene.wake({"recommendation_id": scene.row["id"], "decision_id": "x"})


def returned(scene: Scene) -> tuple[BatchContext, Any]:
    """The context of a worker that has a redraft to write, before it writes it."""
    scene.send_back()
    (job,) = scene.acme.claim()
    (found,) = list(scene.worker._contexts([job]))
    return found[1].only(job.case_id), job


@tries(errors.LostLease)
def stale_resume_after_another_worker_took_the_job(scene: Scene) -> Try:
    context, job = returned(scene)
    scene.acme.scalar("UPDATE cs.jobs SET fence = fence + 1 WHERE id = %s RETURNING 1", job.id)
    return lambda: scene.wake({"recommendation_id": scene.row["id"], "decision_id": "x"}, context)


@tries(errors.LostLease)
def resume_with_a_job_that_the_worker_made_up(scene: Scene) -> Try:
    context, job = returned(scene)
    brief = context.briefs[job.case_id]
    forged = replace(context, briefs={job.case_id: replace(brief, job=replace(brief.job, id=10**9, fence=1))})
    return lambda: scene.wake({"recommendation_id": scene.row["id"], "decision_id": "x"}, forged)


@tries(errors.LostLease)
def resume_after_newer_facts(scene: Scene) -> Try:
    context, _ = returned(scene)
    scene.acme.accept(source_key="one", amount="9999.00")
    return lambda: scene.wake({"recommendation_id": scene.row["id"], "decision_id": "x"}, context)


@tries(errors.FactsMismatch)
def resume_with_facts_that_the_worker_made_up(scene: Scene) -> Try:
    context, job = returned(scene)
    brief = replace(context.briefs[job.case_id], facts_digest="sha256:" + "0" * 64)
    forged = replace(context, briefs={job.case_id: brief})
    return lambda: scene.wake({"recommendation_id": scene.row["id"], "decision_id": "x"}, forged)


@tries(Blank("waits again"))
def resume_of_a_job_that_was_done_already(scene: Scene) -> Try:
    """The second resume of one redraft finds what the first has filed, and files nothing."""
    context, _ = returned(scene)
    answer = {"recommendation_id": scene.row["id"], "decision_id": "x"}
    interrupt = scene.interrupt
    copies = "SELECT thread_id, checkpoint_id FROM langgraph.checkpoints WHERE thread_id = %s"
    kept = say(scene.acme, "owner", None, (copies, (scene.thread,)))
    assert scene.wake(answer, context) == "waits again"

    def again() -> Any:
        remove = "DELETE FROM langgraph.checkpoints WHERE thread_id = %s AND checkpoint_id <> ALL (%s)"
        say(scene.acme, "owner", None, (remove, (scene.thread, [row[1] for row in kept])))
        return scene.wake(answer, context, interrupt)

    return again


@tries(Blank("went on to its end"))
def old_interrupt_after_the_redraft(scene: Scene) -> Try:
    old = scene.interrupt
    scene.send_back()
    scene.worker.drain()
    return lambda: old_answer(scene, old)


def old_answer(scene: Scene, old: str) -> str:
    """An interrupt that is over takes no answer: the thread stays where it is or ends, the record where it was."""
    scene.wake({"recommendation_id": scene.row["id"], "decision_id": "x"}, scene.worker.seen[-1], old)
    return "went on to its end"


# Checkpoints --------------------------------------------------------------------------------------------------------


def tamper(scene: Scene, channel: str, change: Callable[[Any], Any]) -> None:
    """Rewrite one channel of the thread, as the role of the checkpoints may."""
    serde = threads.serializer()
    with scene.acme.database.transaction("checkpoint") as conn:
        kind, blob = conn.execute(
            "SELECT type, blob FROM langgraph.checkpoint_blobs WHERE thread_id = %s AND channel = %s ORDER BY version DESC LIMIT 1",
            (scene.thread, channel),
        ).fetchone() or ("", b"")
        new = serde.dumps_typed(change(serde.loads_typed((kind, bytes(blob)))))
        conn.execute(
            "UPDATE langgraph.checkpoint_blobs SET type = %s, blob = %s WHERE thread_id = %s AND channel = %s",
            (*new, scene.thread, channel),
        )


LIES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "another action": (
        "choice",
        lambda was: {**was, "action": {"name": "release_payment", "args": {"invoice_id": "INV-1"}}},
    ),
    "an approved action": ("choice", lambda was: {**was, "approved": True, "state": "approved"}),
    "a letter to a thief": ("letter", lambda was: {**was, "draft": {**was["draft"], "to": "thief@x.example"}}),
    "another letter": ("letter", lambda was: {**was, "draft": {**was["draft"], "body": "Pay at once."}}),
    "another recommendation": ("filed", lambda was: {**was, "recommendation_id": "made-up"}),
    "an executed recommendation": ("filed", lambda was: {**was, "state": "executed", "approved_by": ["reviewer"]}),
    "no risk": ("assessment", lambda was: {**was, "risk": None, "duplicates": []}),
    "another cause": ("cause", lambda was: {**was, "primary": "none"}),
}


@tries.each({name: (Blank(0), *lie) for name, lie in LIES.items()})
def worker_with_nothing_to_do_over_a_checkpoint_that_says(
    scene: Scene, channel: str, change: Callable[[Any], Any]
) -> Try:
    tamper(scene, channel, change)
    return lambda: scene.worker.drain().filed - 1


SAME = [("sent_back", "request_purchase_order"), ("awaiting_review", "request_purchase_order")]


@tries.each({name: (Blank(SAME), *lie) for name, lie in LIES.items()}, moves=REDRAFT)
def redraft_over_a_checkpoint_that_says(scene: Scene, channel: str, change: Callable[[Any], Any]) -> Try:
    """A redraft is due; it is written from the record, and waits for people like the first."""
    tamper(scene, channel, change)
    scene.send_back()

    def redraft() -> Any:
        scene.worker.drain()
        again = newest(scene.acme)
        assert json.loads(again["leaves"]["draft"])["to"] == "ap@supplier.example"
        assert "Pay at once" not in again["leaves"]["draft"]
        return states(scene.acme)

    return redraft


RUINS = {
    "blobs of another kind": "UPDATE langgraph.checkpoint_blobs SET blob = '\\xc1ff' WHERE thread_id = %s",
    "no blobs": "DELETE FROM langgraph.checkpoint_blobs WHERE thread_id = %s",
    "no checkpoint": "DELETE FROM langgraph.checkpoints WHERE thread_id = %s",
    "an empty checkpoint": "UPDATE langgraph.checkpoints SET checkpoint = '{}' WHERE thread_id = %s",
    "metadata that says approved":
        """UPDATE langgraph.checkpoints SET metadata = metadata || '{"approved": true, "step": 99}' WHERE thread_id = %s""",
    "another case":
        """UPDATE langgraph.checkpoints SET checkpoint = jsonb_set(checkpoint, '{channel_values,case_id}', '"another"') WHERE thread_id = %s""",
    "a pickled object": "UPDATE langgraph.checkpoint_blobs SET type = 'pickle', blob = '\\x80' WHERE thread_id = %s",
    "writes that resume it":
        "INSERT INTO langgraph.checkpoint_writes (thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, blob) "
        "SELECT thread_id, checkpoint_ns, checkpoint_id, 'forged', 0, '__resume__', 'json', '\"approve\"' "
        "FROM langgraph.checkpoints WHERE thread_id = %s",
}  # fmt: skip


@tries.each({name: (Blank(SAME), statement) for name, statement in RUINS.items()}, moves=REDRAFT)
def redraft_over(scene: Scene, statement: str) -> Try:
    with scene.acme.database.transaction("checkpoint") as conn:
        conn.execute(statement.encode(), (scene.thread,))
    scene.send_back()

    def redraft() -> Any:
        scene.worker.drain()
        return states(scene.acme)

    return redraft


@tries(Blank(SAME), moves=REDRAFT)
def redraft_over_another_case_s_thread(scene: Scene) -> Try:
    scene.acme.accept(source_key="two", exception_type="duplicate_suspect", invoice_id="INV-2")
    scene.worker.drain()
    other = newest(scene.acme)
    with scene.acme.database.transaction("checkpoint") as conn:
        for table in ("checkpoints", "checkpoint_blobs", "checkpoint_writes"):
            conn.execute(f"DELETE FROM langgraph.{table} WHERE thread_id = %s".encode(), (scene.thread,))
            conn.execute(
                f"UPDATE langgraph.{table} SET thread_id = %s WHERE thread_id = %s".encode(),
                (scene.thread, f"{other['case_id']}:1"),
            )
    scene.send_back()

    def redraft() -> Any:
        scene.worker.drain()
        of_case = "SELECT state, action FROM cs.recommendations WHERE case_id = %s ORDER BY created_at"
        return say(scene.acme, "review", "auditor", (of_case, (scene.row["case_id"],)))

    return redraft


@tries(Reason("42501"), "schema cs")
def decision_by_the_role_of_the_checkpoints(scene: Scene) -> Try:
    call = "SELECT cs.decide(%s, 'approve', %s)"
    return lambda: say(scene.acme, "checkpoint", "reviewer", (call, (scene.row["id"], scene.row["digest"])))


@pytest.mark.parametrize("attempt", tries.attempts, ids=name_of)
def test_attempt(ground: Ground, stage: Stage, attempt: Attempt) -> None:
    def prepare(acme: World, *given: Any) -> Try:
        there_and_then: Try = attempt.prepare(stage(acme), *given)
        return there_and_then

    ground.run(replace(attempt, prepare=prepare), ground.fresh())
