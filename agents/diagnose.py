"""Node 3: why did this case arise? One cause of a closed list, with the facts that say so. Pure.

A rule by type of exception looks at that type's own evidence; signs that hang on no type (diagnose_signs.py) say what
lies deeper. Where the rule is sure it stands, else the deepest sign does; the others contribute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from agents import diagnose_others, diagnose_payables, facts, plan
from agents.diagnose_others import discount_taken
from agents.diagnose_payables import bank, over_tolerance, twin_facts
from agents.diagnose_records import nothing_explains, records
from agents.diagnose_signs import interface_failed, signs
from agents.diagnosis import CAUSES, Cause, Fact, Reason, refuted_by
from agents.state import View

__all__ = [
    "CAUSES", "Cause", "cause_of", "contested", "discount_taken", "foreign_account", "interface_failed",
    "over_tolerance",
]  # fmt: skip
_OF_THE_ACCOUNT = frozenset({"bank_details_differ", "account_of_another", "account_of_our_own"})
_RULES: Mapping[str, diagnose_payables.Rule] = {**diagnose_payables.RULES, **diagnose_others.RULES}


def foreign_account(view: View) -> bool:
    """Whether the money of a supplier's document is to go to an account that the books do not hold for it."""
    stated = view.kind.get("exception_type") == "bank_detail_mismatch"
    return view.brief.facts.queue == "accounts_payable" and (stated or view.check("bank") == "differs")


def contested(view: View) -> tuple[str, ...]:
    """What a person must look at before anything is done, in words: sources in the document that disagree, a name that
    only looks right. The account is the match's to judge, by the books as they are now."""
    said = view.brief.reading.get("findings")
    found = [one for one in said if isinstance(one, Mapping)] if isinstance(said, list | tuple) else []
    return tuple(
        words
        for one in found
        if one.get("level") == "contested" and one.get("code") not in _OF_THE_ACCOUNT
        if (words := facts.text(one, "detail"))
    )


def _beside(view: View) -> Iterator[Cause]:
    """What contributes whatever the cause is: no order to match with, a likely twin, a contested document."""
    habit, ordered = view.order_habit
    seldom = habit >= 3 and ordered * 5 < habit
    if view.check("order_reference") == "missing" and view.kind.get("document_class") != "credit_note" and not seldom:
        yield Cause("missing_order_reference", (("the invoice names no purchase order", "case"),))
    if view.twin is not None:
        yield Cause("data_quality", twin_facts(view.twin))
    if words := contested(view):
        yield Cause("data_quality", tuple((one, "case") for one in words))


def cause_of(view: View) -> Cause:
    """The primary cause by exception type and evidence; `unknown` where neither tells.

    A foreign bank account is the cause whatever the type. Everything else that the evidence shows contributes, each
    with its own support and with what would refute it.
    """
    kind = str(view.kind.get("exception_type"))
    rule = _RULES.get(kind)
    own = rule(view) if rule else _planned(view)
    named = list(records(view))
    if not own.sure and not named and (silent := nothing_explains(view)) is not None:
        own = silent
    ranked = [*named, own, *signs(view)] if own.sure else [*named, *signs(view), own]
    if foreign_account(view):
        ranked.insert(0, bank(view))
    return _joined([*ranked, *_beside(view)], kind)


def _planned(view: View) -> Cause:
    """What policy's data says of a type that no rule here knows."""
    found = plan.cause_by_plan(view)
    if found is None:
        return Cause("unknown")
    said = (found.refuted_by,) if found.refuted_by else ()
    return Cause(found.primary, found.facts, found.contributing, refuted_by=said)


def _joined(ranked: list[Cause], kind: str) -> Cause:
    """The first one is the cause; others contribute, each once with all its support. What is unknown gives way."""
    primary = ranked[0]
    support: dict[str, tuple[Fact, ...]] = {}
    for one in ranked:
        for name in (one.primary, *one.contributing):
            support[name] = tuple(dict.fromkeys((*support.get(name, ()), *one.facts)))
    # A cause that only the type names is named with just that.
    bare = ((f"the case was brought in as {kind.replace('_', ' ')}", "case"),)
    support = {name: found or (() if name == "unknown" else bare) for name, found in support.items()}
    causes = [name for name in support if name == primary.primary or name != "unknown"]
    own = {one.primary: one.refuted_by for one in reversed(ranked) if one.refuted_by}
    reasons = tuple(Reason(name, support[name], (*own.get(name, ()), *refuted_by(name, kind))) for name in causes)
    shown = tuple(dict.fromkeys(fact for one in reasons for fact in one.facts))
    return replace(primary, facts=shown, contributing=tuple(causes[1:]), reasons=reasons)
