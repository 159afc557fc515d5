"""The rooms of this door, joined and opened once for a process."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
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
from charter.channels.teams.files import Files
from charter.channels.teams.ingress import Ingress
from charter.channels.teams.sending import Sender
from charter.channels.teams.signin import SignIn
from charter.channels.teams.states import States
from charter.channels.teams.talk import Talk
from charter.channels.teams.telling import Telling
from charter.channels.teams.work import Worker
from charter.identity.bot_framework import BotTokens
from charter.identity.room import IdentityRoom
from charter.knowledge.embedder import Embedder
from charter.runs.drill import Drill
from charter.runs.service import RunService
from charter.settings import Settings
from charter.store.database import Database
from charter.store.tenants import Tenants
from charter.telemetry.tracing import Tracing


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


class TeamsRoom:
    """The door and all that works behind it."""

    def __init__(self, footing: Footing) -> None:
        """Join the parts; nothing is asked of anybody yet."""
        self._footing = footing
        self._stack = AsyncExitStack()
        settings, database, identity = footing.settings, footing.database, footing.identity
        teams, client = settings.teams, settings.identity.client_id
        self._link = open_connector(teams, client, self._token)
        self._sender = Sender(database, self._link, footing.tenants, teams, drill=Drill(settings.drill))
        callers = Callers(self._link, identity.authenticator, database)
        self._sign_in = SignIn(callers, self._link, database, self._sender, teams)
        self._desk = Desk(
            teams, database, footing.service, footing.tenants, self._link, callers, self._sign_in, self._sender, States(database)
        )  # fmt: skip
        self._telling, self._approving = Telling(self._desk), Approving(self._desk)
        choosing, files = Choosing(teams, footing.embedder), Files(teams, footing.http, self._token)
        talk = Talk(self._desk, choosing, files, Answering(self._desk, self._telling))
        self._worker = Worker(self._desk, talk, Commands(self._desk), footing.tracing)
        self._tokens = BotTokens(teams, client, footing.http)
        self._sign_in.resumed = self._worker.resumed
        self._sender.unreachable = self._telling.unreachable

    async def _token(self) -> str:
        """Return the host's own token for the Bot Connector."""
        settings = self._footing.settings
        return await self._footing.identity.grants.host_token(settings.identity.home, settings.teams.scope)

    def routes(self) -> list[web.RouteDef]:
        clicks = Clicks(self._desk)
        invokes = {
            "adaptiveCard/action": clicks.pressed,
            "message/submitAction": clicks.liked,
            "signin/tokenExchange": self._sign_in.exchanged,
            "signin/verifyState": self._sign_in.verified,
            "signin/failure": self._sign_in.failed,
        }
        footing = self._footing
        door = Ingress(
            footing.database, self._tokens, footing.tenants, footing.settings.teams, invokes, self._worker.arrived
        )
        return ingress.routes(door)

    async def open(self, public_url: str) -> None:
        """Let each part begin its work; what waits from before is taken up at once. ``public_url`` is where people's
        browsers find the host's pages.
        """
        self._desk.public_url = public_url
        await self._tokens.warm()
        await self._link.open()
        self._stack.push_async_callback(self._link.close)
        for part in (self._sender, self._worker, self._telling, self._approving):
            part.open()
            self._stack.push_async_callback(part.close)
        for heard in (self._telling.heard, self._approving.heard):
            self._footing.service.followers.listen(heard)

    async def close(self) -> None:
        """End in the reverse order: what is being sent is sent, what is left over is found by whoever comes next."""
        await self._stack.aclose()
