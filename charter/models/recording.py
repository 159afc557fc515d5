"""A model's traffic, recorded once and answered from again: what was asked, told by its essentials, and the reply.

A line of the file is one turn, as JSON. A turn is known by what the person wrote last, by how often the model had called
functions since then and which, and by the functions it was offered: results may differ from day to day, and so may ids
and dates. No instructions, no results and no keys are recorded; what looks like a person's address, number or account, and
every value that the host knows for a secret, is replaced before it is written. Names are not: look a recording over before
you share it.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import orjson

from charter.errors import StartRefused
from charter.models import conversation
from charter.models.chat import Message, Reply, ToolCall, Usage
from charter.models.conversation import Conversation
from charter.models.wire import Answered, WireError

_PRIVATE = (
    # From the beginning of a word only, and never shorter: one long word must not be looked through from each letter.
    (re.compile(r"(?<![\w.+-])[\w.+-]++@[\w-]+(?:\.[\w-]+)+"), "[mail]"),
    (re.compile(r"\b[A-Z]{2}\d{2}(?: ?[0-9A-Z]{4}){3,7}(?: ?[0-9A-Z]{1,3})?\b"), "[account]"),
    (re.compile(r"(?<![\w-])(?:\+|00)\d[\d ()/-]{7,}\d"), "[phone]"),
)

Clean = Callable[[str], str]
"""Takes every value that is secret out of a text."""


def redacted(text: str) -> str:
    """Return the text without what looks like a mail address, a telephone number or a bank account."""
    for pattern, name in _PRIVATE:
        text = pattern.sub(name, text)
    return text


def turn_key(talk: Conversation, offered: Collection[str], clean: Clean = str) -> str:
    """Return what a turn is known by; ``offered`` are the functions' names as the wire has them."""
    called = [finished.name for finished in talk.finished]
    parts = [redacted(clean(talk.said)).strip(), str(talk.rounds), *called, "", *sorted(offered)]
    return sha256("\0".join(parts).encode()).hexdigest()[:32]


def _wire(message: Message) -> dict[str, Any]:
    """Return a message as a wire has it, as far as a turn is known by it."""
    calls = [{"id": c.id, "function": {"name": _wired(c.name), "arguments": c.arguments}} for c in message.calls]
    told = {"role": message.role, "content": message.text, "tool_call_id": message.call_id}
    return {**told, **({"tool_calls": calls} if calls else {})}


def _wired(name: str) -> str:
    return name.replace(".", "-", 1)


class Recorder:
    """Appends turns to a file, each a line; made with its folder when the first one comes."""

    def __init__(self, file: Path, clean: Clean) -> None:
        self._file = file
        self._clean = clean
        self._lock = asyncio.Lock()

    async def note(self, messages: Sequence[Message], offered: Collection[str], reply: Reply) -> None:
        """Write one turn: its essentials and its reply."""
        talk = conversation.read({"messages": [_wire(message) for message in messages]})
        line = {
            "turn": turn_key(talk, offered, self._clean),
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "said": redacted(talk.said),
            "called": [finished.name for finished in talk.finished],
            "reply": self._told(reply),
        }
        written = self._clean(orjson.dumps(line).decode()) + "\n"
        async with self._lock:
            await asyncio.to_thread(self._append, written)

    def _told(self, reply: Reply) -> dict[str, Any]:
        calls = [{"id": c.id, "name": c.name, "arguments": redacted(c.arguments)} for c in reply.calls]
        return {
            "text": redacted(reply.text),
            "calls": calls,
            "model": reply.model,
            "finish_reason": reply.finish_reason,
            "usage": asdict(reply.usage),
        }

    def _append(self, line: str) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a", encoding="utf-8") as file:
            file.write(line)


class RecordedModel:
    """Answers a wire's request as the recording has it; the same turn asked again gets the next reply to it."""

    def __init__(self, replies: Mapping[str, Sequence[Answered]]) -> None:
        self._replies = replies
        self._asked: defaultdict[str, int] = defaultdict(int)

    async def answer(self, body: dict[str, Any]) -> Answered:
        """Return the recorded answer.

        Raises:
            WireError: the recording has no such turn.
        """
        talk = conversation.read(body)
        key = turn_key(talk, talk.tools.keys())
        replies = self._replies.get(key)
        if not replies:
            raise WireError(400, "The recording has no such turn.")
        at = min(self._asked[key], len(replies) - 1)
        self._asked[key] += 1
        return replies[at]


def load(file: Path) -> RecordedModel:
    """Read a recording.

    Raises:
        StartRefused: there is none, or a line of it is no turn; the sentence says which.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise StartRefused(f"The recording {file} cannot be read: {fault}") from fault
    replies: defaultdict[str, list[Answered]] = defaultdict(list)
    for number, line in enumerate(filter(None, lines), start=1):
        try:
            turn: dict[str, Any] = orjson.loads(line)
            replies[str(turn["turn"])].append(_answered(turn["reply"]))
        except (orjson.JSONDecodeError, KeyError, TypeError) as fault:
            raise StartRefused(f"Line {number} of the recording {file} is no turn: {fault!r}") from fault
    if not replies:
        raise StartRefused(
            f"The recording {file} is empty.", action="Record something first: set 'recording' of a model."
        )
    return RecordedModel(replies)


def _answered(reply: Mapping[str, Any]) -> Answered:
    calls = [cast("Mapping[str, str]", call) for call in reply["calls"]]
    return Answered(
        text=str(reply["text"]),
        calls=tuple(ToolCall(c["id"], _wired(c["name"]), c["arguments"]) for c in calls),
        model=str(reply["model"]),
        level="yours",
        usage=Usage(**reply["usage"]),
    )
