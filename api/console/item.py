"""One recommendation with everything that a person needs to decide on it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from api import shapes
from api.console import change, findings, law, models, override, sheets
from api.console.law import Law, is_change
from api.console.loose import mapping
from api.console.once import mark
from api.console.plain import amount, day, label
from api.intake.render import Pages
from api.words import in_words
from governance import gate
from governance.actor import Actor
from governance.errors import UnknownAction
from governance.record import cases, people, review, worklist
from governance.record.db import Connection

_DECISION = re.compile(r"[A-Za-z0-9-]{1,64}")


EFFECTS: Mapping[str, str] = {
    "ready": "it is about to leave",
    "leased": "it is being carried out",
    "delivering": "it is being carried out",
    "manual": "a person must carry it out and say so in the tasks",
    "reconcile": "it may or may not have left: a person must look",
    "sent": "it was carried out",
    "failed": "it was not carried out",
    "dead": "it could not be delivered: a person must look",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry of the ledger. `comment`: what the person wrote with it; None where nothing, or where it was erased."""

    at: str
    words: str
    comment: str | None
    seq: int


@dataclass(frozen=True, slots=True)
class SeatView:
    """One seat, with names: who sits there, for whom, or standing in as what."""

    role: str
    filled_by: str | None
    acting_for: str | None
    stands_in_as: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Erased:
    """The case's words are gone. `change`: the governed change that erased them, where it was one."""

    words: str
    at: str
    change: str | None
    people: str


@dataclass(frozen=True, slots=True)
class Item:
    """The page's content. `record` has the shape of api.shapes.recommendation, `case` is a row of cases.get."""

    record: Mapping[str, Any]
    case: Mapping[str, Any]
    facts: tuple[findings.Pair, ...]
    details: tuple[findings.Pair, ...]
    reading: Mapping[str, Any]
    shown: sheets.Document
    text: str
    document: Mapping[str, Any] | None
    found: findings.Findings
    seats: tuple[SeatView, ...]
    effect: str | None
    editor: override.Editor | None
    change: change.Change | None
    monitor: models.View | None
    erased: Erased | None
    law: Law
    standing: gate.Standing
    drafts: Sequence[Mapping[str, Any]]
    timeline: tuple[Moment, ...]
    names: Mapping[str, str]
    just_made: Mapping[str, Any] | None
    once: str

    @property
    def has_pages(self) -> bool:
        """Whether the document is of a kind that has pages to look at."""
        kind = self.document["media_type"] if self.document and self.document["kept"] else ""
        return kind == "application/pdf" or kind.startswith("image/")

    @property
    def newest(self) -> Mapping[str, Any]:
        return self.drafts[-1]


def gather(
    conn: Connection,
    recommendation_id: str,
    *,
    actor: Actor,
    chosen: str | None = None,
    kept: Mapping[str, str] | None = None,
    made: str | None = None,
    pages: Pages | None = None,
) -> Item:
    """Read one item. `chosen`: the action that the editor is to show; `kept`: a refused form; `made`: the id of a
    decision that this person has just recorded; `pages`: those of the document, where they are to be shown. Raises
    NotFound.
    """
    record = shapes.one_recommendation(conn, recommendation_id)
    case = cases.get(conn, record["case_id"])
    read = cases.reading(conn, record["case_id"], record["case_revision"])
    reading = read["reading"] or {}
    drafts = worklist.drafts(conn, record["case_id"])
    spoken = review.decisions(conn, [draft["id"] for draft in drafts])
    actors = people.actors(conn)
    names = {one["id"]: one["name"] for one in actors}
    known = law.read(conn, actor, actors)
    entries = [{**row, **json.loads(row["entry"])} for row in cases.timeline(conn, record["case_id"])]
    found = findings.read(record["findings"])
    parties = worklist.parties(conn, record["facts"]["supplier_id"], record["facts"]["customer_id"])
    return Item(
        record=record,
        case=case,
        facts=_facts(record, case, names),
        details=findings.pairs(read["details"]),
        reading=reading,
        shown=sheets.read(reading, found.warnings, pages),
        text=str(reading.get("text") or ""),
        document=worklist.document(conn, record["document"]["sha256"]),
        found=found,
        seats=_seats(record, names),
        effect=EFFECTS.get(record["effect"]["state"]) if record["effect"] else None,
        editor=None if is_change(record) else _editor(record, case, reading, parties, chosen, kept or {}),
        change=_change(record, names),
        monitor=_monitor(record),
        erased=_erased(conn, record["case_id"], entries, names),
        law=known,
        standing=law.of_item(conn, known, record),
        drafts=drafts,
        timeline=_timeline(entries, names, spoken),
        names=names,
        just_made=_just_made(spoken, made, actor.id),
        once=mark(),
    )


def _just_made(spoken: Sequence[Mapping[str, Any]], made: str | None, actor_id: str) -> Mapping[str, Any] | None:
    # An address that anybody could write must not claim a decision that was never made.
    if made is None or not _DECISION.fullmatch(made):
        return None
    return next((one for one in spoken if one["id"] == made and one["actor"] == actor_id), None)


def _text(value: object) -> str | None:
    if isinstance(value, date) and not isinstance(value, datetime):
        return day(value)
    return None if value is None or value == "" else str(value)


def _party(case: Mapping[str, Any], kind: str, party_id: str | None) -> str | None:
    if party_id is None:
        return None
    name = case[f"{kind}_name"] if case[f"{kind}_id"] == party_id else None
    return f"{name} ({party_id})" if name else f"{party_id}, not in the books"


def _facts(record: Mapping[str, Any], case: Mapping[str, Any], names: Mapping[str, str]) -> tuple[findings.Pair, ...]:
    """What the law judges, as intake wrote it; of a governed change, what it is."""
    law = record["facts"]
    if is_change(record):
        args = record["action"]["args"]
        about = {
            "changes": label(record["exception_type"]),
            "subject": args.get("subject"),
            "proposed_by": names.get(law["initiator"], law["initiator"]),
            "digest_of_the_change": args.get("change"),
        }
        return tuple((label(name), text) for name, value in about.items() if (text := _text(value)) is not None)
    unknown = "" if law["amount"] is not None else ": policy treats it as the highest"
    values = {
        "amount": amount(law["amount"], law["currency"]) + unknown,
        "supplier": _party(case, "supplier", law["supplier_id"]),
        "customer": _party(case, "customer", law["customer_id"]),
        "entity": f"{law['entity']}, {law['region']}",
        "exception": label(record["exception_type"]) if record["exception_type"] else None,
        "queue": label(record["queue"]),
        "document": label(record["document"]["document_class"]) if record["document"]["document_class"] else None,
        "brought_in_by": names.get(law["initiator"], law["initiator"]),
        "source_key": case["source_key"],
    }
    if case["revision"] == record["case_revision"]:
        values |= {name: case[name] for name in ("invoice_id", "issue_date", "due_date", "payee_iban")}
    return tuple((label(name), text) for name, value in values.items() if (text := _text(value)) is not None)


def _seats(record: Mapping[str, Any], names: Mapping[str, str]) -> tuple[SeatView, ...]:
    signed = {
        one["actor"]: one["at"]
        for one in record["decisions"]
        if one["decision"] == "approve" and one["withdrawn_at"] is None
    }
    return tuple(
        SeatView(
            seat["role"],
            names.get(seat["filled_by"], seat["filled_by"]) if seat["filled_by"] else None,
            names.get(seat["acting_for"], seat["acting_for"]) if seat.get("acting_for") else None,
            seat.get("stands_in_as"),
            signed.get(seat["filled_by"]),
        )
        for seat in record["required_seats"]
    )


def _editor(
    record: Mapping[str, Any],
    case: Mapping[str, Any],
    reading: Mapping[str, Any],
    parties: Sequence[Mapping[str, Any]],
    chosen: str | None,
    kept: Mapping[str, str],
) -> override.Editor:
    """The editor with what the case knows filled in; without `kept` and `chosen` where those name no action."""
    law, args = record["facts"], record["action"]["args"]
    known = {
        "supplier_id": law["supplier_id"],
        "customer_id": law["customer_id"],
        "partner_id": law["supplier_id"],
        "invoice_id": case["invoice_id"],
        "invoice_number": args.get("invoice_number") or (reading.get("fields") or {}).get("invoice_number"),
    }
    facts = {name: str(value) for name, value in known.items() if value}
    try:
        return override.editor(record, facts, parties, chosen, kept)
    except UnknownAction:
        return override.editor(record, facts, parties, None, {})


def _timeline(
    entries: Sequence[Mapping[str, Any]], names: Mapping[str, str], spoken: Sequence[Mapping[str, Any]]
) -> tuple[Moment, ...]:
    comments = {one["id"]: one["comment"] for one in spoken}
    return tuple(
        Moment(
            entry["at"], in_words(entry, names), comments.get((entry.get("body") or {}).get("decision")), entry["seq"]
        )
        for entry in entries
    )


def _monitor(record: Mapping[str, Any]) -> models.View | None:
    """The judgement that a change of a model follows from, where it does."""
    evidence = mapping(record["evidence"]) if is_change(record) else {}
    return models.read(evidence.get("figures")) if evidence.get("of") == "risk_monitor" else None


def _change(record: Mapping[str, Any], names: Mapping[str, str]) -> change.Change | None:
    if not is_change(record):
        return None
    return change.read(record["change"], record["findings"].get("before"), record["evidence"], names)


def _erased(
    conn: Connection, case_id: str, entries: Sequence[Mapping[str, Any]], names: Mapping[str, str]
) -> Erased | None:
    """By whom and when, as the ledger has it."""
    entry = next((one for one in reversed(entries) if one["kind"] in ("case.erased", "case.purged")), None)
    if entry is None:
        return None
    by = worklist.erased_by(conn, case_id) if entry["kind"] == "case.erased" else None
    signers = ", ".join(names.get(who, who) for who in by["signers"]) if by else ""
    proposed = f"proposed by {names.get(by['drafted_by'], by['drafted_by'])}, signed by {signers}" if by else ""
    return Erased(in_words(entry, names), entry["at"], by["id"] if by else None, proposed)
