"""Follow a run as it happens, from any process: journal numbers wake followers, live text is passed on meanwhile.

The process that works on a run streams its model's turns only for somebody. A follower in another process announces
itself while it listens; what the model says then goes there in batches. Live text has no number and is never repeated:
the journal holds the whole of it a moment later.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import asyncpg
import structlog

from charter.runs.outlet import Outlet
from charter.runs.remote import Remote
from charter.store.database import APP_ROLE
from charter.store.login import Login

_log = structlog.get_logger(__name__)
_RECONNECT_SECONDS = 1.0
_BEAT_SECONDS = 0.125
_PATIENCE_SECONDS = 3.0

News = int | str | None
"""What a follower hears: a journal number to look up, live text, or (``None``) that the text of this turn is withdrawn."""

Listener = Callable[[str, str, str], None]
"""Takes a run, and the kind and the status of an entry of its journal."""


class Followers:
    """Who waits for news of which run, here and elsewhere. One listening connection serves the whole process."""

    def __init__(self, url: str, *, login: Login | None = None) -> None:
        self._url = url
        self._login = login
        self._name = secrets.token_hex(8)
        self._queues: dict[str, set[asyncio.Queue[News]]] = defaultdict(set)
        self._live: dict[str, set[asyncio.Queue[News]]] = defaultdict(set)
        self._remote = Remote()
        self._outlet = Outlet(self._name)
        self._listeners: list[Listener] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._connection: Any = None
        self._saying = asyncio.Lock()
        self._listening = asyncio.Event()
        self._beat = asyncio.Event()
        self.over = False
        """Whoever follows here had better follow elsewhere."""
        self.works_here: Callable[[str], bool] = lambda _: False
        """Tells whether this process works on a run; such a run's followers need not announce themselves."""

    def listen(self, listener: Listener) -> None:
        """Call with the run, the kind and the status of each entry that any process writes to a journal.

        A lost connection loses news: whoever must know looks at the journal too.
        """
        self._listeners.append(listener)

    async def open(self) -> None:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._beats())]
        await asyncio.wait_for(self._listening.wait(), 10)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # What this process hears.

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
                _log.warning("journal notifications lost", fault=str(fault))
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _hear(self) -> None:
        connection: Any = await asyncpg.connect(self._url, password=self._login, server_settings={"role": APP_ROLE})
        try:
            gone = asyncio.Event()
            connection.add_termination_listener(lambda _: gone.set())  # pyright: ignore[reportUnknownLambdaType]
            await connection.add_listener("charter_journal", self._news)
            await connection.add_listener("charter_follow", self._followed_elsewhere)
            await connection.add_listener("charter_text", self._text_from_elsewhere)
            await connection.add_listener("charter_withdrawn", self._withdrawn_elsewhere)
            self._connection = connection
            self._listening.set()
            # What happened while nobody listened is in the journal: let everyone look.
            self._wake_all()
            self._remote.announce_again()
            await gone.wait()
        finally:
            self._connection = None
            await connection.close(timeout=2)

    def look(self, different: bool) -> None:
        """Let everyone look where the tenants are not what they were: some may have to go."""
        if different:
            self._wake_all()

    def send_away(self) -> None:
        """Let everyone look once more and then go: no news of runs will come here any more."""
        self.over = True
        self._wake_all()

    def _wake_all(self) -> None:
        for run_id in list(self._queues):
            self._tell(self._queues, run_id, 0)

    def _news(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        run_id, number, kind, status = str(payload).split(":", 3)
        self._tell(self._queues, run_id, int(number))
        for listener in self._listeners:
            listener(run_id, kind, status)

    def _followed_elsewhere(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        process, run_id, what = str(payload).split(":", 2)
        if process != self._name:
            self._remote.heard(run_id, process, follows=what == "+")

    def _text_from_elsewhere(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        process, run_id, text = str(payload).split(":", 2)
        if process != self._name:
            self._tell(self._live, run_id, text)

    def _withdrawn_elsewhere(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        process, run_id = str(payload).split(":", 1)
        if process != self._name:
            self._tell(self._live, run_id, None)

    @staticmethod
    def _tell(queues: dict[str, set[asyncio.Queue[News]]], run_id: str, what: News) -> None:
        for queue in queues.get(run_id, ()):
            with suppress(asyncio.QueueFull):
                queue.put_nowait(what)

    # What this process says.

    async def _beats(self) -> None:
        """Announce followers and pass text on, both in batches, while there is any."""
        was_here: set[str] = set()
        while True:
            if not (self._live or self._outlet.waiting):
                await self._beat.wait()
            self._beat.clear()
            here = {run_id for run_id in self._live if self.works_here(run_id)}
            # A run that was worked on here a moment ago has most likely ended; its followers are about to go.
            followed = [run_id for run_id in self._live if run_id not in here | was_here]
            was_here = here
            told = [("charter_follow", f"{self._name}:{line}") for line in self._remote.announcements(followed)]
            await self._notify([*told, *self._outlet.due()])
            await asyncio.sleep(_BEAT_SECONDS)

    async def _notify(self, notices: list[tuple[str, str]]) -> None:
        if not notices:
            return
        try:
            async with self._saying:
                if self._connection is not None:
                    await self._connection.executemany("select pg_notify($1, $2)", notices, timeout=_PATIENCE_SECONDS)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as fault:
            _log.warning("live text lost", fault=str(fault))

    def text(self, run_id: str, text: str) -> None:
        """Give live text to those who follow the run, here and elsewhere. Nobody gets it later."""
        self._tell(self._live, run_id, text)
        if self._remote.follows(run_id):
            self._outlet.add(run_id, text)
            self._beat.set()

    def withdraw(self, run_id: str) -> None:
        """Tell those who follow the run, here and elsewhere, that the live text of its present turn does not count."""
        self._tell(self._live, run_id, None)
        if self._remote.follows(run_id):
            self._outlet.withdraw(run_id)
            self._beat.set()

    async def settle(self, run_id: str) -> None:
        """Pass on at once what is left of a turn's text, so that it is heard before the journal tells the turn's end."""
        await self._notify(self._outlet.rest(run_id))

    # Who follows.

    def followed(self, run_id: str) -> bool:
        """Tell whether anybody, in any process, wants to hear the run's text while it is made."""
        return bool(self._live.get(run_id)) or self._remote.follows(run_id)

    @asynccontextmanager
    async def follow(self, run_id: str) -> AsyncGenerator["asyncio.Queue[News]"]:
        """Give a queue of journal numbers to look up (0: look anyway) until the block ends."""
        queue: asyncio.Queue[News] = asyncio.Queue(maxsize=4096)
        with _among(self._queues, run_id, queue):
            yield queue

    @contextmanager
    def hear(self, run_id: str, queue: "asyncio.Queue[News]") -> Generator[None]:
        """Put live text into the queue too. The caller knows that its principal may see the run."""
        with _among(self._live, run_id, queue):
            self._beat.set()
            yield
        self._beat.set()


@contextmanager
def _among(queues: dict[str, set[asyncio.Queue[News]]], run_id: str, queue: "asyncio.Queue[News]") -> Generator[None]:
    queues[run_id].add(queue)
    try:
        yield
    finally:
        queues[run_id].discard(queue)
        if not queues[run_id]:
            del queues[run_id]


class Voice:
    """What a run's model says while it says it. Whether a turn streams is decided when it begins."""

    def __init__(self, followers: Followers, run_id: str, *, expected: bool) -> None:
        """``expected`` says that a follower is about to come: the first turn streams for it already."""
        self._followers = followers
        self._run_id = run_id
        self._expected = expected

    def begin(self) -> bool:
        """Begin a turn; tell whether it streams."""
        expected, self._expected = self._expected, False
        return expected or self._followers.followed(self._run_id)

    async def say(self, text: str) -> None:
        self._followers.text(self._run_id, text)

    async def withdraw(self) -> None:
        """Take back what this turn has said so far: the answer begins anew."""
        self._followers.withdraw(self._run_id)

    async def end(self) -> None:
        """End a turn that streamed: what follows in the journal must not overtake its text."""
        await self._followers.settle(self._run_id)
