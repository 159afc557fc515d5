"""Spans as a collector receives them: OTLP over HTTP, decoded with the maker's own protocol buffers."""

import asyncio
from pathlib import Path

import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from charter import settings
from tests.running import running_host

CANARY = "canary-7f3a"


class Collector:
    """A small OTLP collector: keeps every span it is sent."""

    def __init__(self) -> None:
        self.spans: list = []
        self.raw = b""
        self.address = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.spans += [span for scope in resource.scope_spans for span in scope.spans]
        return web.Response(body=b"", content_type="application/x-protobuf")

    def named(self, name: str) -> list:
        return [span for span in self.spans if span.name == name]


@pytest.mark.promise("telemetry.spans")
async def test_a_run_is_one_trace_of_agent_chat_and_tool_without_content(tmp_path: Path) -> None:
    collector = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with running_host(tmp_path, telemetry=settings.Telemetry(otlp_endpoint=address)) as host:
            text = f"How many days of annual leave do I have left? {CANARY}"
            run = await host.ask("alice", "employee_assistant", text)
            steps = await host.timeline("alice", run["id"])
            said = {"reaction": "dislike", "reason": CANARY}
            assert (await host.call("alice", "PUT", f"/v1/runs/{run['id']}/feedback", said)).status == 200
        # Closing the host sends what is left.
    finally:
        await runner.cleanup()

    [agent] = collector.named("invoke_agent employee_assistant")
    [tool] = collector.named("execute_tool people.get_leave_balance")
    chats = collector.named("chat scripted")
    assert len(chats) == 2
    assert {span.trace_id.hex() for span in (agent, tool, *chats)} == {run["trace_id"]}
    assert all(span.parent_span_id == agent.span_id for span in (tool, *chats))
    attributes = {entry.key: entry.value.string_value for entry in agent.attributes}
    assert attributes["charter.tenant"] == "contoso"
    assert attributes["charter.run.id"] == run["id"]
    assert attributes["charter.bundle"] == run["bundle"]
    [told] = collector.named("PUT /v1/runs/{run}/feedback")
    told = {entry.key: entry.value.string_value for entry in told.attributes}
    assert (told["charter.feedback.reaction"], told["charter.run.id"]) == ("dislike", run["id"])
    assert {step["span_id"] for step in steps if step["type"] == "function"} == {tool.span_id.hex()}
    assert CANARY.encode() not in collector.raw
    assert (await host.token("alice")).encode() not in collector.raw


async def test_a_collector_that_does_not_answer_disturbs_no_run(tmp_path: Path) -> None:
    dead = settings.Telemetry(otlp_endpoint="http://127.0.0.1:9")
    async with running_host(tmp_path, telemetry=dead) as host:
        async with asyncio.timeout(20):
            assert (await host.ask("alice", "employee_assistant", "hello"))["status"] == "completed"
