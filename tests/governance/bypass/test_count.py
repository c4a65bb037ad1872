"""How many attempts there are, and that no two are the same."""

from __future__ import annotations

from governance.record.db import LOGIN_ROLES
from tests.governance.bypass import (
    test_duties,
    test_money,
    test_names,
    test_sessions,
    test_sql,
    test_tenants,
    test_threads,
    test_time,
    test_tokens,
)
from tests.governance.bypass.attempts import Attempt

GROUPS = (test_sessions, test_tenants, test_duties, test_time, test_money, test_names, test_tokens, test_threads)


def by_group() -> dict[str, list[Attempt]]:
    return {group.__name__.rpartition("_")[2]: group.tries.attempts for group in GROUPS}


def test_there_are_at_least_three_hundred_attempts_each_with_a_reason_of_its_own() -> None:
    """Races, and SQL on every table as every role, are not even counted."""
    groups = by_group()
    names = [f"{group}: {attempt.name}" for group, attempts in groups.items() for attempt in attempts]
    assert len(names) == len(set(names))
    assert len(names) >= 300
    assert all(len(attempts) >= 10 for attempts in groups.values()), {name: len(of) for name, of in groups.items()}


def test_every_role_tries_every_guarded_table_and_every_function() -> None:
    assert (
        len(LOGIN_ROLES) * len(test_sql.GUARDED) + len(test_sql.OFFERED) + len(test_sql.TRICKS) + len(test_sql.IN_CS)
        >= 220
    )
    assert set(test_sql.GUARDED) <= set(test_sql.TABLES)
