"""What waits for people, by what it is worth."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from api import worklist
from api.auth import CallerOf
from api.schemas import QueueName
from api.strict import CursorText, Limit, StrictRoute, answer, listing_name
from governance import permit
from governance.record.collections import Filter

router = APIRouter(prefix="/v1", tags=["review"], route_class=StrictRoute)

Currency = Annotated[str | None, Query(pattern="^[A-Z]{3}$")]
Entity = Annotated[str | None, Query(max_length=200, pattern="^[^\\x00-\\x1f\\x7f]+$")]
BucketName = Literal["not_due", "1_30", "31_60", "61_90", "over_90"]


@router.get("/worklist")
def list_worklist(
    caller: CallerOf,
    queue: Annotated[QueueName, Query()] = "order_to_cash",
    currency: Currency = None,
    entity: Entity = None,
    bucket: Annotated[BucketName | None, Query(description="Days past due.")] = None,
    limit: Limit = 50,
    cursor: CursorText = None,
) -> Response:
    """Waiting recommendations, the most valuable first; `today`: whether a collector's day has room for it."""
    name = listing_name("worklist", queue=queue, currency=currency, entity=entity, bucket=bucket)
    low, high = worklist.BUCKETS[bucket] if bucket else (None, None)
    of = Filter(datetime.now(UTC).date(), queue, entity, currency, low, high)
    with caller.transaction() as scope:
        permit.may_read(scope.actor)
        found = worklist.listed(scope.conn, of, after=worklist.read_cursor(name, cursor), limit=limit)
    day = found.day
    return answer(
        {
            "items": [_item(row, of) for row in found.rows],
            "next_cursor": worklist.cursor(name, found.place),
            "day": {
                "actions": day.actions, "of_actions": day.of_actions, "minutes": day.minutes,
                "of_minutes": day.of_minutes, "value_eur": day.value_eur,
            },
        }
    )  # fmt: skip


def _item(row: dict[str, Any], of: Filter) -> dict[str, Any]:
    said = row["collections"] if isinstance(row["collections"], dict) else {}
    plain = (
        "case_id", "exception_type", "title", "customer_id", "customer", "invoice_id", "entity", "amount", "currency",
        "due_date", "digest", "created_at", "today", "why", "risk",
    )  # fmt: skip
    return {
        "recommendation_id": row["id"],
        **{name: row[name] for name in plain},
        "days_past_due": worklist.days_past_due(row, of),
        "action": {"name": row["action"], "args": row["args"]},
        "expected_value": said.get("value"),
        "control": said.get("control"),
        "required_seats": row["seats"] or [],
    }
