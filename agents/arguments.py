"""What may stand in the arguments of an action: they leave by task, webhook and mail, so no prose of a document does.

Names of documents are known ones, or put together from the nouns of paperwork and short codes. A reason is ours; where
something that a document says found its way into one, and it reads like a link, an account or a command, it is cut.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from agents import facts
from agents.banned import foreign_script, is_banned, said_amiss
from agents.letter import texts

_CUT = "the case file holds the rest"
_PROSE = ("reason", "topic", "task", "role")
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
    parts = re.split(r"[ /&-]+", words)
    plain = all(part.casefold() in _PAPERS or _CODE.fullmatch(part) for part in parts if part)
    return plain and len(words) <= 60 and any(part.casefold() in _PAPERS for part in parts)


def prose(text: str) -> str:
    """The same text up to the first part that must not leave; what is hidden in it is taken out."""
    shown = "".join(one for one in text if unicodedata.category(one) not in ("Cc", "Cf", "Co", "Cn"))
    if shown == text and not _serious(text):
        return text
    kept: list[str] = []
    for part in re.split(r"(?<=[:;.,])\s+", shown):
        if _serious(" ".join((*kept, part))):
            break
        kept.append(part)
    return f"{' '.join(kept)} … {_CUT}".strip(" …") if kept else _CUT


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


def cleaned(args: Mapping[str, str | None]) -> dict[str, str | None]:
    """The arguments as they may leave; None where nothing of one may."""
    found = dict(args)
    for name, value in args.items():
        if value is None:
            continue
        if name in _NUMBERS:
            found[name] = facts.identifier(value)
        elif name == "document":
            found[name] = ", ".join(documents(value)) or None
        elif name in _IDS:
            plain = _ID.fullmatch(value) is not None and not is_banned(value)
            found[name] = value if plain or facts.identifier(value) else None
        elif name in _PROSE:
            found[name] = prose(value)
    return found
