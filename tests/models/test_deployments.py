"""Deployments against real endpoints on loopback."""

import time
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from azure.core.credentials import AccessToken
from openai import AuthenticationError, RateLimitError
from pydantic import SecretStr

from charter import settings
from charter.errors import ModelUnavailable, StartRefused
from charter.models.chat import Level
from charter.models.deployments import open_deployment
from charter.models.wire import Answered
from charter.secrets.leases import Leases
from charter.secrets.memory import MemoryStore
from charter.secrets.secrets import Secrets

COMPLETION = {
    "id": "c1", "object": "chat.completion", "created": 1, "model": "maker-1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Here."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
}  # fmt: skip


class Maker:
    """A maker's endpoint that notes what it was asked with, and is busy at first as often as it is told."""

    def __init__(self) -> None:
        self.asked: list[web.Request] = []
        self.busy = 0
        self.wanted = ""
        self.app = web.Application()
        self.app.router.add_post("/{path:.*}", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        if len(self.asked) <= self.busy:
            return web.json_response({"error": {"message": "busy"}}, status=429, headers={"retry-after": "0.01"})
        if self.wanted and self.keys()[-1] != self.wanted:
            return web.json_response({"error": {"message": "wrong key"}}, status=401)
        return web.json_response(COMPLETION)

    def keys(self) -> list[str]:
        """The keys that came, in order."""
        heads = [request.headers for request in self.asked]
        return [head.get("api-key") or head["authorization"].removeprefix("Bearer ") for head in heads]


@pytest.fixture
async def maker() -> AsyncIterator[tuple[Maker, str]]:
    maker = Maker()
    server = TestServer(maker.app)
    await server.start_server()
    yield maker, str(server.make_url("/"))
    await server.close()


async def said(deployed: Any) -> str:
    reply = await deployed.client.chat.completions.create(
        model=deployed.model, messages=[{"role": "user", "content": "hello"}]
    )
    return reply.choices[0].message.content


@pytest.mark.promise("models.deployments")
async def test_an_openai_compatible_endpoint_is_asked_with_its_key(maker: tuple[Maker, str]) -> None:
    endpoint, url = maker
    deployment = settings.Deployment(kind="openai", model="m-1", base_url=f"{url}v1", api_key=SecretStr("key-1"))
    deployed = open_deployment("standard", deployment, None)
    assert await said(deployed) == "Here."
    assert endpoint.asked[0].headers["authorization"] == "Bearer key-1"
    assert (deployed.level(), deployed.provider) == ("yours", "openai")
    await deployed.close()


@pytest.mark.promise("models.deployments")
async def test_azure_openai_is_asked_by_deployment_and_version(maker: tuple[Maker, str]) -> None:
    endpoint, url = maker
    deployment = settings.Deployment(kind="azure_openai", model="gpt", base_url=url, api_key=SecretStr("key-2"))
    deployed = open_deployment("standard", deployment, None)
    assert await said(deployed) == "Here."
    asked = endpoint.asked[0]
    assert asked.path == "/openai/deployments/gpt/chat/completions"
    assert (asked.query["api-version"], asked.headers["api-key"]) == (deployment.api_version, "key-2")
    await deployed.close()


class Identity:
    """The host's identity at Azure."""

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(f"token for {scopes[0]}", int(time.time()) + 600)

    async def close(self) -> None: ...


@pytest.mark.promise("models.deployments")
async def test_azure_openai_without_a_key_is_asked_as_the_host(maker: tuple[Maker, str]) -> None:
    endpoint, url = maker
    deployment = settings.Deployment(kind="azure_openai", model="gpt", base_url=url)
    deployed = open_deployment("standard", deployment, None, identity=cast("Any", Identity()))
    assert await said(deployed) == "Here."
    asked = endpoint.asked[0].headers
    assert asked["authorization"] == "Bearer token for https://cognitiveservices.azure.com/.default"
    assert "api-key" not in asked
    await deployed.close()
    with pytest.raises(StartRefused, match="no identity"):
        open_deployment("standard", deployment, None)


@pytest.mark.promise("models.key")
@pytest.mark.parametrize("kind", ["openai", "azure_openai"])
async def test_a_rotated_key_is_used_at_once_and_a_refused_one_renewed_once(
    maker: tuple[Maker, str], kind: Any
) -> None:
    endpoint, url = maker
    store = MemoryStore()
    store.set("model-key", "key-1")
    key = Secrets(Leases(store, seconds=60), lambda _: None).live("keyvault:model-key")
    reference = SecretStr("keyvault:model-key")
    deployment = settings.Deployment(kind=kind, model="m", base_url=url, api_key=reference)
    deployed = open_deployment("standard", deployment, None, key=key)
    endpoint.wanted = "key-1"
    assert await said(deployed) == "Here."
    endpoint.wanted = "key-2"
    store.set("model-key", "key-2")
    assert await said(deployed) == "Here."
    assert endpoint.keys() == ["key-1", "key-1", "key-2"]
    endpoint.wanted = "key-3"
    with pytest.raises(AuthenticationError):
        await said(deployed)
    assert endpoint.keys()[3:] == ["key-2"]  # the vault has no newer one: nothing is gained by asking again
    await deployed.close()


@pytest.mark.promise("models.key")
async def test_a_key_that_cannot_be_had_is_said_without_asking_the_endpoint(maker: tuple[Maker, str]) -> None:
    endpoint, url = maker
    key = Secrets(Leases(MemoryStore(), seconds=60), lambda _: None).live("keyvault:model-key")
    reference = SecretStr("keyvault:model-key")
    deployment = settings.Deployment(kind="openai", model="m", base_url=url, api_key=reference)
    deployed = open_deployment("standard", deployment, None, key=key)
    with pytest.raises(ModelUnavailable, match="key"):
        await said(deployed)
    assert endpoint.asked == []
    await deployed.close()


async def test_a_client_does_not_ask_a_busy_endpoint_again_by_itself(maker: tuple[Maker, str]) -> None:
    endpoint, url = maker
    endpoint.busy = 1
    deployed = open_deployment("standard", settings.Deployment(kind="openai", model="m", base_url=f"{url}v1"), None)
    with pytest.raises(RateLimitError):
        await said(deployed)
    assert len(endpoint.asked) == 1
    await deployed.close()


class Parrot:
    """An embedded model that repeats."""

    async def answer(self, body: dict[str, Any]) -> Answered:
        return Answered(body["messages"][-1]["content"], model="parrot")

    def level(self) -> Level:
        return "assistance"


async def test_the_embedded_model_is_reached_without_leaving_the_process() -> None:
    deployed = open_deployment("standard", settings.Deployment(), Parrot())
    assert await said(deployed) == "hello"
    assert deployed.level() == "assistance"
    await deployed.close()


@pytest.mark.parametrize(
    ("deployment", "words"),
    [
        (settings.Deployment(kind="openai"), "neither an api_key nor a base_url"),
        (settings.Deployment(kind="anthropic"), "neither an api_key nor a base_url"),
        (settings.Deployment(kind="mistral"), "neither an api_key nor a base_url"),
        (settings.Deployment(kind="azure_openai"), "names no endpoint"),
        (settings.Deployment(kind="scripted"), "names no script"),
        (settings.Deployment(kind="embedded"), "no embedded model"),
    ],
)
async def test_a_deployment_that_lacks_something_refuses_the_start(deployment: settings.Deployment, words: str) -> None:
    with pytest.raises(StartRefused, match=words):
        open_deployment("standard", deployment, None)
