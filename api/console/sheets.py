"""What was read from a document, field by field, and the pages with a frame around each place it was read from.

The list of fields is the accessible form; the frames show the same. Readings are JSON of any shape: what is not as
expected is left out, and never an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.console.findings import text
from api.console.plain import label, percent
from api.intake.render import Pages
from governance.case import FIELD_NAMES

MOST_PAGES = 10
"""Pages that are shown at once."""
WIDTH = 1000.0
"""Width of a page in the units of its frames."""
_NO_SECOND_LOOK, _LIKELY = 0.95, 0.8  # models.extraction.ACCEPT is the first
_MARGIN, _TAG = 5.0, 12.0
_TURNED = re.compile(r"page (\d+) was turned by ")
_LONGEST = 300
_FARTHEST = 1e6  # points; NaN and infinities are farther

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle (left, top, right, bottom) in points from the top left corner of a page. `rival`: another value than
    the field's stands there."""

    page: int
    box: Box
    rival: bool = False


@dataclass(frozen=True, slots=True)
class FieldView:
    """One field that was read. `number` is that of its frame; None where no page shows where it stands."""

    key: str
    name: str
    value: str
    sure: str | None
    place: Place | None
    number: int | None
    alternatives: tuple[str, ...]
    notes: tuple[str, ...]
    contested: bool

    @property
    def page(self) -> int | None:
        return self.place.page if self.place else None


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle around a field's place on its page, in units of WIDTH for the page's width."""

    field: FieldView
    left: float
    top: float
    width: float
    height: float
    tag: tuple[float, float]
    """Where its number stands: at its corner, apart from other numbers."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page: its height in the same units as its frames; None where it cannot be shown."""

    page: int
    height: float | None
    frames: tuple[Frame, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """Fields in their order, notes that belong to no field, pages as far as they are shown."""

    fields: tuple[FieldView, ...]
    notes: tuple[str, ...]
    sheets: tuple[Sheet, ...] = ()
    pages: int = 0


def read(reading: Mapping[str, Any], warnings: Sequence[str] = (), pages: Pages | None = None) -> Document:
    """A reading (governance.case.Reading.as_dict) as a page shows it. `warnings` are those that the agent kept;
    `pages` the document's pages where they are to be shown."""
    said = list(dict.fromkeys((*_texts(reading.get("warnings")), *warnings)))
    found = _maps(reading.get("findings"))
    fields = _fields(reading, said, found)
    taken = {note for one in fields for note in one.notes}
    notes = tuple(_with_label(note) for note in said if _without_name(note) not in taken)
    if pages is None:
        return Document(fields, notes)
    turned = {int(match[1]) for note in said if (match := _TURNED.match(note))}
    shown = min(pages.count, len(pages.sizes), MOST_PAGES)
    sheets = tuple(_sheet(number, pages.sizes[number - 1], fields, number in turned) for number in range(1, shown + 1))
    return Document(fields, notes, sheets, pages.count)


def _fields(
    reading: Mapping[str, Any], warnings: Sequence[str], found: Sequence[Mapping[str, Any]]
) -> tuple[FieldView, ...]:
    values, confidence = _map(reading.get("fields")), _map(reading.get("field_confidence"))
    alternatives, places = _map(reading.get("alternatives")), _places(reading, found)
    names = [*FIELD_NAMES, *(name for name in values if name not in FIELD_NAMES)]
    number = 0
    views: list[FieldView] = []
    for name in names:
        value = text(values.get(name))
        if value is None:
            continue
        mine = [one for one in found if name in _texts(one.get("fields"))]
        contested = any(one.get("level") == "contested" for one in mine)
        place = places.get(name)
        number += place is not None
        views.append(
            FieldView(
                key=name if name in FIELD_NAMES else "other",
                name=label(name),
                value=value,
                sure=_sure(confidence.get(name), contested),
                place=place,
                number=number if place else None,
                alternatives=_texts(alternatives.get(name)),
                notes=_notes(name, warnings, mine),
                contested=contested,
            )
        )
    return tuple(views)


def _notes(name: str, warnings: Sequence[str], found: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What is said of one field, each thing once and without the field's name in front."""
    said = [note for note in warnings if note.startswith(f"{name}:")]
    said += [detail for one in found if (detail := text(one.get("detail")))]
    return tuple(dict.fromkeys(_without_name(note) for note in said))


def _without_name(note: str) -> str:
    name, _, rest = note.partition(": ")
    return (rest if name in FIELD_NAMES and rest else note)[:_LONGEST]


def _with_label(note: str) -> str:
    name, _, rest = note.partition(": ")
    return f"{label(name)}: {rest}" if name in FIELD_NAMES and rest else note


def _sure(confidence: object, contested: bool) -> str | None:
    """The calibrated chance that the value is right, in words; None where none was measured."""
    if contested:
        return "contested: compare before anything is done"
    said = percent(confidence)
    if said is None or not isinstance(confidence, int | float):
        return None
    if confidence >= _NO_SECOND_LOOK:
        return f"sure, {said}"
    return f"likely, {said}" if confidence >= _LIKELY else f"not sure, {said}"


def _sheet(number: int, size: tuple[float, float], fields: Sequence[FieldView], turned: bool) -> Sheet:
    width, height = size
    if not (width > 0 and height > 0):
        return Sheet(number, None, ())
    unit = WIDTH / width
    frames: list[Frame] = []
    for field in fields:
        # A page that was turned for reading is shown as it came: a frame would stand elsewhere.
        if field.place is not None and field.place.page == number and not turned:
            frames.append(_frame(field, field.place.box, unit, height * unit, [one.tag for one in frames]))
    # What is contested is drawn last: two fields may stand at one place.
    return Sheet(number, round(height * unit, 1), tuple(sorted(frames, key=lambda one: one.field.contested)))


def _frame(field: FieldView, box: Box, unit: float, height: float, tags: Sequence[tuple[float, float]]) -> Frame:
    """The box with a little air around it, kept on the page."""
    left = min(max(box[0] * unit - _MARGIN, 0.0), WIDTH - 2 * _MARGIN)
    top = min(max(box[1] * unit - _MARGIN, 0.0), max(height - 2 * _MARGIN, 0.0))
    wide = max(min(box[2] * unit + _MARGIN, WIDTH) - left, 2 * _MARGIN)
    high = max(min(box[3] * unit + _MARGIN, height) - top, 2 * _MARGIN)
    tag = (left - _TAG / 2, top)
    while tag[0] > _TAG and any(math.dist(tag, other) < 2 * _TAG for other in tags):
        tag = (tag[0] - 2 * _TAG, tag[1])
    tag = (max(tag[0], _TAG), max(tag[1], _TAG))
    return Frame(
        field, round(left, 1), round(top, 1), round(wide, 1), round(high, 1), (round(tag[0], 1), round(tag[1], 1))
    )


def _places(reading: Mapping[str, Any], found: Sequence[Mapping[str, Any]]) -> dict[str, Place]:
    """Where each field stands, or else what stands on the page in its stead."""
    places: dict[str, Place] = {}
    for name, value in _map(reading.get("evidence")).items():
        if (place := _place(value)) is not None:
            places[name] = place
    for one in found:
        place = _place(one.get("evidence"), rival=True)
        if place is not None and one.get("level") == "contested":
            for name in _texts(one.get("fields")):
                places.setdefault(name, place)
    return places


def _place(value: object, rival: bool = False) -> Place | None:
    found = _map(value)
    page, box = found.get("page"), found.get("box")
    if not isinstance(page, int) or isinstance(page, bool) or page < 1 or not isinstance(box, list | tuple):
        return None
    numbers = [float(one) for one in box if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(box) != 4 or len(numbers) != 4 or not all(abs(one) < _FARTHEST for one in numbers):
        return None
    return Place(page, (numbers[0], numbers[1], numbers[2], numbers[3]), rival)


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _maps(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def _texts(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list | tuple) else ()
    return tuple(said for item in items if (said := text(item)) is not None)
