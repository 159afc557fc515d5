"""The wire, read by the stock ``openai`` client."""

import json
from typing import Any

import openai
import pytest

from charter.models.chat import Usage
from charter.models.wire import Answered, WireError, new_call
from tests.models.clients import TOOLS, client_of

HELLO = [{"role": "user", "content": "hello"}]


@pytest.mark.promise("models.wire")
async def test_a_plain_answer_carries_text_counts_and_who_answered() -> None:
    async def answer(body: dict[str, Any]) -> Answered:
        return Answered("Good day.", model="somebody", level="embedded", usage=Usage(12, 3))

    reply = await client_of(answer).chat.completions.create(model="embedded", messages=HELLO)
    assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == ("Good day.", "stop")
    assert (reply.model, reply.system_fingerprint) == ("somebody", "embedded")
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens, reply.usage.total_tokens) == (12, 3, 15)


@pytest.mark.promise("models.wire")
async def test_calls_are_told_plain_and_streamed_alike() -> None:
    async def answer(body: dict[str, Any]) -> Answered:
        return Answered(calls=(new_call("p-one", {"a": 1}), new_call("p-two", {"b": "ü"})))

    client = client_of(answer)
    plain = await client.chat.completions.create(model="m", messages=HELLO, tools=TOOLS)
    stream = await client.chat.completions.create(model="m", messages=HELLO, tools=TOOLS, stream=True)
    pieces = [piece async for chunk in stream for piece in chunk.choices[0].delta.tool_calls or ()]
    told = [(c.function.name, json.loads(c.function.arguments)) for c in plain.choices[0].message.tool_calls]
    assert told == [(p.function.name, json.loads(p.function.arguments)) for p in pieces]
    assert told == [("p-one", {"a": 1}), ("p-two", {"b": "ü"})]
    assert [p.index for p in pieces] == [0, 1]
    assert plain.choices[0].finish_reason == "tool_calls"


async def test_a_stream_is_the_text_in_words_then_the_counts_where_they_were_asked_for() -> None:
    text = "First line.\n\n- a list\n- of two  "

    async def answer(body: dict[str, Any]) -> Answered:
        return Answered(text, usage=Usage(7, 5))

    stream = await client_of(answer).chat.completions.create(
        model="m", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    words = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(words) == text
    assert len([word for word in words if word]) > 5
    assert chunks[-1].usage.total_tokens == 12
    assert chunks[-2].choices[0].finish_reason == "stop"


async def test_without_a_tokenizer_the_counts_are_estimated_from_the_length() -> None:
    async def answer(body: dict[str, Any]) -> Answered:
        return Answered("x" * 400)

    reply = await client_of(answer).chat.completions.create(
        model="m", messages=[{"role": "user", "content": "y" * 4000}]
    )
    assert 1000 <= reply.usage.prompt_tokens <= 1100
    assert 100 <= reply.usage.completion_tokens <= 110


async def test_a_fault_arrives_as_the_makers_clients_know_it() -> None:
    async def answer(body: dict[str, Any]) -> Answered:
        raise WireError(429, "busy", headers={"retry-after": "0"})

    with pytest.raises(openai.RateLimitError) as caught:
        await client_of(answer).chat.completions.create(model="m", messages=HELLO)
    assert caught.value.response.headers["retry-after"] == "0"


async def test_there_is_nothing_but_chat_completions() -> None:
    async def answer(body: dict[str, Any]) -> Answered:
        return Answered("no")

    with pytest.raises(openai.NotFoundError):
        await client_of(answer).embeddings.create(model="m", input="text")
