"""Who may do what: the challenge, the token's verification, and the roles of the service."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from charter.twins.caller import Verify
from charter.twins.key_vault.refusals import Refused

RESOURCE = "https://vault.azure.net"
USER = "Key Vault Secrets User"
OFFICER = "Key Vault Secrets Officer"
_ACTIONS = "Microsoft.KeyVault/vaults/secrets"
_READING = frozenset({"getSecret/action", "readMetadata/action"})


class Entrance:
    """Verifies tokens of one tenant, whose authority the challenge gives as ``named``; ``roles`` maps an object id to
    its role.
    """

    def __init__(self, verify: Verify, authority: str, roles: Mapping[str, str], *, named: str) -> None:
        self._verify = verify
        self._authority = authority
        self._named = named
        self.roles = dict(roles)

    async def claims(self, request: web.Request) -> Mapping[str, Any]:
        """Return the claims of the request's bearer token.

        Raises:
            Refused: none, or one that is not to be believed; with the challenge that says whose tokens are.
        """
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token:
            raise self._unauthorized("AKV10000: Request is missing a Bearer or PoP token.")
        try:
            claims = await self._verify(token.strip())
        except PermissionError as refusal:
            raise self._unauthorized(f"Error validating token: {refusal}") from refusal
        if claims["iss"] != f"{self._authority}/v2.0":
            raise self._unauthorized("AKV10032: Invalid issuer.")
        return claims

    def permit(self, claims: Mapping[str, Any], action: str) -> None:
        """Let pass whom a role allows the action: applications only, since no person has a role here.

        Raises:
            Refused: everybody else.
        """
        role = self.roles.get(str(claims["oid"])) if claims.get("idtyp") == "app" else None
        if role == OFFICER or (role == USER and action in _READING):
            return
        caller = f"appid={claims.get('azp')};oid={claims['oid']};iss={claims['iss']}"
        raise Refused(
            403,
            "Forbidden",
            "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role "
            f"definitions were changed recently, please observe propagation time.\r\nCaller: {caller}\r\n"
            f"Action: '{_ACTIONS}/{action}'\r\nAssignment: (not found)",
            inner="ForbiddenByRbac",
        )

    def _unauthorized(self, message: str) -> Refused:
        challenge = f'Bearer authorization="{self._named}", resource="{RESOURCE}"'
        return Refused(401, "Unauthorized", message, challenge=challenge)
