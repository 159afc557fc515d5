"""An answer that grows before a person's eyes, and all that a connector does to it."""

import asyncio
import time
from itertools import pairwise
from typing import Any

import pytest

from charter.channels.teams.connector.streams import CLOSE_SECONDS
from charter.channels.teams.ports import Stopped
from tests.teams.line import Line, line, stopped
from tests.teams.saying import until
from tests.teams.test_link import linked

WORDS = [f"word{number} " for number in range(40)]


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "message", "text": text, **more}


async def told(stream: Any, seconds: float, words: list[str]) -> str:
    """Add the words over that time, as a model does; return the text."""
    for word in words:
        stream.add(word)
        await asyncio.sleep(seconds / len(words))
    return "".join(words)


async def begun(there: Line, stream: Any) -> str:
    """Let the first piece be shown; return it."""
    stream.add("Yes")
    await until(lambda: there.got)
    return "Yes"


def final(there: Line) -> dict[str, Any]:
    return there.of("send")[-1].body


@pytest.mark.promise("teams.streams")
async def test_an_answer_grows_and_ends_as_one_message() -> None:
    label = {"type": "https://schema.org/Message", "@type": "Message", "additionalType": ["AIGeneratedContent"]}
    async with line() as there, linked(there.settings()) as link:
        stream = link.stream(there.place(), "17")
        stream.update("Searching the handbook")
        await until(lambda: there.got)
        text = await told(stream, 4, WORDS)
        more = {"entities": [label], "channelData": {"feedbackLoop": {"type": "custom"}}}
        identifier = await stream.close(said(text + "The end.", **more))
        sent = there.of("send")
    assert identifier == "m1"
    assert there.texts == {"m1": text + "The end."}
    assert [got.stream for got in sent] == ["informative", *["streaming"] * (len(sent) - 2), "final"]
    assert [got.body["channelData"].get("streamSequence") for got in sent[:-1]] == list(range(1, len(sent)))
    last = sent[-1].body
    assert last["channelData"]["feedbackLoop"] == {"type": "custom"}
    assert last["channelData"]["streamId"] == "m1"
    assert [each["type"] for each in last["entities"]] == ["https://schema.org/Message", "streaminfo"]
    assert last["replyToId"] == "17"
    assert not there.of("edit")


@pytest.mark.promise("teams.streams.spaced")
async def test_text_is_shown_at_most_every_second_and_a_half_however_fast_it_comes() -> None:
    async with line() as there, linked(there.settings()) as link:
        stream = link.stream(there.place(), "")
        text = await told(stream, 5, WORDS)
        assert await stream.close(said(text)) == "m1"
        times = [got.at for got in there.of("send")]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) >= 3
    assert min(gaps[:-1]) >= 1.45
    assert gaps[-1] >= 0.95


async def test_each_piece_begins_with_the_one_before() -> None:
    async with line() as there, linked(there.settings()) as link:
        stream = link.stream(there.place(), "")
        text = await told(stream, 4, WORDS)
        await stream.close(said(text))
        pieces = [got.body["text"] for got in there.of("send")]
    assert len(pieces) >= 3
    assert all(later.startswith(earlier) for earlier, later in pairwise(pieces))
    assert all(piece.strip() for piece in pieces)


@pytest.mark.promise("teams.streams.busy")
async def test_a_piece_that_is_throttled_comes_with_the_next_and_a_throttled_end_is_repeated() -> None:
    async with line() as there, linked(there.settings()) as link:
        there.fail("streaming", 429, after=1, times=1)
        there.fail("final", 429, times=1, headers={"Retry-After": "2"})
        there.fail("final", 502, times=1)
        stream = link.stream(there.place(), "")
        text = await told(stream, 5, WORDS)
        assert await stream.close(said(text)) == "m1"
        sent = there.of("send")
    assert there.texts == {"m1": text}
    assert [got.status for got in sent].count(429) == 2
    numbers = [
        got.body["channelData"].get("streamSequence") for got in sent if got.stream == "streaming" and got.status == 200
    ]
    assert numbers == list(range(1, len(numbers) + 1))
    ends = [got for got in sent if got.stream == "final"]
    assert [got.status for got in ends] == [429, 502, 200]
    assert ends[1].at - ends[0].at >= 2


async def test_an_end_that_finds_no_room_for_long_is_to_be_said_plainly() -> None:
    async with line() as there, linked(there.settings()) as link:
        there.fail("final", 429, times=100, headers={"Retry-After": "60"})
        stream = link.stream(there.place(), "")
        text = await begun(there, stream)
        began = time.monotonic()
        assert await stream.close(said(text)) is None
        assert time.monotonic() - began < CLOSE_SECONDS - 1


@pytest.mark.promise("teams.streams.bounded")
async def test_an_end_that_nobody_answers_is_given_up_in_time() -> None:
    async with line() as there, linked(there.settings()) as link:
        there.fail("final", 200, delay=30)
        stream = link.stream(there.place(), "")
        text = await begun(there, stream)
        began = time.monotonic()
        assert await stream.close(said(text)) is None
        assert time.monotonic() - began < 25


@pytest.mark.promise("teams.streams.forbidden")
async def test_where_streams_are_not_allowed_the_caller_knows_at_once() -> None:
    async with line() as there, linked(there.settings()) as link:
        there.fail("send", 403, times=100, body=stopped("Content stream is not allowed"))
        stream = link.stream(there.place(), "")
        text = await told(stream, 2, WORDS)
        began = time.monotonic()
        assert await stream.close(said(text)) is None
        assert time.monotonic() - began < CLOSE_SECONDS - 1
        assert len(there.got) == 1


@pytest.mark.parametrize("status", [400, 404, 413])
async def test_a_stream_that_is_refused_for_good_is_not_tried_again(status: int) -> None:
    async with line() as there, linked(there.settings()) as link:
        there.fail("send", status, times=100)
        stream = link.stream(there.place(), "")
        text = await told(stream, 2, WORDS)
        assert await stream.close(said(text)) is None
        assert len(there.got) == 1


@pytest.mark.promise("teams.streams.stopped")
async def test_who_presses_stop_is_heard_at_the_next_word() -> None:
    async with line() as there, linked(there.settings()) as link:
        there.fail("streaming", 403, after=1, times=100, body=stopped("Content stream was canceled by user."))
        stream = link.stream(there.place(), "")
        with pytest.raises(Stopped):
            await told(stream, 5, 10 * WORDS)
        count = len(there.got)
        with pytest.raises(Stopped):
            await stream.close(said("word"))
        assert len(there.got) == count == 2


async def test_who_presses_stop_at_the_very_end_is_heard_too() -> None:
    async with line() as there, linked(there.settings()) as link:
        there.fail("final", 403, body=stopped("Content stream was canceled by user."))
        stream = link.stream(there.place(), "")
        text = await begun(there, stream)
        with pytest.raises(Stopped):
            await stream.close(said(text))


@pytest.mark.promise("teams.streams.long")
@pytest.mark.parametrize("when", ["streaming", "final"])
async def test_an_answer_that_takes_longer_than_two_minutes_ends_in_place(when: str) -> None:
    over = stopped("Exceeded streaming time limit")
    async with line() as there, linked(there.settings()) as link:
        there.fail(when, 403, after=1 if when == "streaming" else 0, times=100, body=over)
        stream = link.stream(there.place(), "")
        text = await told(stream, 4 if when == "streaming" else 0.1, WORDS)
        assert await stream.close(said(text + "The end.")) == "m1"
        edits = there.of("edit")
    assert [(got.target, got.body["text"]) for got in edits] == [("m1", text + "The end.")]
    assert all(each["type"] != "streaminfo" for each in edits[0].body.get("entities", []))
    assert [got.stream for got in there.of("send")].count("streaming") <= 3


async def test_an_end_that_does_not_go_on_from_what_was_shown_is_to_be_said_plainly() -> None:
    async with line() as there, linked(there.settings()) as link:
        stream = link.stream(there.place(), "")
        stream.add("The price is 10")
        await until(lambda: there.got)
        assert await stream.close(said("It costs 10.")) is None
        assert final(there)["text"] == "The price is 10"
        assert there.of("send")[-1].stream == "final"


@pytest.mark.parametrize("text", ["", " \n"])
async def test_nothing_empty_is_ever_said(text: str) -> None:
    async with line() as there, linked(there.settings()) as link:
        stream = link.stream(there.place(), "")
        stream.update(" ")
        stream.add(text)
        assert await stream.close(said(text)) is None
        assert there.got == []


async def test_an_answer_that_is_there_before_anything_was_shown_is_to_be_said_plainly() -> None:
    """One request instead of two."""
    async with line() as there, linked(there.settings()) as link:
        stream = link.stream(there.place(), "")
        assert await stream.close(said("Yes.")) is None
        assert there.got == []


async def test_what_is_being_done_is_told_only_until_the_first_text() -> None:
    async with line() as there, linked(there.settings()) as link:
        stream = link.stream(there.place(), "")
        stream.update("x" * 2000)
        await until(lambda: there.got)
        stream.update("Reading")
        stream.add("Yes")
        stream.update("Writing")
        await until(lambda: len(there.got) > 1)
        await stream.close(said("Yes."))
        sent = there.of("send")
    assert [got.stream for got in sent] == ["informative", "streaming", "final"]
    assert len(sent[0].body["text"]) == 1000


@pytest.mark.promise("teams.streams.one")
async def test_a_conversation_has_one_stream_at_a_time() -> None:
    async with line() as there, linked(there.settings()) as link:
        first, second = link.stream(there.place(), ""), link.stream(there.place(), "")
        other = link.stream(there.place("a:bob"), "")
        for stream in (first, second, other):
            stream.add("Yes")
        await until(lambda: len(there.got) == 2)
        named = {got.conversation: f"m{number}" for number, got in enumerate(there.got, 1)}
        assert await second.close(said("Yes.")) is None
        assert await first.close(said("Yes.")) == named["a:alice"]
        assert await other.close(said("Yes.")) == named["a:bob"]
        third = link.stream(there.place(), "")
        third.add("Yes")
        await until(lambda: len(there.got) == 5)
        assert await third.close(said("Yes.")) == "m5"


@pytest.mark.parametrize("scope", ["group", "channel"])
async def test_only_personal_chats_see_streams(scope: str) -> None:
    async with line() as there, linked(there.settings()) as link:
        stream = link.stream(there.place("19:b", scope), "")
        text = await told(stream, 0.5, WORDS)
        assert await stream.close(said(text)) is None
        assert there.got == []
