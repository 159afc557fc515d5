"""A message becomes a run: who writes, which agent is meant, in which thread, and then it is under way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from charter.channels.teams import cards, messages, pending, tasks
from charter.channels.teams.choosing import Choosing
from charter.channels.teams.desk import Desk, reply, root_of
from charter.channels.teams.files import Files, Note, unseen
from charter.channels.teams.files import Taken as FilesTaken
from charter.channels.teams.incoming import Activity, Json
from charter.channels.teams.pending import Taken
from charter.channels.teams.speech import speech_of
from charter.channels.teams.tasks import Task
from charter.channels.wording import title
from charter.errors import CharterError, DatabaseUnavailable, Draining, ModelCannot, NotFound
from charter.identity.authentication import Caller
from charter.models.chat import Image
from charter.runs import files as read_files
from charter.runs.run import ReadFile, Run, StartRun
from charter.telemetry.tracing import Trace


@dataclass(frozen=True, slots=True)
class Asked:
    """Which agent is to do what, with what came along: as Teams sent it, or (``images``, ``files``) as it was read before."""

    agent: str
    text: str
    attachments: Sequence[Mapping[str, Any]] = ()
    images: tuple[Image, ...] = ()
    files: tuple[ReadFile, ...] = ()


class Talk:
    """Turns what people write into runs, each message into one."""

    def __init__(self, desk: Desk, choosing: Choosing, files: Files) -> None:
        self._desk = desk
        self._choosing = choosing
        self._files = files

    async def message(self, taken: Taken) -> tuple[Task, Run] | None:
        """Start the run that the message asks for, and return it; its answer is to be told next. ``None``: there is none yet.

        Raises:
            DatabaseUnavailable, Draining: not now, or not here; nothing is lost.
        """
        tenant, activity = taken.tenant, taken.activity
        try:
            caller = await self._desk.callers.present(tenant, activity)
            if caller is not None:
                return await self._begun(taken, caller)
            await self._desk.sign_in.ask(tenant, activity)
        except (DatabaseUnavailable, Draining):
            raise
        except CharterError as fault:
            await self._refused(taken, fault)
        return None

    async def _begun(self, taken: Taken, caller: Caller) -> tuple[Task, Run] | None:
        tenant, activity = taken.tenant, taken.activity
        run = await self._left_behind(taken, caller)
        if run is None:
            asked = await self._asked(taken, caller)
            if asked is None:
                return None
            run, notes = await self._started(caller, activity, asked)
            await self._tell_files(tenant, activity, notes)
        await self._desk.states.set(tenant, _talk_key(activity), {"agent": run.agent, "thread": run.thread})
        task = Task(
            tenant, run.id, activity.place.conversation, root_of(activity), activity.id, caller.ctx.principal.id,
            activity.sender.id, activity.locale, private=await self._alone(taken),
        )  # fmt: skip
        async with self._desk.database.tenant_session(tenant) as session:
            await tasks.open_task(session, task, streams=True)
            await pending.done(session, activity)
        return task, run

    async def _left_behind(self, taken: Taken, caller: Caller) -> Run | None:
        """Return the run that a process which died had begun for this message: by now it might be asked for otherwise."""
        if taken.attempts == 1:
            return None
        return await self._desk.service.begun(caller.ctx, _idempotency_key(taken.activity))

    async def _started(self, caller: Caller, activity: Activity, asked: Asked) -> tuple[Run, Sequence[Note]]:
        """Start what is asked, and return what is to be said of what came with it. Where the agent's model sees no images, it
        is started without them, unless there is nothing else.
        """
        key, sent = _talk_key(activity), await self._files.take(asked.attachments)
        images, files = (*sent.images, *asked.images), (*sent.files, *asked.files)
        known: Mapping[str, Any] = await self._desk.states.get(caller.ctx.tenant, key) or {}
        thread = known.get("thread") if known.get("agent") == asked.agent else None
        request = StartRun(
            asked.agent, asked.text or _instead(activity, sent), thread, {"channel": "teams"}, _idempotency_key(activity),
            streams=True, images=images, files=files,
        )  # fmt: skip
        try:
            return await self._in_thread(caller, request, key), sent.notes
        except ModelCannot:
            if not (images and (asked.text or files)):
                raise
            return await self._in_thread(caller, replace(request, images=()), key), unseen(sent.notes)

    async def _in_thread(self, caller: Caller, request: StartRun, key: str) -> Run:
        """Start it in the thread; in a new one where that thread is there no more."""
        try:
            run, _ = await self._desk.service.start(caller.ctx, request, assertion=caller.token)
        except NotFound:
            if request.thread is None:
                raise
            await self._desk.states.delete(caller.ctx.tenant, key)
            run, _ = await self._desk.service.start(caller.ctx, replace(request, thread=None), assertion=caller.token)
        return run

    async def _asked(self, taken: Taken, caller: Caller) -> Asked | None:
        """Return which agent is to do what; nothing where the person has to say it first."""
        tenant, activity = taken.tenant, taken.activity
        pressed: Mapping[str, Any] = activity.pressed
        if "charter" in pressed:
            return await self._pressed(taken, caller, pressed)
        known: Mapping[str, Any] = await self._desk.states.get(tenant, _talk_key(activity)) or {}
        offered = self._desk.service.agents(caller.ctx)
        if not offered:
            await self._say(taken, "nobody", "welcome.nobody")
            return None
        if any(agent["name"] == known.get("agent") for agent in offered):
            return Asked(str(known["agent"]), activity.text, activity.attachments)
        choice = await self._choosing.choose(offered, activity.text)
        if choice.agent:
            return Asked(choice.agent, activity.text, activity.attachments)
        likely = {name: place for place, name in enumerate(choice.among)}
        among = sorted((agent for agent in offered if agent["name"] in likely), key=lambda agent: likely[agent["name"]])
        await self._ask_which(taken, among or offered)
        return None

    async def _pressed(self, taken: Taken, caller: Caller, said: Mapping[str, Any]) -> Asked | None:
        """Return what a button of ours asks for. What it says is looked up here: a button can be forged."""
        agent = self._desk.service.agent(caller.ctx, str(said.get("agent", ""))) if "agent" in said else None
        match said:
            case {"charter": "start", "number": int(number)} if agent and 0 <= number < len(agent["starters"]):
                return Asked(agent["name"], agent["starters"][number])
            case {"charter": "choose", "activity": str(original)} if agent:
                if waiting := await self._waiting(taken, original):
                    asked = Asked(agent["name"], str(waiting["text"]), waiting.get("attachments", ()))
                    return await self._once(taken, caller, asked)
                await self._desk.states.set(taken.tenant, _talk_key(taken.activity), {"agent": agent["name"]})
                await self._say(taken, "chosen", "chosen.done", agent=title(agent["name"]))
                return None
            case {"charter": "again", "run": str(run_id)}:
                run = await self._desk.service.get(caller.ctx, run_id)
                images = await self._desk.service.images(caller.ctx, run_id)
                async with self._desk.database.session(caller.ctx) as session:
                    files = await read_files.of_run(session, run_id)
                return await self._once(taken, caller, Asked(run.agent, run.input, images=images, files=files))
            case _:
                raise NotFound("This button belongs to nothing any more.", action="Write what you want in words.")

    async def _once(self, taken: Taken, caller: Caller, asked: Asked) -> Asked | None:
        """Return what a button asks for, unless it was pressed before: whoever presses twice means it once."""
        if await self._desk.service.begun(caller.ctx, _idempotency_key(taken.activity)) is None:
            return asked
        await self._say(taken, "chosen", "chosen.begun")
        return None

    async def _ask_which(self, taken: Taken, offered: list[dict[str, Any]]) -> None:
        """Keep what was written until the person says who should do it."""
        activity, speech = taken.activity, speech_of(taken.activity.locale)
        card = cards.choice(speech, activity.text, offered, activity.id)
        body = messages.with_card(card, speech.say("choice.heading"))
        kept = {"text": activity.text, "private": activity.private, "attachments": list(activity.attachments)}
        await self._desk.states.set(taken.tenant, _choice_key(activity, activity.id), kept)
        await self._done_with(taken, "choice", body)

    async def _waiting(self, taken: Taken, original: str) -> Mapping[str, Any] | None:
        """Return what this person wrote before they were asked which agent they mean, and whether to the bot alone."""
        return await self._desk.states.get(taken.tenant, _choice_key(taken.activity, original))

    async def _alone(self, taken: Taken) -> bool:
        """Whether others read along, and what is asked for was not said before them."""
        activity = taken.activity
        if activity.place.scope == "personal":
            return False
        match activity.pressed:
            case {"charter": "choose", "activity": str(original)}:
                return (await self._waiting(taken, original) or {}).get("private") is not False
            case {"charter": "again", "run": str(run_id)}:
                return not await self._said_aloud(taken, run_id)
            case _:
                return activity.private

    async def _said_aloud(self, taken: Taken, run_id: str) -> bool:
        """Whether what a run was asked for stands where this activity was written, before everybody there."""
        async with self._desk.database.tenant_session(taken.tenant) as session:
            task = await tasks.find(session, run_id)
        here = (taken.activity.place.conversation, taken.activity.sender.oid)
        return task is not None and not task.private and (task.conversation, task.person) == here

    async def _tell_files(self, tenant: str, activity: Activity, notes: Sequence[Note]) -> None:
        """Say what was read of what came with the message, and what was left out."""
        if notes:
            speech = speech_of(activity.locale)
            text = "\n\n".join(speech.say(note.key, **note.values) for note in notes)
            await self._desk.say(tenant, reply(activity, "files", messages.plain(text), private=True))

    async def _refused(self, taken: Taken, fault: CharterError) -> None:
        speech = speech_of(taken.activity.locale)
        card = cards.failure(speech, fault.as_problem(Trace.present().trace_id))
        await self._done_with(taken, "failure", messages.with_card(card, speech.say("failure.heading")))

    async def _say(self, taken: Taken, what: str, key: str, **values: Any) -> None:
        await self._done_with(taken, what, messages.plain(speech_of(taken.activity.locale).say(key, **values)))

    async def _done_with(self, taken: Taken, what: str, body: Json) -> None:
        await self._desk.say(taken.tenant, reply(taken.activity, what, body, private=True))
        async with self._desk.database.tenant_session(taken.tenant) as session:
            await pending.done(session, taken.activity)


def _talk_key(activity: Activity) -> str:
    """Name a person's conversation with us: in one place, and in a channel in one of its threads."""
    return talk_key(activity.place.conversation, root_of(activity), activity.sender.oid)


def _idempotency_key(activity: Activity) -> str:
    """Name what a message asks for. A button that goes on with something asks for that, however often it is pressed."""
    match activity.pressed:
        case {"charter": "choose", "activity": str(original)}:
            return f"teams:{activity.place.conversation}:{original}"
        case {"charter": "again", "run": str(run_id)}:
            return f"teams:again:{run_id}"
        case _:
            return f"teams:{activity.place.conversation}:{activity.id}"


def talk_key(conversation: str, root: str, person: str) -> str:
    return f"talk:{conversation}:{root}:{person}"


def _choice_key(activity: Activity, original: str) -> str:
    return f"choice:{activity.place.conversation}:{original}:{activity.sender.oid}"


def _instead(activity: Activity, taken: FilesTaken) -> str:
    """Return what stands for words where somebody sends files and says nothing."""
    return speech_of(activity.locale).say("files.alone") if taken.files or taken.images else ""
