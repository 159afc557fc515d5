"""An answer that grows before a person's eyes: Teams' rules of it (Microsoft, "Stream bot messages")."""

import time
from dataclasses import dataclass, field
from typing import Any, Literal

from charter.twins.bot_connector.chats import Chat
from charter.twins.bot_connector.reading import objects_of
from charter.twins.bot_connector.refusals import Refused, no_stream

Json = dict[str, Any]
_LONGEST_INFORMATION = 1_000


@dataclass(slots=True)
class Stream:
    """``text`` is what was streamed so far; what comes must begin with it."""

    id: str
    chat: str
    sequence: int = 0
    text: str = ""
    state: Literal["growing", "done", "stopped", "late"] = "growing"
    began: float = field(default_factory=time.monotonic)


@dataclass(slots=True)
class Streams:
    """All by id; at most one grows in a conversation."""

    known: dict[str, Stream] = field(default_factory=dict[str, Stream])

    def growing(self, chat: str) -> Stream | None:
        return next((each for each in self.known.values() if (each.chat, each.state) == (chat, "growing")), None)

    def stop(self, chat: str) -> bool:
        """End what grows there, as the person's button does; return whether anything did."""
        stream = self.growing(chat)
        if stream is not None:
            stream.state = "stopped"
        return stream is not None

    def over(self, identifier: str) -> None:
        """End what was edited as a whole or taken away."""
        if identifier in self.known:
            self.known[identifier].state = "done"

    def begun(self, chat: Chat, info: Json, activity: Json, new_id: str, seconds: float) -> Stream:
        """Return the stream that this activity belongs to, a new one where it names none.

        Raises:
            Refused: it may not be: no personal chat, another grows, it ended, or what is said breaks a rule.
        """
        if chat.kind != "personal":
            raise no_stream("Content stream is not allowed in this conversation.")
        _check(info, activity)
        name = info.get("streamId")
        if name is None:
            return self._new(chat, info, activity, new_id, seconds)
        stream = self.known.get(str(name))
        if stream is None or stream.chat != chat.id or activity.get("id", name) != name:
            raise _wrong("The stream id is not valid.")
        self._age(stream, seconds)
        if stream.state != "growing":
            raise _ended(stream)
        return stream

    def _new(self, chat: Chat, info: Json, activity: Json, new_id: str, seconds: float) -> Stream:
        if info["streamType"] == "final":
            raise _wrong("A final message needs the id of its stream.")
        if not activity.get("text"):
            raise _wrong("Start streaming activities should include text.")
        if info["streamSequence"] != 1:
            raise _wrong("A stream begins with the sequence number 1.")
        other = self.growing(chat.id)
        if other is not None:
            self._age(other, seconds)
        if other is not None and other.state == "growing":
            raise no_stream("Content stream is not allowed while another one goes on in this conversation.")
        stream = self.known[new_id] = Stream(new_id, chat.id)
        return stream

    def _age(self, stream: Stream, seconds: float) -> None:
        if stream.state == "growing" and time.monotonic() - stream.began > seconds:
            stream.state = "late"


def info_of(activity: Json) -> Json | None:
    """Return what makes an activity part of a stream, if it is one."""
    found = [each for each in objects_of(activity, "entities") if each.get("type") == "streaminfo"]
    if len(found) > 1:
        raise _wrong("An activity has one streaminfo at most.")
    return found[0] if found else None


def grow(stream: Stream, info: Json, activity: Json) -> bool:
    """Take what the activity adds; return whether it did: one that comes out of its turn is passed over.

    Raises:
        Refused: it takes back what was streamed, or informs once there is text.
    """
    kind, text = info["streamType"], str(activity.get("text") or "")
    if kind != "final":
        if info["streamSequence"] <= stream.sequence:
            return False
        if kind == "informative" and stream.text:
            raise _wrong("Informative updates come before the streamed text.")
    if kind != "informative":
        if not text.startswith(stream.text):
            raise _wrong("Streamed content should contain the previously streamed content.")
        stream.text = text
    if kind == "final":
        stream.state = "done"
    else:
        stream.sequence = info["streamSequence"]
    return True


def _check(info: Json, activity: Json) -> None:
    kind, sequence = info.get("streamType"), info.get("streamSequence")
    if kind not in ("informative", "streaming", "final"):
        raise _wrong("The stream type is informative, streaming or final.")
    if activity["type"] != ("message" if kind == "final" else "typing"):
        raise _wrong("What is streamed is of the type typing, and the last of it a message.")
    if kind == "final":
        if sequence is not None:
            raise _wrong("The final message has no sequence number.")
        return
    if not isinstance(sequence, int) or isinstance(sequence, bool) or sequence < 1:
        raise _wrong("The stream sequence is a number from 1 on.")
    if activity.get("attachments"):
        raise _wrong("Attachments come with the final message only.")
    if kind == "informative" and len(str(activity.get("text") or "")) > _LONGEST_INFORMATION:
        raise _wrong(f"An informative update has at most {_LONGEST_INFORMATION} characters.")


def _ended(stream: Stream) -> Refused:
    match stream.state:
        case "stopped":
            return no_stream("Content stream was canceled by user.")
        case "late":
            return no_stream("Content stream finished due to exceeded streaming time.")
        case _:
            return no_stream("Content stream is not allowed on an already completed streamed message.")


def _wrong(text: str) -> Refused:
    return Refused(400, "BadRequest", text)
