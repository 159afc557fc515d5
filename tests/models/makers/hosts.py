"""A whole running host whose standard models are OpenAI's twin and whose fast ones Azure's, with agents on both; the
reasoning ones are embedded.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from charter import settings
from charter.twins.makers.scene import Scene, Stage
from tests.models.makers.sides import SIDES, twin
from tests.running import RunningHost, running_host

TIERS = {"openai": "standard", "azure_openai": "fast", "embedded": "reasoning"}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["days", "note"],
    "properties": {"days": {"type": "integer", "minimum": 0}, "note": {"type": ["string", "null"]}},
}


@dataclass(slots=True)
class Hosted:
    """One maker's side of the host."""

    kind: str
    stage: Stage
    host: RunningHost

    @property
    def agent(self) -> str:
        return f"desk_{self.kind}"

    @property
    def report(self) -> str:
        """An agent whose answers have a form."""
        return f"report_{self.kind}"

    async def ask(self, text: str, *scenes: Scene, agent: str = "", **more: Any) -> dict[str, Any]:
        self.plays(*scenes)
        return await self.host.ask("alice", agent or self.agent, text, **more)

    def plays(self, *scenes: Scene) -> None:
        self.stage.plays(*scenes)
        self.stage.heard.clear()

    async def models(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the run's model steps."""
        steps = await self.host.timeline("alice", run["id"])
        return [step for step in steps if step["type"] == "model"]

    def messages(self, request: int = -1) -> list[dict[str, Any]]:
        return list(self.stage.heard[request].body["messages"])


@asynccontextmanager
async def hosted(folder: Path, **chosen: Any) -> AsyncIterator[dict[str, Hosted]]:
    agents = folder / "agents"
    for kind in (*SIDES, "embedded"):
        _write(agents / f"desk_{kind}", TIERS[kind])
        _write(agents / f"report_{kind}", TIERS[kind], output={"schema": SCHEMA})
    async with AsyncExitStack() as stack:
        made = {kind: await stack.enter_async_context(twin(kind)) for kind in SIDES}
        models: dict[str, Any] = {TIERS[kind]: (deployment,) for kind, (_, deployment) in made.items()}
        models["reasoning"] = (settings.Deployment(kind="embedded"),)
        host = await stack.enter_async_context(
            running_host(folder / "host", models=models, agents_dirs=str(agents), **chosen)
        )
        yield {kind: Hosted(kind, stage, host) for kind, (stage, _) in made.items()}


def _write(folder: Path, tier: str, **more: Any) -> None:
    folder.mkdir(parents=True)
    charter = {
        "owner": "desk@contoso.example",
        "acts_as": "caller",
        "functions": ["people.*", "service_desk.*"],
        **more,
    }
    document = {
        "type": "chat_completion_agent", "name": folder.name, "description": "Answers what it is asked.",
        "instructions": "instructions.md", "model": {"tier": tier}, "charter": charter,
    }  # fmt: skip
    (folder / "agent.yaml").write_text(yaml.safe_dump(document))
    (folder / "instructions.md").write_text("You answer what you are asked.\n")
