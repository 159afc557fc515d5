"""What the operators' door answers."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from charter.store.tenants import Tenant as Known
from charter.store.tenants import TenantSettings


class Tenant(BaseModel):
    """A tenant as it stands now. ``unreadable``: its settings are none that this version knows, so it may use nothing."""

    id: str
    name: str
    directory: str | None
    suspended: bool
    reason: str
    settings: TenantSettings
    unreadable: bool
    created_at: datetime
    updated_at: datetime


class TenantPage(BaseModel):
    items: list[Tenant]
    next: str | None


class GivenFeedback(BaseModel):
    """What the person of a run thought of its answer."""

    run: str
    agent: str
    principal: str
    reaction: Literal["like", "dislike"]
    reason: str
    at: datetime


class FeedbackPage(BaseModel):
    items: list[GivenFeedback]
    next: str | None


def as_json(tenant: Known) -> dict[str, Any]:
    shape = Tenant(**{name: getattr(tenant, name) for name in Tenant.model_fields})
    return shape.model_dump(mode="json")
