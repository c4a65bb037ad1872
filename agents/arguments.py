"""What may stand in the arguments of an action: they leave by task, webhook and mail, so no prose of a document does.

Names of documents and of tasks are put together from the nouns of paperwork and bookkeeping and short codes; people are
their id, their role or "the approver". Reasons are ours: what a text of the case put into one, beyond numbers, days and
ids, is found again by its words and cut, whatever it says. Where it reads like a link or a command it is cut in any
case.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from agents import facts
from agents.banned import foreign_script, said_amiss
from agents.letter import texts
from governance.actor import ROLES

_CUT = "the case file holds the rest"
_PROSE = ("reason", "topic", "task", "role", "subject", "change")
_IDS = ("left", "right", "order_id", "invoice_id", "duplicate_of")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:#-]{0,63}")
_ORDER = re.compile(
    r"^(?:please |bitte )?(?:pay|call|confirm|release|approve|ignore|send|transfer|wire|remit|click|log in|update|"
    r"forward|zahlen sie|rufen sie|payez|appelez|pague|llame|pagate|chiamate|betaal|bel)\b|\b0[89]00[ -]|"
    r"\+\d[\d ()/-]{6,}",
    re.IGNORECASE,
)
_NUMBERS = ("invoice_number",)
_SERIOUS = frozenset({"link", "payment details", "instruction", "promise", "threat"})
_CODE = re.compile(r"[A-Z]{1,5}|[A-Z]{0,4}-?\d{1,6}|\d{1,4}[A-Z]?")
_PAPERS = frozenset(
    """
    a accounts act activity address agreement amendment and annex annual appendix application articles assignment
    association audit authorisation balance certificate certificates certified chamber clearance commerce commercial
    company compliance confirmation contract copy credit data declaration deed delivery detailed director due diligence
    evidence excerpt exemption extract file final financial for form framework from good goods guarantee id identity
    incorporation inspection insurance invoice letter liability licence license list mandate master memorandum minutes
    note notice of offer order original owner passport permit policy power privacy processing proof protection protocol
    purchase quality quote receipt record register registration report request residence resolution responsibility
    schedule security sepa sheet signature signatory signed specimen specification standing statement subcontractor
    supplier tax terms test the time timesheet trade transport ubo utility valid vat waybill work
    bescheinigung erklärung freistellungsbescheinigung gewerbeanmeldung handelsregisterauszug lieferschein nachweis
    rahmenvertrag rechnung steuerbescheinigung unbedenklichkeitsbescheinigung vertrag vollmacht zertifikat
    attestation bon commande contrat de du extrait facture fiscale kbis livraison registre
    acta alta albarán certificado contrato escritura factura fiscal poder registro
    certificato contratto durc fattura procura ragione visura
    bewijs contract factuur inschrijving uittreksel verklaring
    """.split()  # noqa: SIM905
)

_BOOKKEEPING = frozenset(
    """
    account accounts accrual accruals allocation audit amortisation assets balance balances bank capital cash
    clearing close closing confirmation consolidation customer costs currency deferred depreciation elimination
    eliminations end entries entry equity exchange expenses external fixed flow foreign general impairment income
    intercompany interest inventory invoiced journal journals leases ledger loans loss management month monthly
    payable payables payroll pension period posting prepaid prepayments profit provisions quarter received
    receivable receivables recognition reconciliation reporting return revaluation revenue run statement stock
    supplier suspense tax taxes trial vat vouchers year year-end january february march april may june july august
    september october november december
    abgrenzung abgrenzungen abschreibungen anlagenbuchhaltung bankabstimmung inventur jahresabschluss konsolidierung
    lohnbuchhaltung monatsabschluss rückstellungen saldenabstimmung umsatzsteuer umsatzsteuervoranmeldung
    amortissements bancaire clôture immobilisations inventaire paie rapprochement tva
    amortizaciones bancaria cierre conciliación inventario iva nóminas provisiones
    accantonamenti ammortamenti chiusura paghe riconciliazione
    afschrijvingen afsluiting bankafstemming btw salarissen voorraad voorzieningen
    """.split()  # noqa: SIM905
)
_BESIDE = frozenset(
    ("a", "and", "certified", "de", "due", "du", "for", "from", "good", "of", "received", "signed", "the", "valid")
)
"""Words that name nothing by themselves."""
_PEOPLE = {"approver": "the approver", "owner": "its owner"}
_DAYS = ("_on", "_since", "_until", "_date", "due", "period")
_FIGURES = ("_days", "_amount", "_value", "_percent", "_limit", "score", "threshold", "exposure", "difference")
_TITLES = ("task", "depends_on", "title")
"""How details that our texts repeat are named, by what they hold; others are numbers or nouns."""
_DAY = re.compile(r"\d{4}-\d{2}(?:-\d{2})?")
_FIGURE = re.compile(r"-?\d{1,12}(?:\.\d{1,6})?")
_WORDS = re.compile(r"[^\W_]+")
_RUN = 4


def stated(values: Mapping[str, Any]) -> dict[str, Any]:
    """What our texts and arguments may repeat of a case: numbers, days, ids, closed nouns, people by id or role. What
    else a text says is left out, and stays in the evidence."""
    return {name: kept for name, value in values.items() if (kept := _stated(name, value)) is not None}


def _stated(name: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        kept = [_stated(name, one) for one in value[:5]]
        return None if None in kept else kept
    if not isinstance(value, str):
        return value if isinstance(value, bool | int | float | Decimal | date) else None
    text = " ".join(value.split())
    if name in _PEOPLE and text:
        # Ids of people come from outside, too: only a role says who that is without saying more.
        return text if text in ROLES else _PEOPLE[name]
    day, figure = _DAY.fullmatch(text), _FIGURE.fullmatch(text)
    if name.endswith(_DAYS):
        return text if day else None
    if name.endswith(_FIGURES):
        return text if figure else None
    if name in _TITLES:
        return text if _of_words(text, _BOOKKEEPING) else None
    plain = day or figure or facts.identifier(text) is not None
    return text if plain or _of_words(text, _PAPERS | _BOOKKEEPING) else None


def documents(named: str | None) -> list[str]:
    """The documents of a list, each as a key of `texts(language)["documents"]` or in words that may be written; what is
    neither is `other`."""
    known = texts("en")["documents"]
    found = []
    for one in (named or "").split(","):
        words = " ".join(one.split())
        key = words.casefold().replace(" ", "_")
        if words:
            found.append(key if key in known else words if _is_paper(words) else "other")
    return list(dict.fromkeys(found))


def _is_paper(words: str) -> bool:
    return _of_words(words, _PAPERS)


def _of_words(words: str, nouns: frozenset[str]) -> bool:
    parts = [part for part in re.split(r"[ /&-]+", words) if part]
    plain = all(part.casefold() in nouns or _CODE.fullmatch(part) for part in parts)
    return plain and len(words) <= 60 and any(part.casefold() in nouns - _BESIDE for part in parts)


def words_of(values: Any) -> frozenset[str]:
    """Runs of words of every text in `values`, but for what `stated` lets pass: what no reason of ours may repeat. A
    text of two to four words is one run, a single word is none."""
    return frozenset(run for text in _strings(values) for run in _runs(text))


def _strings(values: Any) -> Iterator[str]:
    if isinstance(values, str):
        if not stated({"": values}):
            yield values
    elif isinstance(values, Mapping | list | tuple):
        for one in values.values() if isinstance(values, Mapping) else values:
            yield from _strings(one)


def _runs(text: str) -> Iterator[str]:
    words = _WORDS.findall(_shown(text).casefold())
    if len(words) > 1:
        yield from (" ".join(words[at : at + _RUN]) for at in range(max(1, len(words) - _RUN + 1)))


def _shown(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return "".join(one for one in plain if unicodedata.category(one) not in ("Cc", "Cf", "Co", "Cn"))


def prose(text: str, strange: Iterable[str] = ()) -> str:
    """The same text up to the first part that must not leave; what is hidden in it is taken out. `strange`: runs of
    words (words_of) that nobody may repeat."""
    shown = "".join(one for one in text if unicodedata.category(one) not in ("Cc", "Cf", "Co", "Cn"))
    if shown == text and not _serious(text) and not _repeats(text, strange):
        return text
    kept: list[str] = []
    for part in re.split(r"(?<=[:;.,])\s+", shown):
        if _serious(so_far := " ".join((*kept, part))) or _repeats(so_far, strange):
            break
        kept.append(part)
    return f"{' '.join(kept)} … {_CUT}".strip(" …") if kept else _CUT


def _repeats(text: str, strange: Iterable[str]) -> bool:
    said = f" {' '.join(_WORDS.findall(_shown(text).casefold()))} "
    return any(f" {run} " in said for run in strange)


def _serious(text: str) -> bool:
    plain = unicodedata.normalize("NFKC", text)
    account = any(facts.is_iban(found) for found in re.findall(r"\b[A-Z]{2}\d{2}(?:[ -]?[0-9A-Z]{2,4}){3,8}\b", plain))
    return (
        account
        or "@" in plain
        or foreign_script(plain) is not None
        or _ORDER.search(plain.split(": ")[-1].strip()) is not None
        or any(what in _SERIOUS for what, _ in said_amiss(plain))
    )


def cleaned(args: Mapping[str, str | None], strange: Iterable[str] = ()) -> dict[str, str | None]:
    """The arguments as they may leave; None where nothing of one may. `strange`: words_of the case's texts."""
    found = dict(args)
    for name, value in args.items():
        if value is None:
            continue
        if name in _NUMBERS:
            found[name] = facts.identifier(value)
        elif name == "document":
            found[name] = ", ".join(documents(value)) or None
        elif name in _IDS:
            plain = _ID.fullmatch(value) is not None and facts.is_code(value)
            found[name] = value if plain or facts.identifier(value) else None
        elif name in _PROSE:
            found[name] = prose(value, strange)
    return found
