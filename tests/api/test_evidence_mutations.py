"""Mutated exports: whatever is changed in a real bundle, the verifier notices.

Not counted as mutations, because the file then says the same or plainly less, and `verify` says so:
- the very same JSON value (another layout of it is refused as well: test_verify_export.py);
- `key`, `earlier` or `seal` put to null, or the content of a document (never promised; its hash stays bound): the
  report then names no earlier checkpoint, no seal, one document less, and the reader gives the key anyway.
What a bundle without a seal cannot show is an entry left out together with the count of entries, where nothing else in
the file hangs on it: sealed bundles are mutated in that way too.
"""

from __future__ import annotations

import copy
import hashlib
import json
import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from api.evidence import seal
from api.evidence_check import check_bundle
from governance.chain import Checkpoint, canonical, entry_hash, origin, salted_hash, sign_checkpoint
from governance.errors import Malformed, Tampered
from governance.recommendation import DIGEST_TAG
from governance.record import ledger
from governance.record.db import Database, clone, drop, urls_for
from tests.api.lawful import KEY, PUBLIC, eventful
from tests.conftest import PASSWORDS

Path = tuple[str | int, ...]
Mutation = Callable[[random.Random, dict[str, Any], dict[str, Any]], None]


@pytest.fixture(scope="module")
def pool(postgres: Any, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """Real bundles of cases with all that the law knows, with documents and an earlier checkpoint; half are sealed."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    url = clone(postgres.superuser_url(), template, name)
    try:
        with Database(urls_for(url, PASSWORDS)) as database:
            told = eventful(database, tmp_path_factory.mktemp("told"))
            with told.made.database.transaction("owner") as conn:
                ledger.as_owner(conn)
                note = sign_checkpoint(Checkpoint(origin("acme"), 7, ledger.root_at(conn, "acme", 7)), KEY)
            texts = [told.bundle(case, with_document=True, earlier=note) for case in sorted(told.cases)]
            texts += [seal(text, KEY) for text in texts]
            for text in texts:
                check_bundle(text, PUBLIC)
            yield [json.loads(text) for text in texts]
    finally:
        drop(postgres.superuser_url(), name)


# What can be done to a bundle -----------------------------------------------------------------------------


def places(value: Any, at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value in a JSON tree with its path, the root left out."""
    if at:
        yield at, value
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*at, key))


def get(tree: Any, path: Path) -> Any:
    for step in path:
        tree = tree[step]
    return tree


def put(tree: Any, path: Path, value: Any) -> None:
    get(tree, path[:-1])[path[-1]] = value


def other(rng: random.Random, value: Any) -> Any:
    """Another value that is like this one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + rng.choice((-1, 1, 10**6))
    if value is None:
        return rng.choice(("", "controller", 0, {}))
    if not isinstance(value, str) or not value:
        return rng.choice((None, "x", 7))
    at = rng.randrange(len(value))
    wanted = "0123456789abcdef" if value[at] in "0123456789abcdef" else "abcXYZ +/="
    char = rng.choice([c for c in wanted if c != value[at]])
    return rng.choice((value[:at] + char + value[at + 1 :], value[:at] + value[at + 1 :], value + char, None))


def edit(rng: random.Random, bundle: dict[str, Any], _: dict[str, Any]) -> None:
    """A field, a number, a proof byte, a signature, a key, a hash, a digest."""
    # Parts of every kind alike, not bytes alike: policies are long.
    part = rng.choice(list(bundle))
    found = [path for path, value in places({part: bundle[part]}) if not isinstance(value, dict | list)]
    path = rng.choice(found or [("format",)])
    put(bundle, path, other(rng, get(bundle, path)))


def delete(rng: random.Random, bundle: dict[str, Any], _: dict[str, Any]) -> None:
    path = rng.choice([path for path, _ in places(bundle)])
    del get(bundle, path[:-1])[path[-1]]


def lists(bundle: dict[str, Any], least: int) -> list[Path]:
    return [path for path, value in places(bundle) if isinstance(value, list) and len(value) >= least]


def insert(rng: random.Random, bundle: dict[str, Any], donor: dict[str, Any]) -> None:
    """One more of what is in a list here or there, or a field that nobody knows."""
    if rng.random() < 0.2:
        path = rng.choice([(), *(path for path, value in places(bundle) if isinstance(value, dict))])
        get(bundle, path)["note"] = "trust me"
        return
    path = rng.choice(lists(bundle, 1))
    rows = get(bundle, path)
    theirs = donor.get(str(path[0]), rows) if len(path) == 1 else rows
    rows.insert(rng.randrange(len(rows) + 1), copy.deepcopy(rng.choice(theirs or rows)))


def reorder(rng: random.Random, bundle: dict[str, Any], _: dict[str, Any]) -> None:
    rows = get(bundle, rng.choice(lists(bundle, 2)))
    if rng.random() < 0.3:
        rows.reverse()
    else:
        i, j = rng.sample(range(len(rows)), 2)
        rows[i], rows[j] = rows[j], rows[i]


def swap(rng: random.Random, bundle: dict[str, Any], donor: dict[str, Any]) -> None:
    """A part of another real bundle in the place of this one's."""
    parts = [name for name in bundle if name != "seal"]
    path: Path = (rng.choice(parts),)
    while rng.random() < 0.7:
        mine, theirs = get(bundle, path), get(donor, path)
        if type(mine) is not type(theirs) or not isinstance(mine, dict | list):
            break
        keys = mine.keys() & theirs.keys() if isinstance(mine, dict) else range(min(len(mine), len(theirs)))
        if not keys:
            break
        path = (*path, rng.choice(sorted(keys)))
    put(bundle, path, copy.deepcopy(get(donor, path)))


def rewrite(rng: random.Random, bundle: dict[str, Any], _: dict[str, Any]) -> None:
    """A value inside a text that was hashed, with the hashes beside it made right again."""
    texts = [
        *(("entries", i, "entry") for i in range(len(bundle["entries"]))),
        *(("facts", i) for i in range(len(bundle["facts"]))),
        *(("policies", i) for i in range(len(bundle["policies"]))),
        *(("changes", i, "text") for i in range(len(bundle.get("changes", ())))),
        *(("recommendations", i, "envelope") for i in range(len(bundle["recommendations"]))),
        *(
            ("recommendations", i, "leaves", name, "content")
            for i, part in enumerate(bundle["recommendations"])
            for name in part["leaves"]
        ),
    ]
    path = rng.choice([path for path in texts if get(bundle, path)])
    tree = json.loads(get(bundle, path))
    found = [at for at, value in places(tree) if not isinstance(value, dict | list)]
    if found:
        at = rng.choice(found)
        put(tree, at, other(rng, get(tree, at)))
    else:
        tree = {"x": 1}
    put(bundle, path, canonical(tree))
    around = get(bundle, path[:-1])
    if path[0] == "entries":
        around["hash"] = entry_hash(around["entry"])
    elif path[-1] == "envelope":
        around["digest"] = "sha256:" + hashlib.sha256((DIGEST_TAG + around["envelope"]).encode()).hexdigest()
    elif path[-1] == "content":
        around["hash"] = "sha256:" + salted_hash(around["salt"], around["content"])


def leave_out(rng: random.Random, bundle: dict[str, Any], _: dict[str, Any]) -> None:
    """An entry less, and the count made right: only what a seal covers can always tell."""
    if bundle["seal"] is None:
        bundle["entries"].pop(rng.randrange(len(bundle["entries"])))
        return
    bundle["entries"].pop(rng.randrange(len(bundle["entries"])))
    bundle["found"] -= 1


def old_format(_: random.Random, bundle: dict[str, Any], __: dict[str, Any]) -> None:
    """As if it had been written before the law grew."""
    bundle["format"] = "countersign/evidence/v1"
    for name in ("earlier", "found", "changes", "seal"):
        del bundle[name]
    for part in bundle["recommendations"]:
        for seat in part["seats"]:
            del seat["acting_for"], seat["stands_in_as"]
    for part in bundle["decisions"]:
        del part["acting_for"], part["signature"]


MUTATIONS: tuple[Mutation, ...] = (edit, edit, rewrite, rewrite, delete, insert, reorder, swap, leave_out, old_format)


def says_less(was: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether the only difference is that something optional is not there any more."""
    if was.keys() != now.keys() or len(was["documents"]) != len(now["documents"]):
        return False
    plain = copy.deepcopy(was)
    for name in ("key", "earlier", "seal"):
        if now[name] is None:
            plain[name] = None
    for mine, theirs in zip(plain["documents"], now["documents"], strict=True):
        if isinstance(theirs, dict) and theirs.get("content", "") is None:
            mine["content"] = None
    return bool(plain == now)


def undetected(pool: list[dict[str, Any]], count: int, seed: int) -> tuple[list[str], Counter[str]]:
    """What passed of `count` mutations, and how many there were of each kind."""
    rng = random.Random(seed)
    passed: list[str] = []
    done: Counter[str] = Counter()
    while done.total() < count:
        was, donor = rng.choice(pool), rng.choice(pool)
        mutation = rng.choice(MUTATIONS)
        now = copy.deepcopy(was)
        mutation(rng, now, donor)
        if now == was or says_less(was, now):
            continue
        done[mutation.__name__] += 1
        try:
            check_bundle(canonical(now), PUBLIC)
        except (Tampered, Malformed):
            continue
        passed.append(f"{mutation.__name__}: {differences(was, now)}")
    return passed, done


def differences(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    before = {path: value for path, value in places(was) if not isinstance(value, dict | list)}
    after = {path: value for path, value in places(now) if not isinstance(value, dict | list)}
    changed = [path for path in before.keys() | after.keys() if before.get(path) != after.get(path)]
    return [
        f"{path}: {str(before.get(path))[:80]} -> {str(after.get(path))[:80]}" for path in sorted(changed, key=str)[:4]
    ]


def test_every_mutation_of_an_export_is_noticed(pool: list[dict[str, Any]]) -> None:
    passed, done = undetected(pool, 600, seed=1)
    assert passed == []
    assert set(done) == {mutation.__name__ for mutation in MUTATIONS}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_ten_thousand_mutations_of_exports_are_noticed(pool: list[dict[str, Any]], seed: int) -> None:
    passed, done = undetected(pool, 1000, seed)
    assert passed == []
    assert done.total() == 1000


@pytest.mark.parametrize("name", ["key", "earlier", "seal"])
def test_what_is_optional_may_be_missing_and_is_then_not_claimed(pool: list[dict[str, Any]], name: str) -> None:
    bundle = pool[-1]
    whole, less = (
        check_bundle(canonical(bundle), PUBLIC),
        check_bundle(canonical({**bundle, "seal": None, name: None}), PUBLIC),
    )
    assert (whole.sealed, whole.grew_from) == (True, 7)
    assert (less.sealed, less.grew_from) == (False, None if name == "earlier" else 7)
