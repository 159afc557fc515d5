"""The port to wherever secrets are kept."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from charter.errors import Unavailable

Live = Callable[[bool], Awaitable[str]]
"""A secret as it is now. ``True``: the one before was refused somewhere, so look again whatever the lease says."""


@dataclass(frozen=True, slots=True)
class Secret:
    """One version of a secret."""

    name: str
    version: str
    value: str = field(repr=False)


class SecretRefused(Unavailable):
    """The store answers, and there is no usable value: none of that name, disabled, or out of its time."""

    title = "A secret that the host needs is not to be had."
    action = "Let an operator set it, or enable it, in the vault that CHARTER_SECRETS__VAULT_URL names."


class SecretStore(Protocol):
    async def read(self, name: str, version: str | None = None) -> Secret:
        """Return that version, by default the newest.

        Raises:
            SecretRefused: there is none, or it is disabled, expired or not yet valid.
            Unavailable: the store does not answer, or not to this host.
        """
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def missing(name: str) -> SecretRefused:
    return SecretRefused(f"The vault has no secret {name}.")


def disabled(name: str) -> SecretRefused:
    return SecretRefused(f"The secret {name} is disabled in the vault.")


def refuse_out_of_time(name: str, not_before: float | None, expires: float | None, now: float) -> None:
    """Refuse a value outside its time, which a vault would still give: to it the times only inform.

    Raises:
        SecretRefused: not yet, or no more.
    """
    if not_before is not None and now < not_before:
        raise SecretRefused(f"The secret {name} is not valid yet.")
    if expires is not None and now >= expires:
        raise SecretRefused(f"The secret {name} has expired.", action="Let an operator set a new version of it.")
