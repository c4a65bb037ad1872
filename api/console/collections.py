"""The collections queue: what waits in order to cash by expected value, expected cash by week, aging."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api import worklist
from api.console import cash_curve, worth
from api.console.loose import mapping, text, texts
from api.console.pages import ConsoleRoute, address, render
from api.console.plain import amount, percent, phrase
from api.console.session import DeskOf
from api.strict import listing_name
from governance.errors import Malformed
from governance.record import collections
from governance.record.collections import Filter

router = APIRouter(prefix="/console", route_class=ConsoleRoute, include_in_schema=False)

HERE = "/console/collections"
PAGE = 25
QUEUE = "order_to_cash"
BUCKETS = {
    "not_due": "Not due", "1_30": "1 to 30 days", "31_60": "31 to 60 days", "61_90": "61 to 90 days",
    "over_90": "Over 90 days",
}  # fmt: skip
_CURRENCY = re.compile(r"[A-Z]{3}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_REASONS = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the queue, in words."""

    id: str
    customer: str
    invoice: str
    kind: str | None
    amount: str
    past_due: str
    late: str | None
    days: str | None
    interval: str | None
    value: str | None
    sum: str | None
    unknown: str | None
    action: str
    until: str | None
    delayed: str | None
    why: str | None
    reasons: tuple[str, ...]
    seats: str
    today: bool


def lines(rows: Sequence[Mapping[str, Any]], of: Filter) -> list[Line]:
    """Rows of api.worklist as a table shows them."""
    return [_line(row, of) for row in rows]


def _line(row: Mapping[str, Any], of: Filter) -> Line:
    risk, args = mapping(row["risk"]), mapping(row["args"])
    found = worth.read(row["collections"])
    return Line(
        id=row["id"],
        customer=row["customer"] or "No customer in the books",
        invoice=row["invoice_id"] or row["case_id"],
        kind=row["exception_type"],
        amount=amount(row["amount"], row["currency"]),
        past_due=_past_due(worklist.days_past_due(row, of)),
        late=percent(risk.get("p_late")),
        days=_days(risk.get("expected_days_late")),
        interval=_interval(risk),
        value=found.value if found else None,
        sum=found.sum if found else None,
        unknown=found.unknown if found else None,
        action=worth.action_words(row["action"], text(args.get("tone"))),
        until=text(args.get("date")),
        delayed=found.control if found and found.delayed else None,
        why=text(row["why"]),
        reasons=texts(risk.get("reasons"))[:_REASONS],
        seats=_seats([one["role"] for one in row["seats"] or [] if one["filled_by"] is None]),
        today=row["today"],
    )


def _seats(roles: Sequence[str]) -> str:
    """Such as: controller and 2 reviewers to sign."""
    counts = Counter(roles)
    said = [phrase(role) if count == 1 else f"{count} {phrase(role)}s" for role, count in sorted(counts.items())]
    return f"{' and '.join(said)} to sign" if said else "signed by all"


def _past_due(days: int | None) -> str:
    if days is None:
        return "no due date"
    if days <= 0:
        return "due today" if days == 0 else f"due in {-days} day{'s' if days != -1 else ''}"
    return f"{days} day{'s' if days != 1 else ''}"


def _days(value: object) -> str | None:
    found = worth.decimal(value)
    if found is None:
        return None
    days = round(float(found))
    return f"{abs(days)} day{'s' if abs(days) != 1 else ''} {'early' if days < 0 else 'late'}" if days else "on the day"


def _interval(risk: Mapping[str, Any]) -> str | None:
    low, high = worth.decimal(risk.get("days_late_low")), worth.decimal(risk.get("days_late_high"))
    if low is None or high is None:
        return None
    return f"80 %: {round(float(low))} to {round(float(high))}".replace("-", "\u2212")


@router.get("/collections")
def show(
    request: Request,
    desk: DeskOf,
    entity: Annotated[str, Query(max_length=200)] = "",
    currency: Annotated[str, Query(max_length=3)] = "",
    bucket: Annotated[str, Query(max_length=20)] = "",
    cursor: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    if bucket not in ("", *BUCKETS) or _CONTROL.search(entity) or (currency and not _CURRENCY.fullmatch(currency)):
        raise Malformed("there is no such filter: choose one of those on the page of collections")
    name = listing_name("collections", entity=entity, currency=currency, bucket=bucket)
    low, high = worklist.BUCKETS[bucket] if bucket else (None, None)
    of = Filter(_today(), QUEUE, entity or None, currency or None, low, high)
    after = worklist.read_cursor(name, cursor or None)
    with desk.open() as scope:
        found = worklist.listed(scope.conn, of, after=after, limit=PAGE)
        counted = collections.counted(scope.conn, of)
        cash = collections.cash(scope.conn, of)
        aging = collections.aging(scope.conn, of)
        currencies, entities = collections.choices(scope.conn, QUEUE)
    place = worklist.cursor(name, found.place)
    chosen = {"entity": entity, "currency": currency, "bucket": bucket}
    return render(
        request,
        "collections.html",
        lines=lines(found.rows, of),
        day=found.day,
        day_value=_eur(found.day.value_eur),
        counted=counted,
        cut=worklist.cut(found.total),
        curves=cash_curve.curves(cash, of.today),
        agings=cash_curve.agings(aging),
        canvas=(cash_curve.WIDTH, cash_curve.HEIGHT, cash_curve.BASE),
        buckets=BUCKETS,
        currencies=currencies,
        entities=entities,
        chosen=chosen,
        filtered=any(chosen.values()),
        following=address(HERE, **chosen, cursor=place) if place else None,
        first=address(HERE, **chosen) if after else None,
    )


def _eur(value: Decimal) -> str:
    return amount(value, "EUR")


def _today() -> date:
    return datetime.now(UTC).date()
