"""The language models that settings name: of which region, within which limits. None where none is configured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from api.settings import PREFIX, secret_named
from governance.errors import Malformed

if TYPE_CHECKING:
    from agents.llm import Door, Limits, Place
    from agents.llm_limits import Spending
    from agents.quarantine import SecondReader
    from api.settings import Settings
    from api.system import System


def door(settings: Settings, tenant: str = "main", spending: Callable[[Limits], Spending] | None = None) -> Door | None:
    """`spending` keeps count, else this process does. Raises Malformed where a model is named only in part: without its
    region no case may be shown to it."""
    if not (places := _places(settings, tenant)):
        return None
    from agents.llm import Door, Limits

    limits = Limits(
        deadline=settings.llm_deadline_seconds,
        tokens_per_case=settings.llm_tokens_per_case,
        tokens_per_day=settings.llm_tokens_per_day,
    )
    return Door(places, limits, spending=spending(limits) if spending else None)


def shared_door(system: System) -> Door | None:
    """The models of this system's tenant, with budgets that hold over all its workers."""
    from agents.llm_spending import SharedBudget

    def counted(limits: Limits) -> Spending:
        token = system.token("agent")
        return SharedBudget(limits, lambda: system.database.transaction("agent", token))

    return door(system.settings, system.tenant, counted)


def _places(settings: Settings, tenant: str) -> Sequence[Place]:
    if settings.llm_places is not None:
        if settings.llm_base_url is not None:
            raise Malformed(f"set {PREFIX}LLM_PLACES or {PREFIX}LLM_BASE_URL, not both")
        from api.places import places

        return places(settings.llm_places.expanduser(), tenant, secret_named)
    if settings.llm_base_url is None:
        return ()
    from agents.llm import Place

    if settings.llm_model is None:
        raise Malformed(f"set {PREFIX}LLM_MODEL: the model that {PREFIX}LLM_BASE_URL serves")
    if settings.llm_region is None:
        raise Malformed(f"set {PREFIX}LLM_REGION: the region whose cases may be shown to {PREFIX}LLM_BASE_URL, as EU")
    # Servers on one's own machine ask for no key; the client wants a text.
    one = Place(
        settings.llm_base_url,
        settings.llm_model,
        settings.llm_region,
        key=settings.secret("llm_api_key") or "none",
        price_in=Decimal(str(settings.llm_price_in)),
        price_out=Decimal(str(settings.llm_price_out)),
    )
    return (one,)


def second_reader(settings: Settings, tenant: str = "main") -> SecondReader | None:
    """Suggests fields of documents, where settings ask for it. Raises what `door` raises."""
    if not settings.llm_reads:
        return None
    if settings.llm_region is None:
        if settings.llm_places is None:
            return None
        raise Malformed(
            f"set {PREFIX}LLM_REGION: the region of the documents that come in, which {PREFIX}LLM_READS shows"
        )
    if (found := door(settings, tenant)) is None:
        return None
    from agents.quarantine import ModelReader

    return ModelReader(found, settings.llm_region)
