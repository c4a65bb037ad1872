"""What to do about exceptions of receivables that hang on the history of dunning, best first. Pure.

Every other type beside accounts payable is data: the steps of workflows.toml, applied by agents.plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agents import facts
from agents.collections import dispute, open_item, overdue, remind
from agents.diagnose import discount_taken
from agents.option import Option, call, customer, refer, route
from agents.state import View

Rule = Callable[[View], Iterator[Option]]


def _short_payment(view: View) -> Iterator[Option]:
    said = facts.text(view.details, "remittance_text")
    if discount_taken(view):
        yield route("accounts receivable lead", "a cash discount was deducted: the lead decides whether to accept it")
        yield refer("a cash discount was deducted: a person decides whether to accept it")
    elif said:
        yield dispute(view, "the customer paid less and gave a reason")
    else:
        yield Option("request_missing_document", {"document": "remittance_advice", "customer_id": customer(view)},
                     "nothing says why less was paid", "remittance", {"document": "remittance_advice"})  # fmt: skip
        yield call(view, "short payment", "nothing says why less was paid: a call may show it")
    yield remind(view, "friendly", "the difference is still open", "short")
    yield dispute(view, "the customer paid less than billed")


def _disputed(view: View) -> Iterator[Option]:
    # What the customer writes stands in the findings; an argument of an action repeats nobody's prose.
    yield dispute(view, "the customer disputes the invoice")
    yield call(view, "disputed invoice", "a call may settle it")
    yield route("account manager", "the account manager knows what was agreed")


RULES: dict[str, Rule] = {
    "overdue": overdue, "open_item": open_item, "short_payment": _short_payment, "dispute": _disputed,
}  # fmt: skip


def options(view: View) -> Iterator[Option]:
    """What could be done, best first; nothing for a kind that no rule knows."""
    rule = RULES.get(str(view.kind.get("exception_type")))
    if rule is not None:
        yield from rule(view)
