"""``POST /api/messages``: an activity is believed, written down once, and answered at once.

Nothing is done about it here, but for invokes: those a client waits for.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from aiohttp import web
from opentelemetry.trace import get_current_span

from charter.channels import problems
from charter.channels.teams import conversations, inbox, people
from charter.channels.teams.addresses import Addresses, on_this_machine
from charter.channels.teams.incoming import Activity, Json, parse
from charter.errors import (
    CharterError,
    FieldError,
    Forbidden,
    InvalidRequest,
    QueueFull,
    TenantSuspended,
    Unauthenticated,
    Unavailable,
    UnknownInvoke,
    UnsupportedMedia,
)
from charter.identity.bot_framework import BotTokens, Vouched
from charter.identity.expiring import Expiring
from charter.identity.issuers import Served
from charter.settings import Teams
from charter.store.database import Database
from charter.telemetry import names

_log = structlog.get_logger(__name__)

_AGAIN_SECONDS = 2
_FULL_SECONDS, _FULL_AGAIN_SECONDS, _FULL_REMEMBERED = 0.5, 5, 1000
_LONGEST_ID = 512
_LONGEST_TYPE = 40
_PEOPLES = frozenset({"message", "invoke"})
_NOTHING_TO_DO = frozenset({"messageReaction", "messageUpdate", "messageDelete", "typing", "conversationUpdate"})
_LOOPBACK = frozenset({"127.0.0.1", "::1"})
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host")
_CHANNEL = "msteams"
"""It says of its own who writes, and of which tenant; in other channels whoever writes may say so themselves."""
_CARD = "adaptiveCard/action"
"""Its answers, faults among them, are told within a 200: only then does the client show their words."""


@dataclass(frozen=True, slots=True)
class Invoked:
    """What an invoke is answered with."""

    status: int
    body: Json | None = None


Invoke = Callable[[str, Activity], Awaitable[Invoked]]
"""Answers an invoke of this tenant, within seconds: no more than a few writes."""


class Ingress:
    """The door of activities. ``arrived`` hears of each new one that was written down; ``invokes`` answers by name.

    An activity may take ``keep_seconds`` to be written down; the channel would wait longer, but people wait behind it. A
    tenant whose inbox was full, or a person's part of it, is not asked about again for a moment: refusing must cost less than
    working.
    """

    def __init__(
        self,
        database: Database,
        tokens: BotTokens,
        tenants: Served,
        settings: Teams,
        invokes: Mapping[str, Invoke],
        arrived: Callable[[str, Activity], None],
        *,
        keep_seconds: float = 2.5,
        invoke_seconds: float = 10,
    ) -> None:
        self._database = database
        self._tokens = tokens
        self._tenants = tenants
        self._anonymous = bool(settings.anonymous)
        self._limit = settings.inbox_limit
        self._addresses = Addresses(settings.service_urls, loopback=bool(settings.anonymous))
        self._invokes = invokes
        self._arrived = arrived
        self._keep_seconds = keep_seconds
        self._full: Expiring[tuple[str, str], bool] = Expiring(_FULL_REMEMBERED, time.monotonic)
        self._invoke_seconds = invoke_seconds

    async def take(self, request: web.Request) -> web.Response:
        """Answer one activity: 200 as soon as nothing of it can be lost.

        Raises:
            CharterError: it is not to be believed, malformed, or cannot be kept now. Never a 5xx for a fault of ours but
                503: the channel would repeat it.
        """
        vouched = await self._vouched(request)
        activity = await _read(request)
        try:
            tenant = self._admitted(activity, vouched)
        except CharterError as fault:
            _log.info(
                "an activity was refused", code=fault.code, reason=fault.detail, type=activity.type[:_LONGEST_TYPE]
            )
            raise
        get_current_span().set_attributes({names.TENANT: tenant, names.ACTIVITY: activity.type[:_LONGEST_TYPE]})
        if activity.type == "invoke":
            return await self._invoked(tenant, activity)
        if _concerns_us(activity) and await self._kept(tenant, activity):
            self._tell(tenant, activity)
        return web.Response()

    async def _vouched(self, request: web.Request) -> Vouched | None:
        """Return what the request's token speaks for; ``None``: it needs none."""
        headers = request.headers.getall("Authorization", ())
        # A page in a browser of this machine gets no further: it cannot send JSON here without being allowed to.
        if not headers and self._anonymous and _of_this_machine(request):
            return None
        if len(headers) > 1:
            raise Unauthenticated("The request carries two tokens.")
        return await self._tokens.believe(headers[0] if headers else None)

    def _admitted(self, activity: Activity, vouched: Vouched | None) -> str:
        """Return the tenant whose activity this is."""
        url = activity.place.service_url
        if vouched is not None:
            vouched.check(url, activity.channel)
        if activity.channel != _CHANNEL:
            raise Forbidden("Nobody is answered in this channel; Teams alone is.")
        if not self._addresses.allowed(url) or (vouched is None and not on_this_machine(url)):
            raise Forbidden(
                "The activity comes from a service that this host does not answer to.",
                action="Let an operator allow its address (CHARTER_TEAMS__SERVICE_URLS).",
            )
        tenant = self._tenants.of_directory(activity.tid)
        if tenant is None:
            raise Forbidden("The activity is of an organisation that this host does not serve.")
        if not self._tenants.served(tenant):
            raise TenantSuspended()
        if activity.type in _PEOPLES and not activity.sender.oid:
            raise Forbidden("Only people of the organisation are answered, and the activity names none.")
        return tenant

    async def _kept(self, tenant: str, activity: Activity) -> bool:
        """Write the activity down; return whether it is new.

        Raises:
            InvalidRequest, QueueFull: it cannot be kept; too many wait.
            Unavailable: whether it was kept is not known: it has to come again.
        """
        body = _checked(activity)
        person = activity.sender.oid
        if self._full.get((tenant, "")) or self._full.get((tenant, person)):
            raise QueueFull("Too many messages wait for their answer.", retry_after=_FULL_AGAIN_SECONDS)
        try:
            async with asyncio.timeout(self._keep_seconds), self._database.tenant_session(tenant) as session:
                new = await inbox.put(session, tenant, activity, body, limit=self._limit)
                if new:
                    await conversations.seen(session, tenant, activity)
                    if activity.sender.oid:
                        await people.seen(session, tenant, activity)
            return new
        except TimeoutError as fault:
            raise Unavailable("The database does not answer in time.", retry_after=_AGAIN_SECONDS) from fault
        except CharterError as fault:
            if isinstance(fault, QueueFull):
                who = person if isinstance(fault, inbox.PartFull) else ""
                self._full.put((tenant, who), True, time.monotonic() + _FULL_SECONDS)
            if isinstance(fault, Unavailable):
                fault.retry_after = fault.retry_after or _AGAIN_SECONDS
            raise
        except Exception as fault:  # noqa: BLE001 - whatever it is, the channel must not repeat it for ever
            # Not its words: they quote what was to be written. Told as the sender's fault, it is not sent again.
            _log.error("an activity could not be kept", fault=type(fault).__name__, type=activity.type)
            raise InvalidRequest("The activity cannot be kept.") from None

    def _tell(self, tenant: str, activity: Activity) -> None:
        try:
            self._arrived(tenant, activity)
        except Exception:  # noqa: BLE001 - it is kept, and found without being told of
            _log.exception("nobody could be told of an activity", tenant=tenant)

    async def _invoked(self, tenant: str, activity: Activity) -> web.Response:
        handler = self._invokes.get(activity.name)
        if handler is None:
            _log.warning("an invoke of an unknown name", name=activity.name[:80])
            raise UnknownInvoke()
        try:
            async with asyncio.timeout(self._invoke_seconds):
                told = await handler(tenant, activity)
        except TimeoutError:
            _log.warning("an invoke took too long", name=activity.name)
            return _failed(activity, Unavailable("This took too long.", retry_after=_AGAIN_SECONDS))
        except CharterError as fault:
            return _failed(activity, fault)
        except Exception:  # noqa: BLE001 - logged with its trace
            _log.exception("an invoke failed", name=activity.name)
            return _failed(activity, CharterError())
        return _json(told.status, told.body)


def routes(ingress: Ingress) -> list[web.RouteDef]:
    """Return the door. It asks for tokens of its own kind: ``application.build(self_guarded=…)``."""
    return [web.post("/api/messages", ingress.take)]


def _of_this_machine(request: web.Request) -> bool:
    """Whether it was sent here: a tunnel or a proxy, which brings others' requests, says that it does."""
    return request.remote in _LOOPBACK and not any(name in request.headers for name in _FORWARDED)


async def _read(request: web.Request) -> Activity:
    if request.content_type != "application/json":
        raise UnsupportedMedia()
    try:
        return parse(orjson.loads(await request.read()))
    except orjson.JSONDecodeError as fault:
        # Not the reader's own words where they may quote the text.
        raise InvalidRequest("The body is not JSON.") from fault


def _concerns_us(activity: Activity) -> bool:
    """Whether anything is to be done about it. What people say to each other is not kept."""
    match activity.type:
        case "message":
            return activity.place.scope == "personal" or activity.mentioned or activity.value is not None
        case "installationUpdate":
            return True
        case "conversationUpdate" if conversations.about_the_bot(activity):
            return True
        case kind:
            if kind not in _NOTHING_TO_DO:
                _log.info("an activity of an unknown type", type=kind[:_LONGEST_TYPE])
            return False


def _checked(activity: Activity) -> str:
    """Return the activity as it is kept, if it can be told from every other one."""
    for pointer, value, least in (("/id", activity.id, 1), ("/from/aadObjectId", activity.sender.oid, 0)):
        if not least <= len(value) <= _LONGEST_ID:
            detail = f"must be a text of {least} to {_LONGEST_ID} characters"
            raise InvalidRequest("The activity cannot be kept.", errors=[FieldError(pointer, detail)])
    return inbox.written(activity)


def _failed(activity: Activity, fault: CharterError) -> web.Response:
    """Tell a fault as the client of this invoke wants to hear it."""
    if activity.name != _CARD:
        return problems.response(fault)
    value = {"code": fault.code, "message": fault.detail}
    return _json(200, {"statusCode": fault.status, "type": "application/vnd.microsoft.error", "value": value})


def _json(status: int, body: Any) -> web.Response:
    if body is None:
        return web.Response(status=status)
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json")
