"""What became of invoices of the ledger: paid, reversed by a credit note, held, marked as a duplicate, or still open.

The books are copies of systems of record: what they do not say is not known. An invoice counts as open only where the
books know payments to its supplier, and none of them for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from psycopg import Connection

State = Literal["reversed", "paid", "partly_paid", "duplicate", "released", "on_hold", "open", "unknown"]

_SETTLED = Decimal("0.96")
"""Share of an invoice from which it counts as paid: cash discounts and bank charges are kept back."""


@dataclass(frozen=True, slots=True)
class TwinState:
    """What became of one invoice.

    paid, currency, paid_on, payments: what was paid in all, the last day of it, the payments' ids. credit_note,
    credit_number, credited_on: the credit note of the same supplier and amount that reverses it. effect, effect_on:
    the recommendation by which people decided about it (state duplicate, released or on_hold); duplicate_of: what they
    marked it a duplicate of. known_until: payments to its supplier are known at least until that day.
    """

    invoice_id: str
    state: State = "unknown"
    paid: Decimal | None = None
    currency: str | None = None
    paid_on: date | None = None
    payments: tuple[str, ...] = ()
    credit_note: str | None = None
    credit_number: str | None = None
    credited_on: date | None = None
    effect: str | None = None
    effect_on: date | None = None
    duplicate_of: str | None = None
    known_until: date | None = None


# Payments name the id of the books or, out of bank files, the supplier's own number. A credit note reverses one invoice of
# its amount: where there is one, whatever else its supplier billed at that amount lately is read too. Amounts reach no
# index under row-level security, so credit notes are found by supplier and type. What people decided is found by the
# cases of the invoices: an agent files about its own case's invoice or a twin of it.
_STATES = """
WITH asked AS MATERIALIZED (
    SELECT i.invoice_id, i.case_id, i.vendor_id, i.invoice_no, i.amount, i.doc_type FROM cs.invoices i WHERE i.invoice_id = ANY (%(ids)s)
), vendors AS MATERIALIZED (
    SELECT DISTINCT vendor_id FROM asked WHERE vendor_id <> ''
), credited AS MATERIALIZED (
    SELECT DISTINCT c.vendor_id, abs(c.amount) AS amount
    FROM vendors v CROSS JOIN LATERAL (
        SELECT n.vendor_id, n.amount FROM cs.invoices n WHERE n.vendor_id = v.vendor_id AND n.doc_type = 'credit_note' LIMIT %(most)s
    ) c WHERE EXISTS (SELECT FROM asked a WHERE a.vendor_id = c.vendor_id AND abs(a.amount) = abs(c.amount))
    UNION SELECT vendor_id, abs(amount) FROM asked WHERE vendor_id <> '' AND amount < 0
), bills AS (
    SELECT i.* FROM (SELECT DISTINCT vendor_id FROM credited) v CROSS JOIN LATERAL (
        SELECT * FROM cs.invoices n WHERE n.vendor_id = v.vendor_id
        ORDER BY coalesce(n.invoice_date, n.posting_date) DESC NULLS LAST LIMIT %(most)s
    ) i WHERE EXISTS (SELECT FROM credited c WHERE c.vendor_id = i.vendor_id AND c.amount = abs(i.amount))
    UNION SELECT i.* FROM cs.invoices i WHERE i.invoice_id = ANY (%(ids)s)
), found AS (
    SELECT p.* FROM cs.payments p WHERE p.invoice_id = ANY (%(ids)s) AND p.kind <> 'customer'
    UNION SELECT p.* FROM asked a JOIN cs.payments p ON p.party_id = a.vendor_id AND p.invoice_id = a.invoice_no AND p.kind <> 'customer'
)
SELECT 'bill' AS what, jsonb_build_object('invoice_id', b.invoice_id, 'vendor_id', b.vendor_id, 'invoice_no', b.invoice_no,
       'day', coalesce(b.invoice_date, b.posting_date), 'amount', b.amount::text, 'currency', b.currency,
       'doc_type', b.doc_type, 'description', left(b.description, 500)) AS row
FROM bills b
UNION ALL
SELECT 'payment', jsonb_build_object('id', f.id, 'party_id', f.party_id, 'invoice_id', f.invoice_id, 'day', f.paid_on,
       'amount', f.amount::text, 'currency', f.currency) FROM found f
UNION ALL
SELECT 'known', jsonb_build_object('vendor_id', v.vendor_id, 'until', k.until)
FROM vendors v CROSS JOIN LATERAL (
    SELECT max(o.paid_on) AS until, count(*) AS n FROM (
        SELECT p.paid_on FROM cs.payments p WHERE p.party_id = v.vendor_id AND p.kind <> 'customer' LIMIT %(most)s) o
) k WHERE k.n > 0
UNION ALL
SELECT 'effect', jsonb_build_object('id', r.id, 'action', r.action, 'invoice_id', (r.envelope::jsonb) #>> '{action,args,invoice_id}',
       'of', (r.envelope::jsonb) #>> '{action,args,duplicate_of}', 'at', coalesce(r.approved_at, r.created_at))
FROM cs.recommendations r WHERE r.case_id = ANY (ARRAY(SELECT case_id FROM asked WHERE case_id IS NOT NULL))
  AND r.state IN ('approved', 'executed')
  AND r.action IN ('hold_payment', 'release_payment_hold', 'mark_duplicate', 'undo_duplicate', 'release_payment')
  AND (r.envelope::jsonb) #>> '{action,args,invoice_id}' = ANY (%(ids)s)
"""
_MOST = 2000
"""Rows of one supplier that are read at most, of each kind."""


def states(conn: Connection[Any], invoice_ids: Iterable[str]) -> dict[str, TwinState]:
    """The state of each of these invoices, whether the ledger holds it or not, in one query. Role `agent`."""
    ids = sorted(set(invoice_ids))
    if not ids:
        return {}
    rows: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for what, row in conn.execute(_STATES, {"ids": ids, "most": _MOST}):
        rows[what].append(row)
    return derived(ids, rows)


@dataclass(frozen=True, slots=True)
class _Bill:
    invoice_id: str
    vendor_id: str
    number: str
    day: date
    amount: Decimal
    currency: str
    credit: bool
    words: str


def derived(ids: Sequence[str], rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, TwinState]:
    """The states that `rows` give: lists of bills, payments, known (suppliers) and effects, as the query reads them. Pure."""
    bills = {row["invoice_id"]: _bill(row) for row in rows.get("bill", ())}
    until = {row["vendor_id"]: _day(row["until"]) for row in rows.get("known", ())}
    paid = _paid([bills[one] for one in ids if one in bills], ids, rows.get("payment", ()))
    reversed_by = _reversals(list(bills.values()))
    effects = _effects(rows.get("effect", ()))
    return {
        one: _state(one, bills.get(one), paid.get(one, []), reversed_by.get(one), effects.get(one), until)
        for one in ids
    }


def _state(
    invoice_id: str,
    bill: _Bill | None,
    payments: Sequence[Mapping[str, Any]],
    credit: _Bill | None,
    effect: TwinState | None,
    until: Mapping[str, date | None],
) -> TwinState:
    """A credit note says more than a payment, which it makes good, and both say more than what people decided."""
    made = effect or TwinState(invoice_id)
    if payments:
        days = [day for row in payments if (day := _day(row["day"])) is not None]
        one_currency = {row["currency"] for row in payments}
        made = replace(
            made,
            state="paid" if _settles(bill, payments) else "partly_paid",
            paid=sum((Decimal(row["amount"]) for row in payments), Decimal(0)) if len(one_currency) == 1 else None,
            currency=payments[0]["currency"] if len(one_currency) == 1 else None,
            paid_on=max(days, default=None),
            payments=tuple(sorted(row["id"] for row in payments))[:5],
        )
    if credit is not None:
        made = replace(
            made,
            state="reversed",
            credit_note=credit.invoice_id,
            credit_number=credit.number,
            credited_on=None if credit.day == date.min else credit.day,
        )
    if made.state == "unknown" and bill is not None and bill.vendor_id in until:
        made = replace(made, state="open", known_until=until[bill.vendor_id])
    return made


def _settles(bill: _Bill | None, payments: Sequence[Mapping[str, Any]]) -> bool:
    """Whether this is all of it. What was paid in another currency, or for what the ledger does not hold, counts as all."""
    if bill is None or any(row["currency"] != bill.currency for row in payments):
        return True
    return sum((abs(Decimal(row["amount"])) for row in payments), Decimal(0)) >= abs(bill.amount) * _SETTLED


def _paid(
    bills: Sequence[_Bill], ids: Sequence[str], payments: Sequence[Mapping[str, Any]]
) -> dict[str, list[Mapping[str, Any]]]:
    """Payments by invoice. One that names the supplier's number pays the earliest invoice of that number that is not paid
    yet: two invoices of one number are not both paid by one transfer."""
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    numbered: dict[tuple[str, str], list[_Bill]] = defaultdict(list)
    for bill in sorted(bills, key=lambda one: (one.day, one.invoice_id)):
        numbered[bill.vendor_id, bill.number].append(bill)
    named = set(ids)
    ordered = sorted(payments, key=lambda row: (str(row["day"] or ""), row["id"]))
    for row in (one for one in ordered if one["invoice_id"] in named):
        found[row["invoice_id"]].append(row)
    for row in (one for one in ordered if one["invoice_id"] not in named):
        takers = numbered.get((row["party_id"], row["invoice_id"]), [])
        taker = next(
            (bill for bill in takers if not _settles(bill, found[bill.invoice_id])), takers[-1] if takers else None
        )
        if taker is not None:
            found[taker.invoice_id].append(row)
    return found


def _reversals(bills: Sequence[_Bill]) -> dict[str, _Bill]:
    """Invoice id → the credit note that reverses it: one of the same supplier, amount and currency, dated no earlier.

    A credit note that names the number of an invoice is that one's; any other is the latest invoice's before it. Each
    reverses one invoice.
    """
    taken: dict[str, _Bill] = {}
    groups: dict[tuple[str, Decimal, str], list[_Bill]] = defaultdict(list)
    for bill in sorted(bills, key=lambda one: (one.day, one.invoice_id)):
        if bill.vendor_id:
            groups[bill.vendor_id, abs(bill.amount), bill.currency].append(bill)
    for group in groups.values():
        claims = [bill for bill in group if not bill.credit]
        # Credit notes that say what they are for choose first.
        credits = [(_named(credit, claims), credit) for credit in group if credit.credit]
        for names, credit in sorted(credits, key=lambda one: not one[0]):
            before = [bill for bill in names or claims if bill.day <= credit.day and bill.invoice_id not in taken]
            if before:
                taken[before[-1].invoice_id] = credit
    return taken


def _named(credit: _Bill, claims: Sequence[_Bill]) -> list[_Bill]:
    """The invoices whose number stands in the credit note's own number or text."""
    said = _letters(f"{credit.number} {credit.words}")
    return [bill for bill in claims if len(number := _letters(bill.number)) >= 4 and number in said]


def _letters(text: str) -> str:
    return "".join(letter for letter in text.upper() if letter.isalnum())


def _effects(rows: Sequence[Mapping[str, Any]]) -> dict[str, TwinState]:
    """What people decided last about each invoice; what was taken back says nothing."""
    found: dict[str, TwinState] = {}
    kinds: Mapping[str, State] = {
        "hold_payment": "on_hold", "mark_duplicate": "duplicate", "release_payment": "released",
        "release_payment_hold": "unknown", "undo_duplicate": "unknown",
    }  # fmt: skip
    for row in sorted(rows, key=lambda one: (str(one["at"]), one["id"])):
        invoice_id, state = row["invoice_id"], kinds[row["action"]]
        found[invoice_id] = TwinState(invoice_id)
        if state != "unknown":
            on = _day(row["at"])
            found[invoice_id] = TwinState(invoice_id, state, effect=row["id"], effect_on=on, duplicate_of=row["of"])
    return found


def _bill(row: Mapping[str, Any]) -> _Bill:
    amount = Decimal(row["amount"])
    return _Bill(
        invoice_id=row["invoice_id"],
        vendor_id=row["vendor_id"],
        number=row["invoice_no"],
        day=_day(row["day"]) or date.min,
        amount=amount,
        currency=row["currency"],
        credit=row["doc_type"] == "credit_note" or amount < 0,
        words=row["description"] or "",
    )


def _day(value: Any) -> date | None:
    return date.fromisoformat(str(value)[:10]) if value is not None else None
