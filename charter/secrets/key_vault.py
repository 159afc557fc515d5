"""Azure Key Vault, through Azure's own client."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charter.errors import StartRefused, Unavailable
from charter.identity.expiring import Clock
from charter.secrets.store import Secret, disabled, missing, refuse_out_of_time

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

_SECONDS = 8


class KeyVault:
    """``SecretStore`` on the vault at ``url``, read as ``credential``.

    ``twin``: the vault is the local profile's, at an address that no vault of Azure has. Everywhere else the challenge
    must name the very vault, so that nobody else is handed a token. ``ca_file``: see the setting.
    """

    def __init__(
        self,
        url: str,
        credential: "AsyncTokenCredential",
        *,
        twin: bool = False,
        ca_file: Path | None = None,
        clock: Clock = time.time,
    ) -> None:
        if not url.startswith("https://"):
            raise StartRefused("CHARTER_SECRETS__VAULT_URL must begin with https://: tokens travel to it.")
        # Late: hosts without a vault need not pay for the client's imports.
        from azure.keyvault.secrets.aio import SecretClient

        trusting: dict[str, Any] = {"connection_verify": str(ca_file)} if ca_file else {}
        self._client = SecretClient(
            url,
            credential,
            verify_challenge_resource=not twin,
            # Who waits for a value has the last one, or a bound of their own: many attempts would only pile up.
            retry_total=1,
            connection_timeout=_SECONDS,
            read_timeout=_SECONDS,
            logging_enable=False,
            **trusting,
        )
        self._clock = clock

    async def read(self, name: str, version: str | None = None) -> Secret:
        from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

        try:
            found = await self._client.get_secret(name, version)
        except ResourceNotFoundError as fault:
            raise missing(name) from fault
        except HttpResponseError as fault:
            raise _refused(name, fault) from fault
        except (AzureError, Unavailable, OSError, ValueError) as fault:
            raise Unavailable(f"The vault does not answer, so the secret {name} cannot be read.") from fault
        told = found.properties
        if told.enabled is False:
            raise disabled(name)
        refuse_out_of_time(name, _moment(told.not_before), _moment(told.expires_on), self._clock())
        return Secret(name, told.version or "", found.value or "")

    async def close(self) -> None:
        await self._client.close()


def _moment(value: Any) -> float | None:
    return value.timestamp() if value is not None else None


def _refused(name: str, fault: Any) -> Unavailable:
    # By the inner code, which is stable; the texts name callers and addresses.
    inner: Any = getattr(fault.error, "innererror", None) or {}
    if fault.status_code == 403 and inner.get("code") == "SecretDisabled":
        return disabled(name)
    if fault.status_code in (401, 403):
        return Unavailable(
            f"The vault does not let this host read the secret {name}.",
            action="Let an administrator give the host's identity the role Key Vault Secrets User.",
        )
    return Unavailable(f"The vault cannot serve now, so the secret {name} cannot be read.")
