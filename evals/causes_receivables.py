"""What goes wrong with what customers owe, told from what happened. See causes_stage.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from evals.causes_stage import Stage, Story, Told, money
from models.synthetic_numbers import digits

Json = dict[str, Any]


def _told(stage: Stage, cause: str, details: Mapping[str, Any], amount: Decimal, also: Sequence[str] = ()) -> Told:
    """An open item of a customer that has been due for a while."""
    reads = {
        "invoice_number": f"AR{digits(stage.rng, 6)}", "issue_date": stage.day(-90, -60),
        "due_date": stage.day(-45, -3), "currency": "EUR", "total_amount": str(amount),
    }  # fmt: skip
    return Told(cause, details, frozenset(also), amount, customer=stage.party("customer"), reads=reads,
                document_class="invoice")  # fmt: skip


def _sum(stage: Stage, low: int = 20_000, high: int = 3_000_000) -> int:
    return stage.rng.randint(low, high)


# --- overdue ---------------------------------------------------------------------------------------------------------
def _overdue(stage: Stage) -> Json:
    days = stage.rng.randint(4, 60)
    promised = stage.day(2, 9) if stage.rng.random() < 0.25 else None
    return {"days_overdue": str(days), "reminders_sent": str(min(3, days // 14)), "promised_date": promised}


def simply_late(stage: Stage) -> Told:
    return _told(stage, "counterparty", _overdue(stage), money(_sum(stage)))


def paid_but_not_seen(stage: Stage) -> Told:
    """The bank's statements have not been loaded for days."""
    details = {**_overdue(stage), "promised_date": None, "feed_status": stage.rng.choice(("gap", "failed", "error"))}
    return _told(stage, "integration_failure", details, money(_sum(stage)))


def paid_but_not_applied(stage: Stage) -> Told:
    """The money is there, on the customer's account, without a reference."""
    told = simply_late(stage)
    details = {
        **told.details, "promised_date": None, "bank_line": f"BL{digits(stage.rng, 6)}",
        "candidates": [told.reads["invoice_number"]],
    }  # fmt: skip
    return Told("data_quality", details, frozenset(), told.amount, customer=told.customer, reads=told.reads,
                document_class="invoice")  # fmt: skip


# --- short payment ---------------------------------------------------------------------------------------------------
_DISCOUNTS = ("abzgl. 2% Skonto", "3 % cash discount", "escompte 2%", "sconto cassa 2%", "descuento pronto pago 2%",
              "betalingskorting 2%", "less 2 pct early payment discount")  # fmt: skip
_CLAIMS = ("Abzug wegen Mängeln", "retour marchandise defectueuse", "merce danneggiata", "short delivery 2 pallets",
           "mercancia dañada", "beschadigde goederen", "less returned goods", "quality claim")  # fmt: skip


def _short(stage: Stage, percent: int, text: str | None) -> tuple[Json, int]:
    billed = _sum(stage)
    off = billed * percent // 100
    details = {
        "billed": str(money(billed)), "received": str(money(billed - off)), "difference": str(money(off)),
        "remittance_text": text,
    }  # fmt: skip
    return details, billed


def took_a_discount(stage: Stage) -> Told:
    details, billed = _short(stage, stage.rng.choice((2, 3)), stage.rng.choice(_DISCOUNTS))
    return _told(stage, "policy_exception", details, money(billed))


def deducted_a_claim(stage: Stage) -> Told:
    details, billed = _short(stage, stage.rng.randint(4, 35), stage.rng.choice(_CLAIMS))
    return _told(stage, "counterparty", details, money(billed))


def paid_as_agreed(stage: Stage) -> Told:
    """The customer paid the agreed price; we billed another one."""
    details, billed = _short(stage, stage.rng.randint(4, 20), stage.rng.choice((None, "acc. to contract")))
    details |= {"billed_price": details["billed"], "agreed_price": details["received"]}
    return _told(stage, "data_quality", details, money(billed))


def second_part_not_loaded(stage: Stage) -> Told:
    details, billed = _short(stage, 50, "part 1 of 2")
    return _told(stage, "integration_failure", {**details, "feed_status": "gap"}, money(billed))


# --- disputes --------------------------------------------------------------------------------------------------------
def _prices(billed: int, agreed: int) -> Json:
    return {"billed_price": str(money(billed)), "agreed_price": str(money(agreed))}


def billed_another_price(stage: Stage) -> Told:
    agreed = _sum(stage)
    reason = stage.rng.choice(
        ("wrong price", "Preis laut Vertrag anders", "prix non conforme", "price is not the quote")
    )
    details = {"reason": reason, "proof_of_delivery": f"POD{digits(stage.rng, 5)}",
               **_prices(agreed * stage.rng.randint(103, 125) // 100, agreed)}  # fmt: skip
    return _told(stage, "data_quality", details, money(agreed))


def denies_delivery(stage: Stage) -> Told:
    """The customer says that nothing came; we hold the signature."""
    agreed = _sum(stage)
    reason = stage.rng.choice(("not received", "Ware nicht erhalten", "goods never arrived", "livraison non recue"))
    details = {"reason": reason, "proof_of_delivery": f"POD{digits(stage.rng, 5)}", **_prices(agreed, agreed)}
    return _told(stage, "counterparty", details, money(agreed))


def nobody_knows_whether_it_came(stage: Stage) -> Told:
    """The customer says that nothing came, and nobody holds a signature."""
    agreed = _sum(stage)
    details = {"reason": "not received", "proof_of_delivery": None, **_prices(agreed, agreed)}
    return _told(stage, "unknown", details, money(agreed))


# --- credit and cash -------------------------------------------------------------------------------------------------
def over_the_limit(stage: Stage) -> Told:
    limit = stage.rng.randint(5, 90) * 1000
    exposure = limit * stage.rng.randint(105, 240) // 100
    overdue = stage.rng.choice((0, exposure // 5, exposure // 2))
    details = {"credit_limit": f"{limit}.00", "exposure": f"{exposure}.00", "overdue_amount": f"{overdue}.00",
               "order_id": f"SO{digits(stage.rng, 5)}"}  # fmt: skip
    return _told(stage, "policy_exception", details, money(_sum(stage)))


def payments_not_counted(stage: Stage) -> Told:
    """Over the limit on paper only: what the customer paid this week has not been loaded."""
    told = over_the_limit(stage)
    details = {**told.details, "feed_status": stage.rng.choice(("gap", "failed"))}
    return _told(stage, "integration_failure", details, told.amount, ("policy_exception",))


def limit_never_entered(stage: Stage) -> Told:
    told = over_the_limit(stage)
    return _told(stage, "data_quality", {**told.details, "credit_limit": None, "overdue_amount": "0.00"}, told.amount)


def _cash(stage: Stage, candidates: Sequence[str]) -> Json:
    return {"bank_line": f"BL{digits(stage.rng, 6)}", "payer": "SOMEBODY LTD", "candidates": list(candidates),
            "remittance_text": stage.rng.choice(("merci", "Zahlung", "akonto", "rechnung", None))}  # fmt: skip


def reference_left_out(stage: Stage) -> Told:
    found = [f"AR{digits(stage.rng, 6)}" for _ in range(stage.rng.randint(1, 3))]
    return _told(stage, "data_quality", _cash(stage, found), money(_sum(stage)))


def text_cut_off(stage: Stage) -> Told:
    """The bank file broke off, and the references with it."""
    details = {**_cash(stage, []), "remittance_text": None, "feed_status": stage.rng.choice(("gap", "error"))}
    return _told(stage, "integration_failure", details, money(_sum(stage)))


def fits_nothing(stage: Stage) -> Told:
    return _told(stage, "unknown", _cash(stage, []), money(_sum(stage)))


STORIES: Mapping[str, Sequence[Story]] = {
    "overdue": (simply_late, simply_late, paid_but_not_seen, paid_but_not_applied),
    "short_payment": (took_a_discount, took_a_discount, deducted_a_claim, paid_as_agreed, second_part_not_loaded),
    "dispute": (billed_another_price, denies_delivery, nobody_knows_whether_it_came),
    "credit_limit": (over_the_limit, over_the_limit, payments_not_counted, limit_never_entered),
    "unapplied_cash": (reference_left_out, reference_left_out, text_cut_off, fits_nothing),
}
