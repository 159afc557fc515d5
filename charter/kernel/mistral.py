"""The chat connector for Mistral, over the maker's own client: Semantic Kernel's does not load with that any more."""

from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import Any, ClassVar

import httpx2
import orjson
from mistralai.client import errors
from mistralai.client.models import ChatCompletionResponse, CompletionChunk, ToolCall, UsageInfo
from mistralai.client.types import UNSET
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.ai.prompt_execution_settings import PromptExecutionSettings
from semantic_kernel.contents import ChatHistory, ChatMessageContent, StreamingChatMessageContent

from charter.errors import ModelUnavailable
from charter.kernel import faults, mistral_request
from charter.kernel.connector import Turn, present_turn
from charter.kernel.history import shown
from charter.kernel.telling import piece, settle, whole
from charter.models.chat import Usage
from charter.models.deployments import Deployed
from charter.models.wire import new_call

_GUARDED = "guardrail"
_REASONS = {"stop": "stop", "length": "length", "model_length": "length", "tool_calls": "tool_calls"}


class MistralChatCompletion(ChatCompletionClientBase):
    """Mistral chat completions, offered only the functions of the present turn."""

    # Semantic Kernel need not describe every function of the kernel in its own way: what is sent is the turn's.
    SUPPORTS_FUNCTION_CALLING: ClassVar[bool] = False

    client: Any

    def __init__(self, deployed: Deployed) -> None:
        super().__init__(service_id=deployed.model, ai_model_id=deployed.model, client=deployed.client)  # pyright: ignore[reportCallIssue]

    def get_prompt_execution_settings_class(self) -> type[PromptExecutionSettings]:
        return PromptExecutionSettings

    async def _inner_get_chat_message_contents(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings
    ) -> list[ChatMessageContent]:
        turn = present_turn.get()
        with _telling(turn):
            _take_whole(turn, await self.client.chat.complete_async(**self._request(turn, chat_history)))
        settle(turn)
        return [whole(turn, self.ai_model_id)]

    async def _inner_get_streaming_chat_message_contents(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings, function_invoke_attempt: int = 0
    ) -> AsyncGenerator[list[StreamingChatMessageContent], Any]:
        turn = present_turn.get()
        with _telling(turn):
            async with await self.client.chat.stream_async(**self._request(turn, chat_history)) as stream:
                async for event in stream:
                    if text := _take(turn, event.data):
                        yield [piece(text, self.ai_model_id)]
        if not turn.finish_reason:
            raise faults.broken_off()
        settle(turn)

    def _request(self, turn: Turn, history: ChatHistory) -> dict[str, Any]:
        tools = list(turn.tools.values())
        messages = turn.messages = mistral_request.conversation(shown(history))
        return {
            "model": self.ai_model_id,
            "messages": messages,
            **({"tools": tools} if tools else {}),
            **mistral_request.response_format(turn.schema),
            "prompt_cache_key": mistral_request.cache_key(messages, tools),
        }


def _take_whole(turn: Turn, answer: ChatCompletionResponse) -> None:
    turn.model = answer.model
    _count(turn, answer.usage)
    for choice in answer.choices[:1]:
        turn.finish_reason = _reason(choice.finish_reason)
        if choice.message is not None:
            turn.text.append(_text(choice.message.content))
            _note(turn, choice.message.tool_calls)


def _take(turn: Turn, chunk: CompletionChunk) -> str:
    """Note one chunk of a stream, and return the text in it."""
    turn.model = chunk.model or turn.model
    if chunk.usage is not None:
        _count(turn, chunk.usage)
    said = ""
    for choice in chunk.choices[:1]:
        if choice.finish_reason:
            turn.finish_reason = _reason(choice.finish_reason)
        said = _text(choice.delta.content)
        turn.text.append(said)
        _note(turn, choice.delta.tool_calls)
    return said


def _reason(said: str) -> str:
    if said == "error":
        raise ModelUnavailable("The model failed in its answer.", why="failing")
    return _REASONS.get(said, said)


def _text(content: Any) -> str:
    """Return the text of an answer, which may come in chunks; what the model thinks is nobody's answer."""
    if content is UNSET or content is None:
        return ""
    if isinstance(content, str):
        return content
    return "".join(chunk.text for chunk in content if chunk.type == "text")


def _note(turn: Turn, calls: Any) -> None:
    """Note calls, or pieces of them: one that names its place goes on what is there, one that does not is a new one."""
    pieces: list[ToolCall] = calls or []
    for each in pieces:
        placed = "index" in each.model_fields_set
        index = (each.index or 0) if placed else len(turn.calls)
        if placed and (known := turn.calls.get(index)) and each.id not in {None, "null", known["id"]}:
            # Some models number all calls zero; the id tells them apart.
            index = max(turn.calls) + 1
        call = turn.calls.setdefault(index, {"id": _id(each), "name": "", "arguments": ""})
        call["name"] = call["name"] or each.function.name
        arguments = each.function.arguments
        call["arguments"] += arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()


def _id(call: ToolCall) -> str:
    # The client says "null" where the maker gives none.
    return call.id if call.id and call.id != "null" else new_call("", {}).id


def _count(turn: Turn, said: UsageInfo) -> None:
    details: Any = said.additional_properties.get("prompt_tokens_details") or {}
    turn.usage = Usage(said.prompt_tokens or 0, said.completion_tokens or 0, details.get("cached_tokens") or 0)


@contextmanager
def _telling(turn: Turn) -> Generator[None]:
    """Tell the client's exceptions in our words. What a guardrail keeps back is an answer: the same meets the same one."""
    try:
        yield
    except errors.ResponseValidationError as fault:
        raise ModelUnavailable("The model's answer could not be read.", why="unreadable") from fault
    except errors.MistralError as fault:
        if fault.status_code != 403 or _GUARDED not in fault.body.lower():
            raise faults.of_status(fault.status_code, fault.headers) from fault
        turn.finish_reason = "content_filter"
    except httpx2.ConnectError as fault:
        raise faults.unreachable() from fault
