"""Two verbs: take a turn, invoke a function. All that the loop knows of Semantic Kernel.

A stream runs in a task of its own that feeds a queue: abandoning an iterator of Semantic Kernel corrupts the span
context of whoever consumed it.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextvars import copy_context
from typing import Any, Protocol

from semantic_kernel import Kernel
from semantic_kernel.agents import ChatCompletionAgent, ChatHistoryAgentThread
from semantic_kernel.connectors.ai.function_choice_behavior import FunctionChoiceBehavior
from semantic_kernel.contents import ChatHistory, ChatMessageContent

from charter.catalog.spec import AgentSpec, Catalog
from charter.errors import ModelUnavailable
from charter.kernel.connector import Turn, present_turn
from charter.kernel.faults import unavailable
from charter.kernel.functions import BoundPlugin, wire_tool
from charter.kernel.history import History
from charter.kernel.services import service_of
from charter.models.chat import Message, Reply
from charter.models.choosing import Wanted
from charter.models.deployments import Deployed
from charter.models.route import PATIENCE_SECONDS, Route, Try
from charter.plugin import Access


class Hearer(Protocol):
    """Hears an answer while it is made."""

    async def say(self, text: str) -> None:
        """Take the next piece."""
        ...

    async def withdraw(self) -> None:
        """Forget the pieces since the turn began: the model that said them broke off, and the answer begins anew."""
        ...


class Session:
    """One agent with its kernel, built once for a bundle and shared by all its runs; it keeps nothing of them."""

    def __init__(self, spec: AgentSpec, catalog: Catalog, plugins: Mapping[str, BoundPlugin], route: Route) -> None:
        self.spec = spec
        self.route = route
        self._catalog = catalog
        self._plugins = plugins
        self._functions = {name: catalog.function(name) for name in spec.functions}
        self._tools = {f.wire_name: wire_tool(f) for f in self._functions.values()}
        self._agents = {each.name: self._build_agent(each) for each in route.deployments}
        self._kernel = self._agents[route.deployments[0].name].kernel

    def over(self, route: Route) -> "Session":
        """Return the same agent over other deployments."""
        return Session(self.spec, self._catalog, self._plugins, route)

    def _build_kernel(self) -> Kernel:
        kernel = Kernel()
        for plugin in {f.plugin for f in self._functions.values()}:
            allowed = {f.name for f in self._functions.values() if f.plugin == plugin}
            bound = self._plugins[plugin]
            kernel.add_functions(plugin, {n: f for n, f in bound.functions.items() if n in allowed})
        return kernel

    def _build_agent(self, deployed: Deployed) -> ChatCompletionAgent:
        # A kernel finds its services by name, and an agent takes the first that it finds: each has one of its own.
        return ChatCompletionAgent(
            name=self.spec.name,
            kernel=self._build_kernel(),
            service=service_of(deployed),
            function_choice_behavior=FunctionChoiceBehavior.Auto(auto_invoke=False),  # pyright: ignore[reportUnknownMemberType]
        )

    async def turn(
        self,
        messages: Sequence[Message],
        *,
        functions: Collection[str],
        hearer: Hearer | None = None,
        history: History | None = None,
        regions: Collection[str] | None = None,
        seconds: float = PATIENCE_SECONDS,
        schema: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Ask the model once, offering the named functions; with a ``hearer`` the answer streams. With the same
        ``history`` for all turns of a run, each message is converted once. With a ``schema``, an answer in words is asked
        for as JSON of it; whether it fits is for the caller to see. The route decides which deployment is asked,
        and which instead of it: only those of ``regions``, and within ``seconds`` where all are busy.

        Raises:
            Forbidden: no deployment of this agent's tier computes in those regions.
            ModelCannot: none of them can look at images, or answer in a form.
            ModelUnavailable: every endpoint refused, failed, timed out or answered garbage.
        """
        offered = {self._functions[n].wire_name for n in functions if n in self._functions}
        tools = {name: tool for name, tool in self._tools.items() if name in offered}
        said = (history or History()).of(messages)

        async def attempt(trial: Try) -> Reply:
            reply = await self._attempt(trial, Turn(tools, schema), said, hearer)
            if trial.deployed.recorder is not None:
                await trial.deployed.recorder.note(messages, offered, reply)
            return reply

        wanted = Wanted(images=any(message.images for message in messages), form=schema is not None)
        return await self.route.ask(attempt, wanted, regions=regions, seconds=seconds)

    async def _attempt(
        self, trial: Try, turn: Turn, said: Sequence[ChatMessageContent], hearer: Hearer | None
    ) -> Reply:
        task = asyncio.get_running_loop().create_task(self._take(trial, turn, said, hearer), context=copy_context())
        try:
            return await task
        except asyncio.CancelledError:
            task.cancel()
            raise
        except Exception as fault:
            known = unavailable(fault)
            if hearer is not None and known.elsewhere and any(turn.text):
                await hearer.withdraw()
            raise known from fault
        finally:
            trial.usage = turn.usage

    async def _take(self, trial: Try, turn: Turn, said: Sequence[ChatMessageContent], hearer: Hearer | None) -> Reply:
        present_turn.set(turn)
        agent, deployed = self._agents[trial.deployed.name], trial.deployed
        thread = ChatHistoryAgentThread(chat_history=ChatHistory(messages=[*said]))
        if hearer is None:
            await agent.get_response(thread=thread)
            return self._reply(turn, deployed)
        async for item in agent.invoke_stream(thread=thread):
            if text := str(item.message):
                await hearer.say(text)
        reply = self._reply(turn, deployed)
        if rest := reply.text[len("".join(turn.text)) :]:
            await hearer.say(rest)  # a refusal, or the sentence of a filter: Semantic Kernel's stream has neither
        return reply

    @staticmethod
    def _reply(turn: Turn, deployed: Deployed) -> Reply:
        text, calls = turn.said(), turn.finished_calls()
        if not calls and not text.strip():
            # Garbage of many kinds arrives here as an empty message: an empty answer is none.
            raise ModelUnavailable("The model's answer could not be read: it is empty.", why="unreadable")
        return Reply(text, calls, turn.usage, turn.model or deployed.model, deployed.level(), turn.ended, deployed.name)

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
