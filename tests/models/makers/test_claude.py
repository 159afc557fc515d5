"""What is Claude's own way, through the maker's client, against the twin."""

from collections.abc import AsyncIterator

import pytest

from charter.kernel.telling import REFUSED
from charter.models.chat import Message, ToolCall
from charter.twins.makers.scene import Scene
from tests.models.makers.others import side_of, two_calls
from tests.models.makers.sides import Side

KEPT = {"type": "ephemeral"}
MANAGER = ToolCall("toolu_01A", "people.get_manager", "{}")
TICKETS = ToolCall("toolu_01B", "service_desk.list_tickets", '{"status":"open"}')
both_ways = pytest.mark.parametrize("streams", [True, False])


@pytest.fixture
async def claude() -> AsyncIterator[Side]:
    async with side_of("anthropic", max_output_tokens=777) as running:
        yield running


def result(call: ToolCall, text: str) -> Message:
    return Message("tool", text, call_id=call.id, name=call.name)


@pytest.mark.promise("makers.claude.thread")
async def test_results_stand_in_one_message_in_the_order_of_the_calls_before_what_is_said_next(claude: Side) -> None:
    await claude.turn(
        Message("system", "You help."),
        Message("user", "Both, please."),
        Message("assistant", "Earlier: nothing."),
        Message("assistant", "I look.", (MANAGER, TICKETS)),
        result(TICKETS, "second"),
        result(MANAGER, "first"),
        Message("user", "And?"),
        Message("system", "Be short."),
    )
    asked, called, answered = claude.body["messages"]
    assert [block["text"] for block in claude.body["system"]] == ["You help.\n\nBe short."]
    assert (asked["role"], called["role"], answered["role"]) == ("user", "assistant", "user")
    assert [block["type"] for block in called["content"]] == ["text", "text", "tool_use", "tool_use"]
    assert called["content"][3] == {
        "type": "tool_use", "id": "toolu_01B", "name": "service_desk-list_tickets", "input": {"status": "open"},
    }  # fmt: skip
    assert [block.get("content") or block["text"] for block in answered["content"]] == ["first", "second", "And?"]


@pytest.mark.promise("makers.claude.thread")
async def test_a_thread_that_the_maker_would_refuse_is_brought_into_its_form(claude: Side) -> None:
    """It begins with what was noted, holds an empty answer and arguments that were never JSON."""
    odd = ToolCall("toolu_9", "people.get_manager", "not json")
    await claude.turn(
        Message("assistant", "Noted."),
        Message("user", "Go on."),
        Message("assistant", "  "),
        Message("user", "Please."),
        Message("assistant", "", (odd,)),
        result(odd, "Wrong."),
    )
    assert [message["role"] for message in claude.body["messages"]] == [
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert claude.body["messages"][3]["content"][0]["input"] == {"not_an_object": "not json"}


@pytest.mark.promise("makers.claude.cache")
async def test_instructions_functions_and_the_thread_so_far_are_kept_for_the_next_turn(claude: Side) -> None:
    await claude.turn(Message("system", "You help."), Message("user", "One."), Message("user", "Two."))
    assert claude.body["system"][-1]["cache_control"] == KEPT
    *before, last = claude.body["messages"][-1]["content"]
    assert last["cache_control"] == KEPT
    assert not any("cache_control" in block for block in before)
    await claude.turn(Message("system", "You help."), Message("user", "One."), functions=())
    assert "cache_control" not in claude.body["messages"][-1]["content"][-1]  # no turn will follow this one


@pytest.mark.promise("makers.more.usage")
@both_ways
async def test_what_goes_into_the_cache_is_told_apart_and_part_of_what_was_read(claude: Side, streams: bool) -> None:
    scene = Scene(("Hello.",), input_tokens=2006, output_tokens=300, cached_tokens=1000, cache_write_tokens=900)
    claude.stage.plays(scene)
    usage = (await claude.turn(streams=streams))[0].usage
    assert (usage.input_tokens, usage.cached_tokens, usage.cache_write_tokens) == (2006, 1000, 900)


@pytest.mark.promise("makers.claude.refusal")
@both_ways
@pytest.mark.parametrize(("said", "told"), [((), REFUSED), (("I will ", "not."), "I will not.")])
async def test_a_refusal_is_an_answer_and_calls_nothing(
    claude: Side, said: tuple[str, ...], told: str, streams: bool
) -> None:
    claude.stage.plays(Scene(said, two_calls("anthropic"), refused="This request was refused due to policy."))
    reply, live = await claude.turn(streams=streams)
    assert (reply.text, reply.calls, reply.finish_reason) == (told, (), "refusal")
    assert (live, len(claude.stage.heard)) == (told if streams else "", 1)


@pytest.mark.promise("makers.more.filter")
async def test_an_answer_that_the_filter_stops_says_so_and_calls_nothing(claude: Side) -> None:
    claude.stage.plays(Scene(("Take a ",), two_calls("anthropic"), filtered="answer"))
    reply, live = await claude.turn()
    assert (reply.calls, reply.finish_reason, live) == ((), "content_filter", reply.text)
    assert reply.text.startswith("Take a \n\nThe maker of the model stopped this")


@pytest.mark.promise("makers.claude.ends")
@both_ways
@pytest.mark.parametrize(("finish", "ended"), [
    ("stop_sequence", "stop"), ("pause_turn", "stop"), ("max_tokens", "length"), ("model_context_window_exceeded", "length"),
    ("a_reason_of_next_year", "stop"),
])  # fmt: skip
async def test_whatever_ends_an_answer_is_told_in_our_words(
    claude: Side, finish: str, ended: str, streams: bool
) -> None:
    claude.stage.plays(Scene(("So far.",), finish=finish))
    reply, _ = await claude.turn(streams=streams)
    assert (reply.text, reply.finish_reason, claude.body["max_tokens"]) == ("So far.", ended, 777)


@pytest.mark.promise("makers.claude.ends")
@both_ways
async def test_a_call_that_the_end_of_the_room_cut_off_is_not_made(claude: Side, streams: bool) -> None:
    claude.stage.plays(Scene((), two_calls("anthropic"), finish="max_tokens"))
    reply, _ = await claude.turn(streams=streams)
    assert [call.id for call in reply.calls] == ["toolu_01A"]


@pytest.mark.promise("makers.more.offered")
async def test_a_thread_with_calls_in_it_is_taken_where_nothing_is_offered(claude: Side) -> None:
    """The maker wants some functions described then; it is told to call none of them."""
    await claude.turn(
        Message("user", "Who?"), Message("assistant", "", (MANAGER,)), result(MANAGER, "{}"), functions=()
    )
    assert claude.body["tool_choice"] == {"type": "none"}
    assert [tool["name"] for tool in claude.body["tools"]] == ["people-get_manager"]
