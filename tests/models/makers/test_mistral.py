"""What is Mistral's own way, through the maker's client, against the twin."""

from collections.abc import AsyncIterator

import pytest

from charter.models.chat import Message, ToolCall
from charter.twins.makers.scene import Scene
from tests.models.makers.others import side_of
from tests.models.makers.sides import Side

both_ways = pytest.mark.parametrize("streams", [True, False])


@pytest.fixture
async def mistral() -> AsyncIterator[Side]:
    async with side_of("mistral") as running:
        yield running


@pytest.mark.promise("makers.mistral.thread")
async def test_a_person_who_wrote_after_results_is_answered_first(mistral: Side) -> None:
    """The maker takes nothing else there, and no empty answer."""
    call = ToolCall("call_1", "people.get_manager", "{}")
    await mistral.turn(
        Message("user", "Who?"),
        Message("assistant", "", (call,)),
        Message("tool", "{}", call_id="call_1", name=call.name),
        Message("user", "Well?"),
        Message("assistant", ""),
        Message("user", "Hello?"),
    )
    messages = mistral.body["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "assistant", "user", "user"]
    assert messages[2]["name"] == "people-get_manager"
    assert messages[2]["tool_call_id"] == messages[1]["tool_calls"][0]["id"]


@pytest.mark.promise("makers.mistral.refusal")
@both_ways
async def test_a_refusal_is_text_like_any_other(mistral: Side, streams: bool) -> None:
    mistral.stage.plays(Scene(refused="I cannot help with that."))
    reply, _ = await mistral.turn(streams=streams)
    assert (reply.text, reply.finish_reason) == ("I cannot help with that.", "stop")


@pytest.mark.promise("makers.mistral.ends")
@both_ways
@pytest.mark.parametrize(
    ("finish", "ended"), [("length", "length"), ("model_length", "length"), ("a_reason_of_next_year", "stop")]
)
async def test_whatever_ends_an_answer_is_told_in_our_words(
    mistral: Side, finish: str, ended: str, streams: bool
) -> None:
    mistral.stage.plays(Scene(("So ", "far."), finish=finish))
    reply, _ = await mistral.turn(streams=streams)
    assert (reply.text, reply.finish_reason) == ("So far.", ended)


@pytest.mark.promise("makers.mistral.cache")
async def test_what_begins_alike_shares_the_key_to_the_makers_cache(mistral: Side) -> None:
    begins = Message("system", "You help.")
    for said in ((begins, Message("user", "One.")), (begins, Message("user", "Two.")), (Message("user", "One."),)):
        await mistral.turn(*said)
    one, two, other = (seen.body["prompt_cache_key"] for seen in mistral.stage.heard)
    assert one == two != other
