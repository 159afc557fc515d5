"""The rooms of this door, joined and opened once for a process."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import structlog
from aiohttp import web

from charter.channels.teams import ingress
from charter.channels.teams.answering import Answering
from charter.channels.teams.approving import Approving
from charter.channels.teams.callers import Callers
from charter.channels.teams.choosing import Choosing
from charter.channels.teams.clicks import Clicks
from charter.channels.teams.commanding import Commands
from charter.channels.teams.connector import open_connector
from charter.channels.teams.desk import Desk
from charter.channels.teams.fetching import Fetching
from charter.channels.teams.files import Files
from charter.channels.teams.forgetting import Forgetting
from charter.channels.teams.incoming import Activity
from charter.channels.teams.ingress import Ingress, Invoke, Invoked
from charter.channels.teams.outbox import Taken
from charter.channels.teams.sending import Sender
from charter.channels.teams.signin import SignIn
from charter.channels.teams.states import States
from charter.channels.teams.talk import Talk
from charter.channels.teams.telling import Telling
from charter.channels.teams.work import Worker
from charter.errors import Unavailable
from charter.identity.bot_framework import BotTokens
from charter.identity.room import IdentityRoom
from charter.knowledge.embedder import Embedder
from charter.runs.drill import Drill
from charter.runs.service import RunService
from charter.settings import Settings
from charter.store.database import Database, Session
from charter.store.tenants import Tenants
from charter.telemetry.tracing import Tracing

if TYPE_CHECKING:
    from charter.channels.teams.connector.link import Link

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Footing:
    """What this door stands on."""

    settings: Settings
    database: Database
    http: aiohttp.ClientSession
    tracing: Tracing
    identity: IdentityRoom
    tenants: Tenants
    service: RunService
    embedder: Embedder


_OPENING_SECONDS = 8
"""So long an invoke waits for the rest to open: a client that is refused does not try again."""
_INVOKES = (
    "adaptiveCard/action",
    "message/submitAction",
    "signin/tokenExchange",
    "signin/verifyState",
    "signin/failure",
)


class TeamsRoom:
    """The door and all that works behind it. The door takes activities from the beginning; they wait until the rest is
    open, since the SDK takes seconds to load.
    """

    def __init__(self, footing: Footing) -> None:
        self._footing = footing
        self._stack = AsyncExitStack()
        self._worker: Worker | None = None
        self._opened = asyncio.Event()
        self._invokes: Mapping[str, Invoke] = {}
        teams = footing.settings.teams
        self._tokens = BotTokens(teams, footing.settings.identity.client_id, footing.http)
        answers = {name: self._answering(name) for name in _INVOKES}
        self._door = Ingress(footing.database, self._tokens, footing.tenants, teams, answers, self._arrived)

    def routes(self) -> list[web.RouteDef]:
        return ingress.routes(self._door)

    def status(self) -> dict[str, Any]:
        return {"state": "ready" if self._worker else "opening"}

    def _arrived(self, tenant: str, activity: Activity) -> None:
        if self._worker is not None:
            self._worker.arrived(tenant, activity)

    def _answering(self, name: str) -> Invoke:
        async def answer(tenant: str, activity: Activity) -> Invoked:
            try:
                async with asyncio.timeout(_OPENING_SECONDS):
                    await self._opened.wait()
            except TimeoutError:
                raise Unavailable("The host has only just started.", retry_after=5) from None
            return await self._invokes[name](tenant, activity)

        return answer

    async def _token(self) -> str:
        """Return the host's own token for the Bot Connector."""
        settings = self._footing.settings
        return await self._footing.identity.grants.host_token(settings.identity.home, settings.teams.scope)

    async def open(self, public_url: str) -> None:
        """Load what speaks to Teams and let each part begin its work; what waits from before is taken up at once.
        ``public_url`` is where people's browsers find the host's pages.
        """
        try:
            await self._tokens.warm()
            link = await open_connector(
                self._footing.settings.teams, self._footing.settings.identity.client_id, self._token
            )
            self._stack.push_async_callback(link.close)
            self._join(link, public_url)
        except Exception:  # noqa: BLE001 - nobody waits for this task; the host serves its other doors
            _log.exception("the door of Teams does not open")

    def _join(self, link: "Link", public_url: str) -> None:
        footing, teams = self._footing, self._footing.settings.teams
        database, authenticator = footing.database, footing.identity.authenticator

        async def unreachable(session: Session, taken: Taken) -> None:
            await telling.unreachable(session, taken)

        drill = Drill(footing.settings.drill)
        sender = Sender(database, link, footing.tenants, drill=drill, unreachable=unreachable)
        callers = Callers(link, authenticator, database)
        sign_in = SignIn(callers, link, footing.identity.grants, database, sender, teams)
        desk = Desk(
            teams,
            database,
            footing.service,
            footing.tenants,
            link,
            callers,
            sign_in,
            sender,
            States(database),
            public_url,
        )
        telling, approving, clicks = Telling(desk), Approving(desk), Clicks(desk)
        files = Files(Fetching(footing.http, teams.service_urls, self._token, loopback=bool(teams.anonymous)))
        self._stack.push_async_callback(files.close)
        choosing = Choosing(footing.embedder, self._examples_of, preferred=teams.agent)
        choosing.learn(self._agents())
        self._stack.push_async_callback(choosing.close)
        talk, answering = Talk(desk, choosing, files), Answering(desk, telling)
        worker = Worker(desk, talk, Commands(desk), answering, footing.tracing)
        sign_in.resumed = worker.resumed
        self._invokes = dict(
            zip(
                _INVOKES,
                (clicks.pressed, clicks.liked, sign_in.exchanged, sign_in.verified, sign_in.failed),
                strict=True,
            )
        )
        forgetting = Forgetting(database, footing.tenants, days=teams.retention_days)
        for part in (sender, worker, telling, approving, forgetting):
            part.open()
            self._stack.push_async_callback(part.close)
        for heard in (telling.heard, approving.heard):
            footing.service.followers.listen(heard)
        self._worker = worker
        self._opened.set()

    def _examples_of(self, function: str) -> Sequence[str]:
        return self._footing.service.editions.current.catalog.function(function).examples

    def _agents(self) -> list[Mapping[str, Any]]:
        """Return all agents, so that what they say of themselves is embedded before anybody writes."""
        return [
            {
                "name": spec.name,
                "description": spec.description,
                "starters": spec.starters,
                "functions": [{"name": name} for name in spec.functions],
            }
            for spec in self._footing.service.editions.current.catalog.agents.values()
        ]

    async def close(self) -> None:
        """End in the reverse order: what is being sent is sent, what is left over is found by whoever comes next."""
        await self._stack.aclose()
