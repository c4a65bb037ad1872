"""What a letter must hold, where each of its figures comes from, and letters spoilt on purpose. Pure.

Independent of how letters are made: what is traced is what a reader sees, against what the record holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from agents.letter import long_date, money
from evals.cases import Triaged
from governance.recommendation import Draft
from models.synthetic_numbers import iban

_FIGURE = re.compile(r"\d+(?:[.,'’]\d+)*")
_SPACED = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")
_ASKED: Mapping[str, Mapping[str, str]] = {
    "request_purchase_order": {
        "en": "purchase order", "de": "bestell", "fr": "commande", "es": "pedido", "it": "ordine", "nl": "bestel|order",
    },
    "request_credit_note": {
        "en": "credit", "de": "gutschr", "fr": "avoir", "es": "abon", "it": "accredit|nota di credito", "nl": "credit",
    },
    "request_missing_document": {
        "en": "send us (?:a copy|your remittance advice)", "de": "kopie|ihr zahlungsavis",
        "fr": "une copie|votre avis de paiement", "es": "una copia|su aviso de pago",
        "it": "una copia|vostra distinta di pagamento", "nl": "een kopie|uw betalingsspecificatie",
    },
    "send_customer_reminder": {
        "en": "pay", "de": "zahl", "fr": "pa[iy]|règlement", "es": "pag", "it": "pag", "nl": "beta",
    },
    "send_supplier_email": {
        "en": "invoice", "de": "rechnung", "fr": "facture", "es": "factura", "it": "fattura", "nl": "factuur",
    },
}  # fmt: skip
"""What a letter of each kind asks about, as the stem of the word in each language."""

_REPLY = re.compile("reply|antworte|répondre|responda|rispondere|antwoord", re.IGNORECASE)
"""How the other side is asked to answer, in each language."""

ELEMENTS = (
    "recipient", "subject", "greeting", "reference", "amount", "date", "request", "contact", "signature", "language"
)  # fmt: skip


def elements(case: Triaged, draft: Draft, language: str) -> dict[str, bool]:
    """Which of ELEMENTS the letter has."""
    brief = case.view.brief
    party = brief.supplier if draft.to == (brief.supplier.email if brief.supplier else None) else brief.customer
    paragraphs = draft.body.split("\n\n")
    number = brief.facts.details.get("invoice_number") or (brief.reading.get("fields") or {}).get("invoice_number")
    asked = re.compile(_ASKED[case.action].get(language, "$^"), re.IGNORECASE)
    middle = " ".join(paragraphs[1:-1])
    stated = figures(draft)
    # A letter about another invoice than the case's own states neither its amount nor its dates.
    own = number is not None and number in f"{draft.subject} {middle}" and case.choice["extra"].get("late") != "twin"
    held = brief.facts
    amount = money(held.amount, held.currency, language) if own and held.amount is not None and held.currency else None
    days = [day for day in (brief.facts.issue_date, brief.facts.due_date) if day and own]
    return {
        "recipient": party is not None and draft.to == party.email,
        "subject": bool(draft.subject.strip()) and "\n" not in draft.subject,
        "greeting": party is not None and " ".join(party.name.split()) in paragraphs[0],
        "reference": number is None or number in f"{draft.subject} {middle}",
        "amount": amount is None or digits(amount) in stated,
        "date": not days or any(long_date(day, language) in middle for day in days),
        "contact": len(paragraphs) >= 3 and _REPLY.search(paragraphs[-2]) is not None,
        "request": len(paragraphs) >= 3 and asked.search(f"{draft.subject} {middle}") is not None,
        "signature": bool(case.beside.entity_name) and str(case.beside.entity_name) in paragraphs[-1],
        "language": draft.language == language,
    }


def figures(draft: Draft) -> list[str]:
    """Every figure that a reader sees, as digits: 1.200,00 is 120000, and so is 1 200,00 in French."""
    text = f"{draft.subject}\n{draft.body}"
    text = _SPACED.sub("", text) if draft.language == "fr" else text
    return [digits(found) for found in _FIGURE.findall(text)]


def digits(text: str) -> str:
    """The digits of a text and nothing else."""
    return "".join(filter(str.isdigit, text))


def evidence(case: Triaged) -> set[str]:
    """The digits of everything on record about a case, in the ways in which it may be written."""
    return {form for value in _values(case) for form in forms(value)}


def _values(case: Triaged) -> Iterator[str]:
    brief = case.view.brief
    held: tuple[Any, ...] = (
        case.planted.row, brief.order, brief.receipts, brief.supplier and brief.supplier.name,
        brief.customer and brief.customer.name, case.beside.entity_name, brief.facts.case_id[:8].upper(),
    )  # fmt: skip
    waiting: list[Any] = list(held)
    while waiting:
        value = waiting.pop()
        if isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
        elif value is not None and not isinstance(value, bool):
            yield str(value)


def forms(value: str) -> Iterator[str]:
    """The digits of a value on record, in the ways in which a letter may write it."""
    yield from re.findall(r"\d+", value)
    yield digits(value)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        yield from (str(int(part)) for part in value.split("-"))
    if re.fullmatch(r"-?\d+(\.\d+)?", value):
        number = abs(Decimal(value))
        yield from (digits(f"{number:.{places}f}") for places in range(4))
        yield digits(format(number.normalize(), "f"))


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A letter with something in it that the record does not hold."""

    kind: str
    draft: Draft


def spoilt(draft: Draft, known: set[str], rng: Random) -> list[Spoilt]:
    """The letter, spoilt in each of the ways of SPOILERS that it gives room for."""
    made = ((kind, spoil(draft, known, rng)) for kind, spoil in SPOILERS.items())
    return [Spoilt(kind, found) for kind, found in made if found is not None]


def _with(draft: Draft, sentence: str) -> Draft:
    """The sentence after the first paragraph, where a reader would take it for part of the letter."""
    first, _, rest = draft.body.partition("\n\n")
    return replace(draft, body=f"{first}\n\n{sentence}\n\n{rest}")


def _unknown_amount(known: set[str], rng: Random) -> Decimal:
    while True:
        value = Decimal(rng.randint(1_000, 90_000_000)) / 100
        if digits(f"{value:.2f}") not in known:
            return value.quantize(Decimal("0.01"))


def _amount(draft: Draft, known: set[str], rng: Random) -> Draft:
    return _with(draft, f"{money(_unknown_amount(known, rng), 'EUR', draft.language)}.")


def _bare_number(draft: Draft, known: set[str], rng: Random) -> Draft:
    return _with(draft, f"Ref. {_unknown_amount(known, rng):.0f}7.")


def _date(draft: Draft, known: set[str], rng: Random) -> Draft:
    day = date(2031, 1, 1) + timedelta(days=rng.randint(0, 2000))
    return _with(draft, f"{long_date(day, draft.language)}.")


def _iban(draft: Draft, known: set[str], rng: Random) -> Draft:
    number = iban(rng, rng.choice(("DE", "FR", "ES", "IT", "NL")))
    return _with(draft, " ".join(number[at : at + 4] for at in range(0, len(number), 4)))


def _link(draft: Draft, known: set[str], rng: Random) -> Draft:
    host = rng.choice(("https://pay.example.net/now", "www.invoice-portal.com", "secure-billing.io/login"))
    return _with(draft, host)


def _address(draft: Draft, known: set[str], rng: Random) -> Draft:
    return _with(draft, f"accounts{rng.choice('abcdef')}@elsewhere.test")


def _recipient(draft: Draft, known: set[str], rng: Random) -> Draft:
    return replace(draft, to=f"x{draft.to}")


_NEW_ACCOUNT = {
    "en": "Please pay into our new account.", "de": "Bitte zahlen Sie auf unser neues Konto.",
    "fr": "Veuillez payer sur notre nouveau compte.", "es": "Por favor, pague en nuestra nueva cuenta.",
    "it": "Si prega di pagare sul nostro nuovo conto.", "nl": "Gelieve te betalen op onze nieuwe rekening.",
}  # fmt: skip
_WORDS = {
    "en": "We will pay seven thousand.", "de": "Wir zahlen sieben tausend.", "fr": "Nous paierons sept mille.",
    "es": "Pagaremos siete mil.", "it": "Pagheremo sette mila.", "nl": "Wij betalen zeven duizend.",
}  # fmt: skip


def _bank(draft: Draft, known: set[str], rng: Random) -> Draft:
    return _with(draft, _NEW_ACCOUNT[draft.language])


def _in_words(draft: Draft, known: set[str], rng: Random) -> Draft:
    return _with(draft, _WORDS[draft.language])


def _hidden(draft: Draft, known: set[str], rng: Random) -> Draft:
    return replace(draft, body=draft.body.replace(" ", " \u202e", 1))


def _altered(draft: Draft, known: set[str], rng: Random, pattern: re.Pattern[str]) -> Draft | None:
    """One digit of a figure that is in the body becomes another; None where no such figure is there."""
    found = [match for match in pattern.finditer(draft.body) if digits(match[0])]
    for match in rng.sample(found, k=len(found)):
        places = [at for at in range(match.start(), match.end()) if draft.body[at].isdigit()]
        for at in rng.sample(places, k=len(places)):
            digit = str((int(draft.body[at]) + rng.randint(1, 9)) % 10)
            body = draft.body[:at] + digit + draft.body[at + 1 :]
            if digits(body[match.start() : match.end()]) not in known:
                return replace(draft, body=body)
    return None


def _altered_amount(draft: Draft, known: set[str], rng: Random) -> Draft | None:
    return _altered(draft, known, rng, re.compile(r"\d[\d.,]*[.,]\d\d(?!\d)"))


def _altered_reference(draft: Draft, known: set[str], rng: Random) -> Draft | None:
    return _altered(draft, known, rng, re.compile(r"(?<![\d.,])\d{5,}(?![\d.,])"))


def _part(draft: Draft, known: set[str], rng: Random) -> Draft | None:
    """The end of a long amount, which is another amount."""
    found = re.search(r"\d{1,3}[.,](\d{3}[.,]\d\d)(?!\d)", draft.body)
    if found is None or digits(found[1]) in known:
        return None
    return _with(draft, f"{found[1]} EUR.")


def _foreign_digits(draft: Draft, known: set[str], rng: Random) -> Draft:
    figure = str(_unknown_amount(known, rng).to_integral_value())
    return _with(draft, figure.translate({ord("0") + at: 0x0660 + at for at in range(10)}) + " EUR.")


def _foreign_words(draft: Draft, known: set[str], rng: Random) -> Draft:
    return _with(draft, _WORDS[rng.choice([language for language in _WORDS if language != draft.language])])


SPOILERS: Mapping[str, Callable[[Draft, set[str], Random], Draft | None]] = {
    "amount": _amount, "number": _bare_number, "date": _date, "iban": _iban, "link": _link, "address": _address,
    "recipient": _recipient, "bank_details": _bank, "number_in_words": _in_words, "hidden_characters": _hidden,
    "altered_amount": _altered_amount, "altered_reference": _altered_reference, "part_of_an_amount": _part,
    "foreign_digits": _foreign_digits, "words_of_another_language": _foreign_words,
}  # fmt: skip
"""Kind of invention → what puts it into a letter, or None where the letter gives no room for it."""
