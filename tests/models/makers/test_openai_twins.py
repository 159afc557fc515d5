"""The twins against the maker's unchanged client: what the makers refuse, they refuse, and they stream as the makers do."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI

from charter.twins.makers import azure_openai
from charter.twins.makers import openai as openai_twin
from charter.twins.makers.scene import Scene, Stage
from tests.models.makers.sides import SIDES, TWO_CALLS

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
TOOL: dict[str, Any] = {"name": "p-one", "parameters": {"type": "object", "properties": {}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "p-one", "arguments": "{}"}}
STRICT = {"type": "object", "additionalProperties": False, "required": ["n"], "properties": {"n": {"type": "integer"}}}
Client = AsyncOpenAI | AsyncAzureOpenAI


def form(schema: Any, **more: Any) -> dict[str, Any]:
    told = {"name": "answer", "strict": True, "schema": schema, **more}
    return {"response_format": {"type": "json_schema", "json_schema": told}}


def picture(url: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]}


def data(kind: str, raw: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(raw).decode()}"


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture(params=SIDES)
async def client(request: pytest.FixtureRequest, stage: Stage) -> AsyncIterator[Client]:
    if request.param == "openai":
        async with (
            openai_twin.running(stage) as url,
            AsyncOpenAI(base_url=url, api_key="sk-twin", max_retries=0) as ready,
        ):
            yield ready
    else:
        async with azure_openai.running(stage) as url, azure(url) as ready:
            yield ready


def azure(url: str, **chosen: Any) -> AsyncAzureOpenAI:
    known = {"api_key": "azure-key", "api_version": "2024-10-21", "max_retries": 0}
    return AsyncAzureOpenAI(azure_endpoint=url, **{**known, **chosen})


@pytest.mark.promise("makers.openai.twins")
@pytest.mark.parametrize(("wrong", "words", "code"), [
    ({"extra_body": {"colour": "red"}}, "Unrecognized request argument supplied: colour", None),
    ({"messages": []}, "empty array", "empty_array"),
    ({"messages": [{"role": "boss", "content": "x"}]}, "Supported values are", "invalid_value"),
    ({"messages": [{"role": "user", "content": "x", "mood": "good"}]}, "messages[0].mood", "unknown_parameter"),
    ({"messages": [{"role": "user", "content": None}]}, "expected a string, got null", None),
    ({"messages": [{"role": "user", "content": 7}]}, "Invalid type for", "invalid_type"),
    ({"messages": [{"role": "system", "content": [{"type": "image_url"}]}]}, "Supported values are: 'text'", "invalid_value"),
    ({"messages": [*HELLO, {"role": "assistant", "tool_calls": [CALL]}]}, "response messages: c1", None),
    ({"messages": [*HELLO, {"role": "tool", "tool_call_id": "c1", "content": "{}"}]}, "must be a response to", None),
    ({"tools": []}, "empty array", "empty_array"),
    ({"tool_choice": "auto"}, "only allowed when 'tools' are specified", None),
    ({"tools": [{"type": "function", "function": {**TOOL, "name": "p.one"}}]}, "match pattern", "invalid_value"),
    ({"tools": [{"type": "function", "function": {**TOOL, "parameters": {"type": "array"}}}]}, "type: \"object\"",
     "invalid_function_parameters"),
    ({"tools": [{"type": "function", "function": {**TOOL, "strict": True}}]}, "additionalProperties",
     "invalid_function_parameters"),
    (form({**STRICT, "required": []}), "Missing 'n'", None),
    (form({**STRICT, "properties": {"n": {"type": "integer", "minimum": 1}}}), "'minimum' is not permitted", None),
    (form(STRICT, name="an answer"), "match pattern", "invalid_value"),
    ({"response_format": {"type": "yaml"}}, "Supported values are", "invalid_value"),
    ({"stream_options": {"include_usage": True}}, "only allowed when 'stream' is enabled", None),
    (picture(data("image/png", b"GIF89a")), "unsupported image", "invalid_image_format"),
    (picture(data("image/bmp", b"BM")), "unsupported image", "invalid_image_format"),
    (picture("data:image/png;base64,###"), "Invalid base64", "invalid_base64"),
])  # fmt: skip
async def test_what_is_not_of_the_wire_is_refused_in_the_makers_words(
    client: Client, stage: Stage, wrong: dict[str, Any], words: str, code: str | None
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.chat.completions.create(**{"model": "gpt-4o", "messages": HELLO, **wrong})
    assert (refused.value.code, refused.value.type) == (code, "invalid_request_error")
    assert words in refused.value.message
    assert stage.heard == []


@pytest.mark.promise("makers.openai.twins")
async def test_the_plain_client_reads_what_they_answer(client: Client, stage: Stage) -> None:
    stage.plays(Scene(("Two ", "calls."), TWO_CALLS, cached_tokens=4))
    tools: Any = [{"type": "function", "function": TOOL}]
    whole = await client.chat.completions.create(model="gpt-4o", messages=HELLO, tools=tools)
    (choice,) = whole.choices
    assert (choice.message.content, choice.finish_reason) == ("Two calls.", "tool_calls")
    assert [call.id for call in choice.message.tool_calls or ()] == ["call_1", "call_2"]
    assert whole.usage is not None
    assert whole.usage.prompt_tokens_details is not None
    assert whole.usage.prompt_tokens_details.cached_tokens == 4
    stream = client.chat.completions.stream(model="gpt-4o", messages=HELLO, tools=tools)
    async with stream as events:
        told = await events.get_final_completion()
    said = told.choices[0].message
    assert (said.content, [call.function.arguments for call in said.tool_calls or ()]) == (
        "Two calls.", [call.arguments for call in TWO_CALLS],
    )  # fmt: skip


@pytest.mark.promise("makers.openai.twins")
async def test_openai_wants_a_key_that_it_knows_and_a_model_that_it_has(stage: Stage) -> None:
    async with openai_twin.running(stage) as url, AsyncOpenAI(base_url=url, api_key="sk-twin", max_retries=0) as client:
        assert "gpt-4o" in [model.id async for model in client.models.list()]
        assert (await client.models.retrieve("o3-mini")).owned_by == "system"
        with pytest.raises(openai.NotFoundError) as missing:
            await client.chat.completions.create(model="gpt-9", messages=HELLO)
        assert missing.value.code == "model_not_found"
        with pytest.raises(openai.AuthenticationError) as wrong:
            await client.with_options(api_key="sk-other").models.list()
        assert wrong.value.code == "invalid_api_key"


@pytest.mark.promise("makers.openai.twins")
@pytest.mark.parametrize(("given", "code"), [
    ({"temperature": 0.2}, "unsupported_value"), ({"max_tokens": 5}, "unsupported_parameter"),
])  # fmt: skip
async def test_reasoning_models_refuse_what_they_do_not_take(stage: Stage, given: dict[str, Any], code: str) -> None:
    async with openai_twin.running(stage) as url, AsyncOpenAI(base_url=url, api_key="sk-twin", max_retries=0) as client:
        with pytest.raises(openai.BadRequestError) as refused:
            await client.chat.completions.create(model="o3-mini", messages=HELLO, **given)
        assert refused.value.code == code
        await client.chat.completions.create(model="gpt-4o", messages=HELLO, **given)


@pytest.mark.promise("makers.openai.twins")
async def test_azure_wants_a_version_a_deployment_and_a_key_or_a_token(stage: Stage) -> None:
    async def refusal(kind: type[openai.APIStatusError], model: str = "gpt-4o", **chosen: Any) -> Any:
        async with azure(url, **chosen) as client:
            with pytest.raises(kind) as fault:
                await client.chat.completions.create(model=model, messages=HELLO)
            return fault.value

    async with azure_openai.running(stage, tokens=("token-1",)) as url:
        assert (await refusal(openai.NotFoundError, "gpt-9")).code == "DeploymentNotFound"
        assert (await refusal(openai.AuthenticationError, api_key="wrong")).code == "401"
        token = {"api_key": None, "azure_ad_token": "other"}
        assert "Access token is missing" in (await refusal(openai.AuthenticationError, **token)).message
        assert "version not supported" in (await refusal(openai.BadRequestError, api_version="soon")).message
        assert stage.heard == []
        async with azure(url, api_key=None, azure_ad_token="token-1") as client:
            await client.chat.completions.create(model="gpt-4o", messages=HELLO)
        async with azure(url, api_version="2024-02-01") as client:
            with pytest.raises(openai.BadRequestError, match="2024-08-01-preview and later"):
                await client.chat.completions.create(model="gpt-4o", messages=HELLO, **form(STRICT))


@pytest.mark.promise("makers.openai.twins")
async def test_azure_tells_what_its_filter_saw(stage: Stage) -> None:
    async with azure_openai.running(stage) as url, azure(url) as client:
        stage.plays(Scene(filtered="prompt"), Scene(("Take ",), filtered="answer"))
        with pytest.raises(openai.BadRequestError) as refused:
            await client.chat.completions.create(model="gpt-4o", messages=HELLO)
        told: Any = refused.value.body
        assert (told["code"], told["innererror"]["code"]) == ("content_filter", "ResponsibleAIPolicyViolation")
        assert told["innererror"]["content_filter_result"]["violence"] == {"filtered": True, "severity": "medium"}
        stream = await client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True)
        chunks: list[Any] = [chunk async for chunk in stream]
        assert chunks[0].choices == []
        assert chunks[0].prompt_filter_results[0]["content_filter_results"]["hate"]["filtered"] is False
        assert chunks[-1].choices[0].finish_reason == "content_filter"


@pytest.mark.promise("makers.openai.twins")
async def test_a_busy_maker_says_how_long_in_seconds_and_thousandths(client: Client, stage: Stage) -> None:
    stage.plays(Scene(status=429, retry_after=1.5))
    with pytest.raises(openai.RateLimitError) as busy:
        await client.chat.completions.create(model="gpt-4o", messages=HELLO)
    headers = busy.value.response.headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("2", "1500")
