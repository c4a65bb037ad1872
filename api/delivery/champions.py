"""Mirrors the champions of the record to MLflow: each is a registered version, and the alias `champion` points at it.

The row in Postgres says which model is champion. The alias only shows it, and is put right where it differs.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import structlog

from governance.errors import Refusal, Unavailable
from governance.record import telemetry
from governance.record.db import Database

MANIFEST = "manifest.json"
_AGAIN_SECONDS = 60.0

log = structlog.get_logger(__name__)


class Registry(Protocol):
    """What the mirror needs of MLflow (models.tracking.Lab)."""

    def champion(self, model: str) -> str | None: ...

    def register(
        self, model: str, files: Sequence[Path], digest: str, *, params: Mapping[str, str] | None = None
    ) -> str: ...

    def set_champion(self, model: str, digest: str) -> None: ...


class ChampionMirror:
    """Call it once a round. Cheap: MLflow is asked when a row changed, and once a minute.

    `token` is the courier's; `models` is the folder with the bundles, one folder each.
    """

    def __init__(self, database: Database, token: str, registry: Registry, tenant: str, models: Path) -> None:
        self._database = database
        self._token = token
        self._registry = registry
        self._tenant = tenant
        self._models = models
        self._shown: Mapping[str, str] = {}
        self._again_at = 0.0
        self._said = ""

    def __call__(self) -> None:
        """Raises Unavailable where MLflow does not answer. What it refuses is logged once."""
        with self._database.transaction("courier", self._token) as conn:
            champions = telemetry.champions(conn)
        if champions == self._shown and time.monotonic() < self._again_at:
            return
        for model, digest in champions.items():
            try:
                self._show(model, digest)
            except Unavailable:
                raise
            except Refusal as refusal:
                self._say(refusal.detail)
        self._shown, self._again_at = champions, time.monotonic() + _AGAIN_SECONDS

    def _show(self, model: str, digest: str) -> None:
        name = registered_name(self._tenant, model)
        if self._registry.champion(name) == digest:
            return
        folder = bundle_folder(self._models, digest)
        if folder is not None:
            files = [folder / f"{model.removesuffix('_challenger')}.skops", folder / MANIFEST]
            self._registry.register(name, files, digest, params=_params(folder))
        # Without its files here it may have been registered elsewhere.
        self._registry.set_champion(name, digest)
        log.info("champion.shown", model=name, digest=digest)

    def _say(self, what: str) -> None:
        if what != self._said:
            log.warning("champion.not_shown", reason=what)
        self._said = what


def registered_name(tenant: str, model: str) -> str:
    """The name of a model in MLflow's registry, which has no tenants."""
    return f"countersign-{tenant}-{model}"


def bundle_folder(models: Path, digest: str) -> Path | None:
    """The folder in `models` whose bundle has this digest (the SHA-256 of its manifest), or None."""
    for manifest in sorted(models.glob(f"*/{MANIFEST}")):
        if f"sha256:{hashlib.sha256(manifest.read_bytes()).hexdigest()}" == digest:
            return manifest.parent
    return None


def _params(folder: Path) -> dict[str, str]:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    found = {"seed": manifest.get("seed")}
    for group in ("versions", "trained_on"):
        found |= {f"{group}.{name}": value for name, value in (manifest.get(group) or {}).items()}
    return {name: str(value) for name, value in found.items() if value is not None}
