"""The twin of Anthropic's API, as the maker's unchanged client finds it."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anthropic
import pytest

from charter.twins.makers import anthropic as twin
from charter.twins.makers.scene import Call, Scene, Stage

ASKED: dict[str, Any] = {
    "model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [{"role": "user", "content": "hello"}],
}  # fmt: skip
TOOL = {"name": "p-look", "description": "Looks.", "input_schema": {"type": "object", "properties": {}}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "p-look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"}


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with (
        twin.running(stage) as (url, its),
        anthropic.AsyncAnthropic(api_key=its.key, base_url=url, max_retries=0) as client,
    ):
        yield client


@pytest.mark.promise("twins.anthropic")
async def test_a_stream_comes_together_in_the_makers_own_client(client: anthropic.AsyncAnthropic, stage: Stage) -> None:
    calls = (Call("toolu_1", "p-look", '{"at": "sea"}'), Call("toolu_2", "p-look", "{}"))
    stage.plays(Scene(("Let me ", "look."), calls, input_tokens=50, cached_tokens=30, output_tokens=9))
    async with client.messages.stream(**ASKED, tools=[TOOL]) as stream:
        message = await stream.get_final_message()
    text, first, second = message.content
    assert (text.text, first.input, second.id) == ("Let me look.", {"at": "sea"}, "toolu_2")
    assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("tool_use", 20, 9)
    whole = await client.messages.create(**ASKED, tools=[TOOL])
    assert [block.type for block in whole.content] == ["text", "tool_use", "tool_use"]


@pytest.mark.promise("twins.anthropic")
async def test_a_refusal_says_why(client: anthropic.AsyncAnthropic, stage: Stage) -> None:
    stage.plays(Scene(refused="Against the policy."))
    async with client.messages.stream(**ASKED) as stream:
        message = await stream.get_final_message()
    assert message.stop_details
    assert (message.stop_reason, message.stop_details.explanation) == ("refusal", "Against the policy.")


@pytest.mark.promise("twins.anthropic")
async def test_tokens_are_counted_and_models_listed(client: anthropic.AsyncAnthropic) -> None:
    counted = await client.messages.count_tokens(model=ASKED["model"], messages=ASKED["messages"])
    assert counted.input_tokens > 0
    assert [model.id async for model in client.models.list()] == list(twin.MODELS)


@pytest.mark.promise("twins.anthropic")
@pytest.mark.parametrize(("more", "kind", "words"), [
    ({"model": "gpt-4o"}, anthropic.NotFoundError, "model: gpt-4o"),
    ({"extra_body": {"temperature": 1}}, anthropic.BadRequestError, "temperature: Extra inputs are not permitted"),
    ({"extra_body": {"functions": []}}, anthropic.BadRequestError, "functions: Extra inputs"),
    ({"max_tokens": 0}, anthropic.BadRequestError, "max_tokens"),
    ({"messages": []}, anthropic.BadRequestError, "messages: List should have at least 1"),
    ({"messages": [{"role": "assistant", "content": "hello"}]}, anthropic.BadRequestError, 'must use the "user" role'),
    ({"messages": [{"role": "user", "content": " "}]}, anthropic.BadRequestError, "non-whitespace"),
    ({"tool_choice": {"type": "none"}}, anthropic.BadRequestError, "while providing `tools`"),
    ({"tools": [{**TOOL, "name": "p.look"}]}, anthropic.BadRequestError, "should match pattern"),
    ({"tools": [TOOL, TOOL]}, anthropic.BadRequestError, "must be unique"),
    ({"tools": [{"name": "x", "input_schema": {}}]}, anthropic.BadRequestError, "input_schema.type"),
    ({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}, anthropic.BadRequestError,
     "'additionalProperties' must be explicitly set to false"),
    ({"output_config": {"format": {"type": "json_schema", "schema": {"type": "integer", "minimum": 1}}}},
     anthropic.BadRequestError, "minimum are not supported"),
    ({"system": [{"type": "text", "text": str(n), "cache_control": {"type": "ephemeral"}} for n in range(5)]},
     anthropic.BadRequestError, "A maximum of 4 blocks"),
])  # fmt: skip
async def test_a_request_that_the_maker_would_not_take_is_refused(
    client: anthropic.AsyncAnthropic, stage: Stage, more: Any, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words) as refused:
        await client.messages.create(**{**ASKED, **more})
    assert refused.value.body["type"] == "error"  # pyright: ignore[reportAttributeAccessIssue]
    assert stage.heard == []


@pytest.mark.promise("twins.anthropic")
@pytest.mark.parametrize(("turns", "words"), [
    ([[USE]], "were found without `tool_result` blocks immediately after: toolu_1"),
    ([[USE], [{"type": "text", "text": "First this."}, RESULT]], "were found without"),
    ([[USE], [RESULT, {**RESULT, "tool_use_id": "toolu_2"}]], "unexpected `tool_use_id` found in `tool_result` blocks: toolu_2"),
    ([[USE], [RESULT, RESULT]], "single result"),
    ([[USE], [RESULT], [USE], [RESULT]], "ids must be unique"),
    ([[{**USE, "id": "call 1"}], [{**RESULT, "tool_use_id": "call 1"}]], "should match pattern"),
])  # fmt: skip
async def test_a_thread_whose_calls_and_results_do_not_meet_is_refused(
    client: anthropic.AsyncAnthropic, turns: Any, words: str
) -> None:
    roles = ("assistant", "user")
    thread = [*ASKED["messages"], *({"role": roles[n % 2], "content": turn} for n, turn in enumerate(turns))]
    with pytest.raises(anthropic.BadRequestError, match=words):
        await client.messages.create(**{**ASKED, "messages": thread, "tools": [TOOL]})
    good = [*ASKED["messages"], {"role": "assistant", "content": [USE]}, {"role": "user", "content": [RESULT]}]
    await client.messages.create(**{**ASKED, "messages": good, "tools": [TOOL]})
    with pytest.raises(anthropic.BadRequestError, match="must define `tools`"):
        await client.messages.create(**{**ASKED, "messages": good})


@pytest.mark.promise("twins.anthropic")
async def test_who_has_no_key_or_names_no_version_is_turned_away() -> None:
    async with twin.running(Stage()) as (url, its), aiohttp.ClientSession() as http:
        for headers, status, words in (
            ({}, 401, "x-api-key header is required"),
            ({"x-api-key": "wrong"}, 401, "invalid x-api-key"),
            ({"x-api-key": its.key}, 400, "anthropic-version: header is required"),
            ({"x-api-key": its.key, "anthropic-version": "2019-01-01"}, 400, "not a valid version"),
            ({"x-api-key": its.key, "anthropic-version": "2023-06-01"}, 200, "Hello."),
        ):
            body = {**ASKED, "temperature": 1}  # which the earlier version takes
            async with http.post(f"{url}/v1/messages", json=body, headers=headers) as answer:
                assert (answer.status, words in await answer.text()) == (status, True)


@pytest.mark.promise("twins.anthropic")
async def test_faults_come_as_the_makers_client_knows_them(client: anthropic.AsyncAnthropic, stage: Stage) -> None:
    stage.plays(Scene(status=529, retry_after=3))
    with pytest.raises(anthropic.OverloadedError) as fault:
        await client.messages.create(**ASKED)
    assert (fault.value.type, fault.value.response.headers["retry-after"]) == ("overloaded_error", "3")
    stage.plays(Scene(("One ", "two."), fails_after=1))
    with pytest.raises(anthropic.APIStatusError) as within:
        async for _ in await client.messages.create(**ASKED, stream=True):
            pass
    assert (within.value.type, within.value.status_code) == ("overloaded_error", 200)
