"""countersign case ID: facts, what was proposed, who still has to sign, what happened."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

HELP = "one case: facts, recommendation, open seats, timeline"

_MOST_TWINS, _MOST_WEEKS = 3, 6
_FACTS = (
    "queue", "exception_type", "state", "document_class", "amount", "currency", "entity", "region", "supplier_id",
    "supplier_name", "customer_id", "customer_name", "issue_date", "due_date", "initiator", "source_key", "revision",
)  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("case_id", metavar="ID", help="the case's id, as `countersign cases` shows it")


def run(args: argparse.Namespace) -> int:
    from api.acting import reader_key
    from api.wiring import connect

    with connect(args.home) as system, system.database.transaction("review", reader_key(args, system)) as conn:
        found = gather(conn, args.case_id)
    _write(args, found)
    return 0


def gather(conn: Any, case_id: str) -> dict[str, Any]:
    """What GET /v1/cases/{id} gives, and the timeline in words. Raises NotFound, NotPermitted."""
    from api import shapes
    from api.words import in_words
    from governance import permit
    from governance.record import cases, people, review

    permit.may_read(people.whoami(conn))
    row = cases.get(conn, case_id)
    names = {actor["id"]: actor["name"] for actor in people.actors(conn)}
    entries = [(entry, json.loads(entry["entry"])) for entry in cases.timeline(conn, case_id)]
    return {
        **shapes.case(row),
        "facts": shapes.facts(row),
        **cases.reading(conn, case_id, row["revision"]),
        "recommendations": shapes.recommendations(conn, review.listing(conn, case=case_id, limit=500)),
        "job": cases.job(conn, case_id),
        "timeline": [
            {"seq": entry["seq"], "at": parsed["at"], "actor": parsed["actor"], "words": in_words(parsed, names)}
            for entry, parsed in entries
        ],
    }


def _write(args: argparse.Namespace, found: Mapping[str, Any]) -> None:
    import sys

    from api import wire
    from api.commands.listing import say

    if args.out is not None:
        args.out.write_text(wire.dumps(found) + "\n", encoding="utf-8")
        say(f"written to {args.out}")
    elif args.json:
        sys.stdout.write(wire.dumps(found) + "\n")
    else:
        _print(found)


def _print(found: Mapping[str, Any]) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"{found['id']}  {_plain(found['title'])}", style="bold")
    _print_pairs(console, {name: found.get(name) for name in _FACTS})
    job = found["job"]
    if job is not None and job["state"] != "done":
        _print_pairs(console, {"work": f"{job['kind']}, {job['state']}", "last error": job["last_error"]})
    for recommendation in found["recommendations"][-1:]:
        _print_recommendation(console, recommendation)
    console.print("\nTimeline", style="bold")
    for entry in found["timeline"]:
        console.print(f"  {entry['at'][:19].replace('T', ' ')}Z  {_plain(entry['words'])}")


def _print_recommendation(console: Console, found: Mapping[str, Any]) -> None:
    console.print(f"\nRecommendation {found['revision']}: {found['action']['name']} ({found['state']})", style="bold")
    seats = [f"{seat['role']}: {seat['filled_by'] or 'open'}" for seat in found["required_seats"]]
    _print_pairs(
        console,
        {
            "id": found["id"],
            "arguments": found["action"]["args"],
            "seats": ", ".join(seats),
            "policy": f"version {found['policy']['version']}: {', '.join(found['policy']['rules'])}",
            "risk": found["risk"],
            "digest": found["digest"],
            "expires": found["expires_at"],
        },
    )
    findings = found["findings"]
    cause = findings.get("cause") or {}
    _print_pairs(console, {"cause": cause.get("primary"), "why": findings.get("why")})
    for fact in cause.get("facts", ()):
        console.print(f"  {'':<16} {_plain(fact['fact'])} ({fact['source']})")
    for twin in (findings.get("duplicates") or ())[:_MOST_TWINS]:
        _print_twin(console, twin)
    if findings.get("risk"):
        _print_risk(console, findings["risk"])
    if found["draft"]:
        console.print(f"\n  To: {_plain(found['draft']['to'])}\n  Subject: {_plain(found['draft']['subject'])}\n")
        for line in found["draft"]["body"].splitlines():
            console.print(f"  {_plain(line)}")


def _print_twin(console: Console, twin: Mapping[str, Any]) -> None:
    """An invoice that may be the same one: what is the same, what differs, what became of it, why."""
    when = "earlier" if twin.get("earlier") else "later"
    queue = ", under a new number: lower confidence" if twin.get("queue") == "renumbered" else ""
    number = twin.get("invoice_number") or twin["invoice_id"]
    console.print(f"\n  Possible twin {_plain(number)} ({when}), {twin['probability']:.0%} likely the same{queue}")
    fields = twin.get("fields") or ()
    alike = [one["name"].replace("_", " ") for one in fields if one["agreement"] == "same"]
    _print_pairs(
        console,
        {
            "booked as": twin["invoice_id"],
            "case": twin.get("case_id"),
            "kind": twin.get("kind"),
            "the other one": (twin.get("twin_state") or {}).get("says"),
            "this one": (twin.get("own_state") or {}).get("says"),
            "if they are one": (twin.get("remedy") or {}).get("why"),
            "exact check": (twin.get("exact_check") or {}).get("says"),
            "same": ", ".join(alike) or None,
        },
    )
    for one in fields:
        if one["agreement"] != "same":
            own, other = (_plain(one[side]) or "missing" for side in ("own", "twin"))
            console.print(f"  {one['name'].replace('_', ' '):<16} {own} | {other}")
    for reason in twin.get("reasons") or ():
        console.print(f"  {'':<16} {_plain(reason)}")


def _print_risk(console: Console, risk: Mapping[str, Any]) -> None:
    """How late the invoice is likely to be paid; what nobody knows is left out."""
    console.print("\n  Collection risk")
    low, high = risk.get("days_late_low"), risk.get("days_late_high")
    between = "" if low is None or high is None else f" (80 %: {low:.0f} to {high:.0f})"
    late = [
        f"{words} {risk[name]:.0%}"
        for name, words in (("p_late", "late"), ("p_late_15", "over 15 days"), ("p_late_30", "over 30 days"))
        if risk.get(name) is not None
    ]
    middle = risk.get("expected_days_late")
    cash = [f"{amount} {f'in the week of {start}' if start else 'later'}"
            for start, amount in risk.get("expected_cash") or () if float(amount) >= 0.01]  # fmt: skip
    _print_pairs(
        console,
        {
            "likely": ", ".join(late) or None,
            "days late": None if middle is None else f"{middle:.0f}{between}",
            "most likely": risk.get("bucket"),
            "by": risk.get("basis"),
            "in dispute since": risk.get("disputed_since"),
            "expected cash": ", ".join(cash[:_MOST_WEEKS]) + (", …" if len(cash) > _MOST_WEEKS else "") or None,
        },
    )
    for reason in risk.get("reasons") or ():
        console.print(f"  {'':<16} {_plain(reason)}")


def _print_pairs(console: Console, pairs: Mapping[str, Any]) -> None:
    for name, value in pairs.items():
        if value is not None:
            console.print(f"  {name.replace('_', ' '):<16} {_plain(value)}")


def _plain(value: Any) -> str:
    from api.commands.output import cell

    return cell(value) or ""
