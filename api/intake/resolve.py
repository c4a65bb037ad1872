"""Whose document is this? Names and numbers on it become parties of the books, or nobody.

What is not certain stays open: two suppliers that fit, or two companies of the group, are for a person to tell apart.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from governance.case import Party
from governance.record.books import Books, Entity, Order
from models.invoice import normal_id, normal_name

UNKNOWN = "unknown"


class Directory:
    """The books of one tenant, indexed once for a batch of items."""

    def __init__(self, books: Books, orders: Mapping[str, Order] | None = None) -> None:
        self._orders = orders or {}
        self._entities = {entity.id: entity for entity in books.entities}
        self._entity_names = {_plain(entity.name): entity for entity in books.entities if _plain(entity.name)}
        self._parties = {(party.kind, party.id): party for party in (*books.suppliers, *books.customers)}
        self._by_vat = _index((normal_id(party.vat_id), party) for party in books.suppliers)
        self._by_name = _index((_plain(party.name), party) for party in books.suppliers)
        self._by_folded_name = _index((normal_name(party.name), party) for party in books.suppliers)
        self._by_iban = _index(
            (normal_id(account.iban), self._parties[account.owner_kind, account.owner_id])
            for account in books.accounts
            if (account.owner_kind, account.owner_id) in self._parties and account.owner_kind == "supplier"
        )

    def party(self, kind: str, party_id: str | None) -> Party | None:
        """The supplier or customer with this id."""
        return self._parties.get((kind, party_id or ""))

    def supplier(
        self, *, supplier_id: str | None = None, vat_id: str | None, name: str | None, iban: str | None
    ) -> Party | None:
        """The one supplier that the given evidence names, or None.

        The strongest evidence that fits anybody decides and weaker evidence only narrows: id, VAT id, name as written,
        name without legal form, then bank account. An account that belongs to somebody else than the name says must not
        change whose invoice this is: that very difference is the exception. Records of one firm that agree in
        VAT id (a supplier entered twice) are one: the first by id.
        """
        if (known := self.party("supplier", supplier_id)) is not None:
            return known
        fits: list[Party] = []
        for found in (
            self._by_vat.get(normal_id(vat_id)),
            self._by_name.get(_plain(name)),
            self._by_folded_name.get(normal_name(name or "")),
            self._by_iban.get(normal_id(iban)),
        ):
            if found:
                fits = [party for party in fits if party in found] or fits if fits else found
        if len(fits) > 1 and len({normal_id(party.vat_id) for party in fits}) == 1 and fits[0].vat_id:
            fits = sorted(fits, key=lambda party: party.id)[:1]
        return fits[0] if len(fits) == 1 else None

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


def _plain(text: str | None) -> str:
    return " ".join((text or "").casefold().split())


def _stands_in(name: str, page: str) -> bool:
    return name in page and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", page) is not None


def _index(pairs: Iterable[tuple[str, Party]]) -> dict[str, list[Party]]:
    """Key → the parties that have it, each once; what is empty is no key."""
    found: dict[str, list[Party]] = defaultdict(list)
    for key, party in pairs:
        if key and party not in found[key]:
            found[key].append(party)
    return dict(found)
