"""Anthropic and Mistral as tests reach them: a twin whose key may change, its stage, and a session of a shipped agent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from charter import settings
from charter.kernel.door import open_sessions
from charter.models.deployments import open_deployment
from charter.models.route import Route
from charter.twins.makers import anthropic, mistral
from charter.twins.makers.scene import Call, Stage
from tests.models.makers.sides import Side, Time, shipped

KINDS = ("anthropic", "mistral")
MODEL = {"anthropic": "claude-sonnet-5-5", "mistral": "mistral-large-latest"}
IDS = {"anthropic": ("toolu_01A", "toolu_01B"), "mistral": ("D681PevKs", "a9B8c7D6e")}


@dataclass(slots=True)
class Maker:
    """A twin that is reached at ``deployment``."""

    twin: Any
    stage: Stage
    deployment: settings.Deployment


def two_calls(kind: str) -> tuple[Call, Call]:
    """Two functions of the employee assistant, asked for at once as this maker numbers calls."""
    first, second = IDS[kind]
    return (
        Call(first, "people-get_manager", "{}"),
        Call(second, "service_desk-list_tickets", '{"status":"open"}'),
    )


@asynccontextmanager
async def maker_of(kind: str, **chosen: Any) -> AsyncIterator[Maker]:
    stage = Stage()
    running = anthropic.running(stage) if kind == "anthropic" else mistral.running(stage)
    async with running as (url, twin):
        given = {"kind": kind, "model": MODEL[kind], "base_url": url, "api_key": SecretStr(twin.key), **chosen}
        yield Maker(twin, stage, settings.Deployment(**given))


@asynccontextmanager
async def side_of(kind: str, **chosen: Any) -> AsyncIterator[Side]:
    """Yield a session of the shipped employee_assistant whose model is that maker's twin."""
    async with maker_of(kind, **chosen) as maker:
        time = Time()
        deployed = open_deployment("standard", maker.deployment, None)
        route = Route("standard", [deployed], clock=time.now, sleep=time.sleep)
        session = open_sessions(shipped(), {"standard": route})["employee_assistant"]
        yield Side(kind, maker.stage, maker.deployment, session)
        await route.close()
