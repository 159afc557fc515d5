"""The Teams SDK's own way: its application on aiohttp, its token check, one handler that echoes.

usage: python -m bench.peers.echo_bot PORT CHANNEL_URL CLIENT_ID
"""

import asyncio
import sys
from typing import Any

import uvloop
from aiohttp import web
from microsoft_teams.api.auth.cloud_environment import PUBLIC, with_overrides
from microsoft_teams.apps import App


class Adapter:
    """The SDK's server adapter over an aiohttp application."""

    def __init__(self, application: web.Application) -> None:
        self._application = application

    def register_route(self, method: str, path: str, handler: Any) -> None:
        async def route(request: web.Request) -> web.Response:
            answer = await handler(
                {
                    "body": await request.json(),
                    "headers": {name.lower(): value for name, value in request.headers.items()},
                }
            )
            return web.json_response(answer.get("body"), status=answer["status"])

        self._application.router.add_route(method, path, route)

    def serve_static(self, path: str, directory: str) -> None: ...

    async def start(self, port: int) -> None: ...

    async def stop(self) -> None: ...


async def main(port: int, channel: str, client_id: str) -> None:
    application = web.Application()
    cloud = with_overrides(
        PUBLIC, openid_metadata_url=f"{channel}/v1/.well-known/openidconfiguration", token_service_url=channel
    )
    bot = App(
        client_id=client_id,
        tenant_id="contoso",
        token=lambda _scope, _tenant: "e30.e30.e30",
        cloud=cloud,
        http_server_adapter=Adapter(application),
    )

    @bot.on_message
    async def echo(ctx: Any) -> None:
        await ctx.send(f"echo: {ctx.activity.text}")

    await bot.initialize()
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
