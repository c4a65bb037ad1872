"""Likely duplicates in a ledger of supplier invoices."""

from __future__ import annotations

from models.invoice import Invoice

__all__ = ["Invoice"]
