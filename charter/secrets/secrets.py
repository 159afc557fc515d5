"""What consumers hold of a secret: a value that is as new as the vault's, whether it stands in the vault or not."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import SecretStr

from charter.errors import StartRefused, Unavailable
from charter.secrets.leases import Leases
from charter.secrets.references import Reference, is_reference, parsed
from charter.secrets.store import Live

Told = Callable[[str], None]


class Secrets:
    """``leases`` is nothing where no vault is configured; ``told`` hears every value before anybody gets it, so that it
    can be kept out of logs.
    """

    def __init__(self, leases: Leases | None, told: Told) -> None:
        self._leases = leases
        self._told = told

    def live(self, text: SecretStr | str) -> Live:
        """Return the secret that a literal or a reference stands for, to be asked each time it is used.

        Raises:
            StartRefused: a reference that is none.
        """
        value = text.get_secret_value() if isinstance(text, SecretStr) else text
        if is_reference(value):
            return self._leased(_checked(value))
        if value:
            self._told(value)

        async def literal(fresh: bool) -> str:
            return value

        return literal

    def tell(self, part: str) -> None:
        """Keep a value out of logs that is a part of another, as a password is of an address."""
        self._told(part)

    async def once(self, text: str, what: str) -> str:
        """Return the value as it is now, for what can be read only once; ``what`` names the setting.

        Raises:
            StartRefused: a reference that is none or whose value cannot be had.
        """
        try:
            return await self.live(text)(False)
        except Unavailable as fault:
            raise StartRefused(f"{what} cannot be resolved: {fault.detail}", action=fault.action) from fault

    def status(self) -> Mapping[str, Any]:
        """Return what readiness tells: how many references cannot be read. Which and why is in the log: anybody may ask."""
        failing = len(self._leases.status()) if self._leases else 0
        return {"failing": failing} if failing else {}

    def _leased(self, reference: Reference) -> Live:
        async def value(fresh: bool) -> str:
            if self._leases is None:
                raise Unavailable(
                    f"The secret {reference.name} is in no vault that this host knows.",
                    action="Set CHARTER_SECRETS__VAULT_URL to the vault's address.",
                )
            found = await (self._leases.fresh(reference) if fresh else self._leases.value(reference))
            self._told(found)
            return found

        return value


def _checked(text: str) -> Reference:
    try:
        return parsed(text)
    except ValueError as fault:
        raise StartRefused(f"A reference to a secret {fault}.") from fault
