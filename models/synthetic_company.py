"""The demo company's parties: three entities, their suppliers and their customers. All of them are invented."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from models.synthetic_numbers import bic, cents, digits, iban, stream, vat_id

GROUP = "Halden & Brook"

ENTITIES: tuple[dict[str, str], ...] = (
    {"id": "DE01", "name": "Halden & Brook GmbH", "country": "DE", "region": "EU", "currency": "EUR"},
    {"id": "FR01", "name": "Halden & Brook France SAS", "country": "FR", "region": "EU", "currency": "EUR"},
    {"id": "GB01", "name": "Halden & Brook Ltd", "country": "GB", "region": "UK", "currency": "GBP"},
)
ENTITY_VAT = {"DE01": "DE558960221", "FR01": "FR76902329879", "GB01": "GB348905916"}
ADDRESS = {
    "DE": ("Lindenallee 12", "50667", "Köln"),
    "FR": ("8 rue des Tanneurs", "69002", "Lyon"),
    "GB": ("41 Harbour Way", "BS1 5TY", "Bristol"),
    "ES": ("Calle del Olmo 7", "46003", "Valencia"),
    "IT": ("Via dei Mulini 23", "40122", "Bologna"),
    "NL": ("Kadeweg 5", "3011 XB", "Rotterdam"),
}
ENTITY_ADDRESS = {
    "DE01": ("Rheinufer 80", "40221", "Düsseldorf"),
    "FR01": ("25 quai des Forges", "44000", "Nantes"),
    "GB01": ("3 Canal Street", "M1 3HE", "Manchester"),
}
LANGUAGE = {"DE": "de", "FR": "fr", "GB": "en", "ES": "es", "IT": "it", "NL": "nl"}
ENTITY_OF = {"DE": "DE01", "NL": "DE01", "FR": "FR01", "ES": "FR01", "IT": "FR01", "GB": "GB01"}
TAX_RATE = {"DE": 19, "FR": 20, "GB": 20, "ES": 21, "IT": 22, "NL": 21}
_LEGAL_FORM = {
    "DE": ("GmbH", "AG", "GmbH & Co. KG", "e.K."), "FR": ("SARL", "SAS", "SA"), "GB": ("Ltd", "plc", "LLP"),
    "ES": ("S.L.", "S.A."), "IT": ("S.r.l.", "S.p.A."), "NL": ("B.V.", "N.V."),
}  # fmt: skip
_HEADS = (
    "Tal", "Ven", "Mar", "Kes", "Lor", "Fen", "Dru", "Wil", "Bran", "Sol", "Cor", "Hes", "Nar", "Pel", "Rov", "Ost",
    "Gal", "Tur", "Elm", "Quin", "Zel", "Arb", "Hol", "Mend",
)  # fmt: skip
_TAILS = (
    "denholt", "wick", "feldar", "torin", "mora", "vane", "lister", "gard", "onne", "berry", "ridge", "sano", "lund",
    "erra", "quist", "ovan", "delle", "marn",
)  # fmt: skip

TRADES: dict[str, dict[str, str]] = {
    "goods": {"DE": "Bürobedarf", "FR": "Fournitures", "GB": "Supplies", "ES": "Suministros", "IT": "Forniture",
              "NL": "Kantoorartikelen"},
    "parts": {"DE": "Maschinenteile", "FR": "Composants", "GB": "Components", "ES": "Componentes", "IT": "Componenti",
              "NL": "Onderdelen"},
    "freight": {"DE": "Spedition", "FR": "Transports", "GB": "Freight", "ES": "Transportes", "IT": "Trasporti",
                "NL": "Transport"},
    "services": {"DE": "Beratung", "FR": "Conseil", "GB": "Consulting", "ES": "Consultores", "IT": "Consulenza",
                 "NL": "Advies"},
    "telecom": {"DE": "Telekom", "FR": "Télécom", "GB": "Telecom", "ES": "Telecom", "IT": "Telecomunicazioni",
                "NL": "Telecom"},
    "landlord": {"DE": "Immobilien", "FR": "Immobilier", "GB": "Property", "ES": "Inmuebles", "IT": "Immobiliare",
                 "NL": "Vastgoed"},
    "leasing": {"DE": "Leasing", "FR": "Leasing", "GB": "Leasing", "ES": "Leasing", "IT": "Leasing", "NL": "Leasing"},
}  # fmt: skip
_ITEMS = {
    "goods": ("Copy paper A4 80 g", "Toner cartridge black", "Ring binder blue", "Desk lamp LED", "Label rolls 57 mm",
              "Whiteboard marker set", "Shipping cartons 400x300", "Ergonomic keyboard"),
    "parts": ("Ball bearing 6204", "Hydraulic hose 1/2 in", "Steel bracket M8", "Seal kit 40 mm", "Gear wheel 24T",
              "Proximity sensor PNP", "Servo cable 5 m", "Aluminium profile 40x40"),
    "freight": ("Pallet transport", "Express delivery", "Groupage freight", "Customs handling"),
    "services": ("Consulting day", "Project support", "Workshop", "Software maintenance"),
    "telecom": ("Mobile contracts", "Leased line 1 Gbit/s", "Call charges"),
    "landlord": ("Office rent", "Service charges", "Parking spaces"),
    "leasing": ("Vehicle leasing instalment", "Printer leasing instalment"),
}  # fmt: skip
STYLES = ("yearly", "counter", "branch", "random", "monthly", "slash")
_NATIONS = ("DE", "DE", "DE", "FR", "FR", "GB", "GB", "ES", "IT", "NL")
_KINDS = ("goods", "goods", "goods", "parts", "parts", "parts", "freight", "freight", "services", "services",
          "telecom", "landlord", "leasing")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Supplier:
    """A supplier with what makes its invoices its own: numbering style, catalogue, usual amounts.

    `catalogue` holds (sku, description, unit price in hundredths). `twin_of` names the first record of
    the same firm where the books hold it twice.
    """

    id: str
    name: str
    country: str
    vat_id: str
    email: str
    terms: int
    iban: str
    kind: str
    style: str
    entity: str
    currency: str
    first_number: int
    contract: str
    catalogue: tuple[tuple[str, str, int], ...]
    twin_of: str | None = None

    @property
    def language(self) -> str:
        return LANGUAGE[self.country]

    @property
    def tax_rate(self) -> int:
        """Percent that this supplier charges its entity: the domestic rate, or 0 across a border."""
        return TAX_RATE[self.country] if self.country == self.entity[:2] else 0


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer with its way to pay, in days relative to the due date.

    `drift` days a year are added to `delay`; `run_weekday` is the weekday (Monday 0) on which it pays,
    or None; `disputes` is the share of invoices that it holds back for weeks.
    """

    id: str
    name: str
    country: str
    email: str
    iban: str
    entity: str
    currency: str
    terms: int
    credit_limit: int
    level: int
    monthly: float
    delay: float
    spread: float
    drift: float
    run_weekday: int | None
    disputes: float
    joined_days_ago: int

    @property
    def language(self) -> str:
        return LANGUAGE[self.country]


@dataclass(frozen=True, slots=True)
class Company:
    suppliers: tuple[Supplier, ...]
    customers: tuple[Customer, ...]


def _name(rng: random.Random, taken: set[str]) -> str:
    for _ in range(60):
        word = rng.choice(_HEADS) + rng.choice(_TAILS)
        if word not in taken:
            break
    else:
        word = f"{rng.choice(_HEADS)}{rng.choice(_TAILS)} {rng.choice(_HEADS)}{rng.choice(_TAILS)}"
    taken.add(word)
    return word


def _mailbox(local: str, name: str, country: str) -> str:
    host = "".join(letter for letter in name.lower() if letter.isascii() and letter.isalnum())
    return f"{local}@{host}-{country.lower()}.example"


def _supplier(rng: random.Random, number: int, taken: set[str]) -> Supplier:
    country = rng.choice(_NATIONS)
    kind = _KINDS[number % len(_KINDS)]
    word = _name(rng, taken)
    entity = ENTITY_OF[country] if rng.random() < 0.9 else rng.choice(ENTITIES)["id"]
    prices = {"goods": (300, 12000), "parts": (500, 40000), "freight": (6000, 90000), "services": (60000, 160000)}
    low, high = prices.get(kind, (20000, 900000))
    return Supplier(
        id=f"S-{number:04d}",
        name=f"{word} {TRADES[kind][country]} {rng.choice(_LEGAL_FORM[country])}",
        country=country,
        vat_id=vat_id(rng, country),
        email=_mailbox({"DE": "rechnung", "FR": "facturation", "GB": "billing"}.get(country, "info"), word, country),
        terms=rng.choice((14, 30, 30, 30, 45, 60)),
        iban=iban(rng, country),
        kind=kind,
        style="reused" if kind in ("telecom", "landlord") and rng.random() < 0.7 else rng.choice(STYLES),
        entity=entity,
        currency="GBP" if country == "GB" else ("USD" if rng.random() < 0.06 else "EUR"),
        first_number=rng.randint(40, 900) if rng.random() < 0.5 else rng.randint(10000, 480000),
        contract=f"{rng.choice('KMVR')}-{digits(rng, 6)}",
        catalogue=tuple((f"{kind[:2].upper()}{digits(rng, 4)}", item, rng.randint(low, high)) for item in _ITEMS[kind]),
    )


def _twin(rng: random.Random, original: Supplier, number: int) -> Supplier:
    """The same firm, entered a second time by somebody who did not find it: name cut short, VAT id perhaps lost."""
    words = original.name.split()
    variants = (" ".join(words[:2]), original.name.upper(), f"{words[0]}-{words[1]} {words[-1]}")
    values = {field: getattr(original, field) for field in Supplier.__dataclass_fields__}
    values |= {"id": f"S-{number:04d}", "name": rng.choice(variants), "twin_of": original.id}
    return Supplier(**values)


# (share, delay, spread, drift, disputes): prompt, usual, slow, worsening, improving, quarrelsome, erratic.
_PAYERS = (
    (0.28, -2.0, 2.5, 0.0, 0.0),
    (0.27, 4.0, 4.0, 0.0, 0.01),
    (0.15, 17.0, 9.0, 0.0, 0.03),
    (0.10, 3.0, 5.0, 22.0, 0.03),
    (0.06, 20.0, 7.0, -14.0, 0.01),
    (0.06, 8.0, 8.0, 0.0, 0.2),
    (0.08, 6.0, 24.0, 0.0, 0.06),
)


def _customer(rng: random.Random, number: int, taken: set[str]) -> Customer:
    country = rng.choice(_NATIONS)
    word = _name(rng, taken)
    behaviour = rng.choices(_PAYERS, weights=[payer[0] for payer in _PAYERS])[0]
    level = int(10 ** rng.uniform(4.7, 6.6))
    return Customer(
        id=f"C-{number:04d}",
        name=f"{word} {rng.choice(_LEGAL_FORM[country])}",
        country=country,
        email=_mailbox("accounts", word, country),
        iban=iban(rng, country),
        entity=ENTITY_OF[country],
        currency="GBP" if country == "GB" else "EUR",
        terms=rng.choice((14, 30, 30, 30, 45, 60)),
        credit_limit=max(5, round(level * rng.uniform(2.5, 7.0) / 100_000)) * 1000,
        level=level,
        monthly=rng.choice((0.6, 1.0, 1.5, 2.0, 3.0)),
        delay=behaviour[1] + rng.gauss(0.0, 2.0),
        spread=behaviour[2],
        drift=behaviour[3],
        run_weekday=rng.choice((None, 1, 3, 4)) if rng.random() < 0.6 else None,
        disputes=behaviour[4],
        joined_days_ago=rng.randint(20, 160) if rng.random() < 0.12 else 560,
    )


def company(seed: int, suppliers: int, customers: int) -> Company:
    """The parties of one seed. About one supplier in fifteen stands in the books twice."""
    rng, taken = stream(seed, "parties"), set[str]()
    firms = [_supplier(rng, number, taken) for number in range(1, suppliers + 1)]
    twins = [_twin(rng, rng.choice(firms), suppliers + 1 + extra) for extra in range(max(1, suppliers // 15))]
    return Company(
        suppliers=(*firms, *twins),
        customers=tuple(_customer(rng, number, taken) for number in range(1, customers + 1)),
    )


def party_rows(firm: Company, seed: int) -> dict[str, list[dict[str, Any]]]:
    """The rows of the books: entity, supplier, customer, bank_account (entities' own accounts too)."""
    rng = stream(seed, "entity accounts")
    accounts = [("entity", row["id"], iban(rng, row["country"]), row["country"], row["name"]) for row in ENTITIES]
    accounts += [("supplier", s.id, s.iban, s.country, s.name) for s in firm.suppliers]
    accounts += [("customer", c.id, c.iban, c.country, c.name) for c in firm.customers]
    return {
        "entity": [dict(row) for row in ENTITIES],
        "supplier": [
            {"id": s.id, "name": s.name, "vat_id": s.vat_id, "country": s.country, "email": s.email,
             "language": s.language, "payment_terms_days": s.terms}
            for s in firm.suppliers
        ],
        "customer": [
            {"id": c.id, "name": c.name, "country": c.country, "email": c.email, "language": c.language,
             "credit_limit": str(cents(c.credit_limit * 100)), "currency": c.currency}
            for c in firm.customers
        ],
        "bank_account": [
            {"owner_kind": kind, "owner_id": owner, "iban": number, "bic": bic(country), "holder": holder}
            for kind, owner, number, country, holder in accounts
        ],
    }  # fmt: skip
