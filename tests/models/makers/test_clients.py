"""The makers' clients as the host opens them: late, and knowing only what settings say."""

import subprocess
import sys
from pathlib import Path

import pytest

from charter.settings import process_environment
from tests.models.makers.others import KINDS

HOUSE = Path(__file__).resolve().parents[3]
LOADED = """
import host, charter.cli, charter.kernel.door
from charter import settings
from charter.kernel.services import service_of
from charter.models.deployments import open_deployment

for kind in ("openai", "anthropic", "mistral"):
    deployment = settings.Deployment(kind=kind, model="m", base_url="http://localhost:1")
    service_of(open_deployment("standard", deployment, None))
    print(kind, *sorted({name.split(".")[0] for name in sys.modules} & {"anthropic", "mistralai"}))
"""
ASKED = """
import asyncio
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.models.makers.others import side_of

spans = InMemorySpanExporter()
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(spans))

async def main():
    async with side_of(sys.argv[1]) as maker:
        with trace.get_tracer("host").start_as_current_span("chat"):
            await maker.turn()
            await maker.turn(streams=False)
    heads = [seen.headers for seen in maker.stage.heard]
    print(len(heads), "somebody" in str(heads), any("traceparent" in head for head in heads))
    ours = ("chat", "invoke_agent", "execute_tool", "AutoFunctionInvocationLoop")
    print([span.name for span in spans.get_finished_spans() if not span.name.startswith(ours)])

asyncio.run(main())
"""
ENVIRONMENT = {
    "ANTHROPIC_API_KEY": "somebody-elses",
    "ANTHROPIC_AUTH_TOKEN": "somebody-elses",
    "ANTHROPIC_BASE_URL": "http://localhost:1",
    "MISTRAL_API_KEY": "somebody-elses",
    "MISTRAL_SDK_TELEMETRY": "global",
}


def run(code: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}", *arguments], cwd=HOUSE, check=True,
        env={**process_environment(), **environment}, capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout.strip()


@pytest.mark.promise("makers.late")
def test_a_makers_client_is_loaded_only_for_a_deployment_of_it() -> None:
    assert run(LOADED).splitlines() == ["openai", "anthropic anthropic", "mistral anthropic mistralai"]


@pytest.mark.promise("makers.alone")
@pytest.mark.parametrize("kind", KINDS)
def test_a_client_takes_no_key_or_address_of_its_own_and_makes_no_spans(kind: str) -> None:
    """What stands in the environment belongs to somebody else; and a span of a client would hold what was said."""
    assert run(ASKED, kind, **ENVIRONMENT).splitlines() == ["2 False False", "[]"]
