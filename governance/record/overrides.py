"""What people made of the agent's proposals: each decided one beside what was sent in its place. Roles review, audit.

A row is made of the record whenever it is asked for, so that what is erased is in none. No letter leaves whole: of a
draft that was edited only how it was changed.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row


@dataclass(frozen=True, slots=True)
class Override:
    """One proposal of the agent that people have settled, and what they settled on.

    decided: approve (as it was), override, reject, send_back. action, args: as proposed; sent_action, sent_args: as
    people wanted it, None for a rejection. letter: 'none', 'kept', 'edited', 'dropped' or 'added'; kept_words: the share
    of the proposed letter's words that stayed. propensity: how likely the agent was to propose this; below 1 only where
    it drew a lot. stamps: models, prompts and agent that it came from. job: of its triage.
    """

    recommendation_id: str
    case_id: str
    revision: int
    draft_number: int
    job: int
    queue: str
    exception_type: str
    entity: str
    decided: str
    reason_code: str | None
    role: str | None
    proposed_at: datetime
    decided_at: datetime
    action: str
    args: Mapping[str, str]
    sent_action: str | None
    sent_args: Mapping[str, str] | None
    changed_args: Sequence[str]
    letter: str
    subject_changed: bool
    kept_words: float | None
    propensity: Decimal
    confidence: float | None
    cause: str | None
    stamps: Mapping[str, str]

    @property
    def agreed(self) -> bool:
        """Whether people sent the action that was proposed, in the same words or others."""
        return self.sent_action == self.action and not self.changed_args

    def as_dict(self) -> dict[str, Any]:
        """JSON values: times ISO, the propensity as a string. Arguments stay in the record, where they can be erased."""
        plain = asdict(self)
        for name in ("args", "sent_args"):
            del plain[name]
        times = {name: plain[name].isoformat() for name in ("proposed_at", "decided_at")}
        return {**plain, **times, "propensity": str(self.propensity), "changed_args": list(self.changed_args)}


# The proposals of agents, each with the last thing that was decided on its case and revision from it on. A withdrawn
# decision never was. Governed changes are people's own.
_SELECT = """
SELECT r.id, r.case_id, r.revision, r.draft_number, r.job_id, c.queue, coalesce(c.exception_type, '') AS exception_type, v.entity,
       r.created_at, r.confidence, r.envelope::jsonb AS envelope, d.decision, d.reason_code, d.seat_role, d.at,
       s.envelope::jsonb AS sent, f.content::jsonb AS findings, a.content::jsonb AS draft, b.content::jsonb AS sent_draft
FROM cs.recommendations r
JOIN cs.actors p ON p.tenant = r.tenant AND p.id = r.drafted_by AND p.kind = 'agent'
JOIN cs.cases c ON c.tenant = r.tenant AND c.id = r.case_id AND c.queue <> 'governance' AND NOT c.canary
JOIN cs.case_revisions v ON v.tenant = r.tenant AND v.case_id = r.case_id AND v.revision = r.revision
JOIN cs.leaves f ON f.tenant = r.tenant AND f.recommendation_id = r.id AND f.name = 'findings'
JOIN cs.leaves a ON a.tenant = r.tenant AND a.recommendation_id = r.id AND a.name = 'draft'
CROSS JOIN LATERAL (SELECT * FROM cs.decisions o WHERE o.tenant = r.tenant AND o.recommendation_id = r.id AND o.withdrawn_at IS NULL
    AND o.decision = CASE r.state WHEN 'overridden' THEN 'override' WHEN 'rejected' THEN 'reject' WHEN 'sent_back' THEN 'send_back' ELSE 'approve' END
    ORDER BY o.at DESC LIMIT 1) d
LEFT JOIN LATERAL (SELECT * FROM cs.recommendations n WHERE n.tenant = r.tenant AND n.case_id = r.case_id AND n.revision = r.revision
    AND n.draft_number > r.draft_number AND r.state = 'overridden' AND n.state IN ('approved', 'executed')
    ORDER BY n.draft_number LIMIT 1) s ON true
LEFT JOIN cs.leaves b ON b.tenant = s.tenant AND b.recommendation_id = s.id AND b.name = 'draft'
WHERE r.job_id IS NOT NULL AND r.state IN ('approved', 'executed', 'overridden', 'rejected', 'sent_back')
  AND (r.state <> 'overridden' OR s.id IS NOT NULL)
  AND (%(since)s::timestamptz IS NULL OR d.at >= %(since)s) AND (%(until)s::timestamptz IS NULL OR d.at < %(until)s)
ORDER BY d.at, r.id LIMIT %(most)s
"""


def settled(
    conn: Connection[Any], *, since: datetime | None = None, until: datetime | None = None, most: int = 100_000
) -> list[Override]:
    """The proposals that were settled in a time, in order. An override counts once somebody has signed what came of it."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_SELECT, {"since": since, "until": until, "most": most}).fetchall()
    return [_row(row) for row in rows]


def _row(row: Mapping[str, Any]) -> Override:
    decided = str(row["decision"])
    action = row["envelope"]["action"]
    overridden = row["sent"]["action"] if row["sent"] else None
    sent = overridden if decided == "override" else (action if decided == "approve" else None)
    after = row["sent_draft"] if decided == "override" else row["draft"]
    letter, subject, kept = _letter(row["draft"], after if sent is not None else row["draft"])
    findings = row["findings"] if isinstance(row["findings"], dict) else {}
    return Override(
        recommendation_id=row["id"],
        case_id=row["case_id"],
        revision=row["revision"],
        draft_number=row["draft_number"],
        job=row["job_id"],
        queue=row["queue"],
        exception_type=row["exception_type"],
        entity=row["entity"],
        decided=decided,
        reason_code=row["reason_code"],
        role=row["seat_role"],
        proposed_at=row["created_at"],
        decided_at=row["at"],
        action=action["name"],
        args=action["args"],
        sent_action=sent["name"] if sent else None,
        sent_args=sent["args"] if sent else None,
        changed_args=changed(action, sent),
        letter=letter,
        subject_changed=subject,
        kept_words=kept,
        propensity=_propensity(findings),
        confidence=row["confidence"],
        cause=_text(findings.get("cause"), "primary"),
        stamps=row["envelope"].get("stamps") or {},
    )


def changed(action: Mapping[str, Any], sent: Mapping[str, Any] | None) -> list[str]:
    """Names of the arguments that differ where the action is the same. Reasons are words, and differ for nothing."""
    if sent is None or sent["name"] != action["name"]:
        return []
    before, after = action["args"], sent["args"]
    return sorted(name for name in {*before, *after} - {"reason"} if before.get(name) != after.get(name))


def _letter(before: Any, after: Any) -> tuple[str, bool, float | None]:
    """(what became of the letter, whether its subject changed, share of its words that stayed)."""
    if not before:
        return ("added" if after else "none"), False, None
    if not after:
        return "dropped", False, 0.0
    if before == after:
        return "kept", False, 1.0
    old, new = str(before.get("body", "")).split(), str(after.get("body", "")).split()
    same = sum(block.size for block in difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks())
    return "edited", before.get("subject") != after.get("subject"), round(same / len(old), 4) if old else None


def _propensity(findings: Mapping[str, Any]) -> Decimal:
    """Of the lot that was drawn (agents.control); without one the agent proposes the same each time."""
    collections = findings.get("collections")
    lot = collections.get("control") if isinstance(collections, dict) else None
    try:
        said = Decimal(str(lot["propensity"])) if isinstance(lot, dict) else Decimal(1)
    except (KeyError, InvalidOperation):
        return Decimal(1)
    return said if 0 < said <= 1 else Decimal(1)


def _text(value: Any, name: str) -> str | None:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def lines(rows: Sequence[Override]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(one.as_dict(), ensure_ascii=False, sort_keys=True) + "\n" for one in rows)
