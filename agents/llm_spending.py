"""Budgets that hold over all workers: counted in the record, and on doubt nothing is asked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import structlog

from agents.llm_limits import Limits
from governance.errors import Refusal
from governance.record import spending
from governance.record.connection import Connection

log = structlog.get_logger("countersign.llm")


class SharedBudget:
    """Spending of every worker of a tenant together. `transaction`: a connection as the agent, inside a transaction."""

    def __init__(self, limits: Limits, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._limits = limits
        self._transaction = transaction

    def reserve(self, case: str, tokens: int) -> bool:
        try:
            with self._transaction() as conn:
                return spending.reserve(
                    conn, case, tokens,
                    most_of_case=self._limits.tokens_per_case, most_of_day=self._limits.tokens_per_day,
                )  # fmt: skip
        except Refusal as error:
            log.warning("the budget cannot be asked: no model is", reason=error.slug)
            return False

    def settle(self, case: str, reserved: int, used: int) -> None:
        try:
            with self._transaction() as conn:
                spending.settle(conn, case, reserved, used)
        except Refusal as error:
            # What was reserved stays counted: the budget errs on the side of asking less.
            log.warning("what a model took is not noted", reason=error.slug)
