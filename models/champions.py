"""The models that triage: one bundle a model, by the digests that the record names as champions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from governance.chain import sha256_hex
from governance.errors import Tampered, Unavailable
from models.bundle import MANIFEST, PARTS, Bundle, default_bundle, load, manifest_digest
from models.risk import CollectionRisk

RISK_CHALLENGER = "risk_challenger"
"""Among champions: the bundle whose model of collection risk is tried beside the champion's."""


class Champions:
    """The bundle that the record names, in a process that lives longer than a champion."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._named: dict[str, str] | None = None
        self._held = self._shipped = default_bundle(home)
        self._challenger: tuple[str, CollectionRisk] | None = None

    @property
    def shipped(self) -> Bundle:
        """The models that come with this program."""
        return self._shipped

    def bundle(self, champions: Mapping[str, str]) -> Bundle:
        """The bundle of these champions, loaded where others were asked for before. Raises Unavailable where it cannot
        be had or trusted: a model that is no longer champion is not given instead."""
        if champions != self._named:
            self._named = None
            try:
                self._held = champion_bundle(self._home, champions, self._shipped)
            except Tampered as error:
                raise Unavailable(error.detail) from error
            self._named = dict(champions)
        return self._held

    def challenger(self, champions: Mapping[str, str]) -> tuple[str, CollectionRisk] | None:
        """The model of collection risk that is tried beside the champion, with its bundle's digest; None where people
        named none. Raises Unavailable where it cannot be had or trusted."""
        digest = champions.get(RISK_CHALLENGER)
        if digest is None:
            return None
        if self._challenger is None or self._challenger[0] != digest:
            try:
                self._challenger = digest, champion_bundle(self._home, {"risk": digest}, self._shipped).risk
            except Tampered as error:
                raise Unavailable(error.detail) from error
        return self._challenger


def champion_bundle(home: Path, champions: Mapping[str, str], shipped: Bundle | None = None) -> Bundle:
    """The bundle of these champions (model → digest of the bundle it comes from), from the folders in HOME/models.

    A model without a champion is the shipped one. The digest is that of the one bundle where all come from one, else
    that of the list. `shipped` is loaded where it is not given. Raises Unavailable where a champion's bundle is not on
    this machine, and what `load` raises.
    """
    shipped = shipped or default_bundle(home)
    wanted = {name: champions.get(name, shipped.digest) for name in PARTS}
    if set(wanted.values()) == {shipped.digest}:
        return shipped
    folders = _folders(home / "models")
    loaded = {shipped.digest: shipped}
    for name, digest in wanted.items():
        if digest not in loaded:
            if digest not in folders:
                raise Unavailable(
                    f"the champion of {name} is {digest}, which is not in {home / 'models'}: bring its folder here, or "
                    "let people make another one champion (countersign-evals promote)"
                )
            loaded[digest] = load(folders[digest], digest)
    parts: dict[str, Any] = {name: getattr(loaded[digest], name) for name, digest in wanted.items()}
    digests = set(wanted.values())
    lines = "".join(f"{name} {wanted[name]}\n" for name in sorted(wanted))
    digest = digests.pop() if len(digests) == 1 else "sha256:" + sha256_hex("countersign/champions/v1\n" + lines)
    return Bundle(**parts, digest=digest, manifest={"champions": wanted})


def _folders(models: Path) -> dict[str, Path]:
    """Digest → folder, of every bundle whose manifest can be read; whether it is sound is asked when it is loaded."""
    found: dict[str, Path] = {}
    for manifest in sorted(models.glob(f"*/{MANIFEST}")):
        raw = manifest.read_bytes()
        try:
            json.loads(raw)
        except ValueError:
            continue
        found[manifest_digest(raw)] = manifest.parent
    return found
