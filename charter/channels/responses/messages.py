"""What a caller says: the new input, and the exchanges that they claim came before. Pure.

Text is taken, and images of the new input that come with the request. Nothing a caller claims about earlier turns is believed; see ``threads``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, cast

from charter.channels import images
from charter.channels.responses.parameters import INSTRUCTIONS, TOOLS
from charter.errors import FieldError, InvalidRequest
from charter.models.chat import Image

_TEXT = {"input_text": "text", "output_text": "text", "text": "text", "refusal": "refusal"}
_REFUSED_ROLES = {"system": INSTRUCTIONS, "developer": INSTRUCTIONS, "tool": TOOLS, "function": TOOLS}
_MEDIA = "Files and sound are not taken by this door; send text, or images as data: URLs in the user's new messages."


@dataclass(frozen=True, slots=True)
class Exchange:
    """What somebody said, and the answers to it: texts, and the ids of the items they came in."""

    said: str
    answers: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """``text`` and ``images`` are new; ``earlier`` is claimed."""

    text: str
    earlier: tuple[Exchange, ...] = ()
    images: tuple[Image, ...] = ()


@dataclass(frozen=True, slots=True)
class _Message:
    role: str
    text: str
    id: str
    images: tuple[Image, ...] = ()


def read(given: Any, pointer: str) -> Conversation:
    """Return what is said by a text or a list of messages.

    Raises:
        InvalidRequest: there is no new message of the user, or something in it is neither text nor an image that came with it.
    """
    if isinstance(given, str):
        return Conversation(given)
    if not isinstance(given, Sequence) or not given:
        _refuse("Send text, or a list of messages.", pointer)
    said = [_message(item, f"{pointer}/{at}") for at, item in enumerate(cast("list[Any]", given))]
    *earlier, new = _exchanges(said)
    if new.answers or new.items or not (new.said or said[-1].images):
        _refuse("The last message must be the user's.", pointer)
    return Conversation(new.said, tuple(earlier), _images_since(said))


def _images_since(messages: Sequence[_Message]) -> tuple[Image, ...]:
    """Return the images behind the last answer; those before it were shown to the runs they came with."""
    found: list[Image] = []
    for message in messages:
        found = [] if message.role == "assistant" else [*found, *message.images]
    return tuple(found)


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
    parts = list(_parts(message.get("content"), f"{pointer}/content", seen=role == "user"))
    text = "".join(part for part in parts if isinstance(part, str))
    images = tuple(part for part in parts if isinstance(part, Image))
    return _Message(str(role), text, str(message.get("id") or ""), images)


def _parts(content: Any, pointer: str, *, seen: bool) -> Iterator[str | Image]:
    if isinstance(content, str):
        yield content
        return
    if not isinstance(content, Sequence):
        _refuse("The content must be text.", pointer)
    for at, part in enumerate(cast("Sequence[Any]", content)):
        fields: Mapping[str, Any] = cast("Mapping[str, Any]", part) if isinstance(part, Mapping) else {}
        shown = seen and fields.get("type") in {"input_image", "image_url"}
        yield _image(fields, f"{pointer}/{at}") if shown else _text(fields, f"{pointer}/{at}")


def _image(fields: Mapping[str, Any], pointer: str) -> Image:
    """Return the image of a part: ``input_image`` of Responses, or ``image_url`` of chat completions."""
    address: Any = fields.get("image_url")
    if isinstance(address, Mapping):
        address = cast("Mapping[str, Any]", address).get("url")
    if not isinstance(address, str):
        _refuse(
            "An image must come as image_url with a data: URL; files are not kept by this host.", f"{pointer}/image_url"
        )
    return images.of_url(address, f"{pointer}/image_url")


def _text(fields: Mapping[str, Any], pointer: str) -> str:
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
