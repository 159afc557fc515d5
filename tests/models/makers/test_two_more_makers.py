"""The connectors for Claude and Mistral, through the makers' own clients, against twins that know the wires."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp.test_utils import unused_port

from charter.errors import ModelUnavailable
from charter.kernel.connector import FILTERED
from charter.models.chat import Image, Message, ToolCall
from charter.twins.makers.scene import Scene
from tests.models.makers.others import KINDS, MODEL, side_of, two_calls
from tests.models.makers.sides import FUNCTIONS, Side

PNG = Image("image/png", b"\x89PNG\r\n\x1a\n" + bytes(40))
SCHEMA = {
    "type": "object", "additionalProperties": False, "required": ["days"],
    "properties": {"days": {"type": "integer", "minimum": 0, "description": "How many."}},
}  # fmt: skip
ASKED = (Message("system", "You help."), Message("user", "Who am I?"))
both_ways = pytest.mark.parametrize("streams", [True, False])


@pytest.fixture(params=KINDS)
async def maker(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    async with side_of(request.param) as running:
        yield running


def calls_of(kind: str) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(call.id, call.name.replace("-", ".", 1), call.arguments) for call in two_calls(kind))


def answered(calls: tuple[ToolCall, ...]) -> list[Message]:
    return [Message("tool", f'{{"n": {n}}}', call_id=call.id, name=call.name) for n, call in enumerate(calls)]


@pytest.mark.promise("makers.more.turn")
@both_ways
async def test_two_functions_are_asked_for_at_once_and_their_results_go_back(maker: Side, streams: bool) -> None:
    calls = calls_of(maker.kind)
    maker.stage.plays(Scene(("Let me ", "look."), two_calls(maker.kind)), Scene(("You are alice.",)))
    first, live = await maker.turn(*ASKED, streams=streams)
    assert (first.text, first.calls, first.finish_reason) == ("Let me look.", calls, "tool_calls")
    assert live == ("Let me look." if streams else "")
    later = Message("assistant", first.text, first.calls)
    second, _ = await maker.turn(*ASKED, later, *answered(calls), streams=streams)
    assert (second.text, second.calls, second.finish_reason) == ("You are alice.", (), "stop")
    assert (second.model, second.deployment) == (MODEL[maker.kind], maker.deployment.called)


@pytest.mark.promise("makers.more.offered")
@both_ways
async def test_only_the_functions_of_the_turn_are_offered_with_their_closed_schemas(maker: Side, streams: bool) -> None:
    await maker.turn(streams=streams)
    tools = [tool.get("function") or tool for tool in maker.body["tools"]]
    assert {tool["name"] for tool in tools} == {name.replace(".", "-") for name in FUNCTIONS}
    for tool in tools:
        schema = tool.get("input_schema") or tool["parameters"]
        assert (schema["type"], schema["additionalProperties"]) == ("object", False)
    await maker.turn(functions=(), streams=streams)
    assert "tools" not in maker.body


@pytest.mark.promise("makers.more.turn")
async def test_a_call_without_its_answer_would_be_refused(maker: Side) -> None:
    """The twins do look: what the connectors send is accepted because it is right."""
    calls = calls_of(maker.kind)
    broken = (*ASKED, Message("assistant", "", calls), *answered(calls)[:1])
    with pytest.raises(ModelUnavailable) as refused:
        await maker.turn(*broken)
    assert (refused.value.why, maker.stage.heard) == ("rejected", [])


@pytest.mark.promise("makers.more.ids")
@both_ways
async def test_a_thread_goes_on_whose_calls_another_maker_numbered(maker: Side, streams: bool) -> None:
    strange = ("call_1", "toolu_01A", "D681PevKs", "fc:with/signs and blanks", "x" * 90, "")
    calls = tuple(ToolCall(each, "people.get_manager", "{}") for each in strange)
    thread = (*ASKED, Message("assistant", "", calls), *answered(calls), Message("assistant", "So."), *ASKED[1:])
    for _ in range(2):
        await maker.turn(*thread, streams=streams)
    first, again = (seen.body["messages"] for seen in maker.stage.heard)
    assert first == again  # the same ids become the same ones, or no cache would ever know the thread again


@pytest.mark.promise("makers.more.usage")
@both_ways
async def test_all_that_was_read_is_counted_once_with_what_came_from_the_cache(maker: Side, streams: bool) -> None:
    maker.stage.plays(Scene(("Hello.",), input_tokens=2006, output_tokens=300, cached_tokens=1920))
    usage = (await maker.turn(streams=streams))[0].usage
    assert (usage.input_tokens, usage.output_tokens, usage.cached_tokens) == (2006, 300, 1920)


@pytest.mark.promise("makers.more.filter")
@both_ways
async def test_a_filtered_prompt_is_answered_in_a_sentence_and_asked_once(maker: Side, streams: bool) -> None:
    maker.stage.plays(Scene(filtered="prompt"))
    reply, live = await maker.turn(streams=streams)
    assert (reply.text, reply.finish_reason, len(maker.stage.heard)) == (FILTERED, "content_filter", 1)
    assert live == (FILTERED if streams else "")


@pytest.mark.promise("makers.more.faults")
@both_ways
@pytest.mark.parametrize(("scene", "why"), [
    (Scene(status=429, retry_after=400), "busy"),
    (Scene(status=503), "failing"),
    (Scene(status=500), "failing"),
    (Scene(status=400), "rejected"),
    (Scene(status=413), "rejected"),
    (Scene(status=403), "denied"),
    (Scene(garbage=True), "unreadable"),
])  # fmt: skip
async def test_a_fault_is_told_in_our_words(maker: Side, scene: Scene, why: str, streams: bool) -> None:
    maker.stage.plays(replace(scene, message="a word of the maker's"))
    with pytest.raises(ModelUnavailable) as fault:
        await maker.turn(streams=streams)
    assert fault.value.why == why
    assert "word of the maker" not in fault.value.detail
    assert fault.value.retry_after == (400 if why == "busy" else fault.value.retry_after)


@pytest.mark.promise("makers.more.faults")
async def test_a_maker_that_is_not_there_and_one_that_takes_too_long_are_told_apart(maker: Side) -> None:
    async with side_of(maker.kind, base_url=f"http://localhost:{unused_port()}") as gone:
        with pytest.raises(ModelUnavailable) as fault:
            await gone.turn()
        assert fault.value.why == "unreachable"
    async with side_of(maker.kind, timeout_seconds=0.05) as slow:
        slow.stage.plays(Scene(seconds=0.3))
        with pytest.raises(ModelUnavailable) as fault:
            await slow.turn()
        assert fault.value.why == "slow"


@pytest.mark.promise("makers.more.faults")
async def test_a_busy_maker_is_asked_again_after_the_time_that_it_said(maker: Side) -> None:
    maker.stage.plays(Scene(status=429, retry_after=1.25), Scene(("Here I am.",)))
    reply, _ = await maker.turn()
    assert (reply.text, [each.why for each in reply.attempts]) == ("Here I am.", ["busy"])


@pytest.mark.promise("makers.more.cut")
@pytest.mark.parametrize("neatly", [False, True])
@pytest.mark.parametrize("pieces", [1, 2])
async def test_a_stream_that_breaks_off_is_no_answer(maker: Side, pieces: int, neatly: bool) -> None:
    """Whatever it had said is taken back, half a call is never made, and the next answer stands alone."""
    broken = Scene(("One ", "two ", "three."), two_calls(maker.kind), cut_after=pieces, ends_neatly=neatly)
    maker.stage.plays(broken, Scene(("Here.",)))
    reply, live = await maker.turn()
    assert (reply.text, reply.calls, live) == ("Here.", (), "Here.")
    assert [each.detail for each in reply.attempts] == ["The model's answer broke off."]


@pytest.mark.promise("makers.more.cut")
async def test_half_a_body_is_no_answer(maker: Side) -> None:
    maker.stage.plays(Scene(("One ", "two."), cut_after=1), Scene(("Here.",)))
    reply, _ = await maker.turn(streams=False)
    assert (reply.text, len(reply.attempts)) == ("Here.", 1)


@pytest.mark.promise("makers.more.cut")
async def test_a_maker_that_fails_within_its_answer_is_asked_again(maker: Side) -> None:
    maker.stage.plays(Scene(("One ", "two."), fails_after=1), Scene(("Here.",)))
    reply, live = await maker.turn()
    why = "busy" if maker.kind == "anthropic" else "failing"  # the one tells that it is overloaded, the other nothing
    assert (reply.text, live, [each.why for each in reply.attempts]) == ("Here.", "Here.", [why])


@pytest.mark.promise("makers.more.images")
@both_ways
async def test_images_go_with_the_persons_message(maker: Side, streams: bool) -> None:
    await maker.turn(Message("user", "What is this?", images=(PNG, PNG)), streams=streams)
    *images, text = maker.body["messages"][-1]["content"]
    assert text["text"] == "What is this?"
    if maker.kind == "anthropic":
        source = {"type": "base64", "media_type": "image/png", "data": PNG.base64}
        assert [image["source"] for image in images] == [source] * 2
    else:
        assert [image["image_url"] for image in images] == [PNG.data_url] * 2


@pytest.mark.promise("makers.more.form")
@both_ways
async def test_an_answer_of_a_form_is_asked_for_by_the_makers_own_means(maker: Side, streams: bool) -> None:
    maker.stage.plays(Scene(('{"days": 3}',)))
    reply, _ = await maker.turn(streams=streams, schema=SCHEMA)
    assert reply.text == '{"days": 3}'
    wanted = {**SCHEMA, "properties": {"days": {"type": "integer", "description": "How many."}}}
    if maker.kind == "anthropic":
        assert maker.body["output_config"]["format"]["schema"] == wanted
    else:
        assert maker.body["response_format"]["json_schema"]["schema"] == wanted
    await maker.turn(streams=streams)
    assert not {"output_config", "response_format"} & maker.body.keys()
