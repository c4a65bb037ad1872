"""Settings: the only reader of environment variables (prefix COUNTERSIGN_) and of the files of secrets beside them.

Secrets are SecretStr, so that they are never printed; empty ones and well-known placeholders are refused.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from governance.errors import Malformed

PREFIX = "COUNTERSIGN_"
MEBIBYTE = 1024 * 1024
_PLACEHOLDERS = frozenset(
    {"admin", "change-me", "changeme", "change_me", "countersign", "default", "example", "password", "passwd",
     "postgres", "root", "secret", "test", "token", "xxx"}
)  # fmt: skip


def _no_placeholder(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not value.strip():
        raise ValueError("is empty: unset the variable, or give it a value")
    if value.strip().lower() in _PLACEHOLDERS:
        raise ValueError("is a placeholder that everybody knows: make a value of its own")
    return secret


def _blank_is_unset(value: object) -> object:
    # docker compose passes an optional variable that nobody set as an empty string.
    return None if isinstance(value, str) and not value.strip() else value


Secret = Annotated[SecretStr, AfterValidator(_no_placeholder)]
Text = Annotated[str | None, BeforeValidator(_blank_is_unset)]


class Settings(BaseSettings):
    """What an installation chooses. Every field is the variable COUNTERSIGN_<FIELD>.

    `database_url` is the owner's (for `migrate`); with a role's password it also says where that role connects, and
    `<role>_url` overrides both. Without any of them the embedded database that runs on `home` is used.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=False
    )

    home: Path = Path("~/.countersign")
    tenant: Annotated[
        Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] | None, BeforeValidator(_blank_is_unset)
    ] = None
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8400
    max_upload_bytes: Annotated[int, Field(gt=0)] = 20 * MEBIBYTE
    default_currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    metrics_open: bool = False

    database_url: Secret | None = None
    intake_url: Secret | None = None
    agent_url: Secret | None = None
    review_url: Secret | None = None
    courier_url: Secret | None = None
    audit_url: Secret | None = None
    checkpoint_url: Secret | None = None
    intake_password: Secret | None = None
    agent_password: Secret | None = None
    review_password: Secret | None = None
    courier_password: Secret | None = None
    audit_password: Secret | None = None
    checkpoint_password: Secret | None = None
    intake_token: Secret | None = None
    agent_token: Secret | None = None
    courier_token: Secret | None = None
    ledger_key: Secret | None = None
    api_key: Secret | None = None
    """Of who sits at the terminal: the person as whom a command acts."""

    oidc_issuer: Text = None
    """Sign-in with an identity provider: its address, exactly as its tokens say it."""
    oidc_name: Annotated[str, Field(min_length=1, max_length=60)] = "your company account"
    oidc_client_id: Text = None
    oidc_client_secret: Secret | None = None
    oidc_redirect_url: Text = None
    oidc_audience: Text = None
    """Of bearer tokens for the API, where it is not the client id."""
    oidc_algorithms: Annotated[str, Field(min_length=1)] = "RS256,ES256,EdDSA"
    oidc_scope: Annotated[str, Field(pattern=r"^openid( [!-~]+)*$", max_length=200)] = "openid"
    oidc_token: Secret | None = None
    """Key of the service that the record knows as broker of this issuer (a governed change, identity_broker)."""

    smtp_host: Text = None
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    smtp_user: Text = None
    smtp_password: Secret | None = None
    smtp_starttls: bool = True
    smtp_from: Text = None
    smtp_ca_file: Path | None = None
    webhook_url: Text = None
    webhook_secret: Secret | None = None
    webhook_secrets: dict[str, Secret] = Field(default_factory=dict)
    """Incoming webhooks: source name → signing secret (a JSON object in the environment)."""
    checkpoint_webhook_url: Text = None
    """Where the clock posts signed checkpoints, beside keeping them in `home`."""
    checkpoint_webhook_secret: Secret | None = None

    llm_base_url: Text = None
    llm_model: Text = None
    llm_api_key: Secret | None = None
    llm_region: Text = None
    """Whose cases the model may see (a case's region, as EU); without it no model is asked."""
    llm_places: Annotated[Path | None, BeforeValidator(_blank_is_unset)] = None
    """A TOML file with a model for each region (api/places.py), in place of LLM_BASE_URL, LLM_MODEL and LLM_API_KEY."""
    llm_reads: bool = False
    """The documents that come in here are of LLM_REGION, and the model may suggest fields that were not found."""
    llm_deadline_seconds: Annotated[float, Field(gt=0, le=20)] = 8.0
    llm_tokens_per_case: Annotated[int, Field(ge=0)] = 20_000
    llm_tokens_per_day: Annotated[int, Field(ge=0)] = 2_000_000
    """Of all workers together; the documents that LLM_READS shows are counted by each process."""
    llm_price_in: Annotated[float, Field(ge=0)] = 0.0
    """Of a million tokens, for the record."""
    llm_price_out: Annotated[float, Field(ge=0)] = 0.0
    mlflow_url: Text = None

    def secret(self, name: str) -> str | None:
        """The clear text of one secret field, for the door that needs it."""
        value = getattr(self, name)
        return value.get_secret_value() if isinstance(value, SecretStr) else None


def load_settings(home: Path | None = None) -> Settings:
    """Settings from the environment; `home` overrides COUNTERSIGN_HOME. Raises Malformed, naming the variables."""
    given: dict[str, Any] = {"_secrets_dir": _secrets_dir(), **({} if home is None else {"home": home})}
    try:
        found = Settings(**given)
    except SettingsError:
        # Its words may quote the value.
        raise Malformed(f'{PREFIX}WEBHOOK_SECRETS must be a JSON object such as {{"erp": "whsec_..."}}') from None
    except ValidationError as error:
        raise Malformed("; ".join(_in_words(item["loc"], item["msg"]) for item in error.errors())) from None
    return found.model_copy(update={"home": found.home.expanduser()})


def secret_named(name: str) -> str | None:
    """A secret whose name a file of settings says, such as COUNTERSIGN_LLM_KEY_EU: from the environment, else from the
    folder of secrets. None where there is none; raises Malformed for a placeholder."""
    found = os.environ.get(name, "").strip()
    if not found and (folder := _secrets_dir()) is not None and (held := folder / name.lower()).is_file():
        found = held.read_text(encoding="utf-8").strip()
    if not found:
        return None
    try:
        return _no_placeholder(SecretStr(found)).get_secret_value()
    except ValueError as error:
        raise Malformed(f"{name} {error}") from None


def _secrets_dir() -> Path | None:
    """COUNTERSIGN_SECRETS_DIR: a folder with a file for each secret, such as countersign_agent_password.

    The environment counts before the files. Raises Malformed where there is no such folder.
    """
    text = os.environ.get(f"{PREFIX}SECRETS_DIR", "").strip()
    if text and not Path(text).is_dir():
        raise Malformed(f"{PREFIX}SECRETS_DIR must be a folder with a file for each secret: {text} is none")
    return Path(text) if text else None


def _in_words(place: tuple[int | str, ...], message: str) -> str:
    name = PREFIX + ".".join(str(part) for part in place).upper()
    return f"{name} {message.removeprefix('Value error, ')}"
