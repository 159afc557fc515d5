"""A run's messages as Semantic Kernel holds them and as they go over the wire: each converted once.

A turn takes all messages of its run again. Building Semantic Kernel's contents and their payload anew each time would
cost more with every turn than the turn itself.
"""

from collections.abc import Sequence
from typing import Any

from pydantic import Field
from semantic_kernel.contents import (
    ChatHistory,
    ChatMessageContent,
    FunctionCallContent,
    FunctionResultContent,
    ImageContent,
    TextContent,
)
from semantic_kernel.contents.utils.author_role import AuthorRole

from charter.models.chat import Message


class Converted(ChatMessageContent):
    """A message of ours in Semantic Kernel's form, with the payload that Semantic Kernel makes of it. ``message`` is the
    message itself, for connectors that make a payload of their own.
    """

    message: Message | None = Field(default=None, exclude=True, repr=False)
    wire: dict[str, Any] | None = Field(default=None, exclude=True, repr=False)

    def to_dict(self, role_key: str = "role", content_key: str = "content") -> dict[str, Any]:
        """Return the payload. It is shared by all turns of a run: not to be changed."""
        if self.wire is None:
            made = super().to_dict(role_key, content_key)
            if "tool_calls" in made and (text := "".join(i.text for i in self.items if isinstance(i, TextContent))):
                made[content_key] = text  # Semantic Kernel drops what the model said beside its calls.
            self.wire = made
        return self.wire


def shown(history: ChatHistory) -> list[Message]:
    """Return the messages of ours that Semantic Kernel holds."""
    return [m.message for m in history.messages if isinstance(m, Converted) and m.message is not None]


class History:
    """What one run's model turns have converted so far. It belongs to the run's work and goes with it."""

    def __init__(self) -> None:
        self._made: dict[int, tuple[Message, Converted]] = {}

    def of(self, messages: Sequence[Message]) -> list[Converted]:
        """Return the contents; what is not among ``messages`` any more is forgotten."""
        # By identity, which the kept reference makes safe: comparing texts would cost what is saved here.
        self._made = {id(m): self._made.get(id(m)) or (m, converted(m)) for m in messages}
        return [self._made[id(m)][1] for m in messages]


def converted(message: Message) -> Converted:
    if message.role == "tool":
        name = (message.name or "").replace(".", "-", 1)
        result = FunctionResultContent(id=message.call_id, name=name, result=message.text)
        return Converted(role=AuthorRole.TOOL, items=[result], message=message)
    calls = [
        FunctionCallContent(id=c.id, name=c.name.replace(".", "-", 1), arguments=c.arguments) for c in message.calls
    ]
    text = [TextContent(text=message.text)] if message.text or not calls else []
    images = [ImageContent(data=i.data, data_format="base64", mime_type=i.media_type) for i in message.images]
    return Converted(role=AuthorRole(message.role), items=[*text, *images, *calls], message=message)
