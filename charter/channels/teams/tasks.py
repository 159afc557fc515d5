"""Runs that somebody asked for in Teams, and what they have been told of them."""

from dataclasses import dataclass
from datetime import datetime

from charter.context import Context, Principal
from charter.store.database import Database, Session

STREAM_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Task:
    """``conversation`` and ``root`` are where it was asked for, ``reply_to`` is the message that asked; ``told_seq`` is how far
    in the journal the person has been told. ``carded``: a card shows it. ``private``: it was said to the bot alone where others
    read along, and so is all that is told of it. ``shown`` is the message in which
    its answer grows, or grew when the process died that streamed it.
    """

    tenant: str
    run_id: str
    conversation: str
    root: str
    reply_to: str
    person: str
    account: str
    locale: str
    told_seq: int = 0
    carded: bool = False
    done: bool = False
    created_at: datetime | None = None
    private: bool = False
    shown: str = ""

    @property
    def ctx(self) -> Context:
        """The authority to read what this person asked for: theirs, and nobody's beyond it."""
        return Context(self.tenant, Principal(self.person, "user", self.person), channel="teams")


_FIELDS = "tenant, run_id, conversation, root, reply_to, person, account, locale, told_seq, carded, done, created_at, private, shown"


async def open_task(session: Session, task: Task, *, streams: bool) -> None:
    """Write it down; ``streams``: this process tells its answer while it comes, for as long as it says so."""
    await session.execute(
        "insert into teams_tasks (tenant, run_id, conversation, root, reply_to, person, account, locale, private, streaming_until) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, case when $10 then clock_timestamp() + make_interval(secs => $11) end) "
        "on conflict do nothing",
        task.tenant, task.run_id, task.conversation, task.root, task.reply_to, task.person, task.account, task.locale, task.private,
        streams, STREAM_SECONDS,
    )  # fmt: skip


async def still_streams(database: Database, task: Task) -> None:
    """Say that the answer is still being streamed here."""
    async with database.tenant_session(task.tenant) as session:
        await session.execute(
            "update teams_tasks set streaming_until = clock_timestamp() + make_interval(secs => $2) "
            "where run_id = $1 and streaming_until is not null",
            task.run_id,
            STREAM_SECONDS,
        )


async def shows(database: Database, task: Task, shown: str) -> None:
    """Write down in which message the answer grows, as long as it does."""
    async with database.tenant_session(task.tenant) as session:
        await session.execute(
            "update teams_tasks set shown = $2 where run_id = $1 and streaming_until is not null", task.run_id, shown
        )


async def peek(session: Session, run_id: str) -> Task | None:
    """Return the open task, unless its answer is being streamed."""
    row = await session.fetchrow(
        f"select {_FIELDS} from teams_tasks where run_id = $1 and not done "  # noqa: S608 - constants
        "and (streaming_until is null or streaming_until < clock_timestamp())",
        run_id,
    )
    return Task(*row) if row else None


async def find(session: Session, run_id: str) -> Task | None:
    """Return the task of a run, over or not."""
    row = await session.fetchrow(f"select {_FIELDS} from teams_tasks where run_id = $1", run_id)  # noqa: S608
    return Task(*row) if row else None


async def aloud(session: Session, task: Task, thread: str) -> bool:
    """Whether all that was asked in a thread was asked where this task was, before everybody there."""
    return not await session.fetchval(
        "select exists (select 1 from runs r left join teams_tasks t on t.run_id = r.id where r.thread = $1 "
        "and (t.run_id is null or t.private or (t.conversation, t.person) <> ($2, $3)))",
        thread,
        task.conversation,
        task.person,
    )


async def locked(session: Session, run_id: str, *, told: int) -> bool | None:
    """Take the open task until the session ends, if its person still knows what they knew; ``None``: somebody told them more."""
    return await session.fetchval(
        "select true from teams_tasks where run_id = $1 and not done and told_seq = $2 "
        "and (streaming_until is null or streaming_until < clock_timestamp()) for update skip locked",
        run_id,
        told,
    )


async def told(session: Session, run_id: str, seq: int, *, carded: bool, done: bool) -> None:
    """Note how far the person has been told; nothing of it is streamed any more."""
    await session.execute(
        "update teams_tasks set told_seq = greatest(told_seq, $2), carded = carded or $3, done = $4, streaming_until = null, shown = '' "
        "where run_id = $1",
        run_id,
        seq,
        carded,
        done,
    )


@dataclass(frozen=True, slots=True)
class Counted:
    """How many tasks somebody has: all of them, those that are worked on, and those that wait."""

    total: int
    working: int
    waiting: int


async def of_person(session: Session, person: str, limit: int = 10) -> list[str]:
    """Return the runs that a person asked for: those that have not ended first, then the newest."""
    rows = await session.fetch(
        "select t.run_id from teams_tasks t join runs r on r.id = t.run_id where t.person = $1 "
        "order by r.status in ('completed', 'failed', 'cancelled'), t.created_at desc limit $2",
        person,
        limit,
    )
    return [str(row["run_id"]) for row in rows]


async def count(session: Session, person: str) -> Counted:
    row = await session.fetchrow(
        "select count(*), count(*) filter (where r.status in ('queued', 'running')), "
        "count(*) filter (where r.status = 'waiting') from teams_tasks t join runs r on r.id = t.run_id where t.person = $1",
        person,
    )
    assert row is not None
    return Counted(*row)


async def here(session: Session, person: str, conversation: str, root: str) -> Task | None:
    """Return the newest of a person's tasks in a conversation that has not ended; one of that thread before others."""
    row = await session.fetchrow(
        f"select {_FIELDS} from teams_tasks where person = $1 and conversation = $2 and exists (select 1 from runs r "  # noqa: S608
        "where r.id = run_id and r.status not in ('completed', 'failed', 'cancelled')) "
        "order by root = $3 desc, created_at desc limit 1",
        person,
        conversation,
        root,
    )
    return Task(*row) if row else None


async def unattended(session: Session, limit: int = 100) -> list[str]:
    """Return the runs of open tasks that have news nobody has told: of a process that died, or a notice that was lost."""
    rows = await session.fetch(
        "select t.run_id from teams_tasks t join runs r on r.id = t.run_id where not t.done and r.last_seq > t.told_seq "
        "and (t.streaming_until is null or t.streaming_until < clock_timestamp()) order by t.created_at limit $1",
        limit,
    )
    return [str(row["run_id"]) for row in rows]
