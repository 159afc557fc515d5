"""The chat connector for Mistral, over the maker's own client: Semantic Kernel's does not load with that any more."""

from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, cast

import httpx2
import orjson
from mistralai.client import errors
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

_END = "[DONE]"
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
            answer = await self.client.chat.complete_async(**self._request(turn, chat_history))
            _take(turn, _placed(answer.model_dump(mode="json", warnings=False)), "message")
        settle(turn)
        return [whole(turn, self.ai_model_id)]

    async def _inner_get_streaming_chat_message_contents(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings, function_invoke_attempt: int = 0
    ) -> AsyncGenerator[list[StreamingChatMessageContent], Any]:
        turn = present_turn.get()
        with _telling(turn):
            async with await self.client.chat.stream_async(**self._request(turn, chat_history)) as stream:
                async for chunk in _chunks(stream.response):
                    if text := _take(turn, chunk, "delta"):
                        yield [piece(text, self.ai_model_id)]
        if not turn.finish_reason:
            raise faults.broken_off()
        settle(turn)

    def _request(self, turn: Turn, history: ChatHistory) -> dict[str, Any]:
        asked = {
            "model": self.ai_model_id,
            "messages": mistral_request.conversation(shown(history)),
            "prompt_cache_key": mistral_request.cache_key(shown(history), turn.tools),
        }
        return {**asked, **mistral_request.tools(turn.tools), **mistral_request.response_format(turn.schema)}


async def _chunks(response: httpx2.Response) -> AsyncGenerator[Mapping[str, Any]]:
    """Yield the chunks of a stream. The maker's own reading makes a new class for every event, which costs milliseconds."""
    async for line in response.aiter_lines():
        said = line.removeprefix("data:").strip()
        if said == _END:
            return
        if said and line.startswith("data:"):
            yield orjson.loads(said)


def _take(turn: Turn, answer: Mapping[str, Any], key: str) -> str:
    """Note an answer or a chunk of it, whose words are under ``key``, and return the text in it."""
    turn.model = answer.get("model") or turn.model
    if usage := answer.get("usage"):
        details: Mapping[str, Any] = usage.get("prompt_tokens_details") or {}
        counts = (usage.get("prompt_tokens"), usage.get("completion_tokens"), details.get("cached_tokens"))
        turn.usage = Usage(*(count or 0 for count in counts))
    said = ""
    for choice in answer["choices"][:1]:
        turn.finish_reason = _reason(choice.get("finish_reason")) or turn.finish_reason
        words: Mapping[str, Any] = choice.get(key) or {}
        said = _text(words.get("content"))
        turn.text.append(said)
        for call in words.get("tool_calls") or ():
            _note(turn, call)
    return said


def _placed(answer: dict[str, Any]) -> dict[str, Any]:
    """Give each call of a whole answer its place: the client says 0 where the maker gave none, and calls would be mixed."""
    for choice in answer["choices"][:1]:
        words: Mapping[str, Any] = choice.get("message") or {}
        for index, call in enumerate(words.get("tool_calls") or ()):
            call["index"] = index
    return answer


def _reason(said: str | None) -> str:
    if said == "error":
        raise ModelUnavailable("The model failed in its answer.", why="failing")
    return _REASONS.get(said, "stop") if said else ""


def _text(content: Any) -> str:
    """Return the text of an answer, which may come in chunks; what the model thinks is nobody's answer."""
    if isinstance(content, list):
        chunks = cast("list[Mapping[str, Any]]", content)
        return "".join(chunk["text"] for chunk in chunks if chunk["type"] == "text")
    return content or ""


def _note(turn: Turn, said: Mapping[str, Any]) -> None:
    """Note a call, or a piece of one: it goes on what is at its place; one that names no place is a new one."""
    given = said.get("id")
    # The client says "null" where the maker gave none.
    call_id = given if given and given != "null" else new_call("", {}).id
    index = said.get("index", len(turn.calls))
    function: Mapping[str, Any] = said["function"]
    call = turn.calls.setdefault(index, {"id": call_id, "name": "", "arguments": ""})
    call["name"] = call["name"] or function["name"]
    arguments = function.get("arguments") or ""
    call["arguments"] += arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode()


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
