"""Who issues the Bot Connector's tokens, as tests have it: metadata and keys over HTTP, and tokens of every kind."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from charter.settings import Teams

NAME = "https://api.botframework.com"
BOT = "charter-host"
ROOT = "https://smba.trafficmanager.net/"
SERVICE = f"{ROOT}emea/"
GOVERNMENT = "https://smba.infra.gcc.teams.microsoft.com/"

Fault = Literal["", "hang", "fail"]


def _made() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(slots=True)
class BotIssuer:
    """``keys`` are published under their ids; ``channels`` is what each is endorsed for. ``asked`` are the paths that were
    asked for, and ``metadata`` what is changed about the metadata.
    """

    url: str = ""
    elsewhere: str = ""
    keys: dict[str, rsa.RSAPrivateKey] = field(
        default_factory=lambda: {"first": _made(), "skype": _made(), "bare": _made()}
    )
    channels: dict[str, Any] = field(default_factory=lambda: {"first": ["msteams", "webchat"], "skype": ["skype"]})
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])
    asked: list[str] = field(default_factory=list[str])
    fault: Fault = ""
    mended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def metadata_url(self) -> str:
        return f"{self.url}/v1/.well-known/openidconfiguration"

    def settings(self, **chosen: Any) -> Teams:
        """Return the settings of a host that believes this issuer, and no twin."""
        # Not the default alone: a laptop would put its twin in that place.
        services = (ROOT, GOVERNMENT)
        own = {"metadata_url": self.metadata_url, "issuer": NAME, "token_service": self.url, "service_urls": services}
        return Teams(**({"enabled": True, "anonymous": False} | own | chosen))

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Return a good token's claims, changed; ``None`` takes one away."""
        now = int(time.time())
        good = {"iss": NAME, "aud": BOT, "nbf": now - 5, "exp": now + 600, "serviceurl": SERVICE}
        return {name: value for name, value in (good | changed).items() if value is not None}

    def signed(
        self, headers: dict[str, Any] | None = None, *, kid: str = "first", alg: str = "RS256", **changed: Any
    ) -> str:
        return jwt.encode(self.claims(**changed), self.keys[kid], alg, headers={"kid": kid, **(headers or {})})

    def public(self, kid: str = "first") -> Any:
        return self.keys[kid].public_key()

    def jwk(self, kid: str) -> dict[str, Any]:
        told = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.public(kid)))
        named = {"endorsements": self.channels[kid]} if kid in self.channels else {}
        return {**told, "use": "sig", "kid": kid, **named}

    def mend(self) -> None:
        self.fault = ""
        self.mended.set()

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if self.fault == "hang":
            await self.mended.wait()
        if self.fault == "fail":
            return web.Response(status=500)
        if request.path.endswith("openidconfiguration"):
            return web.json_response({"issuer": NAME, "jwks_uri": f"{self.url}/v1/.well-known/keys"} | self.metadata)
        return web.json_response({"keys": [self.jwk(kid) for kid in self.keys]})


@asynccontextmanager
async def bot_issuer() -> AsyncIterator[BotIssuer]:
    """Publish keys on a free port, at an address of this machine that hosts believe, and at one that they do not."""
    issuer = BotIssuer()
    app = web.Application()
    app.router.add_get("/{any:.*}", issuer.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    await web.TCPSite(runner, "127.0.0.9", port).start()
    issuer.url, issuer.elsewhere = f"http://127.0.0.1:{port}", f"http://127.0.0.9:{port}"
    try:
        yield issuer
    finally:
        issuer.mend()
        await runner.cleanup()
