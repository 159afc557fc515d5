"""What the connectors of our own tell Semantic Kernel of an answer, and how an answer is brought to its end in the turn."""

from semantic_kernel.contents import ChatMessageContent, StreamingChatMessageContent, StreamingTextContent
from semantic_kernel.contents.utils.author_role import AuthorRole

from charter.kernel.connector import Turn

REFUSED = "The model declined to answer this."
"""What is said where a model declines without a word."""


def whole(turn: Turn, model: str) -> ChatMessageContent:
    """Return the text of the answer as one message; the rest is in the turn."""
    return ChatMessageContent(role=AuthorRole.ASSISTANT, ai_model_id=model, content="".join(turn.text))


def piece(text: str, model: str) -> StreamingChatMessageContent:
    """Return a piece of a streamed answer."""
    said = StreamingTextContent(choice_index=0, text=text)
    return StreamingChatMessageContent(role=AuthorRole.ASSISTANT, choice_index=0, ai_model_id=model, items=[said])


def settle(turn: Turn) -> None:
    """Bring an answer that has ended into order: a call without arguments has an empty object, and a refusal without a word
    gets one.
    """
    for call in turn.calls.values():
        call["arguments"] = call["arguments"] or "{}"
    if turn.finish_reason == "refusal" and not "".join(turn.text).strip():
        turn.refusal.append(REFUSED)
