"""What the records say of people outside: who has to move, who took the money back, who owns up to an error. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agents import facts
from agents.diagnosis import Cause
from agents.record_words import plain, words
from agents.state import View


def named(view: View, name: str, value: object, because: str, source: str = "case") -> tuple[tuple[str, str], ...]:
    shown = facts.text({"value": value}, "value") or str(value)[:80]
    return ((f"{name.replace('_', ' ')}: {shown}", "case"), (because, source))


def texts(view: View) -> Iterator[tuple[str, str, str]]:
    """(name, name in plain words, value in plain words) of the details that are short texts."""
    for name, value in view.details.items():
        if isinstance(value, str) and 0 < len(value) <= 80:
            yield name, plain(name), plain(value)


def others_move(view: View) -> Cause | None:
    """Somebody outside has to move: their paper was asked for and has not come, or their part is not done."""
    for name, called, value in texts(view):
        if words().says("they_did", value) or (words().says("outside_status", called) and words().says("owned", value)):
            return Cause(
                "counterparty", named(view, name, view.details[name], "the other side says or does so"), sure=True
            )
        if words().says("recalled", f"{called} {value}"):
            return Cause("counterparty", named(view, name, view.details[name], "the money is taken back"), sure=True)
        if words().says("gone_under", f"{called} {value}"):
            return Cause(
                "counterparty", named(view, name, view.details[name], "the other side's own trouble"), sure=True
            )
        if re.search(r"\breturn(ed)? (reason|debit|code)\b|\breturned debit\b", called):
            return Cause("counterparty", named(view, name, view.details[name], "the other side's bank sent it back"),
                         sure=True)  # fmt: skip
    return _who_moves(view) or _asked(view) or _not_usable(view)


def _who_moves(view: View) -> Cause | None:
    for name, called, value in texts(view):
        outside = (
            words().says("who_moves", called)
            and words().says("others_move", value)
            and not words().says("failed", value)
        )
        said_so = name != "depends_on" or words().says("waits", value) or "requested_on" in view.details
        if outside and said_so:
            why = "it waits for somebody outside"
            return Cause("counterparty", named(view, name, view.details[name], why), sure=True)
        if words().says("who_erred", called) and (blamed := _blamed(value)):
            return Cause(
                blamed, named(view, name, view.details[name], "the records name whose error it was"), sure=True
            )
    return None


def owned_up(view: View) -> Cause | None:
    """The other side says itself that the error is its own, or has announced a correction."""
    for name, value in view.details.items():
        called = plain(name)
        admitted = words().says("owned_up", called) and words().says("in_error", called)
        if value and (admitted or words().says("announced", called)):
            shown = "yes" if value is True else value
            return Cause("counterparty", named(view, name, shown, "the other side says so itself"), sure=True)
    return None


def _blamed(value: str) -> str | None:
    if words().says("others_move", value):
        return "counterparty"
    if words().says("system", value):
        return "integration_failure"
    return "data_quality" if words().says("person", value) else None


def _not_usable(view: View) -> Cause | None:
    """What the other side sent cannot be used: it has to send it again. Or it sent the same thing twice."""
    for name, called, value in texts(view):
        paper = re.search(
            r"\b(document|paper|certificate|form|upload|copy|id card|statement) (status|check|result|review)\b", called
        )
        if paper and words().says("bad_paper", value):
            return Cause("counterparty", named(view, name, view.details[name], "it has to be sent again"), sure=True)
    for name, value in view.details.items():
        called = plain(name)
        twice = re.search(r"\b(files|copies|documents|mails)\b.*\bfrom (the )?(supplier|vendor)\b", called)
        if twice and isinstance(value, int) and not isinstance(value, bool) and value > 1:
            return Cause("counterparty", named(view, name, value, "the other side sent it more than once"), sure=True)
        earlier = view.details.get(f"earlier_{name}")
        if name in ("channel", "sent_by", "received_by_channel") and value and earlier and value != earlier:
            return Cause("counterparty", named(view, f"earlier_{name}", earlier, f"it came again by {value}"),
                         ("data_quality",), sure=True)  # fmt: skip
    return None


def _asked(view: View) -> Cause | None:
    """A paper or an answer from outside, asked for on a day, and no day on which it came."""
    days = [(name, day) for name in view.details if re.search(r"(requested|asked|reminded)(_\w+)?_on$", name)
            and (day := facts.day(view.details, name)) is not None]  # fmt: skip
    came = [name for name, value in view.details.items() if value in (None, "", False)
            and (re.search(r"(received_on|answered_on|answer|reply|response|returned_on)$", name)
                 or any(asked.startswith(f"{name}_") for asked, _ in days))]  # fmt: skip
    if not days or not came:
        return None
    why = f"asked for on {days[0][1].isoformat()}, and it has not come"
    return Cause("counterparty", named(view, days[0][0], days[0][1].isoformat(), why), sure=True)
