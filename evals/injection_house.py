"""A firm whose documents carry what nobody should obey: its books, its cases, and what became of each.

Every case goes the way of a real one: intake reads the bytes, the worker's graph judges it, the recommendation waits
for people. Nobody decides anything here.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from agents.context import Models
from agents.letter import LANGUAGES, Composer
from agents.quarantine import SecondReader
from agents.worker import Worker
from api.intake import bills
from api.intake.door import IntakeDoor, Item
from api.intake.pdf import PdfPool
from api.intake.reader import DocumentReader
from evals.injection_carriers import CARRIERS, ENTITY, OF_CUSTOMERS, Bill, Trader
from governance.record import books
from governance.record.db import Database
from models.classifier import DocumentClassifier
from models.invoice import Invoice
from models.synthetic_numbers import iban, stream, vat_id

SUPPLIERS, CUSTOMERS, BOOKED = 96, 48, 12
_COUNTRY = {"en": "GB", "de": "DE", "fr": "FR", "es": "ES", "it": "IT", "nl": "NL"}
_FORM = {"en": "Ltd", "de": "GmbH", "fr": "SAS", "es": "S.L.", "it": "S.r.l.", "nl": "B.V."}
_NAMES = (
    "Aldervale", "Brennick", "Corvessa", "Dunmarrow", "Elstrom", "Farwick", "Gellanti", "Hollenbeek", "Istervane",
    "Jorvalen", "Kestrum", "Lindauer", "Morvenna", "Nordhavn", "Ostrevik", "Pellworm",
)  # fmt: skip
_TRADES = ("Catering", "Logistik", "Office", "Papier", "Energia")
_KEPT = """
SELECT c.id, c.source_key, c.state, j.state, r.id, r.action, r.risk, r.confidence, r.envelope, v.facts,
    (SELECT json_object_agg(l.name, json_build_array(l.content, l.salt)) FROM cs.leaves l
     WHERE l.tenant = r.tenant AND l.recommendation_id = r.id),
    (SELECT json_agg(s.role ORDER BY s.role) FROM cs.seats s WHERE s.tenant = r.tenant AND s.recommendation_id = r.id),
    extract(epoch FROM r.created_at)
FROM cs.cases c
JOIN cs.case_revisions v ON v.tenant = c.tenant AND v.case_id = c.id AND v.revision = c.revision
LEFT JOIN cs.jobs j ON j.tenant = c.tenant AND j.case_id = c.id AND j.revision = c.revision
LEFT JOIN cs.recommendations r ON r.tenant = c.tenant AND r.case_id = c.id AND r.revision = c.revision
WHERE c.tenant = %s ORDER BY r.created_at, c.id
"""


@dataclass(frozen=True, slots=True)
class Planned:
    """One case to bring in: what it carries, where, and what is true. `text` '' for the same case without it."""

    bill: Bill
    carrier: str
    text: str
    category: str = ""
    encoding: str = "plain"

    @property
    def key(self) -> str:
        return self.bill.key

    def item(self) -> Item:
        return CARRIERS[self.carrier](self.bill, self.text)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one case. `action` None: nothing was filed. `at`: seconds, when it was filed."""

    planned: Planned
    case_id: str
    state: str
    recommendation: str | None
    action: str | None
    args: Mapping[str, str]
    risk: str | None
    confidence: float | None
    envelope: Mapping[str, Any]
    facts: Mapping[str, Any]
    leaves: Mapping[str, Any]
    salt: str
    seats: tuple[str, ...]
    at: float | None

    @property
    def draft(self) -> Mapping[str, str] | None:
        return self.leaves.get("draft")

    @property
    def reached(self) -> bool:
        """Whether it waits for people, in the review or in the dead-letter room."""
        return self.state in ("awaiting_review", "dead_letter")


@dataclass
class House:
    """`tokens`: those of intake, agent and courier. `models`: what the worker triages with. `people`: keys of those who
    may decide, the least first."""

    database: Database
    tenant: str
    tokens: Mapping[str, str]
    models: Models
    today: date
    classifier: DocumentClassifier | None = None
    seed: int = 1
    people: Sequence[str] = ()
    traders: Mapping[str, Sequence[Trader]] = field(default_factory=dict)
    _cases: dict[str, str] = field(default_factory=dict)

    def furnish(self) -> None:
        """The books: parties in six languages, each supplier with its account."""
        rng = stream(self.seed, "injection house")
        self.traders = {"supplier": _traders(rng, "S", SUPPLIERS), "customer": _traders(rng, "C", CUSTOMERS)}
        with self.database.transaction("intake", self.tokens["intake"]) as conn:
            books.import_books(conn, "entities", [ENTITY], "injection")
            for kind, named in (("suppliers", "supplier"), ("customers", "customer")):
                rows = [
                    {"id": one.id, "name": one.name, "email": one.email, "language": one.language,
                     "country": one.country, **({"vat_id": one.vat_id} if kind == "suppliers" else {})}
                    for one in self.traders[named]
                ]  # fmt: skip
                books.import_books(conn, kind, rows, "injection")
            accounts = [
                {"owner_kind": "supplier", "owner_id": one.id, "iban": one.iban} for one in self.traders["supplier"]
            ]
            books.import_books(conn, "bank_accounts", accounts, "injection")
            booked = [(one, None) for trader in self.traders["supplier"] for one in _history(rng, trader, self.today)]
            books.import_books(conn, "invoices", bills.ledger_rows(booked), "injection")

    def bill(self, number: int, carrier: str, *, foreign: str | None = None) -> Bill:
        """The facts of case `number`: the same whatever it will carry. `foreign`: an account that is not the
        supplier's, on the document."""
        rng = stream(self.seed, f"bill {number}")
        parties = self.traders["customer" if carrier in OF_CUSTOMERS else "supplier"]
        trader = parties[number % len(parties)]
        issued = self.today - timedelta(days=rng.randint(5, 25))
        return Bill(
            key=f"case-{self.seed}-{number:05d}",
            trader=trader,
            number=f"R{rng.randint(10, 99)}-{100_000 + number * 37 % 899_999}",
            issued=issued,
            due=issued + timedelta(days=30),
            net=Decimal(rng.randint(20_000, 2_400_000)) / 100,
            iban=foreign or trader.iban,
        )

    def run(self, planned: Sequence[Planned], composer: Composer | None = None) -> list[Outcome]:
        """Brings the cases in, drains the queue, and says what became of each, in the order of `planned`."""
        self.bring(planned)
        return self.triage(planned, composer)

    def bring(self, planned: Sequence[Planned], second: SecondReader | None = None) -> None:
        """The items at the door. One file may become several cases: the last bill among them counts. `second`: a
        language model that reads documents once more."""
        with PdfPool(size=1) as pool:
            reader = DocumentReader(self.classifier, pool, default_currency="EUR", second=second)
            door = IntakeDoor(self.database, self.tokens["intake"], reader)
            for one in planned:
                receipts = [receipt for receipt in door.receive([one.item()]) if receipt.case_id is not None]
                own = [receipt for receipt in receipts if receipt.document_class == "invoice"]
                for receipt in (own or receipts)[-1:]:
                    self._cases[str(receipt.case_id)] = one.key

    def triage(self, planned: Sequence[Planned], composer: Composer | None = None) -> list[Outcome]:
        """Works until nothing is ready."""
        with Worker(
            self.database, self.tokens["agent"], self.models, name="injection", composer=composer, today=self.today,
            backoff_seconds=0.0, most_attempts=2,
        ) as worker:  # fmt: skip
            worker.drain()
        return self.outcomes(planned)

    def outcomes(self, planned: Sequence[Planned]) -> list[Outcome]:
        """As the record holds them. What was rejected at the door is not among them."""
        by_key = {one.key: one for one in planned}
        with self.database.transaction("owner") as conn:
            rows = conn.execute(_KEPT, (self.tenant,)).fetchall()
        found: dict[str, Outcome] = {}
        for row in rows:
            key = self._cases.get(row[0])
            if key in by_key:
                found[key] = _outcome(by_key[key], row)
        return [found[one.key] for one in planned if one.key in found]


def _traders(rng: random.Random, prefix: str, count: int) -> list[Trader]:
    made = []
    for number in range(count):
        language = LANGUAGES[number % len(LANGUAGES)]
        name = f"{_NAMES[number % len(_NAMES)]} {_TRADES[number // len(_NAMES) % len(_TRADES)]} {_FORM[language]}"
        country = _COUNTRY[language]
        identity = f"{prefix}-{number:03d}"
        email = f"ledger@{_NAMES[number % len(_NAMES)].lower()}-{identity.lower()}.example"
        made.append(Trader(identity, name, email, language, vat_id(rng, country), iban(rng, country), country))
    return made


def _history(rng: random.Random, trader: Trader, today: date) -> list[Invoice]:
    """Bills of the past that named their orders: a supplier's bill without one is an exception."""
    made = []
    for at in range(BOOKED):
        issued = today - timedelta(days=60 + 25 * at + rng.randint(0, 9))
        made.append(
            Invoice(
                invoice_id=f"OLD-{trader.id}-{at:02d}",
                entity=ENTITY["id"],
                vendor_id=trader.id,
                vendor_name=trader.name,
                tax_id=trader.vat_id,
                iban=trader.iban,
                invoice_no=f"H{rng.randint(10_000_000, 99_999_999)}",
                invoice_date=issued,
                posting_date=issued + timedelta(days=2),
                currency="EUR",
                amount=Decimal(rng.randint(20_000, 2_400_000)) / 100,
                po=f"45{rng.randint(10_000_000, 99_999_999)}",
                description=None,
                doc_type="invoice",
            )
        )
    return made


def _outcome(planned: Planned, row: Sequence[Any]) -> Outcome:
    case_id, _, state, _, recommendation, action, risk, confidence, envelope, facts, leaves, seats, at = row
    told = json.loads(envelope) if envelope else {}
    return Outcome(
        planned=planned,
        case_id=case_id,
        state=state,
        recommendation=recommendation,
        action=action,
        args=told.get("action", {}).get("args", {}),
        risk=risk,
        confidence=confidence,
        envelope=told,
        facts=json.loads(facts),
        leaves={name: json.loads(text) for name, (text, _) in (leaves or {}).items()},
        salt=(leaves or {}).get("draft", (None, ""))[1],
        seats=tuple(seats or ()),
        at=None if at is None else float(at),
    )
