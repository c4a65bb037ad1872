"""Bank statements: SWIFT MT940/MT942 text and ISO 20022 camt.052/053/054. Class, account, currency, day, and whether
the balances add up.

The lines of a statement are booked by the reconciliation queue, not here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from schwifty import IBAN
from schwifty.exceptions import SchwiftyException

from api.intake import balances, xml
from api.intake.balances import Statement
from api.intake.xml import Element
from governance.case import FIELD_NAMES, Finding, Reading

_CAMT = re.compile(r"urn:iso:std:iso:20022:tech:xsd:camt\.05[234]\.\d{3}\.\d{2}")
_CAMT_BODY = ("BkToCstmrStmt/Stmt", "BkToCstmrAcctRpt/Rpt", "BkToCstmrDbtCdtNtfctn/Ntfctn")

# A balance (60, 62, 64, 65) or a statement line (61): no other SWIFT message has these. SWIFT Standards MT, category 9.
_MT_LINE = re.compile(r"^[ \t]*:(?:6[0245][FM]?:[CD]\d{6}[A-Z]{3}\d|61:\d{6})", re.MULTILINE)
_MT_TAG = re.compile(r"^:(\d\d[A-Z]?):", re.MULTILINE)
_MT_TAGS = frozenset(
    ("13", "13D", "20", "21", "25", "25P", "28", "28C", "34F", "60F", "60M", "61", "62F", "62M", "64", "65", "86",
     "90C", "90D")
)  # fmt: skip
_MT_START = re.compile(r"^[ \t]*:20:", re.MULTILINE)
_MT_ACCOUNT = re.compile(r"^[ \t]*:25P?:[ \t]*(\S[^\r\n]*)", re.MULTILINE)
_MT_BALANCE = re.compile(r"^[ \t]*:(6[024])[FM]?:([CD])(\d{6})([A-Z]{3})(\d[\d.,]{0,30})?", re.MULTILINE)
_MT_FLOOR = re.compile(r"^[ \t]*:34F:([A-Z]{3})", re.MULTILINE)
_MT_MOMENT = re.compile(r"^[ \t]*:13D?:(\d{6})", re.MULTILINE)
# Value date, day of booking, debit or credit or the reversal of one, third letter of the currency, amount.
_MT_ENTRY = re.compile(r"^[ \t]*:61:(?:\d{6}(?:\d{4})?[ \t]*(R?[CD])[A-Z]?(\d{1,15}(?:[.,]\d{0,6})?))?", re.MULTILINE)
_SCAN = 100_000
_MOST = 10_000


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
    bodies = [body for steps in _CAMT_BODY for body in xml.find_all(root, steps)]
    findings = balances.checked([_camt_statement(body) for body in bodies])
    if bodies:
        body = bodies[0]
        fields["iban"] = xml.first_text(body, "Acct/Id/IBAN") or _iban(xml.first_text(body, "Acct/Id/Othr/Id") or "")
        fields["currency"] = xml.first_text(body, "Acct/Ccy") or _camt_currency(body)
        day = (xml.first_text(body, "FrToDt/ToDtTm", "CreDtTm", "Bal/Dt/Dt") or "")[:10]
        fields["issue_date"] = day if re.fullmatch(r"\d{4}-\d{2}-\d{2}", day) else None
    warnings = [] if bodies else ["the statement has no account report"]
    return _statement(fields, warnings, xml.running_text(root), findings)


def _camt_statement(body: Element) -> Statement:
    """Opening and closing booked balance (OPBD or PRCD, CLBD) and the booked entries between them."""
    booked: dict[str, tuple[Decimal | None, str | None]] = {}
    for balance in xml.find_all(body, "Bal"):
        code = xml.first_text(balance, "Tp/CdOrPrtry/Cd") or ""
        booked.setdefault(code, (_camt_amount(balance), (xml.first_text(balance, "Dt/Dt", "Dt/DtTm") or "")[:10]))
    entries = [
        _camt_amount(entry)
        for entry in xml.find_all(body, "Ntry")
        if (xml.first_text(entry, "Sts/Cd", "Sts") or "BOOK") == "BOOK"
    ]
    opening = booked.get("OPBD") or booked.get("PRCD") or (None, None)
    closing = booked.get("CLBD") or (None, None)
    return Statement(
        account=xml.first_text(body, "Acct/Id/IBAN", "Acct/Id/Othr/Id"),
        currency=xml.first_text(body, "Acct/Ccy") or _camt_currency(body),
        opening=opening[0],
        entries=tuple(amount for amount in entries if amount is not None),
        closing=closing[0],
        day=closing[1],
        whole=None not in entries,
    )


def _camt_amount(element: Element) -> Decimal | None:
    """The amount with its sign: an entry that reverses another states its own direction (ISO 20022, CdtDbtInd)."""
    written = xml.first_text(element, "Amt") or ""
    direction = xml.first_text(element, "CdtDbtInd")
    if not re.fullmatch(r"\d{1,18}(\.\d{1,10})?", written) or direction not in ("CRDT", "DBIT"):
        return None
    return Decimal(written) if direction == "CRDT" else -Decimal(written)


def read_mt940(text: str) -> Reading:
    fields: dict[str, str | None] = dict.fromkeys(FIELD_NAMES)
    starts = [match.start() for match in _MT_START.finditer(text)][:_MOST] or [0]
    parts = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    statements = [_mt_statement(part) for part in parts]
    named = next((one for one in statements if one.account is not None), statements[0])
    own = [one for one in statements if one.account == named.account]
    fields["iban"] = _iban(named.account or "")
    fields["currency"] = next((one.currency for one in own if one.currency), None)
    days = [one.day for one in own if one.day]
    warnings: list[str] = []
    if days:
        fields["issue_date"] = _short_day(days[-1])
        if fields["issue_date"] is None:
            warnings.append(f"issue_date: {days[-1]} is not a day (YYMMDD)")
    return _statement(fields, warnings, text[: xml.TEXT_LIMIT], balances.checked(statements))


def _mt_statement(text: str) -> Statement:
    """One message: opening (60), lines (61), closing (62), or what an interim report has. `day` is YYMMDD."""
    account = _MT_ACCOUNT.search(text)
    stated: dict[str, tuple[str, str, str, str]] = {}
    for tag, sign, day, currency, amount in _MT_BALANCE.findall(text):
        stated.setdefault(tag, (sign, day, currency, amount))
    entries = [_mt_amount(sign, amount) for sign, amount in _MT_ENTRY.findall(text)]
    opening, closing = stated.get("60"), stated.get("62")
    last = closing or stated.get("64") or opening
    floor, moment = _MT_FLOOR.search(text), _MT_MOMENT.search(text)
    return Statement(
        account=account[1].strip() if account else None,
        currency=last[2] if last else floor[1] if floor else None,
        opening=_mt_amount(opening[0], opening[3]) if opening else None,
        entries=tuple(amount for amount in entries if amount is not None),
        closing=_mt_amount(closing[0], closing[3]) if closing else None,
        day=last[1] if last else moment[1] if moment else None,
        whole=None not in entries,
    )


def _mt_amount(sign: str, amount: str) -> Decimal | None:
    """A comma stands before the decimals, also where there are none; RC takes a credit back, RD a debit."""
    written = amount.replace(".", "" if "," in amount else ".").replace(",", ".")
    if not re.fullmatch(r"\d{1,18}(\.\d{0,6})?", written):
        return None
    value = Decimal(written.rstrip("."))
    return value if sign in ("C", "RD") else -value


def _statement(fields: dict[str, str | None], warnings: list[str], text: str, findings: Sequence[Finding]) -> Reading:
    recognised = fields["currency"] is not None and fields["issue_date"] is not None
    return Reading(
        document_class="bank_statement",
        confidence=1.0 if recognised else None,
        abstained=False,
        basis="structured",
        fields=fields,
        warnings=(*warnings, *(one.detail for one in findings if one.level != "note")),
        text=text,
        findings=tuple(findings),
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
