"""Which column is which field: the mapping, then the field's own name, then its usual names in six languages.

Headers are compared as sets of words in one language: `Rechnungs-Nr.`, `N° de facture` and `Invoice Number` are all
{invoice, no}.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from api.commands.mapping import NONE, Synonyms

LAST = "~"
"""Before a synonym that is only good for a column that nothing else claims."""

_SAME = {
    "no": "nr num nums number numbers nummer nummern numero numeros nbr n nro",
    "invoice": "inv invoiced invoices bill bills rechnung rechnungs rechn rg facture factures factura facturas fattura "
               "fatture fatt factuur facturen fact fac faktura fra re",
    "date": "datum fecha data dt dat giorno",
    "supplier": "vendor vendors suppliers kreditor kreditoren creditor creditors lieferant lieferanten lief "
                "fournisseur fournisseurs frs proveedor proveedores fornitore fornitori leverancier leveranciers "
                "crediteur crediteuren payee beneficiary acreedor creancier merchant empfanger beneficiario "
                "begunstigde",
    "name": "nom nombre nome naam namen denominazione denominacion denomination",
    "id": "code key identifier codice codigo clave ident kennung",
    "amount": "betrag montant importe importo bedrag value wert valeur valor valore amt amounts",
    "total": "gesamt totale totaal totales summe somme somma suma som",
    "gross": "brutto ttc bruto lordo brut",
    "net": "netto ht neto imponibile base",
    "currency": "curr ccy cur wahrung waehrung whrg devise monnaie moneda divisa valuta munt muntsoort",
    "order": "po orders bestellung bestell bestellungs commande pedido ordine bestelling inkooporder bc ordre",
    "document": "doc beleg documento documents stuk boekstuk piece voucher asiento dokument journal",
    "posting": "posted post buchung buchungs gebucht comptabilisation comptable contable contabile registrazione "
               "contabilizacion boeking boekings boek booking booked entry gl gebuchts",
    "tax": "vat ust umsatzsteuer mwst iva btw tva fiscal fiscale steuer",
    "text": "description memo narrative details detail beschreibung bezeichnung libelle descripcion descrizione "
            "omschrijving concepto causale verwendungszweck particulars",
    "type": "art tipo soort typ",
    "company": "buchungskreis societe sociedad empresa societa azienda bedrijf administratie mandant firma entity "
               "unternehmen gesellschaft",
    "reference": "ref referenz referencia riferimento referentie xblnr",
    "payment": "paid zahlung zahlungs paiement pago pagamento betaling betaal reglement",
    "registration": "reg regn",
    "due": "fallig faellig falligkeit falligkeits faelligkeits echeance vencimiento scadenza verval vervaldatum",
    "customer": "kunde kunden client clients cliente clienti klant debitor debtor",
    "transaction": "trans trx transactions buchungsnr",
}  # fmt: skip
_WORD = {word: name for name, words in _SAME.items() for word in words.split()}
_COMPOUND = {word: name for word, name in _WORD.items() if len(word) >= 5} | {name: name for name in _SAME}
_EMPTY = frozenset(
    word
    for words in ("de la le du des d l of the del della dei di da el los van der die das den von para a to in s",
                  "purchase achat einkauf compra acquisto inkoop einkaufs")
    for word in words.split()
)  # fmt: skip
_PHRASES = (
    ("ragione sociale", "supplier name"), ("razon social", "supplier name"), ("raison sociale", "supplier name"),
)  # fmt: skip
"""What is said with words that mean something else alone."""


def normal_header(text: str) -> str:
    """A header in lower case, words apart by one space, nothing else."""
    flat = unicodedata.normalize("NFKD", text.casefold()).replace("_", " ")
    return " ".join(re.findall(r"[a-z0-9]+", "".join(letter for letter in flat if not unicodedata.combining(letter))))


def shown(header: str) -> str:
    """A header for people: on one line, without control characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in header).split())[:80]


@lru_cache(maxsize=4096)
def words_of(header: str) -> frozenset[str]:
    """The words of a header in one language; empty where nothing of it is a word."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", header).replace("°", "o ").replace("#", " no ")
    text = normal_header(split)
    for phrase, meant in _PHRASES:
        text = text.replace(phrase, meant)
    return frozenset(word for raw in text.split() for word in _parted(raw) if word not in _EMPTY)


def _parted(word: str) -> Iterator[str]:
    """One word, or the parts of a compound (`rechnungsdatum`), each by its name."""
    if word in _WORD or word in _SAME:
        yield _WORD.get(word, word)
        return
    for at in range(len(word) - 2, 2, -1):
        head, tail = word[:at], word[at:]
        known = _COMPOUND.get(head) or _COMPOUND.get(head.removesuffix("s")) or ("order" if head == "bestell" else None)
        last = _WORD.get(tail) or (tail if tail in _SAME else None)
        if known and last and len(tail) >= 2:
            yield from (known, last)
            return
    yield word


def places(header: Sequence[str], fields: Synonyms, columns: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Field → column. The mapping wins; then the field's own name; then its synonyms in their order."""
    normal = [normal_header(cell) for cell in header]
    at: dict[str, int] = {}
    for name, wanted in columns.items():
        exact = [header.index(one) for one in wanted if one in header]
        alike = [normal.index(normal_header(one)) for one in wanted if normal_header(one) in normal]
        if exact or alike:
            at[name] = (exact or alike)[0]
    open_ = [name for name in fields if name not in columns]
    # Words written as we write them come before their translations, and every field's own name before either.
    for of, own in (
        (normal_header, True),
        (normal_header, False),
        (words_of, True),
        (words_of, False),
        (words_of, None),
    ):
        compared: list[object] = [of(cell) for cell in header]
        for name in open_:
            for candidate in () if name in at else (name,) if own else fields[name]:
                last = candidate.startswith(LAST)
                meant = of(candidate.removeprefix(LAST)) if last == (own is None) else None
                place = compared.index(meant) if meant and meant in compared else None
                if place is not None and place not in at.values():
                    at[name] = place
                    break
    return at


def unwanted(columns: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """Fields that the mapping says the file does not have."""
    return frozenset(name for name, wanted in columns.items() if tuple(wanted) == (NONE,))


def found_header(
    rows: Sequence[Sequence[str]], fields: Synonyms, columns: Mapping[str, Sequence[str]]
) -> tuple[int, int, list[str], dict[str, int]]:
    """(first row, rows, header, field → column) among the first rows of a file.

    The first row that names the most fields; two rows where a header is written on two lines.
    """
    best: tuple[int, int, list[str], dict[str, int]] = (0, 1, list(rows[0]), {})
    for at, cells in enumerate(rows):
        found = places(cells, fields, columns)
        if len(found) > len(best[3]):
            best = (at, 1, list(cells), found)
    at = best[0]
    for first in (at - 1, at):
        pair = rows[first : first + 2] if first >= 0 else ()
        if len(pair) == 2 and all(_is_words(row) for row in pair):
            header = _joined(*pair)
            found = places(header, fields, columns)
            if len(found) > len(best[3]):
                best = (first, 2, header, found)
    return best


def _is_words(row: Sequence[str]) -> bool:
    filled = [cell for cell in row if cell.strip()]
    return len(filled) > 1 and not any(re.search(r"\d", cell) for cell in filled)


def _joined(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    width = max(len(upper), len(lower))
    padded = [[*row, *[""] * (width - len(row))] for row in (upper, lower)]
    return [f"{above} {below}".strip() for above, below in zip(*padded, strict=True)]
