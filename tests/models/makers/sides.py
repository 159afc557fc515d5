"""OpenAI and Azure OpenAI as tests reach them: a twin, its stage, and the deployment that a host is given."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from charter import settings
from charter.catalog import loader
from charter.catalog.spec import Catalog
from charter.kernel.door import open_sessions
from charter.kernel.session import Session
from charter.models.chat import Message, Reply
from charter.models.deployments import open_deployment
from charter.models.route import Route
from charter.twins.makers import azure_openai, openai
from charter.twins.makers.scene import Call, Scene, Stage

SIDES = ("openai", "azure_openai")
TWO_CALLS = (
    Call("call_1", "people-get_manager", "{}"),
    Call("call_2", "service_desk-list_tickets", '{"status": "open"}'),
)
FUNCTIONS = ("people.get_manager", "service_desk.list_tickets")
ASKED = [Message("system", "You help."), Message("user", "Who am I, and what is open?")]


@dataclass(slots=True)
class Time:
    """A clock that only waiting moves on, and no waiting."""

    seconds: float = 0

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass(slots=True)
class Ear:
    """Hears what a turn says while it says it."""

    heard: list[str] = field(default_factory=list)

    async def say(self, text: str) -> None:
        self.heard.append(text)

    async def withdraw(self) -> None:
        self.heard.clear()


@dataclass(slots=True)
class Side:
    kind: str
    stage: Stage
    deployment: settings.Deployment
    session: Session

    async def turn(self, *said: Message, streams: bool = True, **more: Any) -> tuple[Reply, str]:
        """Take a turn; return the reply and what was said live."""
        ear = Ear()
        reply = await self.session.turn(
            said or ASKED, **{"functions": FUNCTIONS, "hearer": ear if streams else None, **more}
        )
        return reply, "".join(ear.heard)

    @property
    def body(self) -> Mapping[str, Any]:
        """The last request's."""
        return self.stage.heard[-1].body


@asynccontextmanager
async def twin(kind: str) -> AsyncIterator[tuple[Stage, settings.Deployment]]:
    stage = Stage()
    if kind == "openai":
        async with openai.running(stage) as url:
            yield stage, settings.Deployment(kind="openai", model="gpt-4o", base_url=url, api_key=SecretStr("sk-twin"))
    else:
        async with azure_openai.running(stage) as url:
            yield (
                stage,
                settings.Deployment(kind="azure_openai", model="gpt-4o", base_url=url, api_key=SecretStr("azure-key")),
            )


@asynccontextmanager
async def side(kind: str) -> AsyncIterator[Side]:
    """Yield a session of the shipped employee_assistant whose model is that maker's twin."""
    async with twin(kind) as (stage, deployment):
        time = Time()
        route = Route("standard", [open_deployment("standard", deployment, None)], clock=time.now, sleep=time.sleep)
        session = open_sessions(shipped(), {"standard": route})["employee_assistant"]
        yield Side(kind, stage, deployment, session)
        await route.close()


@cache
def shipped() -> Catalog:
    return loader.load(settings.Settings(data_dir=Path("/nonexistent")))


def calls_then(text: str) -> tuple[Scene, Scene]:
    """Two functions at once, then an answer."""
    return Scene(("Let me ", "look."), TWO_CALLS), Scene((text,))
