"""``/_twin``: who may sign in, and the levers by which a test changes the world. No cloud has these."""

from dataclasses import asdict
from typing import Any

from aiohttp import web

from charter.twins.entra.people import Account
from charter.twins.entra.state import TWIN

_CHANGEABLE: dict[str, type] = {"disabled": bool, "roles": list, "groups": list, "manager": str, "step_up": bool}
_PARTS = frozenset({"keys", "token", "graph", "managed"})
_FAULTS = frozenset({"fail", "hang", "late"})


def routes() -> list[web.RouteDef]:
    return [
        web.get("/_twin/people", _people),
        web.patch("/_twin/people/{id}", _change),
        web.delete("/_twin/people/{id}/sessions", _revoke),
        web.post("/_twin/keys", _rotate),
        web.patch("/_twin/lifetimes", _lifetimes),
        web.put("/_twin/faults", _faults),
        web.post("/_twin/redirects", _redirect),
        web.get("/_twin/requests", _requests),
    ]


async def _people(request: web.Request) -> web.Response:
    """Return everybody who may sign in; ``name`` is what one signs in with."""
    accounts = request.app[TWIN].people.accounts.values()
    return web.json_response({"people": [_shown(account) for account in accounts if not account.managed]})


async def _change(request: web.Request) -> web.Response:
    """Take ``{"disabled", "roles", "groups", "manager", "step_up"}``, each optional; lasts as long as the process.

    ``step_up``: what is asked for in that person's name is refused until they have proved themselves anew.
    """
    twin, identity, asked = request.app[TWIN], request.match_info["id"], await _object(request)
    for name, value in asked.items():
        kind = _CHANGEABLE.get(name)
        if kind is None or not (isinstance(value, kind) or (name == "manager" and value is None)):
            return _wrong(f"{name} must be one of {', '.join(_CHANGEABLE)} with a fitting value.")
    if identity not in twin.people.accounts:
        return web.json_response({"error": f"There is no {identity}."}, status=404)
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in asked.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return web.json_response(_shown(twin.people.change(identity, **fields)))


async def _revoke(request: web.Request) -> web.Response:
    """End all sessions of a person, as an administrator does; they may sign in anew."""
    request.app[TWIN].refresh_tokens.revoke(request.match_info["id"])
    return web.Response(status=204)


async def _rotate(request: web.Request) -> web.Response:
    """Sign with a new key; ``{"withdraw": true}`` stops publishing the old ones."""
    asked = await _object(request)
    request.app[TWIN].keys.rotate(withdraw=asked.get("withdraw") is True)
    return web.json_response(request.app[TWIN].keys.published())


async def _lifetimes(request: web.Request) -> web.Response:
    """Take ``{"access", "refresh", "code"}`` in seconds; holds for tokens issued from now on."""
    lifetimes, asked = request.app[TWIN].lifetimes, await _object(request)
    for name, value in asked.items():
        if name not in ("access", "refresh", "code") or isinstance(value, bool) or not isinstance(value, int | float):
            return _wrong("access, refresh and code are numbers of seconds.")
        setattr(lifetimes, name, value)
    return web.json_response(asdict(lifetimes))


async def _redirect(request: web.Request) -> web.Response:
    """Register ``{"uri"}`` as a further address of the host that a sign-in may lead back to."""
    address = (await _object(request)).get("uri")
    if not isinstance(address, str):
        return _wrong("uri is the address to register.")
    request.app[TWIN].sign_ins.added.add(address)
    return web.Response(status=204)


async def _faults(request: web.Request) -> web.Response:
    """Take the whole of the faults, ``{"keys" | "token" | "graph" | "managed": "fail" | "hang" | "late"}``; ``{}`` heals all.

    What hangs was not begun, what is late was done and is not answered.
    """
    twin, asked = request.app[TWIN], await _object(request)
    if asked.keys() - _PARTS or set(map(str, asked.values())) - _FAULTS:
        return _wrong("Parts are keys, token, graph and managed; faults are fail, hang and late.")
    twin.faults = asked
    twin.thaw()
    return web.json_response(asked)


async def _requests(request: web.Request) -> web.Response:
    """Return the last 1,000 requests, oldest first; ``?kind=token`` only those."""
    kind = request.query.get("kind")
    items = [entry for entry in request.app[TWIN].ledger if kind in (None, entry["kind"])]
    return web.json_response({"items": items})


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        value: Any = await request.json() if request.can_read_body else {}
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(text="The body must be a JSON object.")
    return value  # pyright: ignore[reportUnknownVariableType]


def _shown(account: Account) -> dict[str, Any]:
    return {**asdict(account), "name": account.id, "display_name": account.name}


def _wrong(sentence: str) -> web.Response:
    return web.json_response({"error": sentence}, status=422)
