"""Bank statements: SWIFT MT940/MT942 text and ISO 20022 camt.052/053/054. Class, account, currency and day only.

The lines of a statement are booked by the reconciliation queue, not here.
"""

from __future__ import annotations

import re
from datetime import date

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from api.intake import xml
from api.intake.xml import Element
from governance.case import FIELD_NAMES, Reading

_CAMT = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.05[234]\.\d{3}\.\d{2}")
_CAMT_BODY = ("BkToCstmrStmt/Stmt", "BkToCstmrAcctRpt/Rpt", "BkToCstmrDbtCdtNtfctn/Ntfctn")

# A balance (60, 62, 64, 65) or a statement line (61): no other SWIFT message has these. SWIFT Standards MT, category 9.
_MT_LINE = re.compile(r"^\s*:(?:6[0245][FM]?:[CD]\d{6}[A-Z]{3}\d|61:\d{6})", re.MULTILINE)
_MT_TAG = re.compile(r"^:(\d\d[A-Z]?):", re.MULTILINE)
_MT_TAGS = frozenset(
    ("13", "13D", "20", "21", "25", "25P", "28", "28C", "34F", "60F", "60M", "61", "62F", "62M", "64", "65", "86",
     "90C", "90D")
)  # fmt: skip
_MT_ACCOUNT = re.compile(r"^\s*:25P?:\s*(\S[^\r\n]*)", re.MULTILINE)
_MT_BALANCE = re.compile(r"^\s*:6[024][FM]?:[CD](\d{6})([A-Z]{3})", re.MULTILINE)
_SCAN = 100_000


def is_camt(root: Element) -> bool:
    return _CAMT.fullmatch(xml.namespace(root)) is not None


def is_mt940(text: str) -> bool:
    """MT940, MT942 or a part of one."""
    head = text[:_SCAN]
    if _MT_LINE.search(head):
        return True
    tags = _MT_TAG.findall(head)
    return bool(tags) and head.lstrip().startswith(":") and set(tags) <= _MT_TAGS


def read_camt(root: Element) -> Reading:
    fields: dict[str, str | None] = dict.fromkeys(FIELD_NAMES)
    body = next((found for steps in _CAMT_BODY if (found := xml.find(root, steps)) is not None), None)
    warnings: list[str] = []
    if body is None:
        warnings.append("the statement has no account report")
    else:
        fields["iban"] = xml.first_text(body, "Acct/Id/IBAN")
        fields["currency"] = xml.first_text(body, "Acct/Ccy") or _camt_currency(body)
        day = (xml.first_text(body, "FrToDt/ToDtTm", "CreDtTm", "Bal/Dt/Dt") or "")[:10]
        fields["issue_date"] = day if re.fullmatch(r"\d{4}-\d{2}-\d{2}", day) else None
    return _statement(fields, warnings, xml.running_text(root))


def read_mt940(text: str) -> Reading:
    fields: dict[str, str | None] = dict.fromkeys(FIELD_NAMES)
    warnings: list[str] = []
    account = _MT_ACCOUNT.search(text)
    if account:
        fields["iban"] = _iban(account[1])
    balances = _MT_BALANCE.findall(text)
    if balances:
        day, fields["currency"] = balances[-1]
        fields["issue_date"] = _short_day(day)
        if fields["issue_date"] is None:
            warnings.append(f"issue_date: {day} is not a day (YYMMDD)")
    return _statement(fields, warnings, text[: xml.TEXT_LIMIT])


def _statement(fields: dict[str, str | None], warnings: list[str], text: str) -> Reading:
    recognised = fields["currency"] is not None and fields["issue_date"] is not None
    return Reading(
        document_class="bank_statement",
        confidence=1.0 if recognised else None,
        abstained=False,
        basis="structured",
        fields=fields,
        warnings=tuple(warnings),
        text=text,
    )


def _camt_currency(body: Element) -> str | None:
    amount = xml.find(body, "Bal/Amt")
    if amount is None:
        amount = xml.find(body, "Ntry/Amt")
    return None if amount is None else amount.get("Ccy")


def _iban(account: str) -> str | None:
    """The IBAN in field 25, which may be followed by the currency."""
    compact = re.sub(r"\s", "", account)
    for candidate in (compact, compact[:-3], compact.rpartition("/")[2]):
        try:
            return str(IBAN(candidate))
        except SchwiftyException:
            continue
    return None


def _short_day(day: str) -> str | None:
    """YYMMDD to ISO. Two-digit years from 80 on are of the last century: MT940 is from the 1980s."""
    year = int(day[:2])
    try:
        return date(year + (1900 if year >= 80 else 2000), int(day[2:4]), int(day[4:6])).isoformat()
    except ValueError:
        return None
