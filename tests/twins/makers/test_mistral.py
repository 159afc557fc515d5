"""The twin of Mistral's API, as the maker's unchanged client finds it."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from mistralai.client import Mistral, errors

from charter.twins.makers import mistral as twin
from charter.twins.makers.scene import Call, Scene, Stage

HELLO = [{"role": "user", "content": "hello"}]
ASKED: dict[str, Any] = {"model": "mistral-large-latest", "messages": HELLO}
CALL = {"id": "D681PevKs", "type": "function", "function": {"name": "p-look", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": "", "tool_calls": [CALL]}
SEEN = {"role": "tool", "name": "p-look", "tool_call_id": "D681PevKs", "content": "seen"}
TOOL = {"type": "function", "function": {"name": "p-look", "description": "Looks.", "parameters": {"type": "object"}}}


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[Mistral]:
    async with twin.running(stage) as (url, its), Mistral(api_key=its.key, server_url=url) as client:
        yield client


@pytest.mark.promise("twins.mistral")
async def test_an_answer_is_read_by_the_makers_own_client_plain_and_streamed(client: Mistral, stage: Stage) -> None:
    calls = (Call("D681PevKs", "p-look", '{"at": "sea"}'), Call("a9B8c7D6e", "p-look", "{}"))
    stage.plays(Scene(("Let me ", "look."), calls, input_tokens=50, output_tokens=9))
    whole = await client.chat.complete_async(**ASKED, tools=[TOOL])
    [choice] = whole.choices
    assert choice.message
    assert (choice.message.content, choice.finish_reason, whole.usage.prompt_tokens) == (
        "Let me look.",
        "tool_calls",
        50,
    )
    assert [call.id for call in choice.message.tool_calls or ()] == ["D681PevKs", "a9B8c7D6e"]
    chunks = [event.data async for event in await client.chat.stream_async(**ASKED, tools=[TOOL])]
    words = [chunk.choices[0].delta.content for chunk in chunks]
    assert words[1] == "Let me "
    assert words[2][0].text == "look."  # in chunks, which the maker's models use too
    assert [call.index for call in chunks[-1].choices[0].delta.tool_calls or ()] == [0, 1]
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens == 9


@pytest.mark.promise("twins.mistral")
async def test_models_are_listed(client: Mistral) -> None:
    listed = await client.models.list_async()
    assert [model.id for model in listed.data or ()] == list(twin.MODELS)


@pytest.mark.promise("twins.mistral")
@pytest.mark.parametrize(("messages", "words"), [
    ([], "at least one message"),
    ([*HELLO, CALLED], "Expected last role User or Tool"),
    ([*HELLO, CALLED, *HELLO], "Not the same number of function calls and responses"),
    ([*HELLO, CALLED, SEEN, *HELLO], "Unexpected role 'user' after role 'tool'"),
    ([*HELLO, SEEN], "Unexpected role 'tool' after role 'user'"),
    ([*HELLO, CALLED, {**SEEN, "tool_call_id": "000000000"}], "Unexpected tool call id 000000000"),
    ([*HELLO, {**CALLED, "tool_calls": [{**CALL, "id": "call_1"}]}, SEEN], "Tool call id was call_1 but must be"),
    ([*HELLO, {"role": "assistant", "content": ""}, *HELLO], "either content or tool_calls"),
])  # fmt: skip
async def test_a_conversation_that_the_maker_would_not_take_is_refused(
    client: Mistral, stage: Stage, messages: Any, words: str
) -> None:
    with pytest.raises(errors.SDKError, match=words) as refused:
        await client.chat.complete_async(**{**ASKED, "messages": messages}, tools=[TOOL])
    assert (refused.value.status_code, stage.heard) == (400, [])
    await client.chat.complete_async(**{**ASKED, "messages": [*HELLO, CALLED, SEEN]}, tools=[TOOL])


@pytest.mark.promise("twins.mistral")
async def test_wrong_fields_names_models_and_keys_are_refused_in_the_makers_ways(client: Mistral) -> None:
    with pytest.raises(errors.HTTPValidationError) as wrong:
        await client.chat.complete_async(**ASKED, temperature=9)
    assert wrong.value.data.detail
    assert wrong.value.data.detail[0].loc == ["body", "temperature"]
    with pytest.raises(errors.SDKError, match="Invalid model"):
        await client.chat.complete_async(model="gpt-4o", messages=HELLO)
    named = {"type": "function", "function": {"name": "p.look", "parameters": {}}}
    with pytest.raises(errors.SDKError, match=r"Function name was p\.look"):
        await client.chat.complete_async(**ASKED, tools=[named])
    async with twin.running(Stage()) as (url, its), aiohttp.ClientSession() as http:
        for key, body, status in (
            ("wrong", ASKED, 401),
            (its.key, {**ASKED, "functions": []}, 422),
            (its.key, ASKED, 200),
        ):
            headers = {"Authorization": f"Bearer {key}"}
            async with http.post(f"{url}/v1/chat/completions", json=body, headers=headers) as answer:
                assert answer.status == status


@pytest.mark.promise("twins.mistral")
async def test_faults_come_as_the_makers_client_knows_them(client: Mistral, stage: Stage) -> None:
    stage.plays(Scene(status=429, retry_after=3))
    with pytest.raises(errors.SDKError) as busy:
        await client.chat.complete_async(**ASKED)
    assert (busy.value.status_code, busy.value.headers["retry-after"]) == (429, "3")
    stage.plays(Scene(("One ", "two."), fails_after=1))
    last = [event.data async for event in await client.chat.stream_async(**ASKED)][-1]
    assert last.choices[0].finish_reason == "error"
