"""What a turn has noted of an answer, told in Semantic Kernel's words; and what we say where a model says nothing."""

from typing import Any

from semantic_kernel.contents import (
    ChatMessageContent,
    FunctionCallContent,
    StreamingChatMessageContent,
    StreamingTextContent,
    TextContent,
)
from semantic_kernel.contents.utils.author_role import AuthorRole

from charter.kernel.connector import Turn

REFUSED = "The model declined to answer this."


def whole(turn: Turn, model: str) -> ChatMessageContent:
    """Return the answer as one message."""
    calls = [
        FunctionCallContent(id=c["id"], name=c["name"], arguments=c["arguments"]) for _, c in sorted(turn.calls.items())
    ]
    text: list[Any] = [TextContent(text="".join(turn.text))] if any(turn.text) else []
    return ChatMessageContent(role=AuthorRole.ASSISTANT, ai_model_id=model, items=[*text, *calls])


def piece(text: str, model: str) -> StreamingChatMessageContent:
    """Return a piece of a streamed answer."""
    said = StreamingTextContent(choice_index=0, text=text)
    return StreamingChatMessageContent(role=AuthorRole.ASSISTANT, choice_index=0, ai_model_id=model, items=[said])


def settle(turn: Turn) -> str:
    """Bring the answer that has ended into order, and return what is to be said beside what was said already.

    A refusal calls nothing, and says so in a sentence of ours where the model has none. A call that the end of the room
    cut off is no call.
    """
    if turn.finish_reason == "length" and turn.calls:
        turn.calls.pop(max(turn.calls))
    for call in turn.calls.values():
        call["arguments"] = call["arguments"] or "{}"
    if turn.finish_reason != "refusal":
        return ""
    turn.calls.clear()
    if "".join(turn.text).strip():
        return ""
    turn.text = [REFUSED]
    return REFUSED
