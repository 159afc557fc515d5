"""Which thread a claimed conversation belongs to, and which run a repeated request already started.

The OpenAI wire is stateless: clients send the whole talk with each request, and the stock clients send a request again
when the line breaks, without a key that says so. What they claim is only compared with the host's own record of this
very caller; the agent is shown the record, never the claim.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from charter.channels.responses.ids import run_of_message
from charter.channels.responses.messages import Conversation, Exchange
from charter.context import Context
from charter.errors import NotFound
from charter.runs.run import Run
from charter.runs.service import RunService

_LOOK_BACK = 50
_COMPARED = 10
"""So many exchanges tell one talk from another."""
_RETRY_WINDOW = timedelta(minutes=15)
"""A client's retries follow one another within its time-out, ten minutes in the stock clients."""


async def thread_of(service: RunService, ctx: Context, agent: str, earlier: Sequence[Exchange]) -> str | None:
    """Return the thread that these exchanges are from; ``None``: the host knows no such conversation of this caller."""
    if not earlier:
        return None
    for item in reversed(earlier[-1].items):
        if thread := await _of_message(service, ctx, item):
            return thread
    return matching(await _recent(service, ctx, agent), earlier)


async def earlier_try(
    service: RunService, ctx: Context, agent: str, said: Conversation, thread: str | None
) -> Run | None:
    """Return the run that an earlier try of the same request has started; one that failed and did nothing is none."""
    since = datetime.now(UTC) - _RETRY_WINDOW
    for run in await _recent(service, ctx, agent):
        in_vain = run.status == "failed" and not run.effects
        same = run.input == said.text and run.images == len(said.images)
        same = same and run.created_at > since and thread in (None, run.thread) and not in_vain
        if same and (not said.images or await service.images(ctx, run.id) == said.images):
            return run
    return None


def matching(runs: Sequence[Run], earlier: Sequence[Exchange]) -> str | None:
    """Return the thread in which the exchanges stand word for word, one behind the other. ``runs``: newest first."""
    claimed = earlier[-_COMPARED:]
    for thread in dict.fromkeys(run.thread for run in runs):
        told = [run for run in reversed(runs) if run.thread == thread]
        for start in range(len(told) - len(claimed), -1, -1):
            if all(_same(run, exchange) for run, exchange in zip(told[start:], claimed, strict=False)):
                return thread
    return None


def _same(run: Run, exchange: Exchange) -> bool:
    if run.input.strip() != exchange.said.strip():
        return False
    answer = str(run.output["text"]).strip() if run.output else ""
    # A run that waited was answered with a sentence that names it.
    return any((answer and text.strip().endswith(answer)) or run.id in text for text in exchange.answers)


async def _of_message(service: RunService, ctx: Context, item: str) -> str | None:
    run_id = run_of_message(item)
    if run_id is None:
        return None
    try:
        run = await service.get(ctx, run_id)
    except NotFound:
        return None
    return run.thread if _own(run, ctx) else None


async def _recent(service: RunService, ctx: Context, agent: str) -> list[Run]:
    page = await service.listing(ctx, agent=agent, limit=_LOOK_BACK)
    return [run for run in page.items if _own(run, ctx)]


def _own(run: Run, ctx: Context) -> bool:
    # An operator sees everybody's runs, but talks only in their own threads.
    return run.principal["id"] == ctx.principal.id
