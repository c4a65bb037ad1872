"""Money: what is signed is what the case says, in a currency that exists, to the payee of the books, however it is split."""

# ruff: noqa: E501  (a case stands on one line, as the statements in governance/record/schema)

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from governance import errors
from tests.build import World, letter
from tests.governance.bypass.attempts import (
    Attempt,
    Blank,
    Ground,
    Register,
    Try,
    execute,
    leased,
    name_of,
    payment,
    say,
    sign,
)

tries = Register()
IBAN = "DE02120300000000202051"
FILING = ("cases", "jobs", "ledger", "ledger_heads", "leaves", "observations", "recommendations", "seats")
APPROVING = ("decisions", "ledger", "ledger_heads", "observations", "openings", "recommendations", "seats", "cases")

NO_NUMBERS = {
    "NaN": "NaN", "nan": "nan", "Infinity": "Infinity", "minus infinity": "-Infinity", "inf": "inf",
    "an exponent": "1e3", "an exponent beyond all": "1e400", "a tiny exponent": "1e-400", "Arabic digits": "١٢٣",
    "full-width digits": "１２３", "superscript": "1²", "grouping": "1,000.00", "a decimal comma": "10,00",
    "a currency sign": "€10", "a plus": "+10", "two signs": "--10", "a space": " 10", "a space after": "10 ",
    "a line end": "10\n", "nothing": "", "hex": "0x10", "underscores": "1_000", "half a number": "10.", "no whole": ".5",
    "zero width": "1\u200b0", "words": "ten", "a formula": "=1+1", "money in one": "10 EUR",
}  # fmt: skip


@tries.each({name: (errors.AmountInvalid, text) for name, text in NO_NUMBERS.items()}, "finite decimal")
def amount_that_is_no_number(acme: World, text: str) -> Try:
    return lambda: acme.accept(amount=text)


@tries.each({"1e400 as a number": (errors.AmountTooLarge, "1e400"), "10**15": (errors.AmountTooLarge, "1000000000000000"),
             "minus 10**15": (errors.AmountTooLarge, "-1000000000000000.00"),
             "forty digits": (errors.AmountTooLarge, "9" * 40)})  # fmt: skip
def amount_beyond_all(acme: World, text: str) -> Try:
    """The first is a JSON number, which Postgres writes out in 401 digits."""
    if "e" not in text:
        return lambda: acme.accept(amount=text)
    item = '{"source_key": "k", "queue": "accounts_payable", "currency": "EUR", "amount": 1e400}'
    return lambda: say(acme, "intake", "intake", ("SELECT cs.accept(%s)", (item,)))


@tries.each({f"{amount} {currency}": (errors.AmountTooFine, amount, currency) for amount, currency in (
    ("12.345", "EUR"), ("0.001", "USD"), ("10.5", "JPY"), ("1.0001", "KWD"), ("1.2345", None), ("0.0000000001", "GBP"))})  # fmt: skip
def amount_finer_than_its_currency(acme: World, amount: str, currency: str | None) -> Try:
    return lambda: acme.accept(amount=amount, currency=currency)


@tries.each({name: (errors.CurrencyUnknown, code) for name, code in {
    "small letters": "eur", "mixed": "Eur", "none of ISO": "ZZZ", "a sign": "€", "too long": "EURO", "two letters": "EU",
    "empty": "", "a space": "EUR ", "a letter of another alphabet": "ЕUR", "a test code": "XTS", "no currency": "XXX",
    "zero width": "EU\u200bR", "digits": "978",
}.items()}, "ISO 4217")  # fmt: skip
def currency_that_is_none(acme: World, code: str) -> Try:
    return lambda: acme.accept(currency=code)


@tries.each({amount: (errors.NotPayable, amount) for amount in ("0", "0.00", "-0.00", "-1200.00")}, "zero or less")
def payment_of(acme: World, amount: str) -> Try:
    acme.accept(amount=amount, exception_type="invoice_received")
    (job,) = acme.claim()
    return lambda: file(acme, job, {"invoice_id": "INV-1"})


def file(
    acme: World, job: Any, args: dict[str, str], name: str = "release_payment", risk: str | None = "normal"
) -> Any:
    """File as the agent's database role can: no Python looks at the arguments."""
    digest = acme.scalar("SELECT facts_digest FROM cs.case_revisions WHERE case_id = %s", job.case_id)
    call = "SELECT recommendation_id FROM cs.file(%s, %s, %s, %s, 'null', '{}', '{}', '{}', '{}', %s, NULL)"
    return say(acme, "agent", "agent", (call, (job.id, job.fence, Jsonb({"name": name, "args": args}), digest, risk)))


SAYS: dict[str, tuple[type[errors.Refusal], dict[str, str]]] = {
    "ten of ten thousand": (errors.FactsMismatch, {"amount": "10"}),
    "a cent less": (errors.FactsMismatch, {"amount": "9999.99"}),
    "a cent more": (errors.FactsMismatch, {"amount": "10000.01"}),
    "minus the amount": (errors.FactsMismatch, {"amount": "-10000.00"}),
    "zero": (errors.FactsMismatch, {"amount": "0"}),
    "another currency": (errors.FactsMismatch, {"currency": "USD"}),
    "the currency in small letters": (errors.FactsMismatch, {"currency": "eur"}),
    "a currency of another alphabet": (errors.FactsMismatch, {"currency": "ЕUR"}),
    "another supplier": (errors.FactsMismatch, {"supplier_id": "S-2"}),
    "the supplier in small letters": (errors.FactsMismatch, {"supplier_id": "s-1"}),
    "the supplier and a space": (errors.FactsMismatch, {"supplier_id": "S-1 "}),
    "the supplier with zero width": (errors.FactsMismatch, {"supplier_id": "S\u200b-1"}),
    "the supplier in another alphabet": (errors.FactsMismatch, {"supplier_id": "Ѕ-1"}),
    "no supplier": (errors.FactsMismatch, {"supplier_id": ""}),
    "another invoice": (errors.FactsMismatch, {"invoice_id": "INV-2"}),
    "the invoice in small letters": (errors.FactsMismatch, {"invoice_id": "inv-1"}),
    "the invoice and a space": (errors.FactsMismatch, {"invoice_id": "INV-1 "}),
    "the invoice with zero width": (errors.FactsMismatch, {"invoice_id": "INV-1\u200b"}),
    "a customer beside": (errors.UnknownAction, {"customer_id": "C-1"}),
    "an account of its own": (errors.UnknownAction, {"iban": "DE75512108001245126199"}),
    "NaN": (errors.UnknownAction, {"amount": "NaN"}),
    "Infinity": (errors.UnknownAction, {"amount": "Infinity"}),
    "an exponent": (errors.UnknownAction, {"amount": "1e4"}),
    "an exponent beyond all": (errors.UnknownAction, {"amount": "1e400"}),
    "Arabic digits": (errors.UnknownAction, {"amount": "١٠٠٠٠"}),
    "spaces": (errors.UnknownAction, {"amount": " 10000.00 "}),
    "four decimals": (errors.UnknownAction, {"amount": "10000.0000"}),
}


@tries.each({name: (reason, args) for name, (reason, args) in SAYS.items()})
def payment_that_says(acme: World, args: dict[str, str]) -> Try:
    acme.accept(amount="10000.00", exception_type="invoice_received")
    (job,) = acme.claim()
    return lambda: file(acme, job, {"invoice_id": "INV-1", **args})


@tries.each({name: (reason, args) for name, (reason, args) in SAYS.items()})
def override_into_a_payment_that_says(acme: World, args: dict[str, str]) -> Try:
    row = acme.filed(amount="10000.00")
    action = {"name": "release_payment", "args": {"invoice_id": "INV-1", **args}}
    return lambda: acme.decide("reviewer", row, "override", action=action)


KINDS: dict[str, tuple[type[errors.Refusal], Any]] = {
    "an amount that is a JSON number": (errors.UnknownAction, {"invoice_id": "INV-1", "amount": 10000}),
    "an amount that is null": (errors.UnknownAction, {"invoice_id": "INV-1", "amount": None}),
    "an amount that is a list": (errors.UnknownAction, {"invoice_id": "INV-1", "amount": ["10000.00"]}),
    "no invoice": (errors.UnknownAction, {}),
    "arguments that are a list": (errors.UnknownAction, ["invoice_id"]),
    "arguments that are a text": (errors.UnknownAction, "invoice_id"),
}


@tries.each({name: (reason, args) for name, (reason, args) in KINDS.items()})
def payment_with(acme: World, args: Any) -> Try:
    acme.accept(amount="10000.00", exception_type="invoice_received")
    (job,) = acme.claim()
    return lambda: file(acme, job, args)


@tries.each({name: (errors.UnknownAction, name) for name in (
    "change_bank_details", "RELEASE_PAYMENT", "release_payment ", "release_payment\u200b", "", "approve_payout")})  # fmt: skip
def action_called(acme: World, name: str) -> Try:
    acme.accept(exception_type="invoice_received")
    (job,) = acme.claim()
    args = {"partner_id": "S-1"} if name == "approve_payout" else {"invoice_id": "INV-1"}
    return lambda: file(acme, job, args, name)


@tries(errors.FactsMismatch)
def payout_to_another_partner(acme: World) -> Try:
    acme.accept(queue="partner_settlement", exception_type="payout_blocked")
    (job,) = acme.claim()
    return lambda: file(acme, job, {"partner_id": "S-2"}, "approve_payout")


@tries(errors.FactsMismatch)
def credit_hold_on_another_customer(acme: World) -> Try:
    row = acme.filed(customer_id="C-1")
    action = {"name": "place_credit_hold", "args": {"customer_id": "C-2", "reason": "r"}}
    return lambda: acme.decide("reviewer", row, "override", action=action)


@tries(errors.FactsMismatch)
def facts_that_the_agent_made_up(acme: World) -> Try:
    acme.accept()
    (job,) = acme.claim()
    return lambda: acme.file(job, letter("sha256:" + "0" * 64))


# Bands --------------------------------------------------------------------------------------------------------------

ASKED = "SELECT role, count(*) FROM cs.seats WHERE recommendation_id = %s GROUP BY role ORDER BY role"
TOP = [("controller", 1), ("reviewer", 2)]
LOW = [("controller", 1), ("reviewer", 1)]


@tries.each({
    "an unknown amount": (Blank(TOP), {"amount": None}),
    "an unknown currency": (Blank(TOP), {"currency": None}),
    "a currency without a rate": (Blank(TOP), {"currency": "CHF", "amount": "1.00"}),
    "an unknown payee": (Blank(TOP), {"supplier_id": None, "amount": "1.00"}),
    "the band's first cent": (Blank(TOP), {"amount": "50000.00"}),
    "what fits below the band": (Blank(LOW), {"amount": "49999.99"}),
}, moves=FILING)  # fmt: skip
def seats_for(acme: World, item: dict[str, Any]) -> Try:
    """Not knowing is never cheaper; the last case says that the question is not empty."""
    acme.accept(**{"amount": "1.00", "exception_type": "invoice_received", **item})
    (job,) = acme.claim()

    def asked() -> Any:
        made = file(acme, job, {"invoice_id": "INV-1"})
        return say(acme, "review", "auditor", (ASKED, made[0]))

    return asked


@tries.each({risk or "none": (Blank(TOP), risk) for risk in ("none at all", "LOW", "-1", "lowest")}, moves=FILING)
def seats_under_a_made_up_risk(acme: World, risk: str) -> Try:
    acme.accept(amount="1.00", exception_type="invoice_received")
    (job,) = acme.claim()

    def asked() -> Any:
        made = file(acme, job, {"invoice_id": "INV-1"}, risk=risk)
        return [
            (role, n)
            for role, n in say(acme, "review", "auditor", (ASKED, made[0]))
            if role in ("controller", "reviewer")
        ]

    return asked


def in_two(acme: World, **second: Any) -> dict[str, Any]:
    """30,000 are paid; another 30,000 wait, filed before that."""
    one = payment(acme, "30000.00", source_key="a")
    two = payment(acme, "30000.00", source_key="b", invoice_id="INV-2", **second)
    assert len(two["seats"]) == 2
    sign(acme, one, "reviewer", "controller")
    return dict(two)


STATE = "SELECT state, (SELECT count(*) FROM cs.seats s WHERE s.recommendation_id = r.id) FROM cs.recommendations r WHERE id = %s"


def twin(acme: World, supplier: str, iban: str) -> None:
    acme.import_books("suppliers", [{"id": supplier, "name": "Twin", "email": "x@twin.example"}])
    acme.import_books("bank_accounts", [{"owner_kind": "supplier", "owner_id": supplier, "iban": iban}])


@tries.each({
    "one payee": (Blank([("awaiting_review", 3)]), []),
    "a second record of the same account": (Blank([("awaiting_review", 3)]), [("S-2", IBAN)]),
    "a record between": (Blank([("awaiting_review", 3)]),
                         [("S-3", IBAN), ("S-3", "DE75512108001245126199"), ("S-2", "DE75512108001245126199")]),
}, moves=APPROVING)  # fmt: skip
def payment_split_below_the_band_to(acme: World, links: list[tuple[str, str]]) -> Try:
    for supplier, iban in links:
        twin(acme, supplier, iban)
    two = in_two(acme, supplier_id="S-2" if links else "S-1")

    def second() -> Any:
        sign(acme, two, "reviewer", "controller")
        return say(acme, "review", "auditor", (STATE, (two["id"],)))

    return second


@tries(Blank([("awaiting_review", 3)]), moves=APPROVING)
def payment_split_by_the_account_on_the_document(acme: World) -> Try:
    """A vendor record without an account, and a document that names the other vendor's."""
    acme.import_books("suppliers", [{"id": "S-2", "name": "Twin", "email": "x@twin.example"}])
    two = in_two(acme, supplier_id="S-2", iban=IBAN)

    def second() -> Any:
        sign(acme, two, "reviewer", "controller")
        return say(acme, "review", "auditor", (STATE, (two["id"],)))

    return second


@tries(errors.NoSeat, "more seats")
def effect_of_a_split_payment_whose_added_seat_was_taken_away(acme: World) -> Try:
    two = in_two(acme)
    sign(acme, two, "reviewer", "controller", "reviewer2")
    effect = leased(acme, two)
    acme.scalar("DELETE FROM cs.seats WHERE recommendation_id = %s AND filled_by = 'reviewer2' RETURNING 1", two["id"])
    return lambda: execute(acme, effect)


# The books ----------------------------------------------------------------------------------------------------------

FX = {"day": "2020-01-01", "currency": "USD", "per_eur": "1.25"}


@tries.each({name: (errors.AmountInvalid, value) for name, value in {
    "Infinity": "Infinity", "NaN": "NaN", "zero": "0", "minus": "-1", "an exponent beyond all": "1e400", "nothing": None,
    "a tiny exponent": "1e-400", "Arabic digits": "١",
}.items()}, "a rate is")  # fmt: skip
def rate_of(acme: World, value: str | None) -> Try:
    return lambda: acme.import_books("fx", [{**FX, "per_eur": value}])


@tries.each({code: (errors.CurrencyUnknown, code) for code in ("usd", "US", "", "USD ", "ЕUR")})
def rate_for_the_currency(acme: World, code: str) -> Try:
    return lambda: acme.import_books("fx", [{**FX, "currency": code}])


@tries(errors.GovernedChange, "propose a change of fx")
def rate_imported_once_work_began(acme: World) -> Try:
    acme.filed()
    return lambda: acme.import_books("fx", [{**FX, "per_eur": "100000"}])


@tries.each({f"{kind}, {column}": (errors.AmountInvalid, kind, column) for kind, column in (
    ("payments", "amount"), ("open_items", "amount"), ("invoices", "amount"), ("orders", "total"), ("customers", "credit_limit"))})  # fmt: skip
def book_row_with_no_number(acme: World, kind: str, column: str) -> Try:
    return lambda: acme.import_books(kind, [{"id": "x", "name": "x", "invoice_id": "x", column: "NaN"}])


@tries.each({who: (errors.NotPermitted, who) for who in ("reviewer", "auditor", "ml_engineer", "agent")})
def account_of_a_payee_changed_by(acme: World, who: str) -> Try:
    row = {"owner_kind": "supplier", "owner_id": "S-1", "iban": "DE75512108001245126199"}
    return lambda: acme.import_books("bank_accounts", [row], by=who)


@tries(errors.NotPermitted, "may not bring in cases")
def case_brought_in_by_the_agent(acme: World) -> Try:
    return lambda: acme.accept(by="agent")


@pytest.mark.parametrize("attempt", tries.attempts, ids=name_of)
def test_attempt(ground: Ground, attempt: Attempt) -> None:
    ground.run(attempt, ground.fresh())
