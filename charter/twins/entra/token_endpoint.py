"""``/{tenant}/oauth2/v2.0/token``: five grants, form-encoded in, JSON out."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

import jwt
from aiohttp import web

from charter.twins.entra import client_assertions, code_grant
from charter.twins.entra.clients import Client
from charter.twins.entra.minting import mint
from charter.twins.entra.people import Account
from charter.twins.entra.refresh_tokens import Grant
from charter.twins.entra.refusals import Refused
from charter.twins.entra.scopes import Scope, parsed
from charter.twins.entra.sign_ins import Code
from charter.twins.entra.state import TWIN, Twin

Form = Mapping[str, str]
Grantor = Callable[[Twin, str, Client, Form], tuple[Account, Scope, Grant | Code | None]]


async def token(request: web.Request) -> web.Response:
    """Answer one grant, and record it."""
    twin, tenant = request.app[TWIN], request.match_info["tenant"]
    form = await _form(request)
    told: dict[str, Any] = {
        "grant_type": form.get("grant_type", ""),
        "client": form.get("client_id", ""),
        "scope": form.get("scope", ""),
    }
    try:
        account, answer = _answered(twin, tenant, form)
    except Refused as refusal:
        twin.record("token", **told, refused=refusal.number)
        return refusal.response()
    twin.record("token", **told, account=account.id)
    return web.json_response(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


async def _form(request: web.Request) -> dict[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _answered(twin: Twin, tenant: str, form: Form) -> tuple[Account, dict[str, Any]]:
    kind = _given(form, "grant_type")
    if tenant not in twin.people.tenants | (code_grant.SHARED if kind == code_grant.GRANT else frozenset[str]()):
        raise Refused(90002, tenant)
    grantor = _GRANTORS.get(kind)
    if grantor is None:
        raise Refused(70003, kind)
    client = _client(twin, tenant, form)
    account, scope, spent = grantor(twin, tenant, client, form)
    answer: dict[str, Any] = {
        "token_type": "Bearer",
        "scope": " ".join(f"{scope.resource}/{name}" for name in scope.delegated),
        "expires_in": int(twin.lifetimes.access) - 1,
        "ext_expires_in": int(twin.lifetimes.access) - 1,
        "access_token": mint(twin, client, account, scope),
    }
    if account.workload:
        del answer["scope"]
        return account, answer
    if scope.offline:
        answer["refresh_token"] = _lasting(twin, client, account, spent)
    if "openid" in (spent.scope if isinstance(spent, Code) else form.get("scope", "")).split():
        nonce = spent.nonce if isinstance(spent, Code) else ""
        answer["id_token"] = code_grant.id_token(twin, client, account, nonce)
    if form.get("client_info") == "1":
        answer["client_info"] = _client_info(account)
    return account, answer


def _client(twin: Twin, tenant: str, form: Form) -> Client:
    """Return the client, by an assertion where one is presented, else by its secret."""
    client_id, secret = _given(form, "client_id"), form.get("client_secret", "")
    if not form.get("client_assertion"):
        return twin.clients.authenticated(tenant, client_id, secret)
    if form.get("client_assertion_type") != client_assertions.BEARER:
        raise Refused(900144, "'client_assertion_type'")
    if secret:
        twin.clients.authenticated(tenant, client_id, secret)
    client = twin.clients.asserted(tenant, client_id)
    client_assertions.verify(twin.credentials.get(client_id, ()), form["client_assertion"])
    return client


def _client_info(account: Account) -> str:
    """Return whose token it is, as Microsoft's clients file it."""
    told = json.dumps({"uid": account.id, "utid": account.tenant}).encode()
    return base64.urlsafe_b64encode(told).decode().rstrip("=")


def _lasting(twin: Twin, client: Client, account: Account, spent: Grant | Code | None) -> str:
    after = spent if isinstance(spent, Grant) else None
    if after is not None:
        twin.refresh_tokens.spend(after)
    token = twin.refresh_tokens.issue(client.id, account.tenant, account.id, twin.lifetimes.refresh, after=after)
    if isinstance(spent, Code):
        spent.refresh_token = token
    return token


def _password(twin: Twin, tenant: str, client: Client, form: Form) -> tuple[Account, Scope, None]:
    """Sign in by name. That no password is asked, and that a workload may do it too, is of the twin only."""
    scope = parsed(form.get("scope", ""))
    identity = _given(form, "username")
    account = twin.people.find(tenant, identity)
    return _enabled(None if account is not None and account.managed else account, identity), scope, None


def _client_credentials(twin: Twin, tenant: str, client: Client, form: Form) -> tuple[Account, Scope, None]:
    scope = parsed(form.get("scope", ""))
    account = twin.account_of(client, tenant)
    if client.secret is None or account is None:
        raise Refused(7000218)
    if not scope.whole:
        raise Refused(1002012)
    if account.disabled:
        raise Refused(7000112, client.id)
    return account, scope, None


def _on_behalf_of(twin: Twin, tenant: str, client: Client, form: Form) -> tuple[Account, Scope, None]:
    """Raises ``Refused`` unless the assertion is a person's own token for this very client."""
    if form.get("requested_token_use") != "on_behalf_of":
        raise Refused(900144, "'requested_token_use'")
    if client.secret is None:
        raise Refused(7000114, client.id)
    scope = parsed(form.get("scope", ""))
    claims = _asserted(twin, tenant, client, _given(form, "assertion"))
    if claims.get("idtyp") == "app":
        raise Refused(7000114, str(claims.get("azp")))
    return _not_stepped_up(_person(twin, tenant, claims["oid"])), scope, None


def _asserted(twin: Twin, tenant: str, client: Client, assertion: str) -> dict[str, Any]:
    try:
        return twin.keys.read(assertion, audiences=sorted(client.audiences), issuer=twin.issuer(tenant))
    except jwt.InvalidAudienceError as fault:
        raise Refused(500131) from fault
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as fault:
        raise Refused(500133) from fault
    except jwt.PyJWTError as fault:
        raise Refused(50013) from fault


def _refresh(twin: Twin, tenant: str, client: Client, form: Form) -> tuple[Account, Scope, Grant]:
    grant = twin.refresh_tokens.check(_given(form, "refresh_token"), client.id, tenant)
    scope = parsed(form.get("scope", ""))
    return _not_stepped_up(_person(twin, tenant, grant.account)), scope, grant


def _person(twin: Twin, tenant: str, identity: str) -> Account:
    account = twin.people.find(tenant, identity)
    return _enabled(None if account is not None and account.workload else account, identity)


def _not_stepped_up(account: Account) -> Account:
    if account.step_up:
        raise Refused(50076)
    return account


def _enabled(account: Account | None, identity: str) -> Account:
    if account is None:
        raise Refused(50034, identity)
    if account.disabled:
        raise Refused(50057)
    return account


def _given(form: Form, name: str) -> str:
    if not form.get(name):
        raise Refused(900144, f"'{name}'")
    return form[name]


_GRANTORS: dict[str, Grantor] = {
    code_grant.GRANT: code_grant.redeemed,
    "password": _password,
    "client_credentials": _client_credentials,
    "urn:ietf:params:oauth:grant-type:jwt-bearer": _on_behalf_of,
    "refresh_token": _refresh,
}
