"""Request bodies of the operators' door."""

from pydantic import Field

from charter.channels.reading import Body
from charter.store.tenants import TenantSettings

_ID = r"^[a-z0-9][a-z0-9_-]{0,62}$"
_DIRECTORY = r"^[a-z0-9][a-z0-9.-]{0,99}$"
_LINE = r"^[^\x00-\x1f\x7f]*$"


class CreateTenant(Body):
    id: str = Field(pattern=_ID, description="Ours: small letters, digits, - and _.")
    name: str = Field(min_length=1, max_length=200, pattern=_LINE)
    directory: str = Field(
        pattern=_DIRECTORY, description="The Entra tenant whose people and workloads come in: its id, in small letters."
    )
    settings: TenantSettings = TenantSettings()


class ChangeTenant(Body):
    """What is not named stays; of the settings, too. ``null`` in a field of the settings: as the host says."""

    name: str | None = Field(default=None, min_length=1, max_length=200, pattern=_LINE)
    directory: str | None = Field(default=None, pattern=_DIRECTORY)
    settings: TenantSettings | None = None


class Suspend(Body):
    reason: str = Field(
        min_length=1, max_length=500, pattern=_LINE, description="For operators; the tenant's people do not see it."
    )
