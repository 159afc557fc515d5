"""Spans as Application Insights receives them: the envelopes of Azure's own exporter, at a small ingestion server."""

import asyncio
import gzip

import orjson
import pytest
from aiohttp import web
from pydantic import SecretStr

from charter.errors import StartRefused
from charter.settings import Telemetry
from charter.telemetry.tracing import Tracing
from charter.twins.listening import serve, take

KEY = "0a1b2c3d-1111-4222-8333-444455556666"


@pytest.mark.promise("telemetry.azure_monitor")
async def test_spans_reach_application_insights() -> None:
    envelopes: list[dict] = []

    async def track(request: web.Request) -> web.Response:
        body = await request.read()
        text = gzip.decompress(body) if request.headers.get("Content-Encoding") == "gzip" else body
        lines = text.decode().splitlines()
        found = orjson.loads(text) if text.startswith(b"[") else [orjson.loads(line) for line in lines]
        envelopes.extend(found)
        return web.json_response({"itemsReceived": len(found), "itemsAccepted": len(found), "errors": []})

    app = web.Application()
    app.router.add_post("/{path:.*}/track", track)
    place = take(0, "ingestion")
    runner = await serve(app, place)
    try:
        endpoint = f"http://127.0.0.1:{place.port}/"
        tracing = Tracing(
            Telemetry(
                azure_monitor=SecretStr(
                    f"InstrumentationKey={KEY};IngestionEndpoint={endpoint};LiveEndpoint={endpoint}"
                )
            )
        )
        with tracing.span("invoke_agent", "buyer", {"charter.tenant": "contoso"}):
            pass
        await asyncio.to_thread(tracing.close)
    finally:
        await runner.cleanup()
    spans = [e for e in envelopes if e.get("data", {}).get("baseData", {}).get("name") == "invoke_agent buyer"]
    assert len(spans) == 1
    assert spans[0]["iKey"] == KEY
    assert spans[0]["data"]["baseData"]["properties"]["charter.tenant"] == "contoso"


@pytest.mark.promise("telemetry.azure_monitor")
def test_a_wrong_connection_string_is_one_sentence_that_does_not_show_it() -> None:
    with pytest.raises(StartRefused) as refused:
        Tracing(Telemetry(azure_monitor=SecretStr("InstrumentationKey=nonsense-canary")))
    assert "AZURE_MONITOR" in refused.value.detail
    assert "canary" not in refused.value.detail
