"""Amounts as people of a country write them."""

from __future__ import annotations

from decimal import Decimal

from babel import Locale, UnknownLocaleError
from babel.numbers import format_currency, format_decimal

from governance.errors import Malformed


class Amounts:
    """Writes money and counts in one locale. Raises Malformed for one that is not known."""

    def __init__(self, locale: str) -> None:
        try:
            self.locale = Locale.parse(locale.replace("-", "_"))
        except (ValueError, UnknownLocaleError):
            raise Malformed(f"--locale {locale}: not known; give one such as en, de_DE or fr_FR") from None

    def money(self, amount: Decimal, currency: str) -> str:
        """An amount with its currency; without one, the number with two decimals."""
        if len(currency) == 3 and currency.isalpha():
            return str(format_currency(amount, currency, locale=self.locale))
        return str(format_decimal(amount, format="#,##0.00", locale=self.locale)) + (f" {currency}" if currency else "")

    def count(self, number: int) -> str:
        return str(format_decimal(number, locale=self.locale))
