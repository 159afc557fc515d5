"""Follow a run for a stream: what is said, then how it stands."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, cast

from charter.channels.responses import sentences
from charter.channels.responses.speech import Speech, Utterance
from charter.context import Context
from charter.errors import CharterError
from charter.runs.run import Event, Run
from charter.runs.service import RunService


@dataclass(frozen=True, slots=True)
class Settled:
    """The run as it stands at the end of a stream."""

    run: Run


class Following:
    """The events of one run, from now on.

    ``live`` says that the follower was there before the run began to speak; one that comes later could not tell live
    text's place in its turn, and hears each turn once it is recorded.
    """

    def __init__(self, service: RunService, ctx: Context, run_id: str, *, live: bool) -> None:
        self._service = service
        self._ctx = ctx
        self._run_id = run_id
        self._live = live
        self._speech = Speech()
        self._events = cast("AsyncGenerator[Event]", service.events(ctx, run_id))
        # Begun at once: the follower is registered before the run's task says its first word.
        self._first: asyncio.Task[Event] = asyncio.ensure_future(anext(self._events))

    async def close(self) -> None:
        """Stop following, wherever it is."""
        self._first.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._first
        await self._events.aclose()

    async def told(self) -> AsyncGenerator[Utterance | Settled]:
        """Yield what is said, then ``Settled``, once the run has ended or waits."""
        async with aclosing(self._all()) as events:
            async for event in events:
                for utterance in self._said(event):
                    yield utterance
                run = await self._settled(event)
                if run is not None:
                    for utterance in await self._last(run):
                        yield utterance
                    yield Settled(run)
                    return

    async def _all(self) -> AsyncGenerator[Event]:
        yield await self._first
        async for event in self._events:
            yield event

    def _said(self, event: Event) -> list[Utterance]:
        if event.type == "output.delta":
            return list(self._speech.heard(str(event.data["text"]))) if self._live else []
        if event.type == "output.withdrawn":
            return list(self._speech.withdrawn()) if self._live else []
        if event.type == "step" and (
            text := commentary(event.data["type"], event.data["status"], event.data["output"])
        ):
            return list(self._speech.turned(text))
        return []

    async def _settled(self, event: Event) -> Run | None:
        """Return the run if this event ends the stream; a wait that was replayed is over already."""
        if event.type == "done":
            return await self._service.get(self._ctx, self._run_id)
        if event.type != "run.status" or event.data["status"] != "waiting":
            return None
        run = await self._service.get(self._ctx, self._run_id)
        return run if run.status == "waiting" and run.waiting == event.data["waiting"] else None

    async def _last(self, run: Run) -> list[Utterance]:
        if run.status == "waiting":
            return list(self._speech.turned(await awaited(self._service, self._ctx, run)))
        return list(self._speech.ended(str(run.output["text"]) if run.output else None))


def commentary(kind: str, status: str, output: Any) -> str:
    """Return what a model's turn says before its calls; empty for any other step."""
    if kind != "model" or status != "done" or not isinstance(output, dict):
        return ""
    fields = cast("dict[str, Any]", output)
    return str(fields.get("text") or "") if fields.get("calls") else ""


async def awaited(service: RunService, ctx: Context, run: Run) -> str:
    """Return the sentence that says what a waiting run waits for."""
    approval_id = (run.waiting or {}).get("approval_id")
    try:
        approval = await service.approval(ctx, approval_id) if approval_id else None
    except CharterError:
        approval = None  # the wait is told all the same, in fewer words
    return sentences.awaited(run, approval)


async def spoken(service: RunService, ctx: Context, run: Run) -> list[str]:
    """Return the run's messages as they stand: what its turns said, then its answer or what it waits for."""
    steps = await service.timeline(ctx, run.id)
    texts = [text for step in steps if (text := commentary(step.type, step.status, step.output))]
    if run.status == "waiting":
        texts.append(await awaited(service, ctx, run))
    elif run.output and run.output["text"]:
        texts.append(str(run.output["text"]))
    return texts
