"""Every bank account and VAT number that a document names, with what tells the supplier's from the buyer's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from models import identifiers, labels, party_words
from models.candidates import Candidate
from models.layout import Cell, Sheet
from models.supplier_candidates import MOST, Roles, neighbours


def accounts(sheet: Sheet, roles: Roles, votes: Mapping[str, str | None]) -> list[Candidate]:
    """Everything with the form of an IBAN."""
    found: list[Candidate] = []
    for cell in sheet.cells:
        spans = identifiers.iban_spans(cell.text) or _across(sheet, cell)
        for value, start, end in spans:
            near = " ".join(
                other.text for other in [*sheet.rows[cell.row][: cell.at + 1], *neighbours(sheet, cell, -1)[:1]]
            )
            facts = {
                "checks": float(identifiers.iban_checks(value)),
                "label": float("IBAN" in near.upper()),
                "account_word": float(bool(labels.BANK_LINE.search(near))),
                "buyer_role": float(roles.get((cell.row, cell.at)) == "buyer"),
                "buyer_word": float(any(labels.BUYER_WORD.search(other.text) for other in sheet.rows[cell.row])),
                "low": cell.row / max(1, len(sheet.rows)),
                "first": float(not found),
                "page_one": float(cell.page == 1),
            }
            facts |= {f"vote_{name}": float(said == value) for name, said in votes.items()}
            found.append(Candidate(value, cell, start, end, facts))
    return found[:MOST]


def _across(sheet: Sheet, cell: Cell) -> list[tuple[str, int, int]]:
    """An IBAN that is printed in groups so wide apart that they are cells of their own."""
    if not re.fullmatch(r"(?:IBAN\W*)?[A-Z]{2}\d{2}(?: [A-Z0-9]{4})*", cell.text):
        return []
    text = " ".join([cell.text, *(other.text for other in sheet.right_of(cell)[:8])])
    return [
        (value, 0, len(cell.text)) for value, _, _ in identifiers.iban_spans(text) if identifiers.iban_checks(value)
    ]


def vat_numbers(
    sheet: Sheet, roles: Roles, account_countries: Sequence[str], votes: Mapping[str, str | None]
) -> list[Candidate]:
    """Everything with the form of a VAT number of a country that has one."""
    found: list[Candidate] = []
    for cell in sheet.cells:
        for value, start, end in identifiers.vat_spans(cell.text) or _foreign(sheet, cell):
            near = " ".join([*(other.text for other in sheet.rows[cell.row][: cell.at]), cell.text[:start]])[-60:]
            around = [*neighbours(sheet, cell, -1)[:2], *neighbours(sheet, cell, 1)[:2], *sheet.rows[cell.row]]
            facts = {
                "checks": float(identifiers.vat_checks(value)),
                "known_form": float(bool(identifiers.vat_ids(value))),
                "label": float(
                    bool(re.search(r"\b(?:VAT|UST|UID|TVA|IVA|BTW|MWST|NIF|CIF|TAX|INTRACOM)", near.upper()))
                ),
                "buyer_role": float(roles.get((cell.row, cell.at)) == "buyer"),
                "seller_role": float(roles.get((cell.row, cell.at)) == "seller"),
                "buyer_word": float(bool(labels.BUYER_WORD.search(near))),
                "country": float(value[:2] in account_countries),
                "bank_near": float(any(labels.BANK_LINE.search(other.text) for other in around)),
                "low": cell.row / max(1, len(sheet.rows)),
                "foot": float(cell.row / max(1, len(sheet.rows)) > 0.8),
                "first": float(not found),
                "page_one": float(cell.page == 1),
                "glued": float(start > 0 and not cell.text[start - 1].isspace() and cell.text[start - 1] not in ":("),
            }
            facts |= {f"vote_{name}": float(said == value) for name, said in votes.items()}
            found.append(Candidate(value, cell, start, end, facts))
    return found[:MOST]


def _foreign(sheet: Sheet, cell: Cell) -> list[tuple[str, int, int]]:
    """A tax number of a country whose form is not known here counts where a label says what it is."""
    match = party_words.FOREIGN.search(cell.text)
    if match is None:
        return []
    before = cell.text[: match.start()] or "".join(other.text for other in sheet.rows[cell.row][: cell.at][-1:])
    return [(match[0], match.start(), match.end())] if party_words.TAX_LABEL.search(before[-40:]) else []
