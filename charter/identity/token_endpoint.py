"""The identity provider's token endpoint, asked as the host (RFC 6749, RFC 7523)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp

from charter.errors import AuthorityLost, CharterError, Unavailable
from charter.identity.issuers import Issuer
from charter.identity.wire import Answer, ask

_SECONDS = 10
_HOST_AT_FAULT = frozenset({"invalid_client", "unauthorized_client"})


class GrantDead(AuthorityLost):
    """The grant itself is refused (user disabled, session revoked, token spent): no further attempt can succeed."""


@dataclass(frozen=True, slots=True)
class Issued:
    """An access token, its life in seconds; a refresh token and an id token where they were asked for and given."""

    access_token: str = field(repr=False)
    expires_in: float
    refresh_token: str = field(repr=False)
    id_token: str = field(repr=False, default="")


class TokenEndpoint:
    """Sends grants to an issuer, with the host's credentials there."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def on_behalf_of(self, issuer: Issuer, assertion: str, scope: str) -> Issued:
        """Exchange the token a person came with for one of theirs elsewhere, to last. Raises as ``redeem``."""
        return await self.redeem(
            issuer,
            {
                "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
                "assertion": assertion,
                "requested_token_use": "on_behalf_of",
                "scope": f"{scope} offline_access",
            },
        )

    async def refresh(self, issuer: Issuer, refresh_token: str, scope: str) -> Issued:
        """Redeem a refresh token; the answer's new one replaces it. Raises as ``redeem``."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "scope": f"{scope} offline_access"}
        return await self.redeem(issuer, form)

    async def as_host(self, issuer: Issuer, scope: str) -> Issued:
        """Get a token of the host itself. Raises as ``redeem``."""
        return await self.redeem(issuer, {"grant_type": "client_credentials", "scope": scope})

    async def redeem(self, issuer: Issuer, form: Mapping[str, str]) -> Issued:
        """Send one grant.

        Raises:
            GrantDead: the grant is refused for good.
            AuthorityLost: this request is refused (consent, step-up, scope).
            Unavailable: no usable answer, or the host's own credentials are refused; the grant may still be good.
        """
        own = await issuer.credential.fields()
        answer = await self._sent(issuer, form, own)
        if answer.field("error") == "invalid_client":
            # The secret may have been rotated; a grant that was refused with its client is not spent.
            newest = await issuer.credential.fields(fresh=True)
            answer = await self._sent(issuer, form, newest) if newest != own else answer
        if answer.status != 200:
            raise _refusal(answer)
        return _issued(answer)

    async def _sent(self, issuer: Issuer, form: Mapping[str, str], own: Mapping[str, str]) -> Answer:
        url = f"{issuer.authority}/{issuer.tid}/oauth2/v2.0/token"
        whole = {**form, "client_id": issuer.client_id, **own}
        return await ask(self._http, "POST", url, form=whole, seconds=_SECONDS)


def _issued(answer: Answer) -> Issued:
    access_token = answer.field("access_token")
    lifetime: object = answer.members.get("expires_in") if access_token else None
    if not isinstance(lifetime, int | float | str) or not str(lifetime).isdigit():
        raise Unavailable("The identity provider gave an answer that is no token.")
    return Issued(access_token, float(lifetime), answer.field("refresh_token"), answer.field("id_token"))


def _refusal(answer: Answer) -> CharterError:
    # By ``error`` and ``suberror``, which are stable: Entra's numbers and texts are not, and its texts name people.
    error, suberror = answer.field("error"), answer.field("suberror")
    if answer.status >= 500 or answer.status == 429 or not error or error == "temporarily_unavailable":
        return Unavailable("The identity provider cannot serve now.", retry_after=answer.retry_after)
    if error in _HOST_AT_FAULT:
        return Unavailable(
            f"The identity provider refuses this host's own credentials ({error}).",
            action="Let an operator check CHARTER_IDENTITY__CLIENT_ID and its CLIENT_SECRET, or the credential named instead.",
        )
    if error == "invalid_grant" and suberror != "consent_required":
        return GrantDead("The identity provider no longer lets this host act for the person who asked.")
    return AuthorityLost(f"The identity provider refused a token for this work ({suberror or error}).")
