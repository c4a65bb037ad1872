"""What has been read of a structured document so far: fields, figures, findings; and the checks that all formats share.

Validation facts (checksums, sums, order of dates, what is missing) are told with their values and refuse nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from api.intake import arithmetic
from api.intake.arithmetic import Figures
from governance.case import FIELD_NAMES, Finding, Reading, parse_amount
from governance.errors import Malformed
from models import identifiers
from models.invoice import normal_id, normal_name

BILLS = frozenset({"invoice", "credit_note"})
CREDIT_CODES = frozenset({"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"})
"""UNTDID 1001 codes of credit notes."""
_LONGEST, _MOST = 500, 50  # no name is longer: what a stranger writes is kept with every case
_REQUIRED = ("supplier", "invoice_number", "issue_date", "currency", "total_amount")
_ISO_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(Z|[+-]\d{2}:\d{2}|T\S*)?")
_DECIMAL = re.compile(r"[+-]?(\d{1,20}(\.\d{0,12})?|\.\d{1,12})")


@dataclass(slots=True)
class Found:
    """Filled by the reader of one format; `reading` closes it with the checks."""

    document_class: str = "other"
    fields: dict[str, str | None] = field(default_factory=lambda: dict.fromkeys(FIELD_NAMES))
    findings: list[Finding] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    figures: Figures | None = None
    abstained: bool = False

    def say(self, code: str, detail: str, *names: str, level: str = "warning", **values: str | None) -> None:
        self.findings.append(Finding(code, detail, names, level, values))

    def text(self, name: str, value: str | None) -> None:
        if value is not None and len(value) > _LONGEST:
            self.say("malformed_value", f"{name}: longer than {_LONGEST} characters and cut off", name)
        self.fields[name] = value[:_LONGEST] if value is not None else None

    def order(self, stated: str | None, at_lines: Sequence[str]) -> None:
        """The order of the document, else the one that all of its lines name; several are for a person."""
        orders = list(dict.fromkeys(at_lines))
        self.text("purchase_order", stated or (orders[0] if len(orders) == 1 else None))
        self.detail("orders", orders if len(orders) > 1 else None)

    def detail(self, name: str, value: object) -> None:
        """Something beside the fields; what is empty is left out."""
        if isinstance(value, list):
            value = [one[:_LONGEST] for one in value[:_MOST]]
        if value:
            self.details[name] = value[:_LONGEST] if isinstance(value, str) else value

    def date(self, name: str, value: str | None) -> None:
        if value is None:
            return
        iso = iso_date(value)
        if iso is None:
            self.say("malformed_value", f"{name}: {value[:40]!r} is not a date", name, stated=value[:40])
        self.fields[name] = iso

    def amount(self, name: str, value: str | None) -> None:
        if value is None:
            return
        try:
            self.fields[name] = str(parse_amount(value, self.fields.get("currency") or "EUR"))
        except Malformed as error:
            self.say("malformed_value", f"{name}: {error.detail}", name, stated=value[:40])
            plain = decimal(value)
            self.fields[name] = format(plain, "f") if plain is not None else None

    def reading(self, text: str) -> Reading:
        """The reading, checked. `text` is the document as running text."""
        _check_account(self)
        _check_vat_id(self)
        certain = not self.abstained
        if self.document_class in BILLS:
            _check_dates(self)
            _check_parties(self)
            certain = _check_bill(self) and certain
        if self.figures is not None:
            self.findings += arithmetic.check(self.figures)
        return Reading(
            document_class=self.document_class,
            # The root names the class: no estimate is involved. An incomplete document gets no such promise.
            confidence=1.0 if certain else None,
            abstained=self.abstained,
            basis="structured",
            fields=self.fields,
            field_confidence={},
            warnings=tuple(one.detail for one in self.findings if one.level != "note"),
            text=text,
            findings=tuple(self.findings),
            details=self.details,
        )


def iso_date(value: str) -> str | None:
    """ISO 8601, or the compact form of UNTDID 2379 format 102 (CCYYMMDD, a time may follow)."""
    match = _ISO_DATE.fullmatch(value)
    if match:
        value = match[1]
    elif re.fullmatch(r"\d{8}(\d{4}|\d{6})?", value) and value.isascii():
        value = f"{value[:4]}-{value[4:6]}-{value[6:8]}"
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        return None


def decimal(value: str | None) -> Decimal | None:
    """An xs:decimal of sane length, or None."""
    return Decimal(value) if value and value.isascii() and _DECIMAL.fullmatch(value) else None


def _check_bill(found: Found) -> bool:
    """True when what a bill must say is there; findings name what is missing or odd."""
    fields = found.fields
    total = fields["total_amount"] or fields["amount_due"]
    missing = [name for name in _REQUIRED if not (total if name == "total_amount" else fields[name])]
    if missing:
        found.say("required_missing", "required and not found: " + ", ".join(missing), *missing)
    if total and total.startswith("-"):
        said = "the total is negative: money would flow the other way"
        found.say("negative_total", said, "total_amount", stated=total)
    return not missing


def _check_account(found: Found) -> None:
    account = found.fields["iban"]
    if account is None:
        return
    found.fields["iban"] = account = "".join(account.split()).upper()
    try:
        IBAN(account)
    except SchwiftyException:
        found.say("iban_checksum", "iban: the account number is not a valid IBAN", "iban", stated=account[:40])


def _check_vat_id(found: Found) -> None:
    vat_id = found.fields["supplier_vat_id"]
    if vat_id is None:
        return
    found.fields["supplier_vat_id"] = vat_id = "".join(vat_id.split())
    if not identifiers.vat_checks(vat_id):
        said = "supplier_vat_id: the checksum of the VAT number does not fit, or no check is known"
        found.say("vat_checksum", said, "supplier_vat_id", stated=vat_id[:40])


def _check_dates(found: Found) -> None:
    issued, due = found.fields["issue_date"], found.fields["due_date"]
    if issued and due and due < issued:
        said = f"due_date: {due} is before the date of the document, {issued}"
        found.say("date_order", said, "due_date", "issue_date", due_date=due, issue_date=issued)


def _check_parties(found: Found) -> None:
    """A bill to oneself: the data was filled in wrongly, or somebody hides who sells."""
    vat_id, buyer_vat_id = (
        normal_id(one) for one in (found.fields["supplier_vat_id"], found.details.get("buyer_vat_id"))
    )
    name, buyer = (normal_name(one or "") for one in (found.fields["supplier"], found.details.get("buyer")))
    if vat_id and vat_id == buyer_vat_id:
        said = f"supplier_vat_id: {vat_id[:40]} is also the buyer's"
        found.say("same_party", said, "supplier_vat_id", stated=vat_id[:40])
    elif name and name == buyer:
        found.say("same_party", "supplier: the buyer has the same name", "supplier", stated=found.fields["supplier"])
