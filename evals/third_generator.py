"""A ledger of an invented company with duplicates planted in it: used to measure a detector, never to train one.

Every seed is another company: country, size, columns, suppliers' numbering and prices, clerks' habits and the mix of
classes and traps are drawn afresh. Nothing here knows how any detector compares two bills.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from random import Random

from evals.third_bill import Bill, everyday, make, number_bills, row, set_apart, spoil
from evals.third_firm import build_firms
from evals.third_hard import hard_groups
from evals.third_house import House, build_house
from evals.third_noise import plain
from evals.third_twins import (
    CLASSES,
    NUMBER_TELLS,
    TWINS,
    UNRELATED,
    blur,
    number_parts,
    renumbered,
    split,
    tellable,
)  # fmt: skip
from models.invoice import Invoice

Pair = tuple[Bill, Bill, str]


@dataclass(frozen=True, slots=True)
class ThirdLedger:
    """Rows in the order of the export; pairs (first id, second id, class), a split's whole with each of its parts.

    hard: the ids of bills that look alike and are no duplicates of each other, with the kind of trap.
    """

    invoices: list[Invoice]
    pairs: list[tuple[str, str, str]]
    hard: list[tuple[tuple[str, ...], str]]


def third_ledger(
    seed: int, invoices: int, duplicate_share: float = 0.02, classes: Collection[str] | None = None
) -> ThirdLedger:
    """A ledger of exactly `invoices` rows of which about `duplicate_share` repeat another one.

    classes: only these classes are planted (None: all). A bill is repeated once at most. The same arguments give the
    same ledger on every machine. ValueError below 60 rows, for a share outside 0..0.25 or an unknown class.
    """
    wanted = tuple(name for name in CLASSES if classes is None or name in classes)
    if invoices < 60 or not 0 <= duplicate_share <= 0.25 or set(classes or ()) - set(CLASSES):
        raise ValueError("give 60 rows or more, a share of 0 to 0.25 and classes out of " + ", ".join(CLASSES))
    rng = Random(f"third:{seed}")  # noqa: S311 - an invented ledger, no secret
    house = build_house(rng)
    copies = round(invoices * duplicate_share) if wanted else 0
    plan = _plan(rng, wanted, copies)
    firms = build_firms(house, invoices)
    traps = list(hard_groups(house, firms, int((invoices - copies) * rng.uniform(0.12, 0.35))))
    planted = [bill for members, _ in traps for bill in members]
    ordinary = everyday(house, firms, invoices - copies - len(planted))
    pairs, parts = _unrelated(house, ordinary, plan)
    second = [copy for _, copy, _ in pairs]
    bills = planted + [bill for bill in ordinary if not bill.fair] + second
    bills += [bill for bill in ordinary if bill.fair]
    number_bills(house, bills)
    spoil(house, [bill for bill in bills if bill.fair])
    for whole, pieces, mode in parts:
        number_parts(rng, whole, pieces, mode)
    twins = [([first, copy], kind) for first, copy, kind in pairs]
    found = set_apart(house, bills, traps + twins)
    pairs += _related(house, bills, plan, invoices - len(bills))
    bills += [copy for _, copy, kind in pairs if kind in TWINS]
    while len(bills) < invoices:  # too few bills were fit for what was asked
        firm = rng.choice(firms)
        bills.append(make(house, firm, house.day(), firm.fresh(rng)))
        number_bills(house, bills[-1:])
    return _export(house, bills, pairs, traps + found)


def _plan(rng: Random, wanted: tuple[str, ...], copies: int) -> dict[str, int]:
    """How many rows each class adds: one turn for each, the rest by this company's own mix."""
    order = rng.sample(wanted, len(wanted))
    mix = [rng.lognormvariate(0.0, 0.7) for _ in order]
    plan: dict[str, int] = defaultdict(int)
    turn = 0
    while copies:
        kind = order[turn] if turn < len(order) else rng.choices(order, mix)[0]
        size = min(rng.choice([2, 2, 3]), copies) if kind == "split" else 1
        # A split takes two parts or more: a lone row left over makes one part more, or another class.
        if kind == "split" and size < 2:
            others = [name for name in order if name != "split"]
            if not others:
                plan["split"] += copies if plan["split"] else 0
                break
            kind = others[0]
        plan[kind] += size
        copies -= size
        turn += 1
    return plan


def _unrelated(
    house: House, ordinary: list[Bill], plan: dict[str, int]
) -> tuple[list[Pair], list[tuple[Bill, list[Bill], str]]]:
    """The second bills that carry numbers of their own: made before the suppliers number what they send."""
    rng = house.rng
    seen: dict[tuple[int, object], int] = defaultdict(int)
    for bill in ordinary:
        seen[(id(bill.firm), bill.amount)] += 1
    fit = [bill for bill in ordinary if tellable(bill) and seen[(id(bill.firm), bill.amount)] == 1]
    rng.shuffle(fit)
    pairs: list[Pair] = []
    parts = []
    for _ in range(min(plan["renumbered"], len(fit))):
        bill = fit.pop()
        pairs.append((bill, renumbered(house, bill), "renumbered"))
        bill.fair = 0
    left = plan["split"]
    while left > 1 and fit:
        bill = fit.pop()
        count = left if left < 4 else rng.choice([2, 2, 3])
        count = 2 if left == 4 else min(count, left)
        pieces, mode = split(house, bill, count)
        pairs += [(bill, piece, "split") for piece in pieces]
        parts.append((bill, pieces, mode))
        bill.fair, left = 0, left - count
    return pairs, parts


def _related(house: House, bills: list[Bill], plan: dict[str, int], room: int) -> list[Pair]:
    """The second bills made from the first one's own number, until the ledger is full."""
    rng = house.rng
    numbers: dict[tuple[int, str], set[int]] = defaultdict(set)
    for bill in bills:
        numbers[(id(bill.firm), plain(bill.number))].add(id(bill))
    fit = rng.sample([bill for bill in bills if bill.fair], sum(1 for bill in bills if bill.fair))
    kinds = [kind for kind, count in plan.items() for _ in range(count) if kind not in UNRELATED]
    rng.shuffle(kinds)
    pairs: list[Pair] = []
    for kind in kinds[:room]:
        for place in range(len(fit) - 1, -1, -1):
            bill = fit[place]
            if (bill.fair < 2 and kind not in NUMBER_TELLS) or (bill.credit and kind not in ("exact", "format")):
                continue
            copy = TWINS[kind](house, bill)
            if copy is None:
                continue
            copy = blur(house, copy, kind)
            key = (id(bill.firm), plain(copy.number))
            if not plain(copy.number) or numbers[key] - {id(bill)} or len(numbers[(key[0], plain(bill.number))]) > 1:
                continue
            numbers[key].add(id(copy))
            pairs.append((bill, copy, kind))
            del fit[place]
            break
    return pairs


def _export(house: House, bills: list[Bill], pairs: list[Pair], groups: list[tuple[list[Bill], str]]) -> ThirdLedger:
    """Ids in the order of posting, as the system gives them out; rows in that order or as the export shuffled them."""
    rng = house.rng
    later = {id(copy) for _, copy, _ in pairs}
    bills = sorted(bills, key=lambda bill: (bill.posted, id(bill) in later))
    ids, serial = {}, rng.randint(1, 90000)
    for bill in bills:
        serial += rng.choice([1, 1, 1, 1, 2, 3])
        ids[id(bill)] = house.id_style.format(n=serial, y=bill.posted.year)
    if house.shuffled:
        rng.shuffle(bills)
    return ThirdLedger(
        invoices=[row(house, bill, ids[id(bill)]) for bill in bills],
        pairs=[(ids[id(first)], ids[id(copy)], kind) for first, copy, kind in pairs],
        hard=[(tuple(ids[id(bill)] for bill in members), kind) for members, kind in groups],
    )
