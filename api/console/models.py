"""How the model of collection risk holds: figures, two charts drawn here, and what was proposed because of them.

Figures are JSON, also of older programs: what is missing is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from api import watched
from api.console.loose import items, mapping, text, texts
from api.console.pages import ConsoleRoute, render
from api.console.plain import day, label, phrase
from api.console.session import DeskOf

router = APIRouter(prefix="/console", route_class=ConsoleRoute, include_in_schema=False)

HERE = "/console/models"
WIDTH, HEIGHT, _EDGE = 320, 160, 22
_MOST_FEATURES = 8
_NAMES = {
    "calibration": "Late minus said", "coverage": "80 % intervals that held",
    "late_rate": "Late share of the portfolio",
}  # fmt: skip
CAUSES = {
    "calibration": "more or fewer are late than was said", "coverage": "intervals hold less than they say",
    "late_rate": "the portfolio pays otherwise than a year before", "features": "the cases are of another kind",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of both periods with its 95 % interval, and what it is measured against."""

    name: str
    value: str
    interval: str
    against: str
    rows: str
    raised: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """One feature's stability index: against the model's first estimates, and against its training."""

    name: str
    index: str
    trained: str
    raised: bool


@dataclass(frozen=True, slots=True)
class Dot:
    """One point of a chart and the line of the table beside it. top, bottom: ends of its interval."""

    x: float
    y: float
    top: float
    bottom: float
    name: str
    said: str
    came: str
    rows: str


@dataclass(frozen=True, slots=True)
class View:
    """One judgement. `bins`: what was said and what came; `periods`: late minus said over time."""

    until: str
    matured: str
    waiting: str
    causes: tuple[str, ...]
    figures: tuple[Figure, ...]
    error: str | None
    features: tuple[Moved, ...]
    bins: tuple[Dot, ...]
    periods: tuple[Dot, ...]
    middle: float
    challenger: str | None


def read(value: object) -> View | None:
    """The figures of a judgement (models.risk_report); None where there are none."""
    said = mapping(value)
    if not said:
        return None
    causes = texts(said.get("causes"))
    return View(
        until=_day(said.get("until")),
        matured=text(said.get("matured")) or "0",
        waiting=text(said.get("waiting")) or "0",
        causes=tuple(CAUSES.get(one, phrase(one)) for one in causes),
        figures=tuple(_figures(said, causes)),
        error=_error(mapping(said.get("calibration_error"))),
        features=tuple(_features(said.get("features"))),
        bins=tuple(_bins(mapping(said.get("calibration_error")).get("bins"))),
        periods=tuple(_periods(said.get("over_time"))),
        middle=_height(0.0, -_SPAN, _SPAN),
        challenger=_challenger(mapping(said.get("challenger"))),
    )


_SPAN = 0.3
"""Shares above and below zero that the chart over time has room for."""


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _share(value: object, sign: bool = False) -> str:
    number = _number(value)
    if number is None:
        return "–"
    # An interval of a share may reach beyond what a share can be.
    number = number if sign else min(max(number, 0.0), 1.0)
    return (f"{number * 100:+.1f} %" if sign else f"{number * 100:.1f} %").replace("-", "\u2212")


def _day(value: object) -> str:
    try:
        return day(date.fromisoformat(str(value)))
    except ValueError:
        return "–"


def _figures(said: Mapping[str, Any], causes: Sequence[str]) -> Iterator[Figure]:
    for name, words in _NAMES.items():
        trial = mapping(said.get(name))
        both, sign = mapping(trial.get("both")), name == "calibration"
        rows = f"{both.get('rows', 0)} of {both.get('customers', 0)} customers"
        interval = f"{_share(both.get('low'), sign)} to {_share(both.get('high'), sign)}"
        against = "0" if sign else _share(trial.get("target"))
        yield Figure(words, _share(both.get("mean"), sign), interval, against, rows, name in causes)


def _error(said: Mapping[str, Any]) -> str | None:
    if _number(said.get("value")) is None:
        return None
    low, high = _number(said.get("low")) or 0.0, _number(said.get("high")) or 0.0
    return f"{said['value']:.3f} (95 % interval {low:.3f} to {high:.3f}) over {text(said.get('rows')) or '?'} invoices"


def _features(value: object) -> Iterator[Moved]:
    found = [one for one in map(mapping, items(value)) if text(one.get("name"))]
    found.sort(key=lambda one: (one.get("alarms") is not True, -(_number(one.get("index")) or 0.0), str(one["name"])))
    for one in found[:_MOST_FEATURES]:
        index, trained = (
            "–" if (number := _number(one.get(name))) is None else f"{number:.2f}" for name in ("index", "trained")
        )
        yield Moved(label(one["name"]), index, trained, one.get("alarms") is True)


def _height(value: float, lowest: float, highest: float) -> float:
    share = (min(max(value, lowest), highest) - lowest) / (highest - lowest)
    return round(HEIGHT - _EDGE - share * (HEIGHT - 2 * _EDGE), 1)


def _bins(value: object) -> Iterator[Dot]:
    for number, one in enumerate(map(mapping, items(value)), 1):
        said, came = _number(one.get("said")), _number(one.get("came"))
        if said is not None and came is not None:
            x = round(_EDGE + min(max(said, 0.0), 1.0) * (WIDTH - 2 * _EDGE), 1)
            y = _height(came, 0.0, 1.0)
            yield Dot(x, y, y, y, str(number), _share(said), _share(came), text(one.get("rows")) or "?")


def _periods(value: object) -> Iterator[Dot]:
    found = list(map(mapping, items(value)))
    step = (WIDTH - 2 * _EDGE) / max(len(found) - 1, 1)
    for at, one in enumerate(found):
        off, late = mapping(one.get("off")), mapping(one.get("late_rate"))
        mean, low, high = (_number(off.get(name)) for name in ("mean", "low", "high"))
        if mean is None:
            continue
        ends = [_height(mean if end is None else end, -_SPAN, _SPAN) for end in (high, low)]
        yield Dot(
            round(_EDGE + at * step, 1), _height(mean, -_SPAN, _SPAN), ends[0], ends[1], _day(one.get("until")),
            _share(mean, sign=True), _share(late.get("mean")), text(off.get("rows")) or "?",
        )  # fmt: skip


def _challenger(said: Mapping[str, Any]) -> str | None:
    rows = text(said.get("rows"))
    if rows is None:
        return None
    numbers = [_number(said.get(name)) for name in ("champion", "challenger", "low", "high")]
    lost = f" It gave no score for {said['lost']} cases." if said.get("lost") else ""
    if None in numbers:
        return f"Of {rows} invoices that both judged the outcome is known: not enough to compare them.{lost}"
    mine, its, low, high = (number or 0.0 for number in numbers)
    sure = "It is better by more than chance." if said.get("better") is True else "That is no more than chance."
    if low > 0:
        sure = "It is worse by more than chance."
    spread = f"95 % interval of the difference {low:+.4f} to {high:+.4f}"
    return f"Brier score {its:.4f} against {mine:.4f} of the champion over {rows} invoices ({spread}). {sure}{lost}"


@router.get("/models")
def show(request: Request, desk: DeskOf) -> Response:
    with desk.open() as scope:
        known = watched.state(scope.conn)
    newest = known["newest"] or {}
    return render(
        request,
        "models.html",
        known=known,
        judged=newest.get("day"),
        monitor=read(newest.get("figures")),
        canvas=(WIDTH, HEIGHT),
        edge=_EDGE,
        days=[
            {**one, "words": ", ".join(CAUSES.get(cause, cause) for cause in one["causes"])} for one in known["days"]
        ],
        share=_share,
    )
