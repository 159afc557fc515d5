"""What a caller says: the new input, and the exchanges that they claim came before. Pure.

Only text is taken. Nothing a caller claims about earlier turns is believed; see ``threads``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from charter.channels.responses.parameters import INSTRUCTIONS, TOOLS
from charter.errors import FieldError, InvalidRequest

_TEXT = {"input_text": "text", "output_text": "text", "text": "text", "refusal": "refusal"}
_REFUSED_ROLES = {"system": INSTRUCTIONS, "developer": INSTRUCTIONS, "tool": TOOLS, "function": TOOLS}
_MEDIA = "Images, files and sound are not taken by this door; send text."


@dataclass(frozen=True, slots=True)
class Exchange:
    """What somebody said, and the answers to it: texts, and the ids of the items they came in."""

    said: str
    answers: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """``text`` is new; ``earlier`` is claimed."""

    text: str
    earlier: tuple[Exchange, ...] = ()


@dataclass(frozen=True, slots=True)
class _Message:
    role: str
    text: str
    id: str


def read(given: Any, pointer: str) -> Conversation:
    """Return what is said by a text or a list of messages.

    Raises:
        InvalidRequest: there is no new message of the user, or something in it is not text.
    """
    if isinstance(given, str):
        return Conversation(given)
    if not isinstance(given, Sequence) or not given:
        _refuse("Send text, or a list of messages.", pointer)
    *earlier, new = _exchanges([_message(item, f"{pointer}/{at}") for at, item in enumerate(cast("list[Any]", given))])
    if new.answers or new.items or not new.said:
        _refuse("The last message must be the user's.", pointer)
    return Conversation(new.said, tuple(earlier))


def _exchanges(messages: Sequence[_Message]) -> list[Exchange]:
    found = [Exchange("")]
    for message in messages:
        last = found[-1]
        if message.role == "assistant":
            found[-1] = Exchange(last.said, (*last.answers, message.text), (*last.items, message.id))
        elif last.items:
            found.append(Exchange(message.text))
        else:
            found[-1] = Exchange("\n\n".join(filter(None, (last.said, message.text))))
    return found


def _message(item: Any, pointer: str) -> _Message:
    if not isinstance(item, Mapping):
        _refuse("A message is an object with role and content.", pointer)
    message = cast("Mapping[str, Any]", item)
    kind = message.get("type", "message")
    if kind != "message":
        _refuse(f"Items of the type {_named(kind)} are not taken by this door; send messages.", f"{pointer}/type")
    role = message.get("role")
    if role not in {"user", "assistant"}:
        _refuse(_REFUSED_ROLES.get(str(role), "The role must be user or assistant."), f"{pointer}/role")
    if message.get("tool_calls") or message.get("function_call"):
        _refuse(TOOLS, f"{pointer}/tool_calls")
    return _Message(role, "".join(_texts(message.get("content"), f"{pointer}/content")), str(message.get("id") or ""))


def _texts(content: Any, pointer: str) -> Iterator[str]:
    if isinstance(content, str):
        yield content
        return
    if not isinstance(content, Sequence):
        _refuse("The content must be text.", pointer)
    for at, part in enumerate(cast("Sequence[Any]", content)):
        yield _text(part, f"{pointer}/{at}")


def _text(part: Any, pointer: str) -> str:
    fields: Mapping[str, Any] = cast("Mapping[str, Any]", part) if isinstance(part, Mapping) else {}
    name = _TEXT.get(str(fields.get("type")))
    if name is None:
        _refuse(_MEDIA, f"{pointer}/type")
    text = fields.get(name)
    if not isinstance(text, str):
        _refuse("A part's text must be a string.", f"{pointer}/{name}")
    return text


def _named(kind: Any) -> str:
    return str(kind)[:40]


def _refuse(sentence: str, pointer: str) -> NoReturn:
    raise InvalidRequest(f"{pointer}: {sentence}", errors=[FieldError(pointer, sentence)])
