"""Whose document is this? Names and numbers on it become parties of the books, or nobody.

What is not certain stays open: two suppliers that fit, or two companies of the group, are for a person to tell apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from governance.case import Party
from governance.record.books import Books, Entity, Order
from models.supplier_match import Clues, Master, SupplierMatch

UNKNOWN = "unknown"


class Directory:
    """The books of one tenant, indexed once for a batch of items."""

    def __init__(self, books: Books, orders: Mapping[str, Order] | None = None) -> None:
        self._orders = orders or {}
        self._entities = {entity.id: entity for entity in books.entities}
        self._entity_names = {_plain(entity.name): entity for entity in books.entities if _plain(entity.name)}
        self._parties = {(party.kind, party.id): party for party in (*books.suppliers, *books.customers)}
        self._master = _master(books)
        self._known: dict[tuple[Clues, bool], SupplierMatch] = {}

    def party(self, kind: str, party_id: str | None) -> Party | None:
        """The supplier or customer with this id."""
        return self._parties.get((kind, party_id or ""))

    def match(self, clues: Clues, *, near: bool = True) -> SupplierMatch:
        """Which supplier the clues name, and what is odd about it (see models.supplier_match). The same clues again
        are not looked up again; `near` also looks for names that are spelt otherwise."""
        known = self._known.get((clues, near))
        if known is None:
            known = self._known[clues, near] = self._master.match(clues, near=near)
        return known

    def supplier(
        self, *, supplier_id: str | None = None, vat_id: str | None, name: str | None, iban: str | None
    ) -> Party | None:
        """The one supplier that the given evidence names, or None."""
        return self.match(Clues(supplier_id, vat_id, name, iban), near=False).supplier

    def entity(self, *, order: str | None, text: str, supplier: str | None) -> Entity | None:
        """The company of the group that was billed: by the order that is named, by its name on the document.

        None where neither tells, where the two disagree, or where more than one company is named.
        """
        placed = self._orders.get(order or "")
        ordered = self._entities.get(placed.entity or "") if placed is not None else None
        named = self._named(text, supplier)
        if ordered is None:
            return named[0] if len(named) == 1 else None
        return ordered if not named or ordered in named else None

    def _named(self, text: str, supplier: str | None) -> list[Entity]:
        page = _plain(text)
        found = [name for name in self._entity_names if name != _plain(supplier) and _stands_in(name, page)]
        # "Acme" also stands wherever "Acme France" does.
        return [self._entity_names[name] for name in found if not any(name != n and name in n for n in found)]

    def region(self, entity_id: str | None) -> str:
        """The region of an entity as the books have it, or `unknown`."""
        entity = self._entities.get(entity_id or "")
        return entity.region if entity is not None else UNKNOWN


@lru_cache(maxsize=2)
def _master(books: Books) -> Master:
    """The index of a supplier master is kept for the next batch, as long as the books stay the same."""
    return Master(
        books.suppliers,
        [(account.owner_kind, account.owner_id, account.iban) for account in books.accounts],
        [entity.name for entity in books.entities],
    )


def _plain(text: str | None) -> str:
    return " ".join((text or "").casefold().split())


def _stands_in(name: str, page: str) -> bool:
    return name in page and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", page) is not None
