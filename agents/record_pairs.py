"""One thing said twice: which of the two is ours, which is theirs, which is the right one, and whose side is off. Pure.

A name is read word by word: `contract_unit_price`, `ordered_unit_price` and `billed_unit_price` are the unit price as
it should be, as we hold it and as the other side has it. Which words are whose is data, and hangs on the queue: a
supplier writes the invoice of a payable, we write that of a receivable.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal

from agents import facts
from agents.diagnose_signs import interface_failed
from agents.diagnosis import Cause
from agents.state import View

RIGHT, OURS, THEIRS = "right", "ours", "theirs"
_RIGHT = frozenset(
    [
        "contract",
        "contracted",
        "agreed",
        "official",
        "correct",
        "right",
        "valid",
        "legal",
        "statutory",
        "force",
        "source",
        "signed",
        "amendment",
        "amended",
        "confirmed",
        "true",
        "actual",
        "due",
        "reached",
        "earned",
        "register",
        "registered",
        "published",
        "negotiated",
        "quoted",
        "tariff",
    ]
)
_OURS = frozenset(
    [
        "our",
        "own",
        "ours",
        "books",
        "book",
        "master",
        "system",
        "internal",
        "ledger",
        "booked",
        "posted",
        "entered",
        "keyed",
        "recorded",
        "applied",
        "used",
        "loaded",
        "imported",
        "maintained",
        "stored",
        "settled",
        "assigned",
        "erp",
        "crm",
    ]
)
_THEIRS = frozenset(
    [
        "partner",
        "supplier",
        "vendor",
        "customer",
        "their",
        "theirs",
        "claimed",
        "bank",
        "carrier",
        "payer",
        "remitted",
        "paid",
    ]
)
_BY_QUEUE: Mapping[str, Mapping[str, str]] = {
    "accounts_payable": {"invoice": THEIRS, "billed": THEIRS, "document": THEIRS, "ordered": OURS, "order": OURS,
                         "po": OURS, "expected": OURS},
    "order_to_cash": {"invoice": OURS, "invoiced": OURS, "billed": OURS, "billing": OURS, "order": RIGHT,
                      "ordered": RIGHT, "received": THEIRS},
    "customer_onboarding": {"billing": OURS, "billed": OURS, "invoice": OURS, "order": RIGHT},
    "partner_settlement": {"statement": OURS, "paid": OURS, "billing": OURS, "expected": RIGHT},
    "record_to_report": {"statement": RIGHT, "bank": RIGHT, "invoice": RIGHT, "expected": RIGHT, "balance": OURS},
}  # fmt: skip
_FILL = frozenset({"in", "on", "of", "by", "per", "the", "for", "from", "to", "at", "with", "percent", "value", "file"})
_CHECKED = re.compile(r"(master|books|record)(_\w+)?_(verified|confirmed|checked)_on$")
_OF_SUPPLIERS = frozenset({"accounts_payable", "partner_settlement"})
_IDENTITY = frozenset({"name", "vat", "iban", "tax", "holder", "legal", "address", "registration"})
_NO_FIGURE = re.compile(
    r"(^|_)(on|at|date|since|until|to|by|status|state|balance|check|quantity|units|difference|variance|entry|id)$"
)


def _side(word: str, queue: str) -> str | None:
    if (by_queue := _BY_QUEUE.get(queue, {}).get(word)) is not None:
        return by_queue
    for side, known in ((RIGHT, _RIGHT), (OURS, _OURS), (THEIRS, _THEIRS)):
        if word in known:
            return side
    return None


def _value(view: View, name: str) -> Decimal | str | None:
    number = facts.number(view.details, name)
    if number is not None:
        return number
    text = facts.text(view.details, name)
    return text.casefold() if text and len(text) <= 60 else None


def _twice(view: View) -> Iterator[tuple[frozenset[str], Mapping[str, tuple[str, Decimal | str]]]]:
    """Per thing: side → (name, value), for things that at least two sides name."""
    found: dict[frozenset[str], dict[str, tuple[str, Decimal | str]]] = {}
    queue = view.brief.facts.queue
    for name in view.details:
        words = name.casefold().split("_")
        beside = _NO_FIGURE.search(name) and not (words[-1] == "id" and set(words) & _IDENTITY)
        if beside or (value := _value(view, name)) is None:
            continue
        sides = [side for word in words if (side := _side(word, queue)) is not None]
        stem = frozenset(word for word in words if _side(word, queue) is None and word not in _FILL)
        if sides and stem:
            found.setdefault(stem, {}).setdefault(sides[0], (name, value))
    for stem, sides_ in found.items():
        if len(sides_) > 1:
            yield stem, sides_


def said_twice(view: View) -> Cause | None:
    """Whose side is off, where one thing is said in two ways; None where nothing tells which way is right.

    That our own figure is old because an interface failed is for the rules on interfaces to say.
    """
    for stem, sides in _twice(view):
        supplies = view.brief.facts.queue in _OF_SUPPLIERS
        worded = isinstance(next(iter(sides.values()))[1], str)
        if (supplies and stem & _IDENTITY) or "iban" in stem or (worded and not _known(stem)):
            continue
        right, ours, theirs = (sides.get(side) for side in (RIGHT, OURS, THEIRS))
        if right is None or type(right[1]) is not type((ours or theirs or right)[1]):
            continue
        shown = tuple((f"{name.replace('_', ' ')}: {value}", "case") for name, value in sides.values())
        if ours is not None and ours[1] != right[1] and not interface_failed(view):
            why = ("our figure is not the one that it should be", "case")
            return Cause("data_quality", (*shown, why), sure=True)
        if theirs is not None and theirs[1] != right[1] and (ours is None or ours[1] == right[1]):
            why = ("our figure is the right one, theirs is not", "case")
            return Cause("counterparty", (*shown, why))
    return None


def outvoted(view: View) -> Cause | None:
    """What it should be and what the other side has agree, and ours does not: the odd one out is ours."""
    for stem, sides in _twice(view):
        right, ours, theirs = (sides.get(side) for side in (RIGHT, OURS, THEIRS))
        if stem & _IDENTITY or "iban" in stem or right is None or ours is None or theirs is None:
            continue
        if right[1] == theirs[1] != ours[1] and not interface_failed(view):
            shown = tuple((f"{name.replace('_', ' ')}: {value}", "case") for name, value in sides.values())
            why = ("the other side has it as it should be, and we do not", "case")
            return Cause("data_quality", (*shown, why), sure=True)
    return None


def _known(stem: frozenset[str]) -> bool:
    """Texts that are a thing of the books, and no words."""
    return bool(
        stem
        & {
            "period",
            "address",
            "number",
            "entity",
            "currency",
            "customer",
            "account",
            "code",
            "tier",
            "unit",
            "contract",
            "order",
        }
    )


def another_identity(view: View) -> Cause | None:
    """A name or a tax number that is not the one of our records: whom we deal with is not settled."""
    if view.brief.facts.queue not in _OF_SUPPLIERS:
        return None
    for stem, sides in _twice(view):
        if not stem & _IDENTITY or "iban" in stem:
            continue
        values = {re.sub(r"[^0-9a-zà-ÿ]", "", str(value)) for _, value in sides.values()}
        if len(values) > 1:
            shown = tuple((f"{name.replace('_', ' ')}: {value}", "case") for name, value in sides.values())
            if checked := [name for name in view.details if _CHECKED.search(name) and facts.day(view.details, name)]:
                why = (
                    f"{checked[0].replace('_', ' ')}: our record was checked, and the paper is in another's name",
                    "books",
                )
                return Cause("counterparty", (*shown, why), ("supplier_master_mismatch",))
            return Cause("supplier_master_mismatch", (*shown, ("our record and theirs name somebody else", "case")))
    return None


def misread(view: View) -> Cause | None:
    """Two identifiers that are the same but for a letter or two where the other has a figure."""
    for stem, sides in _twice(view):
        values = [re.sub(r"[^0-9a-z]", "", str(value)) for _, value in sides.values()]
        if "iban" not in stem and len(values) == 2 and _read_wrongly(*values):
            shown = tuple((f"{name.replace('_', ' ')}: {value}", "case") for name, value in sides.values())
            why = ("a letter stands where the other has a figure: one of them was read wrongly", "case")
            return Cause("data_quality", (*shown, why), sure=True)
    return None


def _read_wrongly(one: str, other: str) -> bool:
    off = [(left, right) for left, right in zip(one, other, strict=False) if left != right]
    mixed = all(left.isdigit() != right.isdigit() for left, right in off)
    return len(one) == len(other) >= 6 and 0 < len(off) <= 2 and mixed


def digits_swapped(view: View) -> Cause | None:
    """Two numbers of the same figures in another order: one of them was keyed wrongly."""
    texts = [(name, re.sub(r"\W", "", str(value))) for name, value in view.details.items()
             if isinstance(value, str | int) and not isinstance(value, bool) and "iban" not in name
             and not re.match(r"\d{4}-\d\d-\d\d", str(value))]  # fmt: skip
    long = [(name, text) for name, text in texts if len(text) >= 6 and sum(map(str.isdigit, text)) >= 5]
    for at, (name, text) in enumerate(long):
        for other, second in long[at + 1 :]:
            near = len(text) == len(second) and sum(a != b for a, b in zip(text, second, strict=True)) == 2
            if near and Counter(text) == Counter(second) and not re.search(r"date|_on\b", f"{name} {other}"):
                why = ("the same figures in another order: one of them was keyed wrongly", "case")
                shown = tuple(
                    (f"{one.replace('_', ' ')}: {value}", "case") for one, value in ((name, text), (other, second))
                )
                return Cause("data_quality", (*shown, why), sure=True)
    return None
