"""Letters of the tenant's own, tried out when they are proposed: what the guard would refuse is refused then. Pure.

The record refuses what is no table of wordings (`cs._malformed_template`). Here the letter is written as the agent
would write it, with every fact known and in every tone, and read by the agent's guard: links, bank details, promises,
threats, the language, a request, how to reach us.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agents.guard import refusals_of
from agents.letter import LANGUAGES, TONES, Letter, TemplateComposer, draft_of
from governance.errors import Malformed

_WORDINGS = 6
_TO = "someone@customer.invalid"
FACTS: Mapping[str, str] = {
    "amount": "119.00 EUR", "billed_price": "12.00 EUR", "billed_quantity": "12", "billed_rate": "7 %",
    "difference": "19.00 EUR", "document": "INV", "due_date": "1/12/2026", "expected_rate": "19 %",
    "invoice_date": "1/11/2026", "invoice_number": "AR-1", "kept_number": "AR-2", "order": "PO-1",
    "ordered_price": "10.00 EUR", "party": "Customer", "received_quantity": "10", "reference": "AB12CD34",
}  # fmt: skip
"""Every fact that a letter may know, with a text that stands for it."""


def checked(kind: str, subject: str, content: Mapping[str, Any]) -> None:
    """Raises Malformed where a change of kind `template` is a letter that the guard would refuse. What is no letter at
    all is left to the record, which says so."""
    template, _, language = subject.rpartition(".")
    if kind != "template" or language not in LANGUAGES or not _is_table(content):
        return
    for refused in _refused(template, language, content):
        raise Malformed(f"the guard would refuse this letter: {refused}")


def _refused(template: str, language: str, content: Mapping[str, Any]) -> Iterator[str]:
    for tone in TONES:
        for variant in range(_WORDINGS):
            task = Letter(to=_TO, queue="customer_onboarding", template=template, language=language, tone=tone,
                          facts=FACTS, variant=variant, table=content)  # fmt: skip
            draft = draft_of(task, TemplateComposer().paragraphs(task) or ())
            yield from (f"{one.what} ({one.text})" for one in refusals_of(draft, task))


def _is_table(content: Mapping[str, Any]) -> bool:
    lines = [value for name, value in content.items() if name not in ("subject", "expires_at")]
    return (
        isinstance(content.get("subject"), str)
        and {"opening", "request"} <= set(content)
        and all(isinstance(one, list) and one and all(isinstance(line, str) for line in one) for one in lines)
    )
