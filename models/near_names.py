"""Names of the master that are near a name: spelt a little otherwise, in another order, or one within the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from governance.case import Party

_MOST = 8
_COMMON = 5  # a word that more names of the master have says nothing by itself
_LEAST_LETTERS = 5
_LONG_WORD = 4
_ALIKE = 60.0  # percent of letters in common, where the bank account speaks for the same firm


def edits(length: int) -> int:
    """How many letters may differ in a name of this length."""
    return 0 if length < 4 else 1 if length < 7 else 2 if length < 12 else 3


def alike(one: str, other: str) -> bool:
    """Whether two cores may well be one firm, where something else says so: a long word or most letters in common."""
    words = {word for word in one.split() if len(word) >= _LONG_WORD} & set(other.split())
    return bool(words) or fuzz.token_sort_ratio(one, other) >= _ALIKE


class NearNames:
    """Cores of a master (see models.supplier_names.core) and whose they are, searched as a whole."""

    def __init__(self, entries: Sequence[tuple[str, Party]]) -> None:
        self._entries = entries
        self._cores = [core for core, _ in entries]
        self._sorted = [" ".join(sorted(core.split())) for core in self._cores]
        self._having: dict[str, list[int]] = defaultdict(list)
        for at, core in enumerate(self._cores):
            for word in set(core.split()):
                self._having[word].append(at)

    def find(self, cores: Sequence[str]) -> list[tuple[Party, str]]:
        """(party, reason), nearest first, each party once."""
        found: dict[int, tuple[float, str]] = {}
        for core in cores:
            for at, rank, reason in (*self._spelt_otherwise(core), *self._within(core)):
                if at not in found or rank < found[at][0]:
                    found[at] = rank, reason
        best: dict[str, tuple[Party, str]] = {}
        for at, (_, reason) in sorted(found.items(), key=lambda item: (item[1][0], item[0])):
            party = self._entries[at][1]
            best.setdefault(party.id, (party, reason))
        return list(best.values())[:_MOST]

    def _spelt_otherwise(self, core: str) -> list[tuple[int, float, str]]:
        most = edits(len(core))
        found = []
        for asked, names in ((core, self._cores), (" ".join(sorted(core.split())), self._sorted)):
            for _, distance, at in process.extract(
                asked, names, scorer=OSA.distance, score_cutoff=most, limit=_MOST, processor=None
            ):
                if _one_word_apart(core, self._cores[at]):
                    said = "the same words in another order" if distance == 0 else _spelling(int(distance))
                    found.append((at, float(distance), said))
        return found

    def _within(self, core: str) -> list[tuple[int, float, str]]:
        """Names that hold all words of this one, or whose words this one holds; a rare word must be among them."""
        words = core.split()
        rare = [word for word in words if len(word) >= _LONG_WORD and 0 < len(self._having.get(word, ())) <= _COMMON]
        mine = set(words)
        found = []
        for at in {at for word in rare for at in self._having[word]}:
            theirs = set(self._cores[at].split())
            less = mine if mine < theirs else theirs if theirs < mine else None
            if less is not None and sum(map(len, less)) >= _LEAST_LETTERS:
                found.append((at, float(_MOST + len(mine ^ theirs)), "one name holds the other"))
            elif _cut_short(mine - theirs, theirs - mine):
                found.append((at, float(_MOST), "one name is the other cut short"))
        return found


def _cut_short(mine: set[str], theirs: set[str]) -> bool:
    """Whether they differ in one word, of which one of them has only the beginning."""
    if len(mine) != 1 or len(theirs) != 1:
        return False
    short, long = sorted((*mine, *theirs), key=len)
    return len(short) >= _LEAST_LETTERS and long.startswith(short)


def _spelling(distance: int) -> str:
    return "the name differs in one letter" if distance == 1 else f"the name differs in {distance} letters"


def _one_word_apart(one: str, other: str) -> bool:
    """Whether what they do not share may be a slip: words that both have say nothing, figures never slip."""
    mine, theirs = one.split(), other.split()
    left = " ".join(sorted(word for word in mine if word not in theirs))
    right = " ".join(sorted(word for word in theirs if word not in mine))
    if _figures(left) != _figures(right):
        return False
    return OSA.distance(left, right) <= edits(max(len(left), len(right)))


def _figures(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())
