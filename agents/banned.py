"""What no letter of ours may speak of, whoever wrote it and wherever the words came from: links and bank details."""

from __future__ import annotations

import re

LINK = re.compile(
    r"https?:|www\.|\b[a-z0-9-]+\.(?:com|net|org|info|biz|io|eu|de|fr|es|it|nl|uk|ch|at|be|ru|cn|xyz|top|site|online|"
    r"example)\b|\[[^\]]*\]\(",
    re.IGNORECASE,
)
BANK = re.compile(
    r"\biban\b|\bbic\b|\bswift\b|sort code|routing number|account number|bank (?:details|account|data|transfer to)|"
    r"pay(?:ment)? (?:to|into) (?:the|our|this|a) (?:new|following|other)|new account|"
    r"bankverbindung|kontoverbindung|kontonummer|bankkonto|neues konto|neue konto|bankdaten|"
    r"coordonn[ée]es bancaires|compte bancaire|num[ée]ro de compte|nouveau compte|\brib\b|"
    r"datos bancarios|cuenta bancaria|n[úu]mero de cuenta|nueva cuenta|"
    r"coordinate bancarie|conto (?:bancario|corrente)|numero di conto|nuovo conto|"
    r"bankgegevens|bankrekening|rekeningnummer|nieuwe rekening",
    re.IGNORECASE,
)


def is_banned(text: str) -> bool:
    """True for a text that names a link or bank details."""
    return LINK.search(text) is not None or BANK.search(text) is not None
