"""Made-up ledgers of works, shops, carriers and builders, with planted duplicates and bills that only look like some.

Every seed is another organisation: its trade, entities, clerks, scanners, columns, suppliers and their habits are drawn
anew. No real ledger was used; what is known of duplicates is the trade's common knowledge (one bill by two channels, a
vendor entered twice, a mark behind a number so that the system takes it).
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from random import Random

from models.invoice import Invoice
from models.pair_works_desk import Desk
from models.pair_works_entry import Booked, enter, enter_all, give_numbers, plain, plan
from models.pair_works_house import CLASSES, House, build_house
from models.pair_works_noise import bare
from models.pair_works_parts import TWINS
from models.pair_works_supplier import draw_suppliers

# A hard group's bill may be paid twice too, where its own number tells it from its neighbours.
_TELLING_KINDS = frozenset(
    {
        "recurring_sequence",
        "instalments",
        "price_list",
        "same_day_deliveries",
        "near_numbers",
        "chance_amount",
        "freight_daily",
    }
)
_ON_HARD = frozenset({"exact", "format", "suffix", "vendor"})


@dataclass(frozen=True, slots=True)
class WorksLedger:
    """`invoices` in the order of the export; `pairs`: (first id, second id, class), a split's whole with each part;
    `hard`: (ids, kind) of bills that belong together and are no duplicates of each other."""

    invoices: list[Invoice]
    pairs: list[tuple[str, str, str]]
    hard: list[tuple[tuple[str, ...], str]]


def works_ledger(
    seed: int, invoices: int, duplicate_share: float = 0.02, classes: Sequence[str] | None = None
) -> WorksLedger:
    """A ledger of `invoices` rows, about `duplicate_share` of them second registrations. Deterministic by seed.

    `classes`: only these are planted (of CLASSES); a house of one entity leaves "entity" out unless it is asked for.
    Raises ValueError for an unknown class, a share outside 0 to 0.4, or fewer than 20 invoices.
    """
    wanted = None if classes is None else tuple(dict.fromkeys(classes))
    unknown = sorted(set(wanted or ()) - set(CLASSES))
    if unknown:
        raise ValueError(f"unknown classes of duplicates: {', '.join(unknown)}; known: {', '.join(CLASSES)}")
    if not 0 <= duplicate_share <= 0.4 or invoices < 20:
        raise ValueError("duplicate_share is between 0 and 0.4, and a ledger has 20 invoices at least")
    rng = Random(f"works {seed}")  # noqa: S311 - made-up data needs a repeatable source, no secret one
    house = build_house(rng, invoices, wanted)
    budget = 0 if wanted == () else round(invoices * duplicate_share)
    taken: set[str] = set()
    count = max(6, int(invoices / rng.choice((6, 10, 15, 25, 40))))
    desk = Desk(rng, house, draw_suppliers(rng, house, count, taken), taken)
    rows = enter_all(desk, give_numbers(desk, plan(desk, invoices - budget)))
    pairs = _plant(desk, rows, budget)
    while len(rows) < invoices:
        supplier = rng.choice(desk.suppliers)
        for draft in plain(desk, supplier):
            rows.append(enter(desk, draft, desk.fresh_number(supplier, draft.day), supplier, draft.day))
    return _finished(desk, rows, pairs)


def _key(row: Booked) -> tuple[int, str, str]:
    return row.draft.supplier, bare(row.invoice.invoice_no), format(abs(row.invoice.amount), "f")


def _plant(desk: Desk, rows: list[Booked], budget: int) -> list[tuple[int, int, str]]:
    """Copies appended to the rows, at most `budget`; each class comes once before any comes twice."""
    rng, house = desk.rng, desk.house
    names = [name for name, _ in house.classes]
    queue = rng.sample(names, len(names))
    held: dict[tuple[int, str, str], set[int]] = defaultdict(set)
    for at, row in enumerate(rows):
        held[_key(row)].add(at)
    pool = [at for at, row in enumerate(rows) if row.draft.cents > 2000]
    pairs: list[tuple[int, int, str]] = []
    left, misses = budget, 0
    while left > 0 and pool and misses < 60 * (len(names) + 1):
        name = queue[0] if queue else rng.choices(names, [weight for _, weight in house.classes])[0]
        spot = rng.randrange(len(pool))
        at = pool[spot]
        copies = _copies(desk, rows, held, at, name)
        if not copies or len(copies) > left:
            misses += 1
            if len(copies) > left and queue:
                queue.pop(0)
            continue
        queue, misses, left = queue[1:], 0, left - len(copies)
        pool[spot] = pool[-1]
        pool.pop()
        group = [at]
        for copy in copies:
            held[_key(copy)].add(len(rows))
            group.append(len(rows))
            rows.append(copy)
        linked = combinations(group, 2) if name == "exact" else ((at, copy) for copy in group[1:])
        pairs += [(first, second, name) for first, second in linked]
    return pairs


def _copies(
    desk: Desk, rows: list[Booked], held: dict[tuple[int, str, str], set[int]], at: int, name: str
) -> list[Booked]:
    """The copies of one class, or none: their number and amount must belong to nobody but the first row."""
    source = rows[at]
    if source.draft.group >= 0 and not (
        name in _ON_HARD and desk.groups[source.draft.group] in _TELLING_KINDS and len(held[_key(source)]) == 1
    ):
        return []
    made = TWINS[name](desk, source)
    if name == "exact" and desk.rng.random() < 0.03:
        made += TWINS[name](desk, made[0])
    for copy in made:
        if held.get(_key(copy), set()) - {at}:
            return []
        if name != "exact" and replace(copy.invoice, posting_date=None) == replace(source.invoice, posting_date=None):
            return []
    return made


def _ids(rng: Random, house: House, rows: list[Booked]) -> list[str]:
    """Document ids as the system gave them, in the order of posting."""
    start, step = rng.randint(1, 10**6), rng.choice((1, 1, 1, 3))
    made = []
    for place, row in enumerate(rows):
        count = start + place * step
        made.append({
            "sap": f"51{count:08d}", "ap": f"AP-{count:07d}", "plain": str(count), 
            "year": f"{row.posted.year}-{count:06d}",
            "entity": f"{row.invoice.entity.split()[0]}/{row.posted.year}/{count}", 
            "long": f"{row.invoice.entity}-{count:010d}-{row.posted.year}",
            "hex": "",
        }[house.id_style] or str(uuid.UUID(int=rng.getrandbits(128), version=4)))  # fmt: skip
    return made


def _finished(desk: Desk, rows: list[Booked], pairs: list[tuple[int, int, str]]) -> WorksLedger:
    """Ids given in the order of posting, rows in the order of the export, pairs and groups by id."""
    rng, house = desk.rng, desk.house
    by_posting = sorted(range(len(rows)), key=lambda at: (rows[at].posted, rng.random()))
    names = _ids(rng, house, [rows[at] for at in by_posting])
    ids = dict(zip(by_posting, names, strict=True))
    order = list(by_posting)
    if house.order == "vendor":
        order.sort(key=lambda at: (rows[at].invoice.vendor_name, rows[at].invoice.vendor_id))
    elif house.order == "entity":
        order.sort(key=lambda at: rows[at].invoice.entity)
    elif house.order == "mixed":
        rng.shuffle(order)
    groups: dict[int, list[str]] = defaultdict(list)
    copied = {second for _, second, _ in pairs}
    for at, row in enumerate(rows):
        if row.draft.group >= 0 and at not in copied:
            groups[row.draft.group].append(ids[at])
    return WorksLedger(
        invoices=[replace(rows[at].invoice, invoice_id=ids[at]) for at in order],
        pairs=[(ids[first], ids[second], name) for first, second, name in pairs],
        hard=[(tuple(members), desk.groups[group]) for group, members in sorted(groups.items())],
    )
