"""From planned bills to ledger rows: numbers are given, then clerks, scanners and interfaces enter what they see."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta

from models.invoice import Invoice
from models.pair_works_desk import Desk, Draft
from models.pair_works_hard import HARD, Maker
from models.pair_works_house import Clerk
from models.pair_works_names import scanned_name
from models.pair_works_noise import bare, mistyped, rewritten, scanned
from models.pair_works_supplier import Supplier, second_record, vendor_number

_ACCOUNTS = {
    "goods": "Raw materials|Wareneingang|Cost of goods|Materials", "freight": "Freight|Ausgangsfrachten|Carriage in",
    "stage": "Subcontractors|Fremdleistungen|WIP", "lease": "Leasing|Vehicle costs|Kfz-Kosten",
    "telecom": "Telephone|IT & comms",
    "service": "Services|Facility|Raumkosten", "energy": "Energy|Utilities", "staff": "Temp labour|Fremdpersonal",
    "insurance": "Insurance|Versicherungen",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Booked:
    """A ledger row with what lies behind it; `posted` is known even where the export has no such column."""

    invoice: Invoice
    draft: Draft
    printed: str
    posted: date


def plan(desk: Desk, count: int) -> list[Draft]:
    """Exactly `count` bills: one hard group of each kind where there is room, then groups and plain bills mixed."""
    rng, weights = desk.rng, [supplier.volume for supplier in desk.suppliers]
    drafts: list[Draft] = []
    for kind in sorted({kind for makers in HARD.values() for kind in makers}):
        for supplier in rng.choices(desk.suppliers, weights, k=6):
            _add_hard(desk, supplier, kind, drafts, count // 3)
    sisters = [supplier for supplier in desk.suppliers if supplier.sister >= 0]
    for supplier in sisters[: count // 300 + 1]:
        _add_hard(desk, supplier, "sister_vendors", drafts, count // 2)
    often = desk.house.hard / 5
    while len(drafts) < count:
        supplier = rng.choices(desk.suppliers, weights)[0]
        if rng.random() < often:
            _add_hard(desk, supplier, rng.choice(list(HARD[supplier.kind])), drafts, count)
        else:
            drafts += plain(desk, supplier)
    return drafts


def plain(desk: Desk, supplier: Supplier) -> list[Draft]:
    """One ordinary bill; now and then a credit note or a rebate."""
    rng, day, cents, item = desk.rng, desk.day(), desk.cents(supplier), desk.item(supplier)
    if rng.random() < 0.04:
        why = rng.choice(
            ("credit note", "return", "price difference", "rebate Q{q}", "bonus {y}", "Gutschrift", "avoir", "Skonto")
        )
        text = f"{why.format(q=(day.month + 2) // 3, y=day.year)} {item}"
        return [desk.draft(supplier, day, -max(cents // rng.choice((1, 2, 5, 10)), 100) - 1, text=text)]
    tail = rng.choice((
        "", "", f" x{rng.randint(1, 400)}", f" {rng.randint(1, 900)} pcs", f" GR {rng.randint(5000000, 5099999)}",
        f" LS {rng.randint(1000, 99999)}", f" {day:%m/%Y}", f" KW{day.isocalendar()[1]}", f" site {rng.randint(1, 99)}",
        f" DN{rng.randint(10000, 99999)}", f" {rng.choice('ABCDEFGH')}{rng.randint(10, 999)}",
    ))  # fmt: skip
    return [desk.draft(supplier, day, cents, po=desk.order(supplier, day), text=item + tail)]


def _add_hard(desk: Desk, supplier: Supplier, kind: str, drafts: list[Draft], most: int) -> None:
    maker: Maker | None = HARD[supplier.kind].get(kind)
    made = maker(desk, supplier) if maker else []
    if 2 <= len(made) <= most - len(drafts):
        group = len(desk.groups)
        desk.groups.append(kind)
        drafts += [replace(draft, group=group) for draft in made]


def give_numbers(desk: Desk, drafts: list[Draft]) -> list[tuple[Draft, str]]:
    """Each bill with the number printed on it: fixed ones as planned, the others in the order of their days."""
    own: dict[int, list[Draft]] = defaultdict(list)
    made = []
    for draft in drafts:
        if draft.number:
            made.append((draft, draft.number))
        else:
            own[draft.supplier].append(draft)
    for at, bills in own.items():
        scheme, seen = desk.suppliers[at].scheme, desk.numbers.setdefault(at, set())
        count, year = 0, 0
        for draft in sorted(bills, key=lambda draft: draft.day):
            if scheme.restart and draft.day.year != year:
                count, year = 0, draft.day.year
            jitter = desk.rng.randint(0, max(int(scheme.pace / 2), 0))
            count = max(count + 1, scheme.due(desk.house.first, draft.day) + jitter)
            printed = scheme.write(desk.rng, count, draft.day)
            while f"{year}{bare(printed)}" in seen or bare(printed) in seen:
                count += 1
                printed = scheme.write(desk.rng, count, draft.day)
            seen.add(f"{year}{bare(printed)}")
            made.append((draft, printed))
    return made


def alias_of(desk: Desk, supplier: Supplier, which: int = 1) -> Supplier:
    """The firm's second record in the vendor master, made when first asked for."""
    key = (supplier.at, which)
    if key not in desk.records:
        desk.records[key] = second_record(desk.rng, desk.house, supplier, desk.taken)
    return desk.records[key]


def _vendor_id(desk: Desk, record: Supplier, entity: int) -> str:
    if not desk.house.vendor_by_entity or not record.vendor_id or entity == record.entities[0]:
        return record.vendor_id
    key = (record.vendor_id, entity)
    if key not in desk.vendor_ids:
        desk.vendor_ids[key] = vendor_number(desk.rng, desk.house, record.name, desk.taken)
    return desk.vendor_ids[key]


def written_number(desk: Desk, printed: str, channel: str, clerk: Clerk) -> str:
    """What gets into the number field: an interface copies, a scanner may misread, a clerk writes by habit."""
    rng, made = desk.rng, printed
    if channel == "scan" and rng.random() < desk.house.scan:
        made = scanned(rng, printed)
    elif channel == "hand":
        letters = "".join(mark for mark in printed if mark.isalnum())
        digits = "".join(mark for mark in printed if mark.isdigit())
        made = {
            "tight": letters, "upper": printed.upper(), "no_spaces": printed.replace(" ", ""),
            "no_zeros": printed.lstrip("0"), "digits": digits if len(digits) >= 3 else printed,
            "no_prefix": printed.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ- ") if len(digits) >= 3 else printed,
            "blanks": rewritten(rng, printed, (0,) * 7 + (1,) + (0,) * 6) if rng.random() < 0.3 else printed,
        }.get(clerk.way, printed)  # fmt: skip
        if rng.random() < clerk.slip:
            made = mistyped(rng, made)
    if desk.house.cut and len(made) > desk.house.cut:
        made = made[-desk.house.cut :] if desk.house.cut == 16 else made[: desk.house.cut]
    return made if bare(made) else printed


def written_text(desk: Desk, draft: Draft, record: Supplier, printed: str, clerk: Clerk) -> str | None:
    """The description as that clerk writes it; None where nothing was written or the export has no such column."""
    if not desk.house.has("description"):
        return None
    if draft.keep:
        return draft.text
    if desk.rng.random() > clerk.text:
        return None
    account = desk.rng.choice(_ACCOUNTS[record.kind].split("|"))
    made = {
        "full": f"{record.name} {printed} {draft.text}", "short": draft.text[:18].rstrip(), "account": account,
        "number": f"{desk.rng.choice(('Inv', 'Rg', 'Bill', 'RE'))} {printed}", "upper": draft.text.upper()[:25],
    }.get(clerk.writes, draft.text)  # fmt: skip
    return made or None


def enter(desk: Desk, draft: Draft, printed: str, record: Supplier, posted: date, number: str | None = None) -> Booked:
    """One row by a clerk and channel of the moment; `number` overrides what they would have written."""
    rng, house = desk.rng, desk.house
    clerk = rng.choice(house.clerks)
    channel = rng.choices([name for name, _ in house.channels], [share for _, share in house.channels])[0]
    name = scanned_name(rng, record.name) if house.names_vary and rng.random() < house.names_vary else record.name
    credit = draft.cents < 0
    blank_day = house.has("posting_date") and draft.group < 0 and rng.random() < house.gaps
    invoice = Invoice(
        invoice_id="",
        entity=house.entities[draft.entity].code,
        vendor_id=_vendor_id(desk, record, draft.entity),
        vendor_name=name,
        tax_id=record.tax_id if house.has("tax_id") else None,
        iban=record.iban if house.has("iban") else None,
        invoice_no=written_number(desk, printed, channel, clerk) if number is None else number,
        invoice_date=None if blank_day else draft.day,
        posting_date=posted if house.has("posting_date") else None,
        currency=draft.currency,
        amount=desk.money(draft.cents if house.signed else abs(draft.cents)),
        po=(draft.po or None) if house.has("po") and rng.random() < clerk.po else None,
        description=written_text(desk, draft, record, printed, clerk),
        doc_type=house.types[credit],
    )
    return Booked(invoice, draft, printed, posted)


def enter_all(desk: Desk, numbered: list[tuple[Draft, str]]) -> list[Booked]:
    """Every planned bill entered once; some firms' bills land under their second record."""
    rng, house = desk.rng, desk.house
    two = {supplier.at for supplier in desk.suppliers if rng.random() < house.alias}
    rows = []
    for draft, printed in numbered:
        record = desk.suppliers[draft.supplier]
        if draft.supplier in two and draft.group < 0 and rng.random() < 0.3:
            record = alias_of(desk, record)
        lag = int(rng.expovariate(1 / house.lag)) if rng.random() < 0.9 else 0
        rows.append(enter(desk, draft, printed, record, draft.day + timedelta(days=min(lag, 120))))
    return rows
