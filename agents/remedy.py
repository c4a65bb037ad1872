"""What to do about two invoices that are likely one, given what became of both: always about the unpaid one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents import facts
from agents.compare import Document
from governance.record.twin_states import TwinState

WEAK = frozenset({"renumbered", "split", "amount", "credit_and_rebill"})
"""Kinds of duplicate that rest on less than a number: a person compares before anything is marked or claimed."""

_PAID = frozenset({"paid", "released"})


@dataclass(frozen=True, slots=True)
class Remedy:
    """`action`: mark_duplicate, hold_payment, request_credit_note, refer_to_person, or None where nothing is to be done
    about it. `about`: own | twin, the invoice that the action names (`invoice_id`); `keeps` is the other one."""

    action: str | None
    why: str
    about: str = "own"
    invoice_id: str | None = None
    keeps: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return {"action": self.action, "about": self.about, "invoice_id": self.invoice_id, "keeps": self.keeps,
                "why": self.why}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Both:
    """The two invoices with their states. `earlier`: the twin was on record first. `sure`: the evidence is strong
    enough to mark, not only to hold. `has_case`: the twin came with a case of its own, where people see it too."""

    own: Document
    twin: Document
    own_state: TwinState
    twin_state: TwinState
    earlier: bool
    sure: bool
    has_case: bool


def remedy(both: Both) -> Remedy:
    """The one thing to do. What is paid stays; of two that are unpaid, the earlier one stays."""
    own, twin = both.own_state, both.twin_state
    if is_credit(both.own) or is_credit(both.twin):
        return _credits(both)
    if (settled := _settled(own, twin)) is not None:
        return settled
    if own.state in _PAID and twin.state in _PAID:
        return _both_paid(both)
    if twin.state in _PAID:
        return _stop_own(both, f"the other one {state_words(twin)}: this one is not to be paid as well")
    if own.state in _PAID:
        return _stop_twin(both, f"this one {state_words(own)}: the other one is not to be paid as well")
    if both.earlier:
        return _stop_own(both, "the other one was here first, so this one would be paid a second time")
    if both.has_case:
        return Remedy(None, "this one was here first: the later one is judged in a case of its own")
    if twin.state == "unknown":
        return Remedy(None, "this one was here first, and nothing says whether the later one is still to be paid")
    return _stop_twin(both, "this one was here first, and the later one is still to be paid")


def is_credit(document: Document) -> bool:
    return document.doc_type == "credit_note" or document.amount < 0


def _credits(both: Both) -> Remedy:
    """Nothing is paid on a credit note: one that came twice is taken off once."""
    if not (is_credit(both.own) and is_credit(both.twin)):
        return Remedy(None, "one of them is a credit note: it takes the other one back, or is not about it")
    if not both.earlier:
        return Remedy(None, "this credit note was here first")
    why = "the other credit note was here first, so this one would be taken off a second time"
    if not both.sure:
        return Remedy("refer_to_person", why)
    return Remedy("mark_duplicate", why, "own", both.own.invoice_id, both.twin.invoice_id)


def _settled(own: TwinState, twin: TwinState) -> Remedy | None:
    """Where a credit note or a decision has dealt with one of them already."""
    if own.state == "reversed":
        return Remedy("refer_to_person", f"this one {state_words(own)}: nothing of it should be paid any more")
    if own.state == "duplicate":
        return Remedy("refer_to_person", f"this one {state_words(own)} already")
    if twin.state == "reversed":
        return Remedy(None, f"the other one {state_words(twin)}: nothing is paid twice")
    if twin.state == "duplicate":
        return Remedy(None, f"the other one {state_words(twin)} already: this one stays")
    return None


def _stop_own(both: Both, why: str) -> Remedy:
    if both.own_state.state == "on_hold" and not both.sure:
        return Remedy("refer_to_person", f"{why}; it is on hold already, and a person decides what it is")
    action = "mark_duplicate" if both.sure and both.own_state.state != "partly_paid" else "hold_payment"
    return Remedy(action, why, "own", both.own.invoice_id, both.twin.invoice_id)


def _stop_twin(both: Both, why: str) -> Remedy:
    if both.twin_state.state == "on_hold" and not both.sure:
        return Remedy(None, f"{why}; it is on hold already", "twin", both.twin.invoice_id, both.own.invoice_id)
    # People sign for this case's amount: another amount is held, and marked in a case of its own.
    alike = (both.own.amount, both.own.currency) == (both.twin.amount, both.twin.currency)
    marked = both.sure and alike and both.twin_state.state != "partly_paid"
    action = "mark_duplicate" if marked else "hold_payment"
    return Remedy(action, why, "twin", both.twin.invoice_id, both.own.invoice_id)


def _both_paid(both: Both) -> Remedy:
    why = f"both were paid: this one {state_words(both.own_state)}, the other one {state_words(both.twin_state)}"
    if not both.sure:
        return Remedy("refer_to_person", f"{why}; a person compares them before a credit note is asked for")
    about, late, kept = ("own", both.own, both.twin) if both.earlier else ("twin", both.twin, both.own)
    return Remedy(
        "request_credit_note", f"{why}; the later one is to be credited", about, late.invoice_id, kept.invoice_id
    )


def state_words(state: TwinState) -> str:
    """What became of an invoice, as the end of a sentence that begins with it."""
    amount = f" ({facts.amount_text(state.paid)} {state.currency})" if state.paid is not None else ""
    if state.state == "paid":
        return "was paid" + (f" on {state.paid_on.isoformat()}" if state.paid_on else "") + amount
    if state.state == "partly_paid":
        return "was paid in part" + (f" by {state.paid_on.isoformat()}" if state.paid_on else "") + amount
    if state.state == "reversed":
        on = f" of {state.credited_on.isoformat()}" if state.credited_on else ""
        return f"was taken back by credit note {state.credit_number or state.credit_note}{on}"
    said = {
        "released": "was released for payment",
        "duplicate": "was marked as a duplicate",
        "on_hold": "is on hold",
        "open": "is not paid as far as the books know",
    }
    return said.get(state.state, "may or may not have been paid")


def state_json(state: TwinState) -> dict[str, Any]:
    """{state, on, amount, currency, by, says}: `by` names the payments, the credit note, or the recommendation."""
    by: Mapping[str, list[str]] = {
        "paid": list(state.payments), "partly_paid": list(state.payments),
        "reversed": [state.credit_note] if state.credit_note else [],
    }  # fmt: skip
    on = {"paid": state.paid_on, "partly_paid": state.paid_on, "reversed": state.credited_on, "open": state.known_until}
    return {
        "state": state.state,
        "on": facts.plain(on.get(state.state, state.effect_on)),
        "amount": facts.amount_text(state.paid),
        "currency": state.currency,
        "by": by.get(state.state, [state.effect] if state.effect else []),
        "says": state_words(state),
    }
