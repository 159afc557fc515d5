"""``/{tenant}/oauth2/v2.0/authorize`` and ``/logout``: a person signs in, and is sent back with a code."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web
from yarl import URL

from charter.twins.entra import sign_in_pages as pages
from charter.twins.entra.clients import HOST
from charter.twins.entra.code_grant import SHARED
from charter.twins.entra.people import Account
from charter.twins.entra.refusals import Refused
from charter.twins.entra.scopes import parsed
from charter.twins.entra.sign_ins import Code
from charter.twins.entra.state import TWIN, Twin

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_MODES = frozenset({"query", "form_post"})
_CANCEL = "-"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that may be answered at its redirect address, right or wrong."""

    tenant: str
    redirect_uri: str
    mode: str
    state: str
    fields: Mapping[str, str]


def routes() -> list[web.RouteDef]:
    return [
        web.get("/{tenant}/oauth2/v2.0/authorize", authorize),
        web.get("/{tenant}/oauth2/v2.0/logout", logout),
    ]


async def authorize(request: web.Request) -> web.Response:
    """Show who may sign in, or sign in who is hinted at; wrong requests are told to the application.

    An unknown application or address is told to the person only: nothing is sent where nobody registered.
    """
    twin, tenant = request.app[TWIN], request.match_info["tenant"]
    try:
        asked = _asked(twin, tenant, dict(request.query))
    except Refused as refusal:
        twin.record("authorize", tenant=tenant, refused=refusal.number)
        return pages.refused(refusal)
    try:
        _check(asked.fields)
        account = _hinted(twin, asked)
    except Refused as refusal:
        twin.record("authorize", tenant=tenant, refused=refusal.number)
        return _sent(asked, {"error": _error(refusal), "error_description": f"AADSTS{refusal.number}: {refusal.text}"})
    if account is None:
        return pages.choose(_offered(twin, tenant), asked.fields, cancel=_CANCEL)
    twin.record("authorize", tenant=tenant, account=account.id)
    return _sent(asked, {"code": _code(twin, asked, account)})


async def logout(request: web.Request) -> web.Response:
    """End the sign-in, of which the twin keeps nothing, and lead back where that is registered."""
    twin, tenant = request.app[TWIN], request.match_info["tenant"]
    twin.record("logout", tenant=tenant)
    back = request.query.get("post_logout_redirect_uri", "")
    if not twin.sign_ins.registered(back):
        return pages.signed_out()
    state = request.query.get("state")
    return web.Response(
        status=302, headers={"Location": str(URL(back).update_query({"state": state} if state else {}))}
    )


def _asked(twin: Twin, tenant: str, fields: Mapping[str, str]) -> _Asked:
    if tenant not in SHARED | twin.people.tenants:
        raise Refused(90002, tenant)
    client, back = fields.get("client_id", ""), fields.get("redirect_uri", "")
    if client != HOST:
        raise Refused(700016, client)
    if not twin.sign_ins.registered(back):
        raise Refused(50011, back)
    mode = fields.get("response_mode", "query")
    return _Asked(tenant, back, mode if mode in _MODES else "query", fields.get("state", ""), fields)


def _check(fields: Mapping[str, str]) -> None:
    """Raises ``Refused`` unless a code is asked for, with PKCE, for something that there is."""
    if fields.get("response_type") != "code":
        raise Refused(700054, fields.get("response_type", ""))
    if fields.get("response_mode", "query") not in _MODES:
        raise Refused(9002313)
    if not fields.get("code_challenge"):
        raise Refused(9002325)
    if fields.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(fields["code_challenge"]):
        raise Refused(9002313)
    parsed(fields.get("scope", ""))


def _hinted(twin: Twin, asked: _Asked) -> Account | None:
    """Return who signs in at once; nobody where a person must choose."""
    prompt, hint = asked.fields.get("prompt", ""), asked.fields.get("login_hint", "")
    if hint == _CANCEL:
        raise Refused(65004)
    account = next((one for one in _offered(twin, asked.tenant) if hint.lower() in (one.id, one.address)), None)
    if account is not None and account.disabled:
        raise Refused(50057)
    if account is None and prompt == "none":
        raise Refused(50058)
    return None if prompt in ("select_account", "login") else account


def _error(refusal: Refused) -> str:
    """Grants are refused at the token endpoint only; here it is access that is denied, or consent that lacks."""
    if refusal.number == 65001:
        return "consent_required"
    return "access_denied" if refusal.error == "invalid_grant" else refusal.error


def _offered(twin: Twin, tenant: str) -> Sequence[Account]:
    return [
        account
        for account in twin.people.accounts.values()
        if not account.workload and (tenant in SHARED or account.tenant == tenant)
    ]


def _code(twin: Twin, asked: _Asked, account: Account) -> str:
    fields = asked.fields
    return twin.sign_ins.issue(
        Code(
            client=fields["client_id"],
            redirect_uri=asked.redirect_uri,
            challenge=fields["code_challenge"],
            nonce=fields.get("nonce", ""),
            scope=fields["scope"],
            account=account.id,
            tenant=account.tenant,
            expires=time.time() + twin.lifetimes.code,
        )
    )


def _sent(asked: _Asked, answer: Mapping[str, str]) -> web.Response:
    told = {**answer, **({"state": asked.state} if asked.state else {})}
    if asked.mode == "form_post":
        return pages.posting(asked.redirect_uri, told)
    headers = {"Location": str(URL(asked.redirect_uri).update_query(told)), "Cache-Control": "no-store"}
    return web.Response(status=302, headers=headers)
