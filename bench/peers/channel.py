"""The channel's side of a comparison: keys, tokens of people, and a connector that counts what it is told.

It judges nothing: the twin does that. Here it must cost little, since it shares the machine with what is measured.
"""

import time
import uuid
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

import jwt
import orjson
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://api.botframework.com"
_KEY_ID = "bench"


class Channel:
    """Answers the bot's requests; ``said`` counts the messages with the ``answer`` by the activity that they answer."""

    def __init__(self, client_id: str, answer: str) -> None:
        self.answer = answer
        self._client_id = client_id
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._stack = AsyncExitStack()
        self.url = ""
        self.people: dict[str, str] = {}
        self.said: Counter[str] = Counter()
        self.received = 0

    async def start(self) -> None:
        application = web.Application(client_max_size=1_000_000)
        application.add_routes(
            [
                web.get("/v1/.well-known/openidconfiguration", self._metadata),
                web.get("/v1/.well-known/keys", self._keys),
                web.get("/api/usertoken/GetToken", self._token),
                web.post("/v3/conversations/{conversation}/activities", self._take),
                web.post("/v3/conversations/{conversation}/activities/{activity}", self._take),
                web.put("/v3/conversations/{conversation}/activities/{activity}", self._take),
            ]
        )
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._stack.aclose()

    def bearer(self) -> str:
        """Return a token of the channel for the bot."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": self._client_id,
            "serviceurl": self.url,
            "iat": now,
            "nbf": now - 10,
            "exp": now + 3600,
        }
        return f"Bearer {jwt.encode(claims, self._key, algorithm='RS256', headers={'kid': _KEY_ID})}"

    async def _metadata(self, _: web.Request) -> web.Response:
        return web.json_response({"issuer": ISSUER, "jwks_uri": f"{self.url}/v1/.well-known/keys"})

    async def _keys(self, _: web.Request) -> web.Response:
        public = orjson.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        return web.json_response({"keys": [{**public, "kid": _KEY_ID, "use": "sig", "endorsements": ["msteams"]}]})

    async def _token(self, request: web.Request) -> web.Response:
        token = self.people.get(request.query.get("userId", request.query.get("user_id", "")).partition(":")[2])
        if token is None:
            return web.Response(status=404)
        return web.json_response({"connectionName": "charter", "token": token, "expiration": None})

    async def _take(self, request: web.Request) -> web.Response:
        body: Mapping[str, Any] = orjson.loads(await request.read())
        self.received += 1
        if body.get("type") == "message" and self.answer in str(body.get("text")):
            self.said[str(body.get("replyToId", ""))] += 1
        return web.Response(body=orjson.dumps({"id": uuid.uuid4().hex}), status=201, content_type="application/json")


def activity(url: str, number: int, conversations: int) -> dict[str, Any]:
    """Return a message of alice's, each in one of so many personal chats."""
    return {
        "type": "message",
        "id": f"a{number}",
        "channelId": "msteams",
        "serviceUrl": url,
        "from": {"id": "29:alice", "aadObjectId": "alice", "name": "Alice"},
        "recipient": {"id": "28:bot", "name": "Charter"},
        "conversation": {"id": f"c{number % conversations}", "tenantId": "contoso", "conversationType": "personal"},
        "channelData": {"tenant": {"id": "contoso"}},
        "locale": "en-GB",
        "text": "hello",
    }
