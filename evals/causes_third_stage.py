"""What the third maker of planted causes draws from: a story, a desk full of parties, and bills that belong together.

Its author knew the closed list of causes and the shape of a case, and neither the rules that diagnose nor the other
makers' stories. The causes are meant as a controller means them:

- missing_order_reference: the bill names no order although there is, or should be, one.
- supplier_master_mismatch: what our master says of a supplier or partner is not, or no longer, what is so.
- approval_bottleneck: the work is done and waits for somebody of ours to sign.
- integration_failure: a job, an interface, a file or a channel between systems broke, lost or delayed something.
- policy_exception: all are agreed on the facts, and a rule of the house forbids it, caps it or needs a special leave.
- data_quality: our own records are wrong or stale without any broken machine: typed, posted, or never maintained.
- counterparty: the other side did, left out or wants something else than agreed.
- unknown: the records do not show it.

Where two signs stand side by side, the deeper is meant: that without which the other would not be there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from evals.causes_stage import Json, Line, PlantedCause, Stage, Told, money, planted
from governance.case import Party
from models.synthetic_numbers import digits, vat_id

Row = dict[str, Any]
"""The fields of `Told` without the truth."""

_HEADS = (
    "Albrecht", "Bouvier", "Castellano", "Dekker", "Eriksen", "Fontaine", "Grünwald", "Hartog", "Iturbe", "Jansens",
    "Kowalczyk", "Lindqvist", "Moretti", "Nørgaard", "Oyarzún", "Pfaff", "Quaresma", "Rossetti", "Schäfer", "Terlinden",
)  # fmt: skip
_TAILS = {
    "DE": ("Anlagenbau GmbH", "Netztechnik AG", "Bürobedarf GmbH & Co. KG"), "FR": ("Matériaux SAS", "Réseaux SA"),
    "ES": ("Instalaciones S.A.", "Telecom S.L."), "IT": ("Forniture S.p.A.", "Servizi S.r.l."),
    "NL": ("Installatietechniek B.V.", "Groothandel N.V."), "GB": ("Facilities Ltd", "Components plc"),
}  # fmt: skip
_TONGUES = {"DE": "de", "FR": "fr", "ES": "es", "IT": "it", "NL": "nl", "GB": "en"}
_PEOPLE = ("a.winter", "c.duval", "e.lopez", "g.bianchi", "i.visser", "k.osei", "m.novak", "p.lund", "s.murphy")


class Desk(Stage):
    """One random stream; what a finance department's screens are full of."""

    def party(self, kind: str, country: str | None = None) -> Party:
        land = country or self.rng.choice(sorted(_TAILS))
        number = digits(self.rng, 6)
        return Party(
            id=f"{'10' if kind == 'supplier' else '20'}{number}",
            name=f"{self.rng.choice(_HEADS)} {self.rng.choice(_TAILS[land])}", kind=kind,
            email=f"accounts@firm{number}.example", language=_TONGUES[land], vat_id=vat_id(self.rng, land),
            country=land,
        )  # fmt: skip

    def bill(self, supplier: Party, account: str | None, net: int, order: str | None) -> tuple[Decimal, Json]:
        """As the stage's; a British supplier charges 20 %."""
        if supplier.country != "GB":
            return super().bill(supplier, account, net, order)
        gross = money((net * 120 + 50) // 100)
        return gross, {
            "supplier": supplier.name, "supplier_vat_id": supplier.vat_id, "invoice_number": self.number(),
            "issue_date": self.day(-12, -3), "due_date": self.day(5, 40), "iban": account, "purchase_order": order,
            "currency": "EUR", "total_amount": str(gross),
        }  # fmt: skip

    def person(self) -> str:
        return self.rng.choice(_PEOPLE)

    def id(self, prefix: str, count: int = 6) -> str:
        return prefix + digits(self.rng, count)

    def eur(self, low: int, high: int) -> Decimal:
        """An amount with odd cents between `low` and `high` euros."""
        return money(self.rng.randint(low * 100, high * 100))

    def one(self, *of: str) -> str:
        return self.rng.choice(of)

    def beside(self) -> Json:
        """Fields that stand in most rows and say nothing about the cause."""
        rng = self.rng
        noise: Json = {
            "company_code": f"{rng.randint(1, 9)}000", "profit_center": self.id("PC", 4),
            "posting_user": rng.choice(("RFC_BATCH", "WF-BATCH", self.person())), "archive_status": "archived",
            "document_language": rng.choice(("DE", "EN", "FR", "IT")), "print_status": "not printed",
            "payment_block": "", "business_area": None, "dunning_area": "01", "changed_on": self.day(-9, -1),
            "long_text": rng.choice(("", "see attachment", "wie besprochen", "cf. dossier", "ok k.o.")),
        }  # fmt: skip
        return {key: noise[key] for key in noise if rng.random() < 0.35}


@dataclass(frozen=True, slots=True)
class Story:
    """What went wrong once, and what an experienced controller would call it. `why`: one sentence."""

    name: str
    queue: str
    exception_type: str
    cause: str
    why: str
    contributing: frozenset[str]
    tell: Callable[[Desk], Row]

    def plant(self, desk: Desk, key: str) -> PlantedCause:
        """The case that the story makes, with this desk's numbers."""
        told = Told(cause=self.cause, contributing=self.contributing, **self.tell(desk))
        return planted(key, self.queue, self.exception_type, self.name, told, desk)


def tells(queue: str, kind: str, cause: str, why: str, *contributing: str) -> Callable[[Callable[[Desk], Row]], Story]:
    """The decorated function is a story of this queue and type."""

    def story(tell: Callable[[Desk], Row]) -> Story:
        return Story(tell.__name__, queue, kind, cause, why, frozenset(contributing), tell)

    return story


def bought(
    desk: Desk,
    details: Mapping[str, Any],
    *,
    lines: Sequence[Line] = (),
    price: int | None = None,
    billed: int | None = None,
    received: int | None = None,
    cited: str | None = "",
    country: str | None = None,
    rate: int | None = None,
) -> Row:
    """A bill over one line of an order. `price` in hundredths and `billed` pieces as ordered unless given, all pieces
    taken in unless `received` says how many (0: no receipt). `cited`: the order number on the bill, '' for the right
    one; any other, or None, and the case stands without an order. `rate`: VAT in percent, the country's own unless
    given."""
    supplier = desk.party("supplier", country)
    account = desk.account(supplier)
    (line,) = lines or desk.lines(1)
    order = desk.order(supplier, [line])
    net = (billed if billed is not None else line.quantity) * (price if price is not None else line.price)
    gross, reads = desk.bill(supplier, account, net, order["id"] if cited == "" else cited)
    if rate is not None:
        gross = money((net * (100 + rate) + 50) // 100)
        reads["total_amount"] = str(gross)
    taken = line.quantity if received is None else received
    found = cited == ""
    return {
        "supplier": supplier, "accounts": (account,), "amount": gross, "reads": reads, "document_class": "invoice",
        "order": order if found else None, "receipts": (desk.receipt([line], [taken]),) if found and taken else (),
        "details": dict(details),
    }  # fmt: skip


def owed(desk: Desk, details: Mapping[str, Any], amount: Decimal | None = None, late: int = 0, **more: Any) -> Row:
    """A customer's open invoice, `late` days past due (below 0: not due yet)."""
    due = desk.today.toordinal() - late
    total = amount if amount is not None else desk.eur(400, 60_000)
    number = desk.number()
    day = desk.today.fromordinal
    return {
        "customer": desk.party("customer"), "amount": total,
        "reads": {"invoice_number": number, "issue_date": day(due - 30).isoformat(),
                  "due_date": day(due).isoformat(), "currency": "EUR", "total_amount": str(total)},
        "details": {"invoice_id": number, **details}, **more,
    }  # fmt: skip


def silent(desk: Desk, state: str, **more: object) -> Json:
    """What the clock's watcher writes of a case in which nothing has happened for long."""
    days = desk.rng.randint(15, 45)
    since = desk.today.fromordinal(desk.today.toordinal() - days)
    return {"case": desk.id("C"), "state": state, "silent_days": days, "silent_since": since.isoformat(), **more}


def waiting(desk: Desk, low: int = 9, high: int = 30) -> Json:
    """Somebody of ours has something to sign, and for how long."""
    return {"approver": desk.person(), "waiting_days": desk.rng.randint(low, high)}
