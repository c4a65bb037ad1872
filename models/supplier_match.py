"""Which supplier of the master is it? Numbers first, then names; what only looks right is said and never passed over.

The strongest evidence that fits anybody decides and weaker evidence narrows: id, VAT id, tax number, the name as
written, the name without legal form and abbreviations, the bank account. An account that belongs to somebody else than
the name says does not change whose document it is: that very difference is the exception. Names that are near, or the
same only to the eye, make candidates; no score is given, for none is calibrated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import cached_property

from governance.case import Finding, Party
from models.identifiers import vat_checks
from models.invoice import normal_id
from models.near_names import NearNames, alike
from models.supplier_names import NameForms, forms, skeleton
from models.supplier_outcome import (
    BANK,
    CANDIDATES,
    MATCHED,
    PROBABLE,
    UNKNOWN,
    Candidate,
    Clues,
    SupplierMatch,
    finding,
    other_account,
)
from models.tax_numbers import asked_for, contradict, differ, kept_under, tax_key

__all__ = ["BANK", "CANDIDATES", "MATCHED", "PROBABLE", "UNKNOWN", "Candidate", "Clues", "Master", "SupplierMatch"]

_ORDER = ("supplier_id", "vat_id", "tax_number", "name", "name_folded", "account")


class Master:
    """The supplier master, indexed once. `accounts` holds (kind of owner, id of owner, IBAN); `own_names` the names of
    the companies of the group."""

    def __init__(
        self, suppliers: Sequence[Party], accounts: Iterable[tuple[str, str, str]] = (), own_names: Iterable[str] = ()
    ) -> None:
        self._by_id = {party.id: party for party in suppliers}
        self._suppliers = suppliers
        self._ibans: dict[str, set[str]] = defaultdict(set)
        self._owners: dict[str, list[Party]] = defaultdict(list)
        self._own_accounts: set[str] = set()
        for kind, owner, iban in accounts:
            key = normal_id(iban)
            if kind == "supplier" and key and owner in self._by_id:
                self._ibans[owner].add(key)
                self._owners[key].append(self._by_id[owner])
            elif kind == "entity" and key:
                self._own_accounts.add(key)
        self._own = {core for name in own_names for core in forms(name).cores}
        self._own_looks = {skeleton(name) for name in own_names} - {""}

    @cached_property
    def _by_vat(self) -> dict[str, list[Party]]:
        return _index((tax_key(party.vat_id), party) for party in self._suppliers)

    @cached_property
    def _by_body(self) -> dict[str, list[Party]]:
        return _index((body, party) for party in self._suppliers for body in kept_under(party.vat_id))

    @cached_property
    def _by_name(self) -> dict[str, list[Party]]:
        return _index((named.written, party) for party in self._suppliers if (named := forms(party.name)).cores)

    @cached_property
    def _by_core(self) -> dict[str, list[Party]]:
        return _index((core, party) for party in self._suppliers for core in forms(party.name).cores)

    @cached_property
    def _by_looks(self) -> dict[str, list[Party]]:
        return _index((skeleton(party.name), party) for party in self._suppliers if forms(party.name).cores)

    @cached_property
    def _near(self) -> NearNames:
        return NearNames([(core, party) for core, parties in self._by_core.items() for party in parties])

    def match(self, clues: Clues, *, near: bool = True) -> SupplierMatch:
        """Never raises on text. Without `near` the whole master is not searched for names that are spelt otherwise."""
        named = forms(clues.name or "")
        findings = [finding("hidden_characters")] if named.hidden else []
        if self._is_own(named, clues.name):
            named = NameForms("", (), frozenset(), False)
            findings.append(finding("own_company"))
        fits = self._fits(clues, named)
        chosen, doubts = self._chosen(fits, clues, named)
        if chosen is not None:
            return self._settled(chosen, fits, clues, named, findings)
        lookalikes = [] if fits.get("name") or fits.get("name_folded") else self._lookalikes(clues.name, named)
        findings += [finding("lookalike_name", party) for party in lookalikes[:1]]
        doubts += [Candidate(party, "the name looks the same and is written otherwise") for party in lookalikes]
        if near and named.cores:
            doubts += [Candidate(party, reason) for party, reason in self._near.find(named.cores)]
        supported = self._supported(doubts, clues, lookalikes)
        if supported is not None:
            return self._settled(supported, {**fits, "near_name": [supported]}, clues, named, findings)
        return self._open(doubts, clues, findings)

    def _lookalikes(self, name: str | None, named: NameForms) -> list[Party]:
        return self._by_looks.get(skeleton(name or ""), []) if named.cores else []

    def _is_own(self, named: NameForms, name: str | None) -> bool:
        return not self._own.isdisjoint(named.cores) or (bool(named.cores) and skeleton(name or "") in self._own_looks)

    def _fits(self, clues: Clues, named: NameForms) -> dict[str, list[Party]]:
        """The suppliers that each clue names, by kind of evidence; kinds that name nobody are left out."""
        known = self._by_id.get(clues.supplier_id or "")
        folded = _unique(party for core in named.cores for party in self._by_core.get(core, ()))
        found = {
            "supplier_id": [known] if known is not None else [],
            "vat_id": self._by_vat.get(tax_key(clues.vat_id), []),
            "tax_number": _unique(party for body in asked_for(clues.vat_id) for party in self._by_body.get(body, ())),
            "name": self._by_name.get(named.written, []) if named.cores else [],
            "name_folded": [party for party in folded if _same_legal_form(named, party)],
            "other_legal_form": [party for party in folded if not _same_legal_form(named, party)],
            "account": self._owners.get(normal_id(clues.iban), []),
        }
        return {kind: parties for kind, parties in found.items() if parties}

    def _chosen(
        self, fits: Mapping[str, list[Party]], clues: Clues, named: NameForms
    ) -> tuple[Party | None, list[Candidate]]:
        """The one supplier that the evidence names; else None and those that it leaves."""
        left: list[Party] = []
        for kind in _ORDER:
            if kind in fits:
                left = [party for party in left if party in fits[kind]] or left or fits[kind]
        if "supplier_id" not in fits:
            left = _one_firm(left, fits.get("account", []))
        doubts = [Candidate(party, "more than one supplier fits") for party in left] if len(left) > 1 else []
        if len(left) == 1:
            reason = self._doubt(left[0], fits, clues, named)
            if reason is None:
                return left[0], []
            doubts = [Candidate(left[0], reason)]
        doubts += [
            Candidate(party, "the same name with another legal form") for party in fits.get("other_legal_form", ())
        ]
        return None, doubts

    def _doubt(self, party: Party, fits: Mapping[str, list[Party]], clues: Clues, named: NameForms) -> str | None:
        """Why the only supplier that fits may still be the wrong one."""
        kinds = {kind for kind, parties in fits.items() if party in parties}
        stranger = bool(named.cores) and not _alike(named, party)
        if "supplier_id" in kinds:
            return None
        if kinds & {"vat_id", "tax_number"}:
            # Placeholders and misread numbers fail their checksum: alone they do not outweigh a name.
            weak = stranger and "account" not in kinds and not vat_checks(tax_key(party.vat_id))
            return "the VAT id is this supplier's, the name is another" if weak else None
        if kinds & {"name", "name_folded"}:
            if "account" in kinds or (clues.iban and self._ibans.get(party.id)):
                return None  # whoever it is: an account that is not the supplier's is asked about
            if contradict(clues.vat_id, party.vat_id):
                return "the same name with another VAT id"
            return "the name is too short to be told apart" if max(map(len, named.cores)) < 3 else None
        return "the account is this supplier's, the name is another" if stranger else None

    def _supported(self, doubts: Sequence[Candidate], clues: Clues, lookalikes: Sequence[Party]) -> Party | None:
        """The one candidate whose name is near and whose account stands on the document as well."""
        owners = self._owners.get(normal_id(clues.iban), [])
        both = _unique(one.party for one in doubts if one.party in owners and one.party not in lookalikes)
        return both[0] if len(both) == 1 and not any("another" in one.reason for one in doubts) else None

    def _settled(
        self, party: Party, fits: Mapping[str, list[Party]], clues: Clues, named: NameForms, findings: list[Finding]
    ) -> SupplierMatch:
        evidence = tuple(kind for kind in (*_ORDER, "near_name") if party in fits.get(kind, ()))
        if named.cores and not {"name", "name_folded"} & set(evidence):
            findings = [*findings, self._name_finding(party, fits, clues)]
        if differ(clues.vat_id, party.vat_id) and "vat_id" not in evidence:
            findings = [*findings, finding("vat_id_differs", party)]
        account, owner = self._account(party, clues.iban)
        elsewhere = other_account(party, account, owner)
        outcome = MATCHED if elsewhere is None else BANK
        findings = findings if elsewhere is None else [*findings, elsewhere]
        return SupplierMatch(outcome, party, evidence, (), account, owner, tuple(findings))

    def _name_finding(self, party: Party, fits: Mapping[str, list[Party]], clues: Clues) -> Finding:
        if skeleton(clues.name or "") == skeleton(party.name):
            return finding("lookalike_name", party)
        others = fits.get("name", []) or fits.get("name_folded", [])
        return finding("name_of_another", others[0]) if others else finding("name_differs", party)

    def _account(self, party: Party, iban: str | None) -> tuple[str, Party | None]:
        """What the books say of the account that the money is to go to."""
        key = normal_id(iban)
        if not key:
            return "not_said", None
        if key in self._ibans.get(party.id, ()):
            return "known", party
        owners = self._owners.get(key, [])
        if owners:
            return "other_supplier", owners[0]
        if key in self._own_accounts:
            return "own", None
        return ("differs" if self._ibans.get(party.id) else "none_in_books"), None

    def _open(self, doubts: Sequence[Candidate], clues: Clues, findings: Sequence[Finding]) -> SupplierMatch:
        first: dict[Hashable, Candidate] = {}
        for one in doubts:
            first.setdefault(one.party.id, one)
        owners = self._owners.get(normal_id(clues.iban), [])
        candidates = tuple(first.values())[:CANDIDATES]
        return SupplierMatch(
            outcome=PROBABLE if candidates else UNKNOWN,
            candidates=candidates,
            account="other_supplier" if owners else "none_in_books" if normal_id(clues.iban) else "not_said",
            owner=owners[0] if owners else None,
            findings=tuple(findings),
        )


def _same_legal_form(named: NameForms, party: Party) -> bool:
    """Whether the two may be one firm: a form that one of them leaves out is no difference."""
    other = forms(party.name).legal
    return not named.legal or not other or named.legal == other


def _alike(named: NameForms, party: Party) -> bool:
    return any(alike(core, other) for core in named.cores for other in forms(party.name).cores)


def _one_firm(parties: list[Party], owners: Sequence[Party]) -> list[Party]:
    """Records that agree in VAT id and are named alike are one firm that was entered twice: the one with the account,
    else the first. A number that several firms have is a group's, or stands for none."""
    numbers = {tax_key(party.vat_id) for party in parties}
    if len(numbers) != 1 or not numbers - {""}:
        return parties
    named = forms(parties[0].name)
    if not all(_alike(named, party) for party in parties[1:]):
        return parties
    kin = [owner for owner in owners if tax_key(owner.vat_id) in numbers and _alike(named, owner)]
    return sorted(kin or parties, key=lambda party: party.id)[:1]


def _unique(parties: Iterable[Party]) -> list[Party]:
    return list({party.id: party for party in parties}.values())


def _index(pairs: Iterable[tuple[str, Party]]) -> dict[str, list[Party]]:
    """Key → the parties that have it, each once; what is empty is no key."""
    found: dict[str, list[Party]] = defaultdict(list)
    for key, party in pairs:
        if key and party not in found[key]:
            found[key].append(party)
    return dict(found)
