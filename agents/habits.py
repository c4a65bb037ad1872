"""Who signs what, learned of recorded routes: which of amount, entity, action, type and age tell people apart. Pure.

Companies divide work in different ways: by entity, by size, by kind, and otherwise since last month. So several ways
to look at the past (`Sight`) are tried on the latest recorded cases, each foretold by those before it, and the best
is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray

from governance.record.precedents import Route

LEARN = 40
"""Recorded cases from which on a way to look is chosen; with fewer the usual one stands."""
USUAL = 0.5
"""Share of the weight from which a seat more than the matrix demands is usual."""
_TRIED = 120
_NARROW, _WIDE = 0.004, 0.7  # powers of ten between two amounts
_UNKNOWN_AMOUNT = 0.5
_MOST_SEATS = 3

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sight:
    """How much a recorded case says about another, as a product of shares.

    width: of the kernel over the amount's powers of ten; below 0 as wide as to the n-th nearest. entity, action, kind:
    what is left where they differ. half: after so many later cases it says half as much.
    """

    width: float
    entity: float
    action: float
    kind: float = 0.15
    half: float = math.inf


@dataclass(frozen=True, slots=True)
class About:
    """A new case. amount: in the policy's currency; None = unknown."""

    action: str
    entity: str
    kind: str
    amount: Decimal | None


_PEOPLE, _SEATS = Sight(0.7, 0.05, 0.6), Sight(0.2, 0.2, 0.1)


def _sights(widths: Sequence[float], kinds: Sequence[float]) -> Iterator[Sight]:
    for half, width, entity, action, kind in product((math.inf, 40.0), widths, (0.02, 1.0), (0.05, 1.0), kinds):
        yield Sight(width, entity, action, kind, half)


@dataclass(frozen=True)
class Habits:
    """Recorded routes of a queue or of one of its types, the latest first, as arrays. `kinds`: their types."""

    recorded: Sequence[Route] = ()
    kinds: Sequence[str] = ()
    people: Sight = _PEOPLE
    seats: Sight = _SEATS

    def __len__(self) -> int:
        return len(self.recorded)

    @cached_property
    def sizes(self) -> Floats:
        return np.array([size_of(one.amount) for one in self.recorded], dtype=np.float64)

    @cached_property
    def _names(self) -> tuple[NDArray[np.str_], NDArray[np.str_], NDArray[np.str_]]:
        return (
            np.array([one.entity for one in self.recorded], dtype=np.str_),
            np.array([one.action for one in self.recorded], dtype=np.str_),
            np.array(self.kinds or [""] * len(self), dtype=np.str_),
        )

    @cached_property
    def signers(self) -> list[tuple[str, str]]:
        """(role, actor), the columns of `signed`."""
        return sorted({(seat.role, seat.actor) for one in self.recorded for seat in one.seats})

    @cached_property
    def holds(self) -> dict[tuple[str, str], bool]:
        return {(seat.role, seat.actor): seat.holds for one in self.recorded for seat in one.seats}

    @cached_property
    def signed(self) -> Floats:
        """Cases × signers: 1 where they signed."""
        column = {who: at for at, who in enumerate(self.signers)}
        table = np.zeros((len(self), len(column)))
        for row, one in enumerate(self.recorded):
            for seat in one.seats:
                table[row, column[seat.role, seat.actor]] = 1.0
        return table

    @cached_property
    def roles(self) -> list[str]:
        return sorted({role for role, _ in self.signers})

    @cached_property
    def counts(self) -> Floats:
        """Cases × roles: how many seats."""
        return np.array(
            [[sum(seat.role == role for seat in one.seats) for role in self.roles] for one in self.recorded],
            dtype=np.float64,
        ).reshape(len(self), len(self.roles))

    def weights(self, sight: Sight, about: About) -> Floats:
        """What each recorded case says about a new one, 0 to 1."""
        entities, actions, kinds = self._names
        same = (
            np.where(entities == about.entity, 1.0, sight.entity)
            * np.where(actions == about.action, 1.0, sight.action)
            * np.where(kinds == about.kind, 1.0, sight.kind)
        )
        return _weighed(
            sight, same, self.sizes, np.array(size_of(about.amount)), np.arange(len(self), dtype=np.float64)
        )

    def _past(self, sight: Sight, tried: int) -> Floats:
        """tried × cases: what each says about the latest ones, of those before them alone."""
        after = np.arange(len(self))[None, :] - np.arange(tried)[:, None] - 1.0
        same = np.ones((tried, len(self)))
        for names, share in zip(self._names, (sight.entity, sight.action, sight.kind), strict=True):
            same *= np.where(names[None, :] == names[:tried, None], 1.0, share)
        same[after < 0] = 0.0
        return _weighed(sight, same, self.sizes[None, :], self.sizes[:tried, None], np.maximum(after, 0.0))

    def learned(self) -> Habits:
        """The same with the sights that foretold the latest cases best; itself where there are too few."""
        if len(self) < LEARN:
            return self
        tried = min(_TRIED, len(self) // 2)
        kinds = (0.15, 1.0) if len(set(self.kinds)) > 1 else (0.15,)
        people = max((_PEOPLE, *_sights((-3.0, 0.7, 9.0), kinds)), key=lambda one: self._people_hit(one, tried))
        seats = max((_SEATS, *_sights((-3.0, 0.2), kinds)), key=lambda one: self._seats_hit(one, tried))
        return Habits(self.recorded, self.kinds, people, seats)

    def _people_hit(self, sight: Sight, tried: int) -> float:
        """Share of the seats whose signers would have been named."""
        scores = self._past(sight, tried) @ self.signed
        hits = 0.0
        for role in self.roles:
            columns = [at for at, (other, _) in enumerate(self.signers) if other == role]
            ranked = np.argsort(-scores[:, columns], axis=1, kind="stable")
            sat = np.take_along_axis(self.signed[:tried][:, columns], ranked, axis=1)
            upto = np.arange(len(columns))[None, :] < sat.sum(axis=1, keepdims=True)
            hits += float((sat * upto).sum())
        return hits / max(float(self.signed[:tried].sum()), 1.0)

    def _seats_hit(self, sight: Sight, tried: int) -> float:
        """Share of the cases whose number of seats would have been named."""
        weights = self._past(sight, tried)
        total = np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
        said = sum(
            (weights @ (self.counts >= count) / total > USUAL).astype(float) for count in range(1, _MOST_SEATS + 1)
        )
        return float((said == self.counts[:tried]).all(axis=1).mean())


def size_of(amount: Decimal | None) -> float:
    """The amount's power of ten; NaN where it is unknown."""
    return math.nan if amount is None else math.log10(float(abs(amount)) + 1.0)


def _weighed(sight: Sight, same: Floats, sizes: Floats, size: Floats, after: Floats) -> Floats:
    apart = np.abs(sizes - size)
    known = ~np.isnan(apart)
    width: Floats | float = sight.width
    if sight.width < 0:
        width = _nearest(np.where(known & (same > 0.5), apart, np.inf), int(-sight.width))
    near = np.exp(-0.5 * (np.where(known, apart, 0.0) / width) ** 2)
    blank = np.where(np.isnan(sizes) & np.isnan(size), 1.0, _UNKNOWN_AMOUNT)
    made: Floats = same * np.where(known, near, blank) * 0.5 ** (after / sight.half)
    return made


def _nearest(apart: Floats, count: int) -> Floats:
    """The distance of the `count`-th nearest in each row, within what is reasonable."""
    if apart.shape[-1] < count:
        return np.full((*apart.shape[:-1], 1), _WIDE)
    found = np.partition(apart, count - 1, axis=-1)[..., count - 1 : count]
    limited: Floats = np.clip(np.where(np.isfinite(found), found, _WIDE), _NARROW, _WIDE)
    return limited
