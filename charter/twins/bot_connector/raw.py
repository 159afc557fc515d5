"""``/_twin``: attacks, faults, rights and the record, beside what people do (``levers``)."""

import time
from typing import Any, Literal, cast

import pydantic
from aiohttp import web

from charter.twins.bot_connector.faults import OPERATIONS, Fault
from charter.twins.bot_connector.keys import SIGNED_BY, claims
from charter.twins.bot_connector.levers import Json, Lever, lever
from charter.twins.bot_connector.posting import activity as built
from charter.twins.bot_connector.posting import post
from charter.twins.bot_connector.refusals import Wrong
from charter.twins.bot_connector.state import CHANNEL, Channel


class _Bot(Lever):
    endpoint: str


class _Token(Lever):
    """``claims`` are laid over those of a good token, ``None`` takes one away; a number of ``exp`` and ``nbf`` below a
    million is counted from now. ``raw`` is sent as it is, empty: none at all.
    """

    claims: Json = pydantic.Field(default_factory=dict)
    key: SIGNED_BY = "own"
    headers: Json = pydantic.Field(default_factory=dict)
    raw: str | None = None


class _Activity(Lever):
    """``activity`` goes out as it is. With ``conversation`` and ``person`` it is laid over what a client there would send."""

    activity: Any
    token: _Token = _Token()
    conversation: str = ""
    person: str = ""


class _Consent(Lever):
    """``where``: whether the bot's connection lacks it (``exchange``), or the person's client already (``client``)."""

    person: str
    given: bool
    where: Literal["exchange", "client"] = "exchange"


class _Clients(Lever):
    person: str
    open: int = pydantic.Field(ge=0, le=20)


class _Fault(Lever):
    operation: str
    status: int = 0
    times: int = pydantic.Field(default=1, ge=0)
    body: Any = None
    retry_after: float | None = None
    delay: float = 0
    after: bool = False
    conversation: str = ""


class _Limits(Lever):
    answer_seconds: float | None = None
    stream_seconds: float | None = None
    pacing: bool | None = None


class _Rotate(Lever):
    withdraw: bool = False


class _Nothing(Lever):
    pass


def routes() -> list[web.RouteDef]:
    return [
        web.post("/_twin/bot", lever(_Bot, _bot)),
        web.post("/_twin/activity", lever(_Activity, _activity)),
        web.post("/_twin/consent", lever(_Consent, _consent)),
        web.post("/_twin/clients", lever(_Clients, _clients)),
        web.post("/_twin/faults", lever(_Fault, _fault)),
        web.delete("/_twin/faults", lever(_Nothing, _heal)),
        web.post("/_twin/limits", lever(_Limits, _limits)),
        web.post("/_twin/keys", lever(_Rotate, _rotate)),
        web.get("/_twin/record", _record),
        web.delete("/_twin/record", lever(_Nothing, _forget)),
    ]


async def _bot(channel: Channel, asked: _Bot) -> Json:
    """Say where the bot listens; return who it is here, and who it must be called as."""
    channel.bot.endpoint = asked.endpoint
    return {"id": channel.bot.id, "account": channel.bot.account, "service_url": channel.service_url}


async def _activity(channel: Channel, asked: _Activity) -> Json:
    """Post anything to the bot, with any token."""
    sent = asked.activity
    if asked.conversation:
        chat = channel.chats.known(asked.conversation)
        if chat is None or not isinstance(sent, dict):
            raise Wrong("There is no such conversation, or the activity is no object.", 404)
        person = await channel.people.named(channel.http, asked.person)
        told = cast("Json", sent)
        sent = built(channel, chat, person, str(told.get("type", "message"))) | told
        sent = {name: value for name, value in sent.items() if value is not None}
    return await post(channel, sent, _token(channel, asked.token))


def _token(channel: Channel, asked: _Token) -> str:
    if asked.raw is not None:
        return asked.raw
    said = claims(channel.issuer, channel.bot.id, channel.service_url) | asked.claims
    for name in ("exp", "nbf", "iat"):
        if isinstance(said.get(name), int | float) and said[name] < 1_000_000:
            said[name] = int(time.time() + said[name])
    return channel.keys.sign(
        {name: value for name, value in said.items() if value is not None}, asked.key, asked.headers
    )


async def _consent(channel: Channel, asked: _Consent) -> Json:
    for people, lacks in (
        (channel.consent.refused, not asked.given and asked.where == "exchange"),
        (channel.consent.unasked, not asked.given and asked.where == "client"),
    ):
        people.discard(asked.person)
        if lacks:
            people.add(asked.person)
    return {}


async def _clients(channel: Channel, asked: _Clients) -> Json:
    channel.open[asked.person] = asked.open
    return {}


async def _fault(channel: Channel, asked: _Fault) -> Json:
    """Add one; ``DELETE`` heals all."""
    if asked.operation not in OPERATIONS:
        raise Wrong(f"Operations are {', '.join(OPERATIONS)}.")
    channel.faults.listed.append(Fault(**asked.model_dump()))
    return {}


async def _heal(channel: Channel, asked: _Nothing) -> Json:
    channel.faults.heal()
    return {}


async def _limits(channel: Channel, asked: _Limits) -> Json:
    for name, value in asked.model_dump(exclude_none=True).items():
        setattr(channel.limits, name, value)
    return {}


async def _rotate(channel: Channel, asked: _Rotate) -> Json:
    channel.keys.rotate(withdraw=asked.withdraw)
    return channel.keys.published()


async def _record(request: web.Request) -> web.Response:
    """Return the last calls and posts, oldest first; ``?kind=`` and ``?operation=`` only those."""
    query = request.query
    wanted = [entry for entry in request.app[CHANNEL].ledger if all(entry.get(name) == query[name] for name in query)]
    return web.json_response({"items": wanted})


async def _forget(channel: Channel, asked: _Nothing) -> Json:
    channel.ledger.clear()
    return {}
