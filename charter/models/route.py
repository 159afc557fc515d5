"""A tier's deployments, and which of them answers a turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr

from charter import settings
from charter.errors import ModelCannot, StartRefused
from charter.models.chat import Reply
from charter.models.deployments import Deployed, Embedded, open_deployment
from charter.secrets.store import Live

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential


@dataclass(frozen=True, slots=True)
class Route:
    """The deployments of one tier in the order of the settings; there is at least one. Shared by all editions."""

    tier: str
    deployments: tuple[Deployed, ...]

    @property
    def first(self) -> Deployed:
        """The deployment that is asked first when all are well."""
        return self.deployments[0]

    def check(self, *, images: bool, form: bool) -> None:
        """Hold what is asked for against what the deployments can do, before any is asked.

        Raises:
            ModelCannot: none of them can.
        """
        if images and not any(each.sees for each in self.deployments):
            raise ModelCannot("The model of this agent cannot look at images.")
        if form and not any(each.forms for each in self.deployments):
            raise ModelCannot("This agent answers in JSON of an agreed form, which the embedded model cannot do.")

    def answered(self, reply: Reply) -> Deployed:
        """Return the deployment that gave this reply."""
        return next((each for each in self.deployments if each.name == reply.deployment), self.first)

    async def close(self) -> None:
        """Close the clients."""
        for each in self.deployments:
            await each.close()


def open_route(
    tier: str,
    deployments: Sequence[settings.Deployment],
    embedded: Embedded | None,
    *,
    key_of: Callable[[SecretStr], Live | None] = lambda _: None,
    identity: "AsyncTokenCredential | None" = None,
) -> Route:
    """Build the clients of one tier; parameters as of ``open_deployment``.

    Raises:
        StartRefused: a deployment lacks what its kind needs, or two have one name.
    """
    opened = [
        open_deployment(tier, each, embedded, key=key_of(each.api_key), identity=identity) for each in deployments
    ]
    names = [each.name for each in opened]
    if twice := {name for name in names if names.count(name) > 1}:
        raise StartRefused(
            f"The tier {tier} has two deployments named {min(twice)}.", action="Give each a field 'name' of its own."
        )
    return Route(tier, tuple(opened))
