"""The chat connector: Semantic Kernel's own for OpenAI-compatible endpoints, with the request sent as it is.

The openai client re-validates every message of every request against its types; with 200 messages that is nine tenths
of a turn's CPU. Semantic Kernel's payload is JSON already, so it travels in ``extra_body``, which is merged untouched.
Its settings object would copy and dump that payload once more; therefore the messages go past it.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from openai import AsyncStream
from openai.types.chat import ChatCompletionChunk
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
from semantic_kernel.connectors.ai.open_ai.prompt_execution_settings.open_ai_prompt_execution_settings import (
    OpenAIPromptExecutionSettings,
)
from semantic_kernel.contents import ChatHistory

from charter.models.chat import ToolCall, Usage


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
    calls: dict[int, dict[str, str]] = field(default_factory=dict[int, dict[str, str]])
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    finish_reason: str = "stop"

    def take(self, chunk: ChatCompletionChunk) -> None:
        """Add one chunk of a stream: text, pieces of calls (keyed by their index), usage."""
        self.model = chunk.model or self.model
        if chunk.usage:
            self.usage = Usage(chunk.usage.prompt_tokens, chunk.usage.completion_tokens)
        for choice in chunk.choices:
            self.finish_reason = choice.finish_reason or self.finish_reason
            self.text.append(choice.delta.content or "")
            for piece in choice.delta.tool_calls or ():
                call = self.calls.setdefault(piece.index, {"id": "", "name": "", "arguments": ""})
                call["id"] = piece.id or call["id"]
                if piece.function:
                    call["name"] += piece.function.name or ""
                    call["arguments"] += piece.function.arguments or ""

    def finished_calls(self) -> tuple[ToolCall, ...]:
        return tuple(
            ToolCall(c["id"], c["name"].replace("-", ".", 1), c["arguments"]) for _, c in sorted(self.calls.items())
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
        create: Any = self.client.chat.completions.create
        response: Any = await create(messages=(), extra_body=extra, **body)
        if isinstance(response, AsyncStream):
            return _Tapped(response, turn)  # pyright: ignore[reportUnknownArgumentType]
        turn.model = response.model
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
        async for chunk in self._stream:
            self._turn.take(chunk)
            yield chunk

    async def close(self) -> None:
        await self._stream.close()
