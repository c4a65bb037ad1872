"""The report for the audit file: one HTML page, no script, nothing from elsewhere, printable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from importlib import metadata
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from agents.compare import masked, segments
from agents.exact_check import RULES, exact_check
from api.audit import charts
from api.audit.amounts import Amounts
from api.audit.ledger import Ledger
from api.audit.rates import RateFile
from api.audit.summary import Finding, Money, summary, vendor_of
from models.duplicates import AGAINST, DuplicatePair
from models.invoice import Invoice
from models.pair_groups import DuplicateGroup

_USUAL = " + ".join(RULES["usual"])

SHOWN = 200
"""Groups that are told field by field; the table of pairs has them all."""
_SHOWN_APART = 50
_SHOWN_ROWS = 200
_DOCUMENTS = 5
_LONGEST = 160
_SENTENCE = 400
KINDS = {
    "resubmitted": "sent again unchanged", "format": "number written in another way", "suffix": "number with a suffix",
    "ocr": "number misread", "typo": "number mistyped", "other_vendor_record": "another record of the vendor",
    "other_entity": "booked in another company", "currency": "another currency", "split": "split into parts",
    "penny": "amount off by less than one", "amount": "another amount", "date": "another date",
    "renumbered": "another number", "credit_and_rebill": "credited and billed again",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """What was run, with its result. model: digest of the bundle of models. currencies: how amounts in several
    currencies were compared, in words."""

    ledger: Ledger
    history: Ledger
    pairs: Sequence[DuplicatePair]
    groups: Sequence[DuplicateGroup]
    threshold: float
    engine: str
    model: str
    made: datetime
    rates: RateFile | None = None
    currencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One field of the documents of a group. `differs`: not all that say it agree."""

    name: str
    cells: tuple[Markup, ...]
    differs: bool


def write(path: Path, run: Run, amounts: Amounts) -> None:
    """Writes the report. Raises OSError."""
    path.write_text(html(run, amounts), encoding="utf-8")


def html(run: Run, amounts: Amounts) -> str:
    """The report as one HTML document."""
    environment = Environment(
        loader=PackageLoader("api.audit"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    figures = summary(run.ledger, run.history, run.pairs, run.groups, run.threshold)
    places = _places(run)

    unreported = [one for check in figures.exact for one in check.unreported if check.rule == _USUAL]

    def compared(finding: Finding) -> list[Line]:
        return lines(finding.documents[:_DOCUMENTS], places, amounts)

    def total(money: Money) -> float:
        return float(money.get(figures.currency, Decimal(0)))

    environment.filters.update(total=total, said=lambda bar: bar[1] + bar[2] or "")
    environment.filters.update(money=lambda risk: _money(risk, amounts), n=amounts.count, kind=kind_in_words)
    environment.globals.update(
        compared=compared,
        share=charts.share,
        columns=charts.columns,
        evidence=evidence,
        vendor=vendor_of,
        plain=_plain,
        exact=_exact,
    )
    return environment.get_template("report.html").render(
        run=run,
        it=figures,
        main=figures.currency,
        amounts=amounts,
        limits={"groups": SHOWN, "apart": _SHOWN_APART, "rows": _SHOWN_ROWS, "documents": _DOCUMENTS},
        version=version(),
        unreported=unreported,
    )


def version() -> str:
    try:
        return metadata.version("countersign")
    except metadata.PackageNotFoundError:
        return "(not installed)"


def kind_in_words(name: str) -> str:
    return KINDS.get(name) or _plain(name.replace("_", " "))


def _plain(text: str, longest: int = _LONGEST) -> str:
    """A stranger's text on one line, without control characters, cut where it would fill the page."""
    tidy = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return tidy if len(tidy) <= longest else f"{tidy[:longest]}…"


def _money(risk: Money, amounts: Amounts) -> str:
    return " + ".join(amounts.money(value, currency) for currency, value in risk.items()) or "nothing"


def evidence(pair: DuplicatePair) -> tuple[list[str], list[str]]:
    """(what speaks for it, what speaks against it)."""
    against = [_plain(one.removeprefix(AGAINST), _SENTENCE) for one in pair.reasons if one.startswith(AGAINST)]
    return [_plain(one, _SENTENCE) for one in pair.reasons if not one.startswith(AGAINST)], against


def _exact(finding: Finding) -> str:
    """What an exact check says of the group's likeliest pair, the later one against the earlier."""
    known = {one.invoice_id: one for one in finding.documents}
    likeliest = finding.group.pairs[0]
    return _plain(exact_check(known[likeliest.right_id], known[likeliest.left_id]).says, _SENTENCE)


def _places(run: Run) -> dict[str, str]:
    wanted = {one for group in run.groups for one in (*group.ids, *group.credits)}
    return {
        one.invoice_id: f"{part.files[file].path.name}, line {line}"
        for part in (run.history, run.ledger)
        for one, (file, line) in zip(part.invoices, part.places, strict=True)
        if one.invoice_id in wanted
    }


def lines(documents: Sequence[Invoice], places: dict[str, str], amounts: Amounts) -> list[Line]:
    """The documents field by field, differences from the first one marked. Fields that none has are left out."""

    def day(value: object) -> str:
        return value.isoformat() if hasattr(value, "isoformat") else ""

    fields: list[tuple[str, list[str]]] = [
        ("Number", [one.invoice_no for one in documents]),
        ("Date", [day(one.invoice_date) for one in documents]),
        ("Posted", [day(one.posting_date) for one in documents]),
        ("Amount", [amounts.money(one.amount, one.currency) for one in documents]),
        ("Vendor", [one.vendor_name for one in documents]),
        ("Vendor id", [one.vendor_id for one in documents]),
        ("Company", [one.entity for one in documents]),
        ("Tax id", [one.tax_id or "" for one in documents]),
        ("Bank account", [masked(one.iban) if one.iban else "" for one in documents]),
        ("Order", [one.po or "" for one in documents]),
        ("Text", [one.description or "" for one in documents]),
        ("Type", ["credit note" if one.doc_type == "credit_note" else "" for one in documents]),
        ("Id", [one.invoice_id for one in documents]),
        ("Found in", [places.get(one.invoice_id, "") for one in documents]),
    ]
    made = []
    for name, texts in fields:
        tidy = [_plain(text) for text in texts]
        if any(tidy):
            differs = name not in ("Id", "Found in") and len(set(tidy)) > 1
            whole = name in ("Amount", "Date", "Posted")
            cells = tuple(
                _marked(tidy[0], text, whole) if differs else Markup("{}").format(text or "–") for text in tidy
            )
            made.append(Line(name, cells, differs))
    return made


def _marked(first: str, text: str, whole: bool) -> Markup:
    """The text with what the first document does not have in this place marked; `whole` where digits mean nothing
    one by one."""
    if text == first or not text or not first:
        return Markup("{}").format(text or "–")
    if whole:
        return Markup("<mark>{}</mark>").format(text)
    parts = []
    pieces = segments(first, text)
    for at, (side, part) in enumerate(pieces):
        if side != "own":
            shape = Markup("{}") if side == "same" else Markup("<mark>{}</mark>")
            parts.append(shape.format(part))
        elif not any(one == "twin" for one, _ in pieces[at + 1 : at + 2]):
            parts.append(Markup('<mark class="gap" title="{} is missing here">‸</mark>').format(part))
    return Markup("").join(parts)
