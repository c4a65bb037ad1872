"""What the records say of a case in whatever names a system gives them: which system failed, who has yet to sign, which
rule was broken, where the money went, who is waited for. Stronger than a rule of the type, for it names the thing.

Nothing here knows a company's field names; how systems name and word things is data (record_words.toml). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

from agents import facts
from agents.diagnosis import Cause
from agents.record_others import named, others_move, owned_up, texts
from agents.record_pairs import another_identity, digits_swapped, misread, outvoted, said_twice
from agents.record_sums import (
    above_by_less,
    an_older_one,
    misposted,
    not_brought_up_to_date,
    rules_broken,
    small_enough,
    sums,
)
from agents.record_words import plain, words
from agents.state import View

_OWN_NAMES = frozenset({"interface_status", "posting_job", "feed_status", "blocked_by", "block_reason"})
"""Names that agents.diagnose_signs reads, where they say less than a rule of the type."""
_LOST = re.compile(r"(\w+?)_(?:in|on|per|from)_(?:\w+_)?(?:file|message|source|xml|mail|pdf|upload|note)$")
_SAME = re.compile(r"earlier_(batch|file|message_id|message|import|job|idoc|transmission|run)$")
_THINGS = (
    "files", "records", "messages", "batches", "lines", "days", "pages", "rows", "events", "transactions", "documents",
    "statements", "calls", "entries", "postings", "items", "invoices", "payments", "cdrs",
)  # fmt: skip
_PATIENCE = timedelta(days=5)
_OF_SUPPLIERS = frozenset({"accounts_payable", "partner_settlement"})


def _of_a_system(name: str) -> bool:
    return words().says("system", name) and not words().says("no_system", name)


def system_failed(view: View) -> Cause | None:
    """A system of ours is said to have failed, by whatever name; what was repaired since did not."""
    details = view.details
    repaired = any(words().says("resolved", plain(name)) and value is True for name, value in details.items())
    for name, called, value in texts(view):
        if name in _OWN_NAMES or words().says("past", called) or words().says("no_system", called):
            continue
        says = words().says("says", called)
        technical = re.search(r"\b(fail\w*|errors?|timeout|time ?d? ?out\w*|crash\w*|abort\w*)\b", value) is not None
        told = (_of_a_system(called) and words().says("failed", value)) or (says and technical)
        aside = words().says("again", value) or words().says("beyond", value) or words().says("by_mistake", value)
        if not told or aside or repaired:
            continue
        return Cause(
            "integration_failure", named(view, name, details[name], "a system of ours failed at it"), sure=True
        )
    for name, value in details.items():
        called = plain(name)
        code = "" if isinstance(value, bool) else str(value)
        if (
            re.fullmatch(r"[45]\d\d", code) and re.search(r"\b(http|response|gateway|api) ?(status|code)?\b", called)
        ) or ("idoc" in called and re.fullmatch(r"(02|04|05|29|51|56|60|61|63|65)", code)):
            return Cause("integration_failure", named(view, name, code, "a system of ours failed at it"), sure=True)
        if words().says("outage", called) and value and not repaired and not words().says("outside_status", called):
            return Cause("integration_failure", named(view, name, value, "a system of ours was not there"), sure=True)
        some = isinstance(value, int) and value is not True and value > 0
        if (
            some
            and not repaired
            and words().says("counts_faults", called)
            and not words().says("outside_status", called)
        ):
            return Cause("integration_failure", named(view, name, value, "a system of ours failed at it"), sure=True)
    return _lost(view) or _twice(view) or _incomplete(view) or _stale(view)


def _lost(view: View) -> Cause | None:
    """What the sender's file says, and our copy of it does not, or only the beginning."""
    texts = {name: value for name, value in view.details.items() if isinstance(value, str) and value.strip()}
    for name, sent in texts.items():
        if not (found := _LOST.match(name)):
            continue
        stem = found[1]
        kept = [(other, value) for other, value in view.details.items() if other != name and stem in other.split("_")]
        cut = [other for other, value in kept if value is None or value == ""]
        cut += [other for other, value in kept if isinstance(value, str) and 5 < len(value) < len(sent) - 2
                and sent.startswith(value)]  # fmt: skip
        if cut:
            why = f"it was sent, and {cut[0].replace('_', ' ')} does not hold it any more"
            return Cause("integration_failure", named(view, name, sent, why), sure=True)
    return None


def _twice(view: View) -> Cause | None:
    """Both came by the same batch, file or message: it was sent once, and a system of ours took it in twice."""
    for name, value in view.details.items():
        found = _SAME.match(name)
        if found and value and view.details.get(found[1]) == value:
            return Cause("integration_failure", named(view, name, value, "it was sent once and taken in twice"),
                         ("data_quality",), sure=True)  # fmt: skip
    return None


def _incomplete(view: View) -> Cause | None:
    """Fewer files, records or messages arrived than were sent."""
    for thing in _THINGS:
        sent = _first(view, f"{thing}_expected", f"{thing}_sent", f"expected_{thing}", f"{thing}_in_source",
                      f"{thing}_exported", f"{thing}_in_file", f"sent_{thing}")  # fmt: skip
        came = _first(view, f"{thing}_received", f"{thing}_loaded", f"received_{thing}", f"{thing}_imported",
                      f"{thing}_processed", f"{thing}_posted", f"loaded_{thing}", f"imported_{thing}")  # fmt: skip
        if sent is not None and came is not None and came < sent:
            why = f"{facts.amount_text(came)} of {facts.amount_text(sent)} {thing} arrived"
            return Cause("integration_failure", ((why, "case"),), sure=True)
    return None


def _stale(view: View) -> Cause | None:
    """Nothing has been loaded for days, and nothing says that all is well."""
    for name in view.details:
        called = plain(name)
        if not re.search(r"\blast (loaded|sync\w*|imported|import|received|success)$", called) or "file" in called:
            continue
        day = facts.day(view.details, name)
        well = any(words().says("says", other) and words().says("ran", value) for _, other, value in texts(view)
                   if _of_a_system(other))  # fmt: skip
        if day is not None and view.today - day > _PATIENCE and not well:
            why = "nothing has been loaded since"
            return Cause("integration_failure", named(view, name, day.isoformat(), why), sure=True)
    return None


def _first(view: View, *names: str) -> Decimal | None:
    return next((found for name in names if (found := facts.number(view.details, name)) is not None), None)


def waits_for_signature(view: View) -> Cause | None:
    """A status says that somebody of ours has yet to release, approve or sign."""
    for name, called, value in texts(view):
        waiting = words().says("waits", value) and words().says("signature", f"{value} {called}")
        theirs = words().says("outside_status", called) and not words().says("signature", value)
        if waiting and not theirs and not words().says("beyond", value):
            more = tuple((f"{one.replace('_', ' ')}: {said}", "case") for one in ("approver", "waiting_days")
                         if (said := facts.text(view.details, one)))  # fmt: skip
            return Cause("approval_bottleneck", (*named(view, name, view.details[name], "a signature of ours is due"),
                                                 *more), sure=True)  # fmt: skip
    return None


def master_is_old(view: View) -> Cause | None:
    """A supplier's or partner's record was closed, renamed or merged into another one; a customer's is our own data."""
    supplies = view.brief.facts.queue in _OF_SUPPLIERS or any(
        re.search("supplier|vendor", name) for name in view.details
    )
    cause = "supplier_master_mismatch" if supplies else "data_quality"
    for name, called, value in texts(view):
        closed = re.search(r"\b(master|vendor|supplier)( record)? status\b", called) and words().says(
            "superseded", value
        )
        ceased = re.search(r"\b(vat|tax id|vies|register)\b.*\b(check|status|result|answer)\b", called)
        if ceased and words().says("not_valid", value):
            why = "the number that our record or the document holds is not a valid one"
            return Cause(cause, named(view, name, view.details[name], why))
        heir = re.search(
            r"\b(successor|renamed|renaming|merged into|replaced by|renamed to|predecessor|former name)\b", called
        )
        if closed or heir:
            why = "the record that is used is not the valid one"
            return Cause(cause, named(view, name, view.details[name], why, "books"))
    return None


def entered_wrongly(view: View) -> Cause | None:
    """A record of ours is said to be in error, or to have failed its check; or what we sent went nowhere."""
    for name, called, value in texts(view):
        ours = re.search(r"\b(status|check|reason|entry|result)\b", called) and not _of_a_system(called)
        mistaken = words().says("by_mistake", value) or words().says("not_kept", value)
        theirs = words().says("outside_status", called)
        sent = re.search(r"\b(status|result)\b", called) and words().says("undelivered", value)
        if sent or (ours and mistaken and not theirs):
            why = "our own record is not right"
            return Cause("data_quality", named(view, name, view.details[name], why), sure=True)
    return None


def kept_twice(view: View) -> Cause | None:
    """One party stands in our records under two numbers."""
    cause = "supplier_master_mismatch" if view.brief.facts.queue in _OF_SUPPLIERS else "data_quality"
    for name, value in view.details.items():
        several = len(value) > 1 if isinstance(value, list | tuple | str) else value is True or _several(value)
        if several and words().says("twice_kept", plain(name)):
            shown = ", ".join(map(str, value[:4])) if isinstance(value, list | tuple) else value
            return Cause(cause, named(view, name, shown, "one party stands twice in our records"), ("data_quality",)
                         if cause != "data_quality" else (), sure=True)  # fmt: skip
    return None


def _several(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 1


def denied(view: View) -> Cause | None:
    """What is said not to be so, or is empty, where it should be: by the last words of its name."""
    for name, value in view.details.items():
        if value is not False and not (
            value is None and name.endswith(("_in_master", "_reply", "_answer", "_response"))
        ):
            continue
        called = plain(name)
        for one in words().denied:
            if one.named.search(called):
                return Cause(one.cause, ((f"{name.replace('_', ' ')}: {'no' if value is False else 'none'}", "case"),
                                     (one.because, "case")))  # fmt: skip
    return None


def barred(view: View) -> Cause | None:
    """What the records name as the reason of a block is a rule of the house."""
    for name in (
        "block_reason",
        "blocked_by",
        "hold_reason",
        "blocked_reason",
        "delivery_block",
        "payment_block_reason",
    ):
        said_ = plain(facts.text(view.details, name) or "")
        if said_ and words().says("barred", said_) and not words().says("waits", said_) and "credit" not in said_:
            return Cause("policy_exception", named(view, name, view.details[name], "a rule of the house is in the way"))
    return None


def order_closed(view: View) -> Cause | None:
    """Our order was closed or deleted while it was still to be delivered or billed."""
    for name, called, value in texts(view):
        ours = re.search(r"\b(order|po|purchase order) (line )?(status|state)\b", called) and "partner" not in called
        if ours and words().says("closed", value) and view.brief.facts.queue == "accounts_payable":
            return Cause("data_quality", named(view, name, view.details[name], "our order was closed too early"))
    return None


def waits_since(view: View) -> Cause | None:
    """Somebody named has been asked for days, by the day on which it went there."""
    approver = facts.text(view.details, "approver")
    for name in ("waiting_since", "pending_since", "sent_for_approval_on", "submitted_for_approval_on"):
        day = facts.day(view.details, name)
        if approver and day is not None and view.today - day >= timedelta(days=3):
            return Cause(
                "approval_bottleneck", named(view, name, day.isoformat(), "a signature of ours is due since then")
            )
    return None


def nothing_explains(view: View) -> Cause | None:
    """Whoever looked found nothing: it is said so, or at least two usual explanations are said to be none, and no
    other one is there."""
    for name, called, value in texts(view):
        if words().says("reasoned", called) and words().says("unclear", value):
            return Cause("unknown", named(view, name, view.details[name], "nobody has found the reason yet"))
    asked = {name: value for name, value in view.details.items() if words().says("usual", plain(name))}
    none = [name for name, value in asked.items() if value in (None, "", 0, "0", "0.00", "none", False) or value == []]
    if len(none) < 2 or len(none) < len(asked) or view.details.get("remittance_text"):
        return None
    shown = tuple((f"{name.replace('_', ' ')}: none", "case") for name in none[:4])
    return Cause("unknown", (*shown, ("the usual explanations were looked for, and none is there", "case")))


def records(view: View) -> Iterator[Cause]:
    """What is named, strongest first."""
    for look in LOOKS:
        found = look(view)
        if found is not None:
            yield found


LOOKS: tuple[Any, ...] = (
    misread, owned_up, outvoted, an_older_one, kept_twice, misposted, above_by_less, system_failed, rules_broken,
    waits_for_signature, sums, others_move, master_is_old, another_identity, entered_wrongly, said_twice,
    digits_swapped, not_brought_up_to_date, order_closed, waits_since, denied, barred, small_enough,
)  # fmt: skip
"""How deep: where the money is and what broke before who has to sign, that before who is waited for, that before what
merely stands wrong somewhere."""
