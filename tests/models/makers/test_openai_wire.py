"""The connector for OpenAI and Azure OpenAI, through the maker's own client, against twins that know the wire."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from charter.errors import ModelUnavailable
from charter.kernel.connector import FILTERED
from charter.models.chat import Image, Message, ToolCall
from charter.twins.makers.scene import Scene
from tests.models.makers.sides import SIDES, TWO_CALLS, Side, calls_then, side

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
CALLS = tuple(ToolCall(call.id, call.name.replace("-", ".", 1), call.arguments) for call in TWO_CALLS)
SCHEMA = {
    "type": "object", "additionalProperties": False, "required": ["days"],
    "properties": {"days": {"type": "integer", "minimum": 0, "description": "How many."}},
}  # fmt: skip


@pytest.fixture(params=SIDES)
async def maker(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    async with side(request.param) as running:
        yield running


@pytest.mark.promise("makers.openai.turn")
@pytest.mark.parametrize("streams", [True, False])
async def test_two_functions_are_asked_for_at_once_and_their_results_go_back(maker: Side, streams: bool) -> None:
    maker.stage.plays(*calls_then("You are alice."))
    asked = (Message("system", "You help."), Message("user", "Who am I?"))
    first, live = await maker.turn(*asked, streams=streams)
    assert (first.text, first.calls, first.finish_reason) == ("Let me look.", CALLS, "tool_calls")
    assert live == ("Let me look." if streams else "")
    assert {tool["function"]["name"] for tool in maker.body["tools"]} == {call.name for call in TWO_CALLS}
    results = [Message("tool", f'{{"n": {n}}}', call_id=call.id, name=call.name) for n, call in enumerate(CALLS)]
    second, _ = await maker.turn(*asked, Message("assistant", first.text, first.calls), *results, streams=streams)
    assert (second.text, second.calls, second.finish_reason) == ("You are alice.", (), "stop")


@pytest.mark.promise("makers.openai.turn")
async def test_a_call_without_its_answer_would_be_refused(maker: Side) -> None:
    """The twin does look: what the connector sends is accepted because it is right."""
    broken = (Message("user", "Who am I?"), Message("assistant", "", CALLS), Message("tool", "{}", call_id="call_1"))
    with pytest.raises(ModelUnavailable) as refused:
        await maker.turn(*broken)
    assert (refused.value.why, maker.stage.heard) == ("rejected", [])


@pytest.mark.promise("makers.openai.usage")
@pytest.mark.parametrize("streams", [True, False])
async def test_the_makers_counts_are_taken_with_what_came_from_its_cache(maker: Side, streams: bool) -> None:
    maker.stage.plays(Scene(("Hello.",), input_tokens=2006, output_tokens=300, cached_tokens=1920))
    usage = (await maker.turn(streams=streams))[0].usage
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == (2006, 300, 1920)


@pytest.mark.promise("makers.openai.refusal")
@pytest.mark.parametrize("streams", [True, False])
async def test_a_refusal_is_told_as_one(maker: Side, streams: bool) -> None:
    maker.stage.plays(Scene(refused="I'm sorry, I can't assist with that."))
    reply, live = await maker.turn(streams=streams)
    assert (reply.text, reply.finish_reason) == ("I'm sorry, I can't assist with that.", "refusal")
    assert live == (reply.text if streams else "")


@pytest.mark.promise("makers.openai.filter")
@pytest.mark.parametrize("streams", [True, False])
async def test_a_filtered_prompt_is_answered_in_a_sentence_and_asked_once(maker: Side, streams: bool) -> None:
    maker.stage.plays(Scene(filtered="prompt"))
    reply, live = await maker.turn(streams=streams)
    assert (reply.text, reply.finish_reason, len(maker.stage.heard)) == (FILTERED, "content_filter", 1)
    assert live == (FILTERED if streams else "")


@pytest.mark.promise("makers.openai.filter")
@pytest.mark.parametrize("streams", [True, False])
async def test_an_answer_that_a_filter_stops_says_so_and_calls_nothing(maker: Side, streams: bool) -> None:
    maker.stage.plays(Scene(("Take a ",), TWO_CALLS, filtered="answer"))
    reply, live = await maker.turn(streams=streams)
    assert (reply.calls, reply.finish_reason, len(maker.stage.heard)) == ((), "content_filter", 1)
    assert reply.text.endswith(FILTERED)
    assert live == (f"Take a \n\n{FILTERED}" if streams else "")


@pytest.mark.promise("makers.openai.busy")
async def test_a_busy_maker_is_asked_again_after_the_time_that_it_said(maker: Side) -> None:
    """Azure says it in thousandths of a second too, which are the truth; the other header is rounded up."""
    maker.stage.plays(Scene(status=429, retry_after=1.25), Scene(("Here I am.",)))
    reply, _ = await maker.turn()
    assert (reply.text, [each.why for each in reply.attempts]) == ("Here I am.", ["busy"])
    maker.stage.plays(Scene(status=429, retry_after=400))
    with pytest.raises(ModelUnavailable) as fault:
        await maker.turn()
    assert (fault.value.why, fault.value.retry_after) == ("busy", 400)


@pytest.mark.promise("makers.openai.cut")
@pytest.mark.parametrize("neatly", [False, True])
@pytest.mark.parametrize("scene", [
    Scene(("One ", "two ", "three."), cut_after=2),
    Scene((), TWO_CALLS, cut_after=4),
    Scene((), TWO_CALLS, cut_after=1),
])  # fmt: skip
async def test_a_stream_that_breaks_off_is_no_answer(maker: Side, scene: Scene, neatly: bool) -> None:
    """Whatever it had said is taken back, half a call is never made, and the next answer stands alone."""
    maker.stage.plays(replace(scene, ends_neatly=neatly), Scene(("Here.",)))
    reply, live = await maker.turn()
    assert (reply.text, reply.calls, live) == ("Here.", (), "Here.")
    assert [each.detail for each in reply.attempts] == ["The model's answer broke off."]


@pytest.mark.promise("makers.openai.cut")
@pytest.mark.parametrize("scene", [Scene(("One ", "two."), cut_after=1), Scene(garbage=True)])
async def test_half_a_body_and_garbage_are_no_answers(maker: Side, scene: Scene) -> None:
    maker.stage.plays(scene)
    for streams in (False, *((True,) if scene.garbage else ())):
        with pytest.raises(ModelUnavailable) as fault:
            await maker.turn(streams=streams)
        assert fault.value.elsewhere


@pytest.mark.promise("makers.openai.cut")
@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("written", ["", '{"status": "op'])
async def test_a_call_that_the_end_of_the_room_cut_off_is_not_made(maker: Side, streams: bool, written: str) -> None:
    """Nor one of which only the name was written: without arguments it would be a call of everything."""
    maker.stage.plays(Scene((), (TWO_CALLS[0], replace(TWO_CALLS[1], arguments=written)), finish="length"))
    reply, _ = await maker.turn(streams=streams)
    assert (reply.calls, reply.finish_reason) == (CALLS[:1], "length")


@pytest.mark.promise("makers.openai.turn")
@pytest.mark.parametrize("streams", [True, False])
async def test_calls_that_an_endpoint_gave_no_ids_are_told_apart(streams: bool) -> None:
    async with side("openai") as maker:
        maker.stage.plays(Scene((), tuple(replace(call, id="") for call in TWO_CALLS)))
        reply, _ = await maker.turn(streams=streams)
    assert len({call.id for call in reply.calls} - {""}) == 2


@pytest.mark.promise("makers.openai.images")
async def test_images_go_as_parts_of_the_persons_message(maker: Side) -> None:
    await maker.turn(Message("user", "What is this?", images=(Image("image/png", PNG), Image("image/png", PNG))))
    text, *images = maker.body["messages"][-1]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert [part["image_url"]["url"] for part in images] == [Image("image/png", PNG).data_url] * 2


@pytest.mark.promise("makers.openai.form")
@pytest.mark.parametrize("streams", [True, False])
async def test_an_answer_of_a_form_is_asked_for_by_the_makers_own_means(maker: Side, streams: bool) -> None:
    """Strictly, and without the bounds that not every service takes."""
    maker.stage.plays(Scene(('{"days": 3}',)))
    reply, _ = await maker.turn(streams=streams, schema=SCHEMA)
    assert reply.text == '{"days": 3}'
    form = maker.body["response_format"]["json_schema"]
    assert form["strict"] is True
    assert form["schema"] == {**SCHEMA, "properties": {"days": {"type": "integer", "description": "How many."}}}
    await maker.turn(streams=streams)
    assert "response_format" not in maker.body


@pytest.mark.promise("makers.openai.turn")
async def test_a_turn_sends_nothing_that_reasoning_models_refuse() -> None:
    async with side("openai") as maker:
        reply, _ = await maker.turn()
        assert reply.finish_reason == "stop"
        assert maker.body.keys() <= {"messages", "model", "stream", "stream_options", "tools", "tool_choice"}
