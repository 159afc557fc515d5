"""The grant ``authorization_code``, and the id token that tells an application who has signed in (OpenID Connect)."""

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from charter.twins.entra.clients import Client
from charter.twins.entra.people import Account
from charter.twins.entra.refusals import Refused
from charter.twins.entra.scopes import Scope, parsed
from charter.twins.entra.sign_ins import Code
from charter.twins.entra.state import Twin

GRANT = "authorization_code"
SHARED = frozenset({"organizations", "common"})
"""Whoever signs in here belongs to the tenant that their account names."""


def redeemed(twin: Twin, tenant: str, client: Client, form: Mapping[str, str]) -> tuple[Account, Scope, Code]:
    """Redeem a code; the account decides the tenant where it was asked for at a shared address.

    Raises:
        Refused: the code does not fit, the person may not sign in any more, or it was redeemed before; then what was
            given for it ends, since one of the two who had it must have stolen it (RFC 6749, 4.1.2).
    """
    text = form.get("code", "")
    code = twin.sign_ins.check(text, client.id, form.get("redirect_uri", ""), form.get("code_verifier", ""))
    if code.redeemed:
        twin.refresh_tokens.end(code.refresh_token)
        raise Refused(54005)
    code.redeemed = True
    account = twin.people.find(code.tenant, code.account)
    if account is None or tenant not in SHARED | {account.tenant}:
        raise Refused(70000)
    if account.disabled:
        raise Refused(50057)
    return account, parsed(code.scope), code


def id_token(twin: Twin, client: Client, account: Account, nonce: str) -> str:
    """Return who has signed in, told to this client alone. It opens nothing: it has no scope."""
    now = int(time.time())
    claims: dict[str, Any] = {
        "aud": client.id,
        "iss": twin.issuer(account.tenant),
        "iat": now,
        "nbf": now,
        "exp": now + 3_600,
        "name": account.name,
        "oid": account.id,
        "preferred_username": account.address,
        "sub": hashlib.sha256(f"{account.tenant}/{account.id}/{client.id}".encode()).hexdigest()[:43],
        "tid": account.tenant,
        "ver": "2.0",
    }
    return twin.keys.sign(
        claims | ({"nonce": nonce} if nonce else {}) | ({"roles": list(account.roles)} if account.roles else {})
    )
