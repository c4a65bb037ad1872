"""The feed to MLflow: nothing lost, nothing twice, and nobody waits for it."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlflow
import pytest
from structlog.testing import capture_logs

from api.delivery.champions import ChampionMirror, bundle_folder, registered_name
from api.delivery.lab import LabFeed
from governance.errors import Malformed, NotPermitted, Refusal, Unavailable
from governance.record import telemetry
from governance.record.db import Database
from governance.record.embedded import EmbeddedPostgres
from models import tracking
from models.tracking import Lab
from tests.api.conftest import Start
from tests.build import World, world
from tests.lab import Mlflow, read_only, stub_mlflow

ROOT = Path(__file__).resolve().parents[2]
RUN = {"started_at": "2026-11-01T10:00:00+00:00", "spans": [{"name": "classify", "start_ms": 0, "ms": 2}]}
CHANGED = {"action": {"name": "refer_to_person", "args": {"reason": "look"}}, "reason_code": "wrong_action"}


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


def triage(acme: World, number: int) -> dict[str, Any]:
    """A case with its recommendation and the spans of its run, as a worker leaves them."""
    filed = acme.filed(source_key=f"key-{number}", invoice_id=f"INV-{number}", title=f"Invoice {number}")
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        telemetry.observe(conn, {filed["id"]: RUN})
    return filed


def waiting(acme: World) -> dict[str, int]:
    with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        return {state: part.rows for state, part in telemetry.backlog(conn).items() if part.rows}


def now_due(acme: World) -> None:
    """As if the backoff of every row had passed, and the lease of a courier that died."""
    acme.scalar("UPDATE cs.observations SET available_at = now(), lease_until = now() RETURNING 1")


@dataclass
class Memory:
    """An MLflow in memory that can be told to fail."""

    traces: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    said: list[tuple[str, str]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    away: bool = False
    most: int = 1000
    refused: Callable[[Mapping[str, Any]], bool] = lambda body: False
    dies: bool = False

    def find_trace(self, recommendation_id: str) -> str | None:
        return f"tr-{recommendation_id}" if recommendation_id in self.traces else None

    def write(self, bodies: Sequence[Mapping[str, Any]]) -> list[str]:
        self.sizes.append(len(bodies))
        if self.away or len(bodies) > self.most:
            raise Unavailable("away")
        if any(self.refused(body) for body in bodies):
            raise Refusal("no")
        for body in bodies:
            self.traces.setdefault(body["recommendation_id"], []).append(body)
        if self.dies:
            raise KeyboardInterrupt
        return [f"tr-{body['recommendation_id']}" for body in bodies]

    def assess(self, trace: str, body: Mapping[str, Any], *, again: bool = False) -> None:
        if self.away:
            raise Unavailable("away")
        if self.refused(body):
            raise Refusal("no")
        self.said.append((trace, body["decision"]["decision"]))
        if self.dies:
            raise KeyboardInterrupt


def feed_of(acme: World, lab: Any, **values: Any) -> LabFeed:
    return LabFeed(acme.database, acme.tokens["courier"], lab, **values)


# With an MLflow in memory: what the feed does ------------------------------------------------------------


def test_a_body_carries_the_measures_and_no_text(acme: World) -> None:
    filed, lab = triage(acme, 1), Memory()
    acme.decide("reviewer", filed, "override", comment="Mr Miller called", **CHANGED)
    assert feed_of(acme, lab).drain() == 2
    (body,) = lab.traces[filed["id"]]
    expected = {
        "case_id": filed["case_id"], "digest": filed["digest"], "queue": "accounts_payable", "revision": 1,
        "exception_type": "missing_order_reference", "action": "request_purchase_order",
        "stamps": {"agent": "test", "template": "request_purchase_order"},
        "cause": "missing_order_reference", "started_at": RUN["started_at"], "spans": RUN["spans"],
    }  # fmt: skip
    assert expected.items() <= body.items()
    assert lab.said == [(f"tr-{filed['id']}", "override")]
    assert not any(text in str(body) for text in ("Please send", "Miller", "ap@supplier.example", "INV-1"))


def test_only_spans_are_taken_from_a_worker(acme: World) -> None:
    filed, lab = triage(acme, 1), Memory()
    with acme.database.transaction("agent", acme.tokens["agent"]) as conn:
        telemetry.observe(conn, {filed["id"]: {**RUN, "action": "release_payment", "letter": "Dear Sir"}})
    feed_of(acme, lab).drain()
    assert lab.traces[filed["id"]][0]["action"] == "request_purchase_order"
    assert "letter" not in lab.traces[filed["id"]][0]
    for more in ({"spans": "many"}, {"spans": [{"name": "x" * 30_000}]}):
        with pytest.raises(Malformed), acme.database.transaction("agent", acme.tokens["agent"]) as conn:
            telemetry.observe(conn, {filed["id"]: more})


def test_a_decision_waits_for_the_trace_of_its_own_draft(acme: World) -> None:
    filed, lab = triage(acme, 1), Memory()
    acme.decide("reviewer", filed, "approve")
    acme.scalar("UPDATE cs.observations SET available_at = now() + interval '1 hour' WHERE kind = 'triage' RETURNING 1")
    feed = feed_of(acme, lab)
    assert feed.drain() == 0
    assert waiting(acme) == {"ready": 2}
    now_due(acme)
    assert feed.drain() == 2
    assert lab.said == [(f"tr-{filed['id']}", "approve")]


def test_a_decision_on_a_persons_override_hangs_on_the_agents_trace(acme: World) -> None:
    filed, lab = triage(acme, 1), Memory()
    acme.decide("reviewer", filed, "override", comment="x", **CHANGED)
    made = acme.scalar("SELECT id FROM cs.recommendations WHERE state = 'awaiting_review'")
    acme.decide("reviewer2", acme.recommendation(made), "approve")
    assert feed_of(acme, lab).drain() == 3
    assert lab.said == [(f"tr-{filed['id']}", "override"), (f"tr-{filed['id']}", "approve")]


def test_an_outage_gives_everything_back_and_is_counted(acme: World) -> None:
    lab = Memory(away=True)
    feed = feed_of(acme, lab, batch=4)
    for number in range(6):
        triage(acme, number)
    with pytest.raises(Unavailable):
        feed.run_once()
    assert waiting(acme) == {"ready": 2, "retry": 4}
    lab.away = False
    assert feed.drain() == 6
    assert waiting(acme) == {}
    assert all(len(bodies) == 1 for bodies in lab.traces.values())


@pytest.mark.parametrize("what", ["triage", "decision"])
def test_a_row_that_is_refused_holds_up_nobody(acme: World, what: str) -> None:
    rows = [triage(acme, number) for number in range(6)]
    poison, lab = rows[0]["id"], Memory()
    if what == "decision":
        assert feed_of(acme, lab).drain() == 6
        for row in rows:
            acme.decide("reviewer", row, "approve")
    lab.refused = lambda body: body["recommendation_id"] == poison and ("decision" in body) == (what == "decision")
    feed = feed_of(acme, lab)
    with capture_logs() as logged:
        for _ in range(3):
            now_due(acme)
            feed.run_once()
    assert [(line["event"], line["recommendation"], line["reason"]) for line in logged] == [
        ("lab.refused", poison, "no")
    ], "said once"
    assert waiting(acme) == {"retry": 1}
    assert len(lab.said if what == "decision" else lab.traces) == 5
    wait = "SELECT available_at - now() > interval '6 seconds' FROM cs.observations WHERE state = 'ready'"
    assert acme.scalar(wait), "it comes again later and later"
    lab.refused = lambda body: False
    now_due(acme)
    assert feed.drain() == 1
    assert waiting(acme) == {}


def test_a_server_that_refuses_everything_is_left_alone(acme: World) -> None:
    for number in range(10):
        triage(acme, number)
    lab = Memory(refused=lambda body: True)
    feed = feed_of(acme, lab)
    with pytest.raises(Unavailable):
        feed.run_once()
    assert lab.sizes == [10, 1, 1, 1]
    assert waiting(acme) == {"retry": 10}
    lab.refused = lambda body: False
    now_due(acme)
    assert feed.drain() == 10


def test_a_slow_server_is_asked_for_less(acme: World) -> None:
    for number in range(12):
        triage(acme, number)
    lab = Memory(most=3)
    feed = feed_of(acme, lab)
    for _ in range(30):
        now_due(acme)
        try:
            if not feed.run_once():
                break
        except Unavailable:
            continue
    assert waiting(acme) == {}
    assert len(lab.traces) == 12
    assert lab.sizes[:3] == [12, 6, 3]


def test_after_an_outage_of_hours_nothing_waits_for_minutes(acme: World) -> None:
    triage(acme, 1)
    acme.scalar("UPDATE cs.observations SET attempts = 2000 RETURNING 1")
    with pytest.raises(Unavailable):
        feed_of(acme, Memory(away=True)).run_once()
    wait = "SELECT extract(epoch FROM available_at - now())::float8 FROM cs.observations"
    assert 0 < acme.scalar(wait) <= 20


@pytest.mark.parametrize("what", ["triage", "decision"])
def test_a_row_whose_courier_died_is_sent_when_the_lease_ends(acme: World, what: str) -> None:
    filed, lab = triage(acme, 1), Memory()
    if what == "decision":
        feed_of(acme, lab).drain()
        acme.decide("reviewer", filed, "approve")
    lab.dies = True
    with pytest.raises(KeyboardInterrupt):
        feed_of(acme, lab).run_once()
    lab.dies = False
    assert feed_of(acme, lab).run_once() == 0, "somebody may still be sending it"
    now_due(acme)
    assert feed_of(acme, lab).run_once() == 1
    assert waiting(acme) == {}
    assert len(lab.traces[filed["id"]]) == 1, "a single row is looked up first"


def test_two_feeds_share_the_work(acme: World) -> None:
    for number in range(20):
        triage(acme, number)
    lab = Memory()
    feeds = [threading.Thread(target=feed_of(acme, lab, batch=3).drain) for _ in range(3)]
    for thread in feeds:
        thread.start()
    for thread in feeds:
        thread.join()
    assert Counter(len(bodies) for bodies in lab.traces.values()) == {1: 20}
    assert waiting(acme) == {}


def test_it_runs_until_it_is_stopped_and_comes_back_by_itself(acme: World) -> None:
    triage(acme, 1)
    lab, rounds, stop = Memory(away=True), [], threading.Event()
    feed = feed_of(acme, lab, round=lambda: rounds.append(1))
    thread = threading.Thread(target=feed.run_forever, args=(stop, 0.05))
    thread.start()
    while not lab.sizes:
        time.sleep(0.01)
    assert not rounds
    lab.away = False
    deadline = time.monotonic() + 20
    while (waiting(acme) or not rounds) and time.monotonic() < deadline:
        now_due(acme)
        time.sleep(0.05)
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert waiting(acme) == {}
    assert rounds


# With a real one -----------------------------------------------------------------------------------------


@pytest.fixture
def lab(mlflow_server: Mlflow) -> Iterator[Lab]:
    made = Lab(mlflow_server.url, f"countersign/{uuid.uuid4().hex[:8]}")
    yield made
    made.close()


def in_mlflow(lab: Lab) -> dict[str, list[Any]]:
    """Recommendation → its traces."""
    found: dict[str, list[Any]] = {}
    for one in mlflow.search_traces(locations=[lab._experiment_id], return_type="list", max_results=500):
        found.setdefault(one.info.tags["recommendation_id"], []).append(one)
    return found


def test_thirty_cases_while_mlflow_is_killed_and_comes_back(acme: World, lab: Lab, mlflow_server: Mlflow) -> None:
    with contextlib.ExitStack() as again:
        feed = feed_of(acme, lab, batch=7)
        filed = [triage(acme, number) for number in range(12)]
        assert feed.run_once() == 7
        mlflow_server.kill()
        again.callback(mlflow_server.start)  # others need it, however this ends
        with pytest.raises(Unavailable):
            feed.run_once()
        # Nobody waits for MLflow: cases are triaged and decided as ever.
        filed += [triage(acme, number) for number in range(12, 30)]
        for row in filed[:10]:
            acme.decide("reviewer", row, "approve")
        acme.decide("reviewer", filed[10], "override", comment="no", **CHANGED)
        states = [acme.recommendation(row["id"])["state"] for row in filed[:11]]
        assert states == ["approved"] * 10 + ["overridden"]
        assert sum(waiting(acme).values()) == 30 - 7 + 11
        again.close()
        now_due(acme)
        assert feed.drain(patience=20) == 23 + 11
        assert waiting(acme) == {}
        # As if nothing that was sent had been recorded: the same again is the same.
        acme.scalar("UPDATE cs.observations SET state = 'ready' RETURNING 1")
        assert feed.drain(patience=20) == 30 + 11
        found = in_mlflow(lab)
        assert set(found) == {row["id"] for row in filed}
        assert all(len(traces) == 1 for traces in found.values())
        assert {tuple(span.name for span in traces[0].data.spans) for traces in found.values()} == {
            ("triage", "classify")
        }
        said = {
            name: sorted((one.name, one.source.source_type, one.source.source_id) for one in traces[0].info.assessments)
            for name, traces in found.items()
        }
        human = ("HUMAN", "reviewer")
        assert all(said[row["id"]] == [("decision", *human)] for row in filed[:10])
        assert said[filed[10]["id"]] == [("decision", *human), ("override", *human)]
        assert not any(said[row["id"]] for row in filed[11:])


def eventually(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


@contextlib.contextmanager
def running(feed: LabFeed) -> Iterator[None]:
    """The feed as `countersign lab` runs it."""
    stop = threading.Event()
    thread = threading.Thread(target=feed.run_forever, args=(stop, 0.05))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize("rows", [1, 12])
def test_a_read_only_database_is_said_clearly_and_loses_nothing(
    acme: World, lab: Lab, postgres: EmbeddedPostgres, rows: int
) -> None:
    feed = feed_of(acme, lab, batch=5)
    filed = [triage(acme, number) for number in range(2)]
    assert feed.drain(patience=20) == 2
    with capture_logs() as logged, running(feed):
        with read_only(postgres):
            filed += [triage(acme, number) for number in range(2, 2 + rows)]
            acme.decide("reviewer", filed[0], "approve")
            acme.decide("reviewer", filed[1], "override", comment="no", **CHANGED)
            states = [acme.recommendation(row["id"])["state"] for row in filed[:2]]
            assert states == ["approved", "overridden"]
            assert eventually(lambda: any("read-only" in line.get("reason", "") for line in logged))
            # Each was tried, and none was given up.
            assert eventually(lambda: waiting(acme) == {"retry": rows + 2})
            assert "make that writable" in next(line["reason"] for line in logged if "read-only" in line["reason"])
        assert eventually(lambda: now_due(acme) or waiting(acme) == {})  # type: ignore[func-returns-value]
        assert eventually(lambda: logged[-1]["event"] == "lab.back")
    found = in_mlflow(lab)
    assert {name: len(traces) for name, traces in found.items()} == {row["id"]: 1 for row in filed}
    said = [sorted(one.name for one in found[row["id"]][0].info.assessments) for row in filed]
    assert said == [["decision"], ["decision", "override"], *[[] for _ in range(rows)]]


@pytest.mark.parametrize(("status", "seconds"), [(500, 0.0), (200, 30.0)], ids=["refuses", "hangs"])
def test_nobody_waits_for_a_server_that_refuses_or_hangs(
    acme: World, status: int, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "TIMEOUT_SECONDS", 1)
    with (
        stub_mlflow(status, seconds) as url,
        contextlib.closing(Lab(url, "countersign/x")) as lab,
        capture_logs() as logged,
        running(feed_of(acme, lab, batch=4)),
    ):
        filed = [triage(acme, number) for number in range(8)]
        for row in filed[:4]:
            acme.decide("reviewer", row, "approve")
        assert [acme.recommendation(row["id"])["state"] for row in filed[:4]] == ["approved"] * 4
        assert eventually(lambda: "retry" in waiting(acme) and bool(logged))
    assert [line["event"] for line in logged] == ["lab.away"], "an outage is said once"
    assert url in logged[0]["reason"]
    assert "nothing is lost" in logged[0]["kept"]
    left = waiting(acme)
    assert sum(left.values()) == 12
    assert left["retry"] >= 1
    assert "leased" not in left


def test_a_feed_that_was_killed_after_writing_writes_nothing_twice(acme: World, lab: Lab) -> None:
    filed = triage(acme, 1)
    acme.decide("reviewer", filed, "override", comment="no", **CHANGED)
    feed = feed_of(acme, lab)
    for _ in range(2):
        feed._settle = dies  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            feed.run_once()
        now_due(acme)
        feed = feed_of(acme, lab)
        assert feed.run_once() == 1
        now_due(acme)
    assert waiting(acme) == {}
    (trace,) = in_mlflow(lab)[filed["id"]]
    assert sorted(one.name for one in trace.info.assessments) == ["decision", "override"]


def dies(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_two_hundred_traces_drain_in_time(acme: World, lab: Lab) -> None:
    filed = triage(acme, 0)
    changes = "jsonb_build_object('id', 'R-' || n, 'job_id', null, 'draft_number', n + 1, 'state', 'superseded')"
    acme.scalar(
        f"INSERT INTO cs.recommendations SELECT (jsonb_populate_record(r, {changes})).*"
        " FROM cs.recommendations r, generate_series(1, 199) n RETURNING 1"
    )
    acme.scalar(
        "INSERT INTO cs.observations (tenant, kind, recommendation_id, body) SELECT o.tenant, o.kind, 'R-' || n, o.body"
        " FROM cs.observations o, generate_series(1, 199) n RETURNING 1"
    )
    start = time.monotonic()
    assert feed_of(acme, lab).drain() == 200
    assert time.monotonic() - start < 60
    found = in_mlflow(lab)
    assert len(found) == 200
    assert filed["id"] in found


# Champions -----------------------------------------------------------------------------------------------


@dataclass
class Registry:
    """MLflow's registry in memory: name → digests; name → the champion's."""

    versions: dict[str, list[str]] = field(default_factory=dict)
    alias: dict[str, str] = field(default_factory=dict)
    asked: int = 0

    def champion(self, model: str) -> str | None:
        self.asked += 1
        return self.alias.get(model)

    def register(self, model: str, files: Sequence[Path], digest: str, *, params: Any = None) -> str:
        assert all(path.exists() for path in files)
        self.versions.setdefault(model, []).append(digest)
        return "1"

    def set_champion(self, model: str, digest: str) -> None:
        if digest not in self.versions.get(model, []):
            raise Refusal(f"{digest} is not registered")
        self.alias[model] = digest


def bundle(folder: Path, seed: int) -> str:
    """A folder that looks like a bundle; its digest."""
    folder.mkdir(parents=True)
    (folder / "risk.skops").write_bytes(b"x")
    manifest = f'{{"seed":{seed}}}'.encode()
    (folder / "manifest.json").write_bytes(manifest)
    return f"sha256:{hashlib.sha256(manifest).hexdigest()}"


def test_the_alias_follows_the_row(acme: World, tmp_path: Path) -> None:
    first, second = bundle(tmp_path / "one", 1), bundle(tmp_path / "two", 2)
    assert bundle_folder(tmp_path, second) == tmp_path / "two"
    registry, token = Registry(), acme.tokens["courier"]
    mirror = ChampionMirror(acme.database, token, registry, "acme", tmp_path)
    mirror()
    assert registry.alias == {}
    with acme.database.transaction("courier", token) as conn:
        assert telemetry.first_champion(conn, "risk", first) == first
        assert telemetry.first_champion(conn, "risk", second) == first, "later changes go through the gate"
    name = registered_name("acme", "risk")
    mirror()
    assert registry.alias == {name: first}
    asked = registry.asked
    mirror()
    assert registry.asked == asked
    acme.scalar("UPDATE cs.champions SET digest = %s RETURNING 1", second)
    mirror()
    assert registry.alias == {name: second}
    acme.scalar("UPDATE cs.champions SET digest = %s RETURNING 1", "sha256:" + "0" * 64)
    mirror()  # a digest without files here cannot be shown; that stops nothing
    assert registry.alias == {name: second}


def test_a_challenger_is_shown_under_a_name_of_its_own(acme: World, tmp_path: Path) -> None:
    first, second = bundle(tmp_path / "one", 1), bundle(tmp_path / "two", 2)
    registry, token = Registry(), acme.tokens["courier"]
    mirror = ChampionMirror(acme.database, token, registry, "acme", tmp_path)
    for model, digest in (("risk", first), ("risk_challenger", second)):
        acme.enact("ml_engineer", "model", model, {"digest": digest}, ("reviewer", "controller"))
    mirror()
    assert registry.alias == {
        registered_name("acme", "risk"): first,
        registered_name("acme", "risk_challenger"): second,
    }


def test_the_first_champion_is_one_entry_of_the_ledger(acme: World) -> None:
    digest = "sha256:" + "a" * 64
    for _ in range(2):
        with acme.database.transaction("courier", acme.tokens["courier"]) as conn:
            telemetry.first_champion(conn, "risk", digest)
            assert telemetry.champions(conn) == {"risk": digest}
    entry = "SELECT entry::jsonb->'body' FROM cs.ledger WHERE kind = 'champion.set' AND subject = 'risk'"
    assert acme.scalar(entry) == {"model": "risk", "digest": digest}
    assert acme.scalar("SELECT count(*) FROM cs.ledger WHERE kind = 'champion.set'") == 1
    with pytest.raises(Malformed), acme.database.transaction("courier", acme.tokens["courier"]) as conn:
        telemetry.first_champion(conn, "risk; drop", digest)
    for role, who in (("agent", "agent"), ("review", "admin1"), ("intake", "intake")):
        with (
            pytest.raises(Exception, match="permission denied"),
            acme.database.transaction(role, acme.tokens[who]) as c,
        ):
            telemetry.first_champion(c, "other", digest)
    with pytest.raises(NotPermitted), acme.database.transaction("courier", acme.tokens["admin1"]) as conn:
        telemetry.first_champion(conn, "other", digest)


# Around it -----------------------------------------------------------------------------------------------


def test_metrics_count_what_waits(start: Start) -> None:
    api = start()
    triage(api.world, 1)
    triage(api.world, 2)
    with pytest.raises(Unavailable):
        feed_of(api.world, Memory(away=True), batch=1).run_once()
    text = api.of("ml_engineer").get("/metrics").text
    assert 'countersign_observations{state="ready"} 1.0' in text
    assert 'countersign_observations{state="retry"} 1.0' in text
    assert 'countersign_observations{state="dead"} 0.0' in text
    ages = [float(line.split()[1]) for line in text.splitlines() if line.startswith("countersign_observations_oldest")]
    assert len(ages) == 4
    assert 0 < max(ages) < 600


def test_mlflow_is_imported_by_the_lab_alone() -> None:
    code = (
        "import sys, api.app, api.cli, api.wiring, api.lab_server, agents.worker, api.delivery.lab;"
        "import api.delivery.courier, api.commands.lab, api.commands.up, api.commands.work;"
        "import api.commands.deliver, api.commands.serve;"
        "import api.delivery.champions, models.traces;"
        "sys.exit('mlflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_erased_cases_leave_mlflow_with_all_that_hangs_on_them(
    acme: World, mlflow_server: Mlflow, tmp_path: Path
) -> None:
    from api.delivery.erasure import Follower
    from api.delivery.erasure import Lab as Traces

    filed, kept = triage(acme, 1), triage(acme, 2)
    acme.decide("reviewer", filed, "approve", comment="x")
    acme.carry_out(filed)
    with contextlib.closing(Lab(mlflow_server.url, f"countersign/{tmp_path.name}")) as lab:
        feed_of(acme, lab).drain()
        assert lab.find_trace(filed["id"]) is not None
        acme.enact("admin1", "erasure", f"case:{filed['case_id']}", {})
        assert Follower(acme.database, acme.tokens["courier"], [Traces(lab)]).follow() == {"mlflow": 1}
        assert lab.find_trace(filed["id"]) is None
        assert lab.find_trace(kept["id"]) is not None
