"""A tier's deployment becomes a ready client: built once, shared by every turn."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import httpx2
from openai import AsyncAzureOpenAI, AsyncOpenAI, DefaultAioHttpClient

from charter import settings
from charter.errors import StartRefused
from charter.models import recording, scripted
from charter.models.chat import Level, Usage
from charter.models.key import LiveKey
from charter.models.prices import Tariff, tariff_of
from charter.models.wire import Answer, Answered, AnswerTransport
from charter.secrets.store import Live

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

RETRIES = 0
"""A client never asks again by itself: the route does, which knows whether another deployment can be asked instead."""

_COGNITIVE_SERVICES = "https://cognitiveservices.azure.com/.default"


class Embedded(Protocol):
    """What a deployment of kind ``embedded`` needs of the embedded model."""

    async def answer(self, body: dict[str, Any]) -> Answered:
        """Answer one chat-completions body."""
        ...

    def level(self) -> Level:
        """Return the level that answers now."""
        ...


@dataclass(frozen=True, slots=True)
class Deployed:
    """One deployment of a tier, ready to be asked; ``level`` is asked anew each time.

    ``said`` is what settings say of it. ``provider`` is the maker's name in the GenAI semantic conventions of
    OpenTelemetry; our own models are ``charter``.
    ``client`` is the maker's own, as the connector of this ``kind`` wants it.
    """

    tier: str
    name: str
    kind: settings.Kind
    model: str
    provider: str
    client: Any
    level: Callable[[], Level]
    said: settings.Deployment
    tariff: Tariff
    recorder: recording.Recorder | None = None

    @property
    def sees(self) -> bool:
        """Whether it can be shown images."""
        return self.kind not in {"embedded", "scripted"}

    @property
    def forms(self) -> bool:
        """Whether it can be asked for an answer of a JSON Schema: the embedded levels answer in sentences of their own."""
        return self.kind != "embedded"

    @property
    def priority(self) -> int:
        return self.said.priority

    @property
    def weight(self) -> int:
        return self.said.weight

    def serves(self, residency: Collection[str] | None) -> bool:
        """Whether a tenant with this residency may be served here."""
        return self.said.serves(residency)

    def cost(self, usage: Usage, day: date) -> Decimal:
        """Return the price of one answer of that day, in whole units of the house's currency."""
        return self.tariff.cost(usage, day)

    async def close(self) -> None:
        """Close the client."""
        await self.client.close()


def open_deployment(
    tier: str,
    deployment: settings.Deployment,
    embedded: Embedded | None,
    *,
    costs: settings.Costs | None = None,
    key: Live | None = None,
    identity: "AsyncTokenCredential | None" = None,
    clean: recording.Clean = str,
) -> Deployed:
    """Build the client of one deployment.

    ``key`` gives what ``api_key`` stands for, anew for each request (nothing: it stands for itself). ``identity`` is the
    host's own at Azure, for Azure OpenAI without a key. ``clean`` takes secrets out of what is recorded.

    Raises:
        StartRefused: the deployment lacks what its kind needs, or its prices cannot be counted in the house's currency.
    """
    client, level = _opened(tier, deployment, embedded, key, identity)
    said = (deployment.called, deployment.kind, deployment.model, _PROVIDERS.get(deployment.kind, "charter"))
    tariff = tariff_of(deployment, costs or settings.Costs())
    return Deployed(tier, *said, client, level, deployment, tariff, _recorder(deployment, clean))


def _opened(
    tier: str,
    deployment: settings.Deployment,
    embedded: Embedded | None,
    key: Live | None,
    identity: "AsyncTokenCredential | None",
) -> tuple[Any, Callable[[], Level]]:
    """Return the client, and who tells the level that answers through it."""
    match deployment.kind:
        case "embedded":
            return _embedded(tier, embedded)
        case "scripted":
            return in_process(scripted.ScriptedModel(scripted.load(_script(tier, deployment))).answer), _yours
        case "azure_openai":
            return _azure(tier, deployment, key, identity), _yours
        case "openai":
            return _openai(tier, deployment, key), _yours
        case "anthropic":
            # Late, as below: each maker's client costs the start more than all of ours.
            from charter.models.claude import open_claude

            return open_claude(tier, deployment, key, retries=RETRIES), _yours
        case "mistral":
            from charter.models.mistral import open_mistral

            return open_mistral(tier, deployment, key), _yours
        case "recorded":
            return in_process(recording.load(_recording(tier, deployment)).answer), _yours


def _recorder(deployment: settings.Deployment, clean: recording.Clean) -> recording.Recorder | None:
    file = deployment.recording
    return recording.Recorder(file, clean) if file is not None and deployment.kind != "recorded" else None


_PROVIDERS = {
    "openai": "openai",
    "azure_openai": "azure.ai.openai",
    "anthropic": "anthropic",
    "mistral": "mistral_ai",
}


def _yours() -> Level:
    return "yours"


def _embedded(tier: str, embedded: Embedded | None) -> tuple[AsyncOpenAI, Callable[[], Level]]:
    if embedded is None:
        raise StartRefused(f"The tier {tier} is embedded, but this host has no embedded model.")
    return in_process(embedded.answer), embedded.level


def in_process(answer: Answer) -> AsyncOpenAI:
    """Return a client whose requests ``answer`` takes, in this process."""
    # The address is never reached: the transport answers.
    http = httpx2.AsyncClient(transport=AnswerTransport(answer))
    return AsyncOpenAI(base_url="http://embedded.invalid/v1", api_key="none", http_client=http, max_retries=RETRIES)


def _script(tier: str, deployment: settings.Deployment) -> Any:
    if deployment.script is None:
        raise StartRefused(
            f"The tier {tier} is scripted, but names no script.", action="Set its field 'script' to a file."
        )
    return deployment.script


def _recording(tier: str, deployment: settings.Deployment) -> Any:
    if deployment.recording is None:
        raise StartRefused(
            f"The tier {tier} is recorded, but names no recording.", action="Set its field 'recording' to a file."
        )
    return deployment.recording


def _openai(tier: str, deployment: settings.Deployment, key: Live | None) -> AsyncOpenAI:
    written = deployment.api_key.get_secret_value()
    if not written and not deployment.base_url:
        raise StartRefused(f"The tier {tier} has neither an api_key nor a base_url.")
    auth = LiveKey(key) if key is not None and written else None
    return AsyncOpenAI(
        # An endpoint of one's own may want no key at all; the client wants some.
        api_key="none" if auth is not None else written or "none",
        base_url=deployment.base_url or None,
        http_client=DefaultAioHttpClient(timeout=deployment.timeout_seconds, auth=auth),
        timeout=deployment.timeout_seconds,
        max_retries=RETRIES,
    )


def _azure(
    tier: str, deployment: settings.Deployment, key: Live | None, identity: "AsyncTokenCredential | None"
) -> AsyncAzureOpenAI:
    if not deployment.base_url:
        raise StartRefused(
            f"The tier {tier} is on Azure OpenAI, but names no endpoint.", action="Set its field 'base_url'."
        )
    written = deployment.api_key.get_secret_value()
    auth = LiveKey(key, header="api-key", prefix="") if key is not None and written else None
    shared: dict[str, Any] = {
        "azure_endpoint": deployment.base_url,
        "api_version": deployment.api_version,
        "http_client": DefaultAioHttpClient(timeout=deployment.timeout_seconds, auth=auth),
        "timeout": deployment.timeout_seconds,
        "max_retries": RETRIES,
    }
    if written:
        return AsyncAzureOpenAI(api_key="none" if auth is not None else written, **shared)
    if identity is None:
        raise StartRefused(
            f"The tier {tier} is on Azure OpenAI without a key, and this host has no identity at Azure.",
            action="Set its field 'api_key', or CHARTER_IDENTITY__CREDENTIAL.",
        )
    # Late: these imports cost a third of a second that other deployments need not pay.
    from azure.identity.aio import get_bearer_token_provider

    return AsyncAzureOpenAI(azure_ad_token_provider=get_bearer_token_provider(identity, _COGNITIVE_SERVICES), **shared)
