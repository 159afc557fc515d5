"""The chat connector for Claude: Semantic Kernel's own, with our messages and our functions sent as they are.

Semantic Kernel's request has open schemas, one system prompt and no cache; its reading of an answer fails on a refusal
and on any other reason to stop that it does not know. What is left of it are its settings and its place in an agent.
"""

from collections.abc import AsyncGenerator
from typing import Any, ClassVar

import anthropic
import orjson
from anthropic.types import Message as Answer
from anthropic.types import RawMessageStreamEvent
from semantic_kernel.connectors.ai.anthropic import AnthropicChatCompletion
from semantic_kernel.connectors.ai.anthropic.prompt_execution_settings.anthropic_prompt_execution_settings import (
    AnthropicChatPromptExecutionSettings,
)
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.contents import ChatHistory, ChatMessageContent, StreamingChatMessageContent

from charter.errors import ModelUnavailable
from charter.kernel import claude_request, faults
from charter.kernel.connector import Turn, present_turn
from charter.kernel.history import shown
from charter.kernel.telling import piece, settle, whole
from charter.models.chat import Usage
from charter.models.deployments import Deployed

_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "refusal",
}
_FILTER = "content filtering policy"


class ClaudeChatCompletion(AnthropicChatCompletion):
    """Claude, offered only the functions of the present turn."""

    # Semantic Kernel need not describe every function of the kernel in its own way: what is sent is the turn's.
    SUPPORTS_FUNCTION_CALLING: ClassVar[bool] = False

    max_output_tokens: int

    def __init__(self, deployed: Deployed) -> None:
        # Past Semantic Kernel's own, which looks for a key in the environment even where it is given a client.
        ChatCompletionClientBase.__init__(
            self,
            async_client=deployed.client,  # pyright: ignore[reportCallIssue]
            service_id=deployed.model,
            ai_model_id=deployed.model,
            max_output_tokens=deployed.said.max_output_tokens,  # pyright: ignore[reportCallIssue]
        )

    def _prepare_chat_history_for_request(
        self, chat_history: ChatHistory, role_key: str = "role", content_key: str = "content", stream: bool = False
    ) -> Any:
        turn, messages = present_turn.get(), shown(chat_history)
        turn.system = claude_request.instructions(messages)
        turn.messages = claude_request.conversation(messages, kept=bool(turn.tools))
        return [], None

    async def _send_chat_request(self, settings: AnthropicChatPromptExecutionSettings) -> list[ChatMessageContent]:
        turn = present_turn.get()
        try:
            create: Any = self.async_client.messages.create
            take_whole(turn, await create(**self._request(turn)))
        except anthropic.APIError as fault:
            _tell(turn, fault)
        settle(turn)
        return [whole(turn, self.ai_model_id)]

    async def _send_chat_stream_request(
        self, settings: AnthropicChatPromptExecutionSettings, function_invoke_attempt: int = 0
    ) -> AsyncGenerator[list[StreamingChatMessageContent], None]:
        turn = present_turn.get()
        try:
            create: Any = self.async_client.messages.create
            async with await create(**self._request(turn), stream=True) as stream:
                async for event in stream:
                    if text := take(turn, event):
                        yield [piece(text, self.ai_model_id)]
        except anthropic.APIError as fault:
            _tell(turn, fault)
        if not turn.finish_reason:
            raise faults.broken_off()
        settle(turn)

    def _request(self, turn: Turn) -> dict[str, Any]:
        system = {"system": turn.system} if turn.system else {}
        asked = claude_request.tools(turn.tools, turn.messages) | claude_request.output_config(turn.schema)
        head = {"model": self.ai_model_id, "max_tokens": self.max_output_tokens}
        return {**head, **system, "messages": turn.messages, **asked}


def take_whole(turn: Turn, answer: Answer) -> None:
    """Note an answer that came in one piece."""
    turn.model = answer.model
    turn.finish_reason = _REASONS.get(answer.stop_reason or "end_turn", "stop")
    _count(turn, answer.usage)
    for index, block in enumerate(answer.content):
        if block.type == "text":
            turn.text.append(block.text)
        elif block.type == "tool_use":
            turn.calls[index] = {"id": block.id, "name": block.name, "arguments": orjson.dumps(block.input).decode()}


def take(turn: Turn, event: RawMessageStreamEvent) -> str:
    """Note one event of a stream, and return the text in it. What the model thinks is nobody's answer."""
    if event.type == "message_start":
        turn.model = event.message.model
        _count(turn, event.message.usage)
    elif event.type == "content_block_start" and event.content_block.type == "tool_use":
        turn.calls[event.index] = {"id": event.content_block.id, "name": event.content_block.name, "arguments": ""}
    elif event.type == "content_block_delta" and event.delta.type == "input_json_delta" and event.index in turn.calls:
        turn.calls[event.index]["arguments"] += event.delta.partial_json
    elif event.type == "content_block_delta" and event.delta.type == "text_delta":
        turn.text.append(event.delta.text)
        return event.delta.text
    elif event.type == "message_delta":
        turn.finish_reason = _REASONS.get(event.delta.stop_reason or "end_turn", "stop")
        _count(turn, event.usage)
    return ""


def _count(turn: Turn, said: Any) -> None:
    """Note the counts so far. The maker counts what it read anew apart from what its cache held; we count all that was
    read, and say beside it how much of that the cache had, or has now.
    """
    known = turn.usage
    read = _given(said.cache_read_input_tokens, known.cached_tokens)
    kept = _given(said.cache_creation_input_tokens, known.cache_write_tokens)
    fresh = _given(said.input_tokens, known.input_tokens - known.cached_tokens - known.cache_write_tokens)
    turn.usage = Usage(fresh + read + kept, said.output_tokens, read, kept)


def _given(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value


_STATUS = {
    "rate_limit_error": 429,
    "overloaded_error": 529,
    "authentication_error": 401,
    "permission_error": 403,
    "invalid_request_error": 400,
}
"""What a fault within a stream would have been as an answer: https://platform.claude.com/docs/en/api/errors"""


def _tell(turn: Turn, fault: anthropic.APIError) -> None:
    """Tell the maker's exception in our words. What its filter keeps back is an answer: the same meets the same filter."""
    if isinstance(fault, anthropic.APIStatusError) and _FILTER in (fault.api_message or ""):
        turn.finish_reason = "content_filter"
        return
    raise _told(fault) from fault


def _told(fault: anthropic.APIError) -> ModelUnavailable:
    if isinstance(fault, anthropic.APIStatusError):
        within = fault.status_code < 400
        return faults.of_status(
            _STATUS.get(fault.type or "", 500) if within else fault.status_code, fault.response.headers
        )
    if isinstance(fault, anthropic.APITimeoutError):
        return faults.slow()
    if isinstance(fault, anthropic.APIConnectionError):
        return faults.unreachable()
    return ModelUnavailable("The model's answer could not be read.", why="unreadable")
