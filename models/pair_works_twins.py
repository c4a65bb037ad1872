"""Second registrations of bills that are in the ledger already, one maker a class.

A maker takes the desk and the first row and returns the copies (one; for a split its parts), or nothing where the row
does not lend itself to that.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from models.invoice import Invoice
from models.pair_works_desk import Desk
from models.pair_works_entry import Booked, alias_of, enter, written_number
from models.pair_works_names import scanned_name
from models.pair_works_noise import bare, mistyped, mistyped_amount, rewritten, scanned, suffixed
from models.pair_works_supplier import Supplier
from models.pair_works_words import WHOLE, rate


def later(desk: Desk, source: Booked, least: int = 0, most: int = 200) -> date:
    rng = desk.rng
    days = rng.choices((0, rng.randint(1, 10), rng.randint(8, 60), rng.randint(45, 200)), (10, 32, 42, 16))[0]
    return source.posted + timedelta(days=min(max(days, least), most))


def _record(desk: Desk, source: Booked) -> Supplier:
    """The vendor record the row stands under: the first one, or the second where it was booked there."""
    supplier = desk.suppliers[source.draft.supplier]
    second = desk.records.get((supplier.at, 1))
    name, vendor = source.invoice.vendor_name, source.invoice.vendor_id
    if second and (vendor == second.vendor_id if vendor else name == second.name):
        return second
    return supplier


def again(desk: Desk, source: Booked, posted: date | None = None, **changes: object) -> Booked:
    """The same paper entered once more, by whoever is there; the number as it stood unless changed."""
    when = posted or later(desk, source)
    record = _record(desk, source)
    made = enter(desk, source.draft, source.printed, record, when, number=source.invoice.invoice_no)
    kept = {"vendor_id": source.invoice.vendor_id, "invoice_date": source.invoice.invoice_date}
    return replace(made, invoice=_with(made.invoice, {**kept, **changes}))


def _with(invoice: Invoice, changes: dict[str, object]) -> Invoice:
    return replace(invoice, **changes)  # type: ignore[arg-type]


def _light(desk: Desk, copy: Booked, what: str) -> Booked:
    """Life's second, smaller difference: another writing of the number, or a date moved a little."""
    rng, invoice = desk.rng, copy.invoice
    if rng.random() > desk.house.sloppy:
        return copy
    if what == "number":
        number = rewritten(rng, invoice.invoice_no) if rng.random() < 0.75 else suffixed(rng, invoice.invoice_no)
        return replace(copy, invoice=replace(invoice, invoice_no=number))
    if invoice.invoice_date is None:
        return copy
    day = invoice.invoice_date + timedelta(days=rng.choice((-3, -1, 1, 1, 2, 4, 7)))
    if rng.random() < 0.35:
        day = copy.posted
    return replace(copy, invoice=replace(invoice, invoice_date=day))


def exact(desk: Desk, source: Booked) -> list[Booked]:
    """The bill once more as it was; what is not on the paper may differ."""
    when = source.posted if desk.rng.random() < 0.2 else later(desk, source)
    if desk.rng.random() < 0.65:
        posted = when if desk.house.has("posting_date") else None
        return [replace(source, invoice=replace(source.invoice, posting_date=posted), posted=when)]
    return [again(desk, source, when, vendor_name=source.invoice.vendor_name)]


def number_format(desk: Desk, source: Booked) -> list[Booked]:
    """The number in another writing: another channel, another clerk, another house rule."""
    rng, entered = desk.rng, source.invoice.invoice_no
    number = entered
    if rng.random() < 0.35:
        for _ in range(6):
            clerk = rng.choice(desk.house.clerks)
            number = written_number(desk, source.printed, rng.choice(("edi", "hand")), clerk)
            if number != entered:
                break
    if number == entered:
        number = rewritten(rng, entered)
    return [_light(desk, again(desk, source, invoice_no=number), "date")]


def misread(desk: Desk, source: Booked) -> list[Booked]:
    """The same scan read with other eyes: in the number, at times in name, amount or date."""
    rng, invoice = desk.rng, source.invoice
    changes: dict[str, object] = {}
    draw = rng.random()
    if draw < 0.9:
        base = source.printed if rng.random() < 0.3 else invoice.invoice_no
        changes["invoice_no"] = scanned(rng, base, rng.choice((1, 1, 1, 2, 2, 3)))
    if draw > 0.82:
        changes["amount"] = mistyped_amount(rng, invoice.amount, scan=True)
    if rng.random() < 0.35:
        changes["vendor_name"] = scanned_name(rng, invoice.vendor_name)
    copy = again(desk, source)
    copy = replace(copy, invoice=_with(copy.invoice, changes))
    day = invoice.invoice_date
    if day and rng.random() < 0.06 and day.day > 10:
        copy = replace(
            copy, invoice=replace(copy.invoice, invoice_date=day.replace(day=day.day - rng.choice((2, 5, 7))))
        )
    same = bare(copy.invoice.invoice_no) == bare(invoice.invoice_no)
    return [] if same and "amount" not in changes else [copy]


def slip(desk: Desk, source: Booked) -> list[Booked]:
    """A clerk's slip in the number, or less often in the amount."""
    rng, invoice = desk.rng, source.invoice
    if rng.random() < 0.16:
        return [again(desk, source, amount=mistyped_amount(rng, invoice.amount))]
    number = mistyped(rng, invoice.invoice_no)
    if rng.random() < 0.1:
        number = mistyped(rng, number)
    copy = _light(desk, again(desk, source, invoice_no=number), "date")
    return [copy] if bare(number) != bare(invoice.invoice_no) else []


def marked(desk: Desk, source: Booked) -> list[Booked]:
    """A mark behind the number, so that the system takes it."""
    return [_light(desk, again(desk, source, invoice_no=suffixed(desk.rng, source.invoice.invoice_no)), "date")]


def other_vendor(desk: Desk, source: Booked) -> list[Booked]:
    """Booked under the firm's other vendor record."""
    supplier, now = desk.suppliers[source.draft.supplier], _record(desk, source)
    second = supplier if now.alias else alias_of(desk, supplier, desk.rng.choice((1, 1, 1, 2)))
    made = enter(desk, source.draft, source.printed, second, later(desk, source), number=source.invoice.invoice_no)
    made = replace(made, invoice=replace(made.invoice, invoice_date=source.invoice.invoice_date))
    return [_light(desk, made, "number" if desk.rng.random() < 0.6 else "date")]


def moved_date(desk: Desk, source: Booked) -> list[Booked]:
    """Another invoice date: the day of posting or receipt, day and month swapped, another year, some days off."""
    rng, day = desk.rng, source.invoice.invoice_date
    posted = later(desk, source)
    if day is None:
        return []
    draw = rng.random()
    if draw < 0.25:
        moved = posted
    elif draw < 0.45 and day.day <= 12 and day.day != day.month:
        moved = date(day.year, day.day, day.month)
    elif draw < 0.6:
        moved = day.replace(day=min(day.day, 28), year=day.year + rng.choice((-1, -1, 1)))
    elif draw < 0.7:
        moved = day.replace(day=min(day.day, 28), month=day.month % 12 + 1)
    else:
        moved = day + timedelta(
            days=rng.choice((-1, 1)) * rng.choice((1, 1, 2, 3, 5, 7, 10, 14, 30, rng.randint(15, 75)))
        )
    copy = again(desk, source, posted, invoice_date=moved)
    return [] if moved == day else [_light(desk, copy, "number")] if rng.random() < 0.6 else [copy]


def smallest_unit(invoice: Invoice) -> Decimal:
    return Decimal(1) if invoice.currency in WHOLE else Decimal("0.01")


def pennies(desk: Desk, source: Booked) -> list[Booked]:
    """A little more or less: cents, rounding, a small charge, a discount taken or not."""
    rng, invoice = desk.rng, source.invoice
    unit, amount = smallest_unit(invoice), invoice.amount
    draw = rng.random()
    if draw < 0.45:
        made = amount + unit * rng.choice((-1, 1)) * rng.choice((1, 1, 1, 2, 3, 5, 10, rng.randint(1, 99)))
    elif draw < 0.6:
        made = amount.quantize(Decimal(1 if unit < 1 else 10), ROUND_HALF_UP)
    elif draw < 0.85:
        charge = unit * rng.choice((250, 495, 500, 750, 990, 1000, 1500, 1250, 2500, rng.randint(100, 4000)))
        made = amount + (charge if rng.random() < 0.65 else -charge)
    else:
        made = (amount * (100 - Decimal(rng.choice(("1", "2", "2", "3", "0.5")))) / 100).quantize(unit, ROUND_HALF_UP)
    if made == amount or made <= 0 or abs(made - amount) > amount / 12:
        return []
    return [_light(desk, again(desk, source, amount=made), rng.choice(("number", "date")))]


def other_entity(desk: Desk, source: Booked) -> list[Booked]:
    """The bill booked by another company of the group as well."""
    rng, count = desk.rng, len(desk.house.entities)
    if count < 2:
        return []
    entity = rng.choice([at for at in range(count) if at != source.draft.entity])
    record = _record(desk, source)
    draft = replace(source.draft, entity=entity, po=source.draft.po if rng.random() < 0.6 else "")
    number = source.invoice.invoice_no if rng.random() < 0.75 else None
    made = enter(desk, draft, source.printed, record, later(desk, source), number=number)
    made = replace(made, draft=source.draft, invoice=replace(made.invoice, invoice_date=source.invoice.invoice_date))
    return [_light(desk, made, rng.choice(("number", "date")))]


def invented(desk: Desk, source: Booked, day: date) -> str:
    """A number somebody made up, or took from another paper on the same work."""
    rng, draft = desk.rng, source.draft
    return rng.choice((
        f"{rng.choice(('MAHN', 'REM', 'STMT', 'KTO', 'SUM'))}-{rng.randint(10, 9999)}", day.strftime("%d%m%Y"),
        f"{day:%Y%m%d}-1",
        draft.po or str(rng.randint(1000, 999999)), f"LS{rng.randint(1000, 99999)}", str(rng.randint(100, 9999999)),
        f"{day:%m}/{day:%Y}", f"EMAIL {day:%d.%m}", f"{rng.choice('ABCEKPRS')}{rng.randint(100, 999999)}",
        f"PF-{rng.randint(100, 9999)}",
    ))  # fmt: skip


def renumbered(desk: Desk, source: Booked) -> list[Booked]:
    """The same work billed again under a new number, days to months later."""
    rng, invoice = desk.rng, source.invoice
    if invoice.invoice_date is None:
        return []
    day = invoice.invoice_date + timedelta(
        days=rng.choice((rng.randint(2, 15), rng.randint(10, 60), rng.randint(30, 150)))
    )
    day = max(min(day, desk.house.last), invoice.invoice_date + timedelta(days=1))
    supplier = desk.suppliers[source.draft.supplier]
    printed = desk.fresh_number(supplier, day) if rng.random() < 0.72 else invented(desk, source, day)
    lag = int(rng.expovariate(1 / (desk.house.lag + 1)))
    made = enter(desk, replace(source.draft, day=day), printed, _record(desk, source), day + timedelta(days=lag))
    made = replace(made, invoice=_with(made.invoice, {"invoice_date": day, "vendor_id": invoice.vendor_id}))
    # Something must tell an auditor that it is the same work: the order, the text, or an odd amount.
    same_order = invoice.po is not None and invoice.po == made.invoice.po
    same_text = bool(invoice.description) and invoice.description == made.invoice.description
    told = same_order or same_text or invoice.amount % 1 != 0
    return [made] if told and bare(made.invoice.invoice_no) != bare(invoice.invoice_no) else []


def other_currency(desk: Desk, source: Booked) -> list[Booked]:
    """Booked in another currency at the day's rate, or at a rate somebody had at hand."""
    rng, invoice = desk.rng, source.invoice
    day = invoice.invoice_date or source.draft.day
    known = {entity.currency for entity in desk.house.entities} | {
        desk.suppliers[source.draft.supplier].currency,
        "EUR",
        "USD",
    }
    currency = rng.choice(sorted(known - {invoice.currency}))
    off = rng.gauss(1, rng.choice((0.0005, 0.003, 0.012, 0.025)))
    when = day if rng.random() < 0.7 else day + timedelta(days=rng.randint(5, 60))
    worth = invoice.amount * Decimal(str(rate(currency, when) / rate(invoice.currency, when) * off))
    made = worth.quantize(Decimal(1) if currency in WHOLE or rng.random() < 0.06 else Decimal("0.01"), ROUND_HALF_UP)
    if made < 2:
        return []
    if currency in WHOLE:
        made = made.quantize(Decimal("0.01"))
    return [_light(desk, again(desk, source, currency=currency, amount=made), rng.choice(("number", "date")))]
