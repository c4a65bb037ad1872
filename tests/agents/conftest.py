"""What the agent's tests share: models that are trained in a second, a tenant, a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agents.context import Models
from agents.worker import Worker
from governance.record.db import Database
from models.duplicates import train_pair_scorer
from models.risk import CollectionRisk
from models.synthetic import CompanyMonth, company_month
from tests.agents.scenes import TODAY, HashEncoder, SmallBundle
from tests.build import World, world

Workers = Callable[..., Worker]


@pytest.fixture(scope="session")
def month() -> CompanyMonth:
    return company_month(3, suppliers=20, customers=15, invoices=250, exceptions=40, today=TODAY)


@pytest.fixture(scope="session")
def bundle(month: CompanyMonth) -> SmallBundle:
    scorer = train_pair_scorer([month], seed=1, drills=1)
    return SmallBundle(scorer, CollectionRisk().fit(month.receivables, as_of=month.today))


@pytest.fixture
def acme(database: Database) -> World:
    return world(database)


@pytest.fixture
def workers(acme: World, bundle: SmallBundle) -> Iterator[Workers]:
    """Makes workers of the tenant; they are closed after the test."""
    made: list[Worker] = []

    def make(**values: Any) -> Worker:
        values = {"name": f"worker-{len(made)}", "today": TODAY, "backoff_seconds": 0.0, **values}
        made.append(Worker(acme.database, acme.tokens["agent"], Models(bundle, HashEncoder()), **values))
        return made[-1]

    yield make
    for worker in made:
        worker.close()
