"""The chat connector: Semantic Kernel's own for OpenAI-compatible endpoints, with the request sent as it is.

The openai client re-validates every message of every request against its types; with 200 messages that is nine tenths
of a turn's CPU. Semantic Kernel's payload is JSON already, so it travels in ``extra_body``, which is merged untouched.
Its settings object would copy and dump that payload once more; therefore the messages go past it.

What came back is noted on the way: Semantic Kernel's own contents drop refusals, cached tokens and, in streams, calls.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from openai import APIConnectionError, APITimeoutError, AsyncStream, BadRequestError
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
from semantic_kernel.connectors.ai.open_ai.prompt_execution_settings.open_ai_prompt_execution_settings import (
    OpenAIPromptExecutionSettings,
)
from semantic_kernel.contents import ChatHistory

from charter.kernel.faults import broken_off
from charter.models.chat import ToolCall, Usage
from charter.models.form import asked
from charter.models.wire import new_call

FILTERED = (
    "The maker of the model stopped this: its content filter found something in the request or in the answer that it "
    "does not let through. Say it in other words."
)
"""Stands for what a maker's content filter kept back. The same request meets the same filter: it is not sent again."""


@dataclass(slots=True)
class Turn:
    """What one model turn may offer, and what came back. It carries no authority.

    ``schema``: the answer is to be JSON of this schema; each connector asks for it by its maker's own means.
    """

    tools: Mapping[str, Mapping[str, Any]]
    schema: Mapping[str, Any] | None = None
    system: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    text: list[str] = field(default_factory=list[str])
    refusal: list[str] = field(default_factory=list[str])
    calls: dict[int, dict[str, str]] = field(default_factory=dict[int, dict[str, str]])
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    finish_reason: str = ""

    def take(self, chunk: ChatCompletionChunk) -> None:
        """Add one chunk of a stream: text, refusal, pieces of calls (keyed by their index), usage."""
        self.model = chunk.model or self.model
        if chunk.usage:
            self.usage = usage_of(chunk.usage)
        for choice in chunk.choices:
            self.finish_reason = choice.finish_reason or self.finish_reason
            delta: Any = choice.delta
            if delta is None:
                continue  # a note of Azure's asynchronous filter says nothing new
            self.text.append(delta.content or "")
            self.refusal.append(delta.refusal or "")
            for piece in delta.tool_calls or ():
                call = self.calls.setdefault(piece.index, {"id": "", "name": "", "arguments": ""})
                call["id"] = piece.id or call["id"]
                if piece.function:
                    call["name"] += piece.function.name or ""
                    call["arguments"] += piece.function.arguments or ""

    def take_whole(self, completion: ChatCompletion) -> None:
        """Note a whole answer, as ``take`` does with its chunks."""
        self.model = completion.model or self.model
        if completion.usage:
            self.usage = usage_of(completion.usage)
        for choice in completion.choices[:1]:
            self.finish_reason = choice.finish_reason or "stop"
            self.text.append(choice.message.content or "")
            self.refusal.append(choice.message.refusal or "")
            for index, call in enumerate(choice.message.tool_calls or ()):
                if call.type == "function":
                    said = {"id": call.id, "name": call.function.name, "arguments": call.function.arguments}
                    self.calls[index] = said

    @property
    def ended(self) -> str:
        """Why the answer ended, in the words of ``Reply``."""
        return "refusal" if "".join(self.refusal) else self.finish_reason or "stop"

    def said(self) -> str:
        """Return what the person reads: the text, then the model's refusal or the filter's sentence, if any."""
        stopped = FILTERED if self.ended == "content_filter" else ""
        return "\n\n".join(filter(None, ("".join(self.text), "".join(self.refusal), stopped)))

    def finished_calls(self) -> tuple[ToolCall, ...]:
        """Return the calls; none where a filter or a refusal stopped the answer, and not the last one where the room for it
        ended: such calls may be half written. One that came without an id gets one, so that its result finds it.
        """
        if self.ended in {"content_filter", "refusal"}:
            return ()
        several = [call for _, call in sorted(self.calls.items())]
        whole = several[:-1] if self.ended == "length" else several
        return tuple(
            ToolCall(c["id"] or new_call("", {}).id, c["name"].replace("-", ".", 1), c["arguments"]) for c in whole
        )


def usage_of(usage: CompletionUsage) -> Usage:
    """Return the maker's counts in our words."""
    details = usage.prompt_tokens_details
    return Usage(
        usage.prompt_tokens or 0,
        usage.completion_tokens or 0,
        (details.cached_tokens or 0) if details else 0,
        (details.cache_write_tokens or 0) if details else 0,
    )


present_turn: ContextVar[Turn] = ContextVar("charter_model_turn")
"""The turn that this task runs. Each turn has its own task, so turns cannot see each other's."""


class GovernedChatCompletion(OpenAIChatCompletion):
    """OpenAI chat completions, offered only the functions of the present turn."""

    def _prepare_chat_history_for_request(
        self, chat_history: ChatHistory, role_key: str = "role", content_key: str = "content"
    ) -> list[dict[str, Any]]:
        present_turn.get().messages = [m.to_dict(role_key, content_key) for m in chat_history.messages]
        return []

    async def _send_completion_request(self, settings: OpenAIPromptExecutionSettings) -> Any:
        body: dict[str, Any] = settings.prepare_settings_dict()  # pyright: ignore[reportUnknownMemberType]
        turn = present_turn.get()
        extra: dict[str, Any] = {"messages": turn.messages}
        body.pop("messages", None)
        body.pop("parallel_tool_calls", None)
        if tools := self._offered(turn, body.pop("tools", None)):
            extra["tools"] = tools
        else:
            body.pop("tool_choice", None)
        if turn.schema is not None:
            form = {"name": "answer", "strict": True, "schema": asked(turn.schema)}
            extra["response_format"] = {"type": "json_schema", "json_schema": form}
        create: Any = self.client.chat.completions.create
        try:
            response: Any = await create(messages=(), extra_body=extra, **body)
        except BadRequestError as fault:
            if fault.code not in _FILTERS:
                raise
            turn.finish_reason = "content_filter"
            return _Silent() if body.get("stream") else _NOTHING
        if isinstance(response, AsyncStream):
            return _Tapped(response, turn)  # pyright: ignore[reportUnknownArgumentType]
        turn.take_whole(response)
        return response

    @staticmethod
    def _offered(turn: Turn, tools: Any) -> list[Mapping[str, Any]]:
        # Semantic Kernel lists every function of the kernel; its schemas are open and lose enums. Ours are closed.
        return [turn.tools[tool["function"]["name"]] for tool in tools or () if tool["function"]["name"] in turn.tools]


class _Tapped(AsyncStream[ChatCompletionChunk]):
    """A stream whose chunks are noted on the way: the agent's own stream drops the function calls."""

    def __init__(self, stream: AsyncStream[ChatCompletionChunk], turn: Turn) -> None:  # pyright: ignore[reportMissingSuperCall]
        self._stream = stream
        self._turn = turn

    def __aiter__(self) -> Any:
        return self._chunks()

    async def _chunks(self) -> Any:
        try:
            async for chunk in self._stream:
                self._turn.take(chunk)
                yield chunk
        except APITimeoutError:
            raise
        except APIConnectionError as fault:
            raise broken_off() from fault
        if not self._turn.finish_reason:
            # Where a line ends neatly too soon, half an answer would pass for a whole one, and half a call for a call.
            raise broken_off()

    async def close(self) -> None:
        await self._stream.close()


class _Silent(AsyncStream[ChatCompletionChunk]):
    """The stream of an answer that was refused before its first word."""

    def __init__(self) -> None:  # pyright: ignore[reportMissingSuperCall]
        pass

    def __aiter__(self) -> Any:
        return self._chunks()

    async def _chunks(self) -> Any:
        for chunk in ():
            yield chunk

    async def close(self) -> None:
        pass


_FILTERS = frozenset({"content_filter", "invalid_prompt"})
"""What Azure and OpenAI call a request that their filter refused."""
_NOTHING = ChatCompletion.model_validate(
    {
        "id": "none", "object": "chat.completion", "created": 0, "model": "",
        "choices": [{"index": 0, "finish_reason": "content_filter", "message": {"role": "assistant", "content": None}}],
    }
)  # fmt: skip
