"""One installation as a process sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from api.settings import PREFIX, Settings
from governance.errors import Unavailable
from governance.record.db import Database


@dataclass(frozen=True)
class System:
    """One installation as this process sees it. `tokens`: service (intake, agent, courier) → session token."""

    settings: Settings
    home: Path
    database: Database
    tenant: str
    tokens: Mapping[str, str] = field(repr=False, default_factory=dict)

    def token(self, service: str) -> str:
        """A service's session token. Raises Unavailable where this process was given none."""
        if service not in self.tokens:
            raise Unavailable(f"this needs the token of {service}: set {PREFIX}{service.upper()}_TOKEN")
        return self.tokens[service]

    @property
    def models_folder(self) -> Path:
        """Where the trained bundle is kept."""
        return self.home / "models"

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> System:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
