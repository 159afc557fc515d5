"""The commands that everybody may write, anywhere: ``/help /tasks /status /stop /new /signout``.

What they tell is the person's own, so among others it is told to them alone.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Literal

from charter.channels.teams import cards, commands, messages, tasks
from charter.channels.teams.cards import StatusView, TaskView
from charter.channels.teams.desk import Desk, reply, root_of
from charter.channels.teams.incoming import Activity, Json
from charter.channels.teams.speech import Speech, speech_of
from charter.channels.teams.talk import talk_key
from charter.channels.wording import title
from charter.errors import CharterError, NotFound, RunFinished
from charter.governance.approval import entitlement
from charter.identity.authentication import Caller
from charter.runs.run import Run

_SHOWN = 10

Handler = Callable[[Caller, Activity, str, Speech], Awaitable[Json | None]]
"""Does what a command asks; nothing to answer: what comes of it is told there anyway."""


class Commands:
    """Carries out what is written with a slash; what is no command is not ours."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._known: Mapping[str, Handler] = {
            "tasks": self._tasks,
            "status": self._status,
            "stop": self._stop,
            "new": self._new,
        }

    async def command(self, tenant: str, activity: Activity) -> Literal["no", "done", "waits"]:
        """Carry it out and answer. ``no``: it is no command; ``waits``: its sender has to sign in first, then it goes on.

        Raises:
            DatabaseUnavailable: not now.
        """
        given = commands.told(activity.text)
        if given is None:
            return "no"
        speech = speech_of(activity.locale)
        match given.command.key:
            case "help":
                body = messages.with_card(cards.commands(speech), speech.say("help.heading"))
            case "signout":
                await self._desk.sign_in.sign_out(tenant, activity)
                body = messages.plain(speech.say("signin.out"))
            case key:
                caller = await self._desk.callers.present(tenant, activity)
                if caller is None:
                    await self._desk.sign_in.ask(tenant, activity)
                    return "waits"
                body = await self._known[key](caller, activity, given.rest, speech)
        if body is not None:
            await self._desk.say(tenant, reply(activity, "command", body, private=True))
        return "done"

    async def _tasks(self, caller: Caller, _activity: Activity, _rest: str, speech: Speech) -> Json:
        runs, counted = await self._runs(caller), await self._counted(caller)
        more = max(0, counted.total - len(runs))
        card = cards.tasks(speech, runs, more=more, url_of=lambda run: self._desk.run_url(run.id))
        return messages.with_card(card, speech.say("tasks.heading"))

    async def _status(self, caller: Caller, activity: Activity, rest: str, speech: Speech) -> Json:
        """Show the run that is named, or how things stand altogether."""
        if rest:
            run = await self._named(caller, rest)
            if run is None:
                return messages.plain(speech.say("problem.not_found"))
            steps = await self._desk.service.timeline(caller.ctx, run.id)
            view = TaskView(run, await self._desk.name_of(run), steps, url=self._desk.run_url(run.id))
            return messages.with_card(cards.task(speech, view), speech.say(f"task.{run.status}"))
        counted, inbox = await self._counted(caller), await self._desk.service.approvals(caller.ctx, status="pending")
        mine = [
            each
            for each in inbox.items
            if entitlement(caller.ctx, each) and each.requester_id != caller.ctx.principal.id
        ]
        talk: Mapping[str, str] = await self._desk.states.get(caller.ctx.tenant, _talk(activity)) or {}
        view = StatusView(
            caller.ctx.principal.name,
            talk.get("agent", ""),
            working=counted.working,
            waiting=counted.waiting,
            inbox=len(mine),
            url=f"{self._desk.public_url}/console/runs",
        )
        return messages.with_card(cards.status(speech, view), speech.say("status.heading"))

    async def _stop(self, caller: Caller, activity: Activity, rest: str, speech: Speech) -> Json | None:
        """Cancel the run that is named, or else the newest one of this conversation that has not ended: its end is told here."""
        if rest:
            return await self._stopped(caller, await self._named(caller, rest), speech)
        async with self._desk.database.tenant_session(caller.ctx.tenant) as session:
            task = await tasks.here(session, caller.ctx.principal.id, activity.place.conversation, root_of(activity))
        if task is None:
            return messages.plain(speech.say("stop.nothing"))
        with suppress(RunFinished):
            await self._desk.service.cancel(caller.ctx, task.run_id)
        return None

    async def _stopped(self, caller: Caller, run: Run | None, speech: Speech) -> Json:
        if run is None:
            return messages.plain(speech.say("problem.not_found"))
        if run.finished:
            return messages.plain(speech.say("problem.run_finished"))
        with suppress(RunFinished):
            await self._desk.service.cancel(caller.ctx, run.id)
        return messages.plain(speech.say("stop.done"))

    async def _new(self, caller: Caller, activity: Activity, rest: str, speech: Speech) -> Json:
        """Forget the agent and the thread of this conversation: the next message begins anew, with the agent that is named."""
        tenant = caller.ctx.tenant
        names = {str(agent["name"]) for agent in self._desk.service.agents(caller.ctx)}
        named = rest.strip().lower().replace(" ", "_")
        if named in names:
            await self._desk.states.set(tenant, _talk(activity), {"agent": named})
            return messages.plain(speech.say("new.with", agent=title(named)))
        await self._desk.states.delete(tenant, _talk(activity))
        return messages.plain(speech.say("new.done"))

    async def _named(self, caller: Caller, words: str) -> Run | None:
        with suppress(NotFound):
            return await self._desk.service.get(caller.ctx, words.split(maxsplit=1)[0])
        return None

    async def _runs(self, caller: Caller) -> Sequence[Run]:
        """Return what this person asked for in Teams, what goes on first."""
        async with self._desk.database.tenant_session(caller.ctx.tenant) as session:
            known = await tasks.of_person(session, caller.ctx.principal.id, _SHOWN)
        found: list[Run] = []
        for run_id in known:
            with suppress(CharterError):
                found.append(await self._desk.service.get(caller.ctx, run_id))
        return found

    async def _counted(self, caller: Caller) -> tasks.Counted:
        async with self._desk.database.tenant_session(caller.ctx.tenant) as session:
            return await tasks.count(session, caller.ctx.principal.id)


def _talk(activity: Activity) -> str:
    return talk_key(activity.place.conversation, root_of(activity), activity.sender.oid)
