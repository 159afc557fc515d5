"""Bots for the Bot Connector twin to talk to: one that only hears, and one of the unchanged Teams SDK."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from charter.settings import quiet_dotenv
from charter.twins.listening import Place, serve, take
from tests.teams.client import Teams, running_teams
from tests.twins.running import RunningTwin
from tests.twins.test_runner import running

quiet_dotenv()  # before anything of the SDK

from microsoft_teams.api import ApiClient  # noqa: E402
from microsoft_teams.api.auth.cloud_environment import PUBLIC, CloudEnvironment, with_overrides  # noqa: E402
from microsoft_teams.api.clients.api_client_settings import ApiClientSettings  # noqa: E402
from microsoft_teams.apps import App  # noqa: E402
from microsoft_teams.common import Client, ClientOptions  # noqa: E402

Json = dict[str, Any]
BOT_SCOPE = "https://api.botframework.com/.default"


@dataclass(slots=True)
class Ear:
    """Hears activities and says nothing: ``answer`` decides what each is answered with."""

    got: list[Json] = field(default_factory=list[Json])
    tokens: list[str] = field(default_factory=list[str])
    answer: Callable[[Json], tuple[int, Any]] = lambda activity: (200, None)
    seconds: float = 0

    async def hear(self, request: web.Request) -> web.Response:
        activity = await request.json()
        self.got.append(activity)
        self.tokens.append(request.headers.get("Authorization", "").removeprefix("Bearer "))
        await asyncio.sleep(self.seconds)
        status, body = self.answer(activity)
        return web.json_response(body, status=status) if body is not None else web.Response(status=status)

    def of(self, kind: str, name: str = "") -> list[Json]:
        return [each for each in self.got if each["type"] == kind and name in ("", each.get("name"))]


@dataclass(slots=True)
class Stage:
    """A channel with a bot that hears, and the SDK's clients as that bot."""

    teams: Teams
    ear: Ear
    api: ApiClient
    entra: RunningTwin

    @property
    def http(self) -> Client:
        return self.api.http

    @property
    def oauth(self) -> ApiClientSettings:
        return ApiClientSettings(oauth_url=self.teams.url)

    def cloud(self) -> CloudEnvironment:
        return cloud_of(self.teams, self.entra.url)


def cloud_of(teams: Teams, entra: str) -> CloudEnvironment:
    """Return the cloud that the twins are, as the SDK describes one."""
    return with_overrides(
        PUBLIC,
        login_endpoint=entra,
        login_tenant="contoso",
        token_service_url=teams.url,
        openid_metadata_url=teams.metadata_url,
    )


async def bot_token(entra: RunningTwin, scope: str = BOT_SCOPE) -> str:
    status, answer = await entra.as_host(grant_type="client_credentials", scope=scope)
    assert status == 200, answer
    return str(answer["access_token"])


@asynccontextmanager
async def staged(folder: Path, http: aiohttp.ClientSession, entra: RunningTwin) -> AsyncIterator[Stage]:
    ear, application = Ear(), web.Application()
    application.router.add_post("/api/messages", ear.hear)
    async with (
        listening(application) as url,
        running_teams(folder, http, entra.url, entra.secret(), endpoint=f"{url}/api/messages") as teams,
    ):
        yield Stage(teams, ear, client(teams, await bot_token(entra)), entra)


def client(teams: Teams, token: str) -> ApiClient:
    return ApiClient(teams.service_url, Client(ClientOptions(token=token)))


@asynccontextmanager
async def listening(application: web.Application, place: Place | None = None) -> AsyncIterator[str]:
    place = place or take(0, "bot")
    runner = await serve(application, place)
    try:
        yield place.url
    finally:
        await runner.cleanup()
        place.close()


class Adapter:
    """Lets an aiohttp application carry the SDK's app."""

    def __init__(self, application: web.Application) -> None:
        self._application = application

    def register_route(self, method: str, path: str, handler: Callable[..., Awaitable[Any]]) -> None:
        async def answer(request: web.Request) -> web.Response:
            told = await handler({"body": await request.json(), "headers": dict(request.headers)})
            body = told.get("body")
            return (
                web.json_response(body, status=told["status"])
                if body is not None
                else web.Response(status=told["status"])
            )

        self._application.router.add_route(method, path, answer)


@asynccontextmanager
async def sdk_bot(folder: Path, http: aiohttp.ClientSession, build: Callable[[App], None]) -> AsyncIterator[Teams]:
    """Run a bot of the SDK against the twins as their own process: the SDK fetches keys without letting anything else run.

    ``build`` gives the bot its handlers.
    """
    secret = folder / "secret"
    secret.write_text("the bot's own secret", "utf-8")
    application = web.Application()
    async with running(folder / "twins", "--client-secret-file", str(secret)) as (_, places):
        teams = Teams(places["bot_connector"], http)

        async def token(scope: Any, tenant: str | None = None) -> str:
            # The SDK's own way to a token insists on TLS.
            form = {"grant_type": "client_credentials", "client_id": "charter-host", "scope": BOT_SCOPE}
            form["client_secret"] = "the bot's own secret"
            async with http.post(f"{places['entra']}/contoso/oauth2/v2.0/token", data=form) as answer:
                return str((await answer.json())["access_token"])

        bot = App(
            client_id="charter-host",
            token=token,
            tenant_id="contoso",
            cloud=cloud_of(teams, places["entra"]),
            service_url=teams.service_url,
            http_server_adapter=Adapter(application),
        )
        build(bot)
        await bot.initialize()
        async with listening(application) as url:
            await teams.bot(f"{url}/api/messages")
            yield teams
