"""The language model that settings name: of which region, within which limits. None where none is configured."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from api.settings import PREFIX
from governance.errors import Malformed

if TYPE_CHECKING:
    from agents.llm import Door
    from agents.quarantine import SecondReader
    from api.settings import Settings


def door(settings: Settings) -> Door | None:
    """Raises Malformed where a model is named only in part: without its region no case may be shown to it."""
    if settings.llm_base_url is None:
        return None
    from agents.llm import Door, Limits, Place

    if settings.llm_model is None:
        raise Malformed(f"set {PREFIX}LLM_MODEL: the model that {PREFIX}LLM_BASE_URL serves")
    if settings.llm_region is None:
        raise Malformed(f"set {PREFIX}LLM_REGION: the region whose cases may be shown to {PREFIX}LLM_BASE_URL, as EU")
    # Servers on one's own machine ask for no key; the client wants a text.
    place = Place(
        settings.llm_base_url,
        settings.llm_model,
        settings.llm_region,
        key=settings.secret("llm_api_key") or "none",
        price_in=Decimal(str(settings.llm_price_in)),
        price_out=Decimal(str(settings.llm_price_out)),
    )
    limits = Limits(
        deadline=settings.llm_deadline_seconds,
        tokens_per_case=settings.llm_tokens_per_case,
        tokens_per_day=settings.llm_tokens_per_day,
    )
    return Door([place], limits)


def second_reader(settings: Settings) -> SecondReader | None:
    """Suggests fields of documents, where settings ask for it. Raises what `door` raises."""
    if not settings.llm_reads or settings.llm_region is None or (found := door(settings)) is None:
        return None
    from agents.quarantine import ModelReader

    return ModelReader(found, settings.llm_region)
