"""Two verbs: take a turn, invoke a function. All that the loop knows of Semantic Kernel.

A stream runs in a task of its own that feeds a queue: abandoning an iterator of Semantic Kernel corrupts the span
context of whoever consumed it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextvars import copy_context
from typing import Any

from semantic_kernel import Kernel
from semantic_kernel.agents import ChatCompletionAgent, ChatHistoryAgentThread
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.contents import ChatHistory

from charter.catalog.spec import AgentSpec, Catalog
from charter.errors import ModelUnavailable
from charter.kernel.connector import Turn, present_turn
from charter.kernel.faults import unavailable
from charter.kernel.functions import BoundPlugin, wire_tool
from charter.kernel.history import History
from charter.kernel.services import service_of
from charter.models.chat import Message, Reply
from charter.models.route import Route
from charter.plugin import Access

OnText = Callable[[str], Awaitable[None]]


class Session:
    """One agent with its kernel, built once for a bundle and shared by all its runs; it keeps nothing of them."""

    def __init__(self, spec: AgentSpec, catalog: Catalog, plugins: Mapping[str, BoundPlugin], route: Route) -> None:
        self.spec = spec
        self.route = route
        self._plugins = plugins
        self._functions = {name: catalog.function(name) for name in spec.functions}
        self._tools = {f.wire_name: wire_tool(f) for f in self._functions.values()}
        self._kernel = self._build_kernel()
        self._agent = ChatCompletionAgent(
            name=spec.name,
            kernel=self._kernel,
            service=service_of(route.first),
            function_choice_behavior=FunctionChoiceBehavior.Auto(auto_invoke=False),  # pyright: ignore[reportUnknownMemberType]
        )

    def _build_kernel(self) -> Kernel:
        kernel = Kernel()
        for plugin in {f.plugin for f in self._functions.values()}:
            allowed = {f.name for f in self._functions.values() if f.plugin == plugin}
            bound = self._plugins[plugin]
            kernel.add_functions(plugin, {n: f for n, f in bound.functions.items() if n in allowed})
        return kernel

    async def turn(
        self,
        messages: Sequence[Message],
        *,
        functions: Collection[str],
        on_text: OnText | None = None,
        history: History | None = None,
        schema: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Ask the model once, offering the named functions; with ``on_text`` the answer streams. With the same
        ``history`` for all turns of a run, each message is converted once. With a ``schema``, an answer in words is asked
        for as JSON of it; whether it fits is for the caller to see.

        Raises:
            ModelUnavailable: the endpoint refused, failed, timed out or answered garbage.
        """
        offered = {self._functions[n].wire_name for n in functions if n in self._functions}
        turn = Turn({name: tool for name, tool in self._tools.items() if name in offered}, schema)
        thread = ChatHistoryAgentThread(chat_history=ChatHistory(messages=list((history or History()).of(messages))))
        task = asyncio.get_running_loop().create_task(self._take(turn, thread, on_text), context=copy_context())
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            raise
        except ModelUnavailable:
            raise
        except Exception as fault:
            raise unavailable(fault) from fault

    async def _take(self, turn: Turn, thread: ChatHistoryAgentThread, on_text: OnText | None) -> Reply:
        present_turn.set(turn)
        if on_text is None:
            await self._agent.get_response(thread=thread)
            return self._reply(turn)
        async for item in self._agent.invoke_stream(thread=thread):
            if text := str(item.message):
                await on_text(text)
        reply = self._reply(turn)
        if rest := reply.text[len("".join(turn.text)) :]:
            await on_text(rest)  # a refusal, or the sentence of a filter: Semantic Kernel's stream has neither
        return reply

    def _reply(self, turn: Turn) -> Reply:
        text, calls = turn.said(), turn.finished_calls()
        if not calls and not text.strip():
            # Garbage of many kinds arrives here as an empty message: an empty answer is none.
            raise ModelUnavailable("The model's answer could not be read: it is empty.")
        deployed = self.route.first
        model = turn.model or deployed.model
        return Reply(text, calls, turn.usage, model, deployed.level(), turn.ended, deployed.name)

    async def invoke(
        self, function: str, arguments: Mapping[str, Any], access: Access, headers: Mapping[str, str]
    ) -> Any:
        """Call a function of this agent with checked arguments, as the principal of ``access``; return its JSON value.

        Raises:
            FunctionFailed: the plugin or the business system said why in a public sentence.
            KeyError: the agent does not have this function.
        """
        spec = self._functions[function]
        return await self._plugins[spec.plugin].invoke(self._kernel, spec, arguments, access, headers)
