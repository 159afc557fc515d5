"""What a maker's endpoint did instead of answering, told by the real client's exceptions."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import openai
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from charter.errors import ModelFault, ModelUnavailable
from charter.kernel.faults import asked_wait, unavailable

SECRET = "the maker's own words"


@pytest.fixture
async def client() -> AsyncIterator[openai.AsyncOpenAI]:
    async def answer(request: web.Request) -> web.Response:
        status, code = int(request.match_info["status"]), request.query.get("code")
        headers = {"retry-after": request.query["wait"]} if "wait" in request.query else {}
        return web.json_response({"error": {"message": SECRET, "code": code}}, status=status, headers=headers)

    app = web.Application()
    app.router.add_post("/{status}/chat/completions", answer)
    server = TestServer(app)
    await server.start_server()
    client = openai.AsyncOpenAI(base_url=str(server.make_url("/")), api_key="none", max_retries=0)
    yield client
    await client.close()
    await server.close()


async def fault(client: openai.AsyncOpenAI, path: str) -> ModelUnavailable:
    base, _, query = path.partition("?")
    there = client.with_options(
        base_url=f"{client.base_url}{base}", default_query=dict(part.split("=") for part in query.split("&") if part)
    )
    try:
        await there.chat.completions.create(model="m", messages=[])
    except openai.APIError as said:
        return unavailable(said)
    raise AssertionError("it answered")


@pytest.mark.promise("models.faults")
@pytest.mark.parametrize(
    ("path", "why", "elsewhere"),
    [
        ("400", "rejected", False), ("422", "rejected", False), ("413", "rejected", False),
        ("400?code=content_filter", "filtered", False),
        ("401", "denied", True), ("403", "denied", True), ("404", "denied", True),
        ("408", "slow", True), ("429", "busy", True), ("503?wait=3", "busy", True), ("529", "busy", True),
        ("500", "failing", True), ("502", "failing", True), ("503", "failing", True),
    ],
)  # fmt: skip
async def test_a_status_tells_what_is_to_be_done(
    client: openai.AsyncOpenAI, path: str, why: ModelFault, elsewhere: bool
) -> None:
    told = await fault(client, path)
    assert (told.why, told.elsewhere, told.retryable) == (why, elsewhere, elsewhere)
    assert SECRET not in f"{told.detail} {told.action}"


@pytest.mark.promise("models.faults")
async def test_an_endpoint_that_is_not_there_is_unreachable() -> None:
    async with openai.AsyncOpenAI(base_url="http://127.0.0.1:9", api_key="none", max_retries=0) as nowhere:
        assert (await fault(nowhere, "")).why == "unreachable"


@pytest.mark.promise("models.busy")
def test_a_wait_is_read_in_each_form_that_makers_use() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert asked_wait({"retry-after": "2.5"}) == 2.5
    assert asked_wait({"retry-after-ms": "250", "retry-after": "1"}) == 0.25
    assert 85 < (asked_wait({"retry-after": later}) or 0) <= 90
    beyond = ("Mon, 01 Jan 99999999999 00:00:00 GMT", "Mon, 01 Jan 2026 00:00:00 +99999999999999999")
    for odd in ("", "soon", "-1", "nan", "inf", *beyond):
        assert asked_wait({"retry-after": odd}) is None
