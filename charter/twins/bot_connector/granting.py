"""What the channel, as a client of the Entra twin, asks of it: people's own tokens, and the bot's in their name."""

from typing import Any

import jwt

from charter.twins.bot_connector.people import Person
from charter.twins.bot_connector.refusals import Refused
from charter.twins.bot_connector.state import Channel
from charter.twins.bot_connector.tokens import Kept, kept_of
from charter.twins.entra.clients import SIGN_IN

_ON_BEHALF_OF = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def scope_of(channel: Channel) -> str:
    return f"{channel.bot.resource}/access_as_user offline_access"


async def own_token(channel: Channel, person: Person, resource: str) -> str | None:
    """Return the token that a person's Teams client has for the resource; none where Entra refuses."""
    form = {
        "grant_type": "password",
        "client_id": SIGN_IN,
        "username": person.oid,
        "scope": f"{resource}/access_as_user",
    }
    status, answer = await _granted(channel, person.tenant, form)
    return str(answer["access_token"]) if status == 200 else None


async def exchanged(channel: Channel, token: str) -> Kept:
    """Return the bot's token for the person whose own one this is.

    Raises:
        Refused: it is nobody's, for another application, out of its time, or consent is missing.
    """
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError as fault:
        raise Refused(400, "BadRequest", "The token to exchange is malformed.") from fault
    if claims.get("oid") in channel.consent.refused:
        raise Refused(
            400, "BadRequest", "AADSTS65001: The user or administrator has not consented to use the application."
        )
    form = {
        **_bot(channel),
        "grant_type": _ON_BEHALF_OF,
        "requested_token_use": "on_behalf_of",
        "assertion": token,
        "scope": scope_of(channel),
    }
    tenant = str(claims.get("tid"))
    status, answer = await _granted(channel, tenant, form)
    if status != 200:
        raise Refused(400, "BadRequest", str(answer.get("error_description", "The token cannot be exchanged.")))
    return kept_of(answer, tenant)


async def renewed(channel: Channel, kept: Kept) -> Kept | None:
    """Return a fresh token; none where Entra gives none any more."""
    form = {
        **_bot(channel),
        "grant_type": "refresh_token",
        "refresh_token": kept.refresh,
        "scope": scope_of(channel),
    }
    status, answer = await _granted(channel, kept.tenant, form)
    return kept_of(answer, kept.tenant) if status == 200 else None


async def redeemed(channel: Channel, code: str, back: str, verifier: str) -> tuple[str, Kept] | None:
    """Return who has signed in and their token, for the code that a browser came back with."""
    form = {
        **_bot(channel),
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": back,
        "code_verifier": verifier,
    }
    status, answer = await _granted(channel, "organizations", form)
    if status != 200:
        return None
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    return str(claims["oid"]), kept_of(answer, str(claims["tid"]))


def _bot(channel: Channel) -> dict[str, str]:
    return {"client_id": channel.bot.id, "client_secret": channel.bot.secret}


async def _granted(channel: Channel, tenant: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
    async with channel.http.post(f"{channel.entra}/{tenant}/oauth2/v2.0/token", data=form) as answer:
        return answer.status, await answer.json()
