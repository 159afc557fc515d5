"""What the console needs from the house: the runs, the sign-ins, and the people it may offer for sign-in."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from charter.context import Context
from charter.runs.feedback import Feedback
from charter.runs.run import Event, Page, Run, StartRun, Step


class Approval(Protocol):
    """A question to a person about one exact call."""

    def as_json(self) -> dict[str, Any]: ...


class Service(Protocol):
    """The runs, as every channel uses them (``charter.runs.service.RunService``).

    Each call may raise a ``CharterError``; what another tenant owns is ``NotFound``.
    """

    async def start(self, ctx: Context, request: StartRun, /, *, assertion: str | None) -> tuple[Run, bool]: ...

    async def get(self, ctx: Context, run_id: str, /) -> Run: ...

    async def listing(
        self,
        ctx: Context,
        /,
        *,
        cursor: str | None = None,
        limit: int = 50,
        status: str | None = None,
        agent: str | None = None,
        thread: str | None = None,
    ) -> Page: ...

    async def timeline(self, ctx: Context, run_id: str, /, after: int = 0) -> Sequence[Step]: ...

    def events(self, ctx: Context, run_id: str, /, after: int = 0) -> AsyncIterator[Event]: ...

    async def approvals(
        self, ctx: Context, /, *, status: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page: ...

    async def approval(self, ctx: Context, approval_id: str, /) -> Approval: ...

    async def decide(
        self,
        ctx: Context,
        approval_id: str,
        decision: Literal["approve", "reject"],
        digest: str,
        comment: str | None = None,
        /,
    ) -> Approval: ...

    async def resolve(
        self,
        ctx: Context,
        run_id: str,
        step_id: str,
        answer: Literal["happened", "retry", "give_up"],
        result: Any = None,
        since: str | None = None,
        /,
    ) -> Run: ...

    async def feedback(
        self, ctx: Context, run_id: str, reaction: Literal["like", "dislike"], reason: str = "", /
    ) -> Feedback: ...

    async def feedback_of(self, ctx: Context, runs: Sequence[str], /) -> Mapping[str, Feedback]: ...

    async def cancel(self, ctx: Context, run_id: str, /) -> Run: ...

    def agents(self, ctx: Context, /) -> Sequence[Mapping[str, Any]]: ...

    def agent(self, ctx: Context, name: str, /) -> Mapping[str, Any]: ...

    async def passage(self, ctx: Context, document_id: str, passage_id: str, /) -> Mapping[str, Any]: ...


class Caller(Protocol):
    """A verified person and the token that says so."""

    @property
    def ctx(self) -> Context: ...

    @property
    def token(self) -> str: ...


class Begun(Protocol):
    """A sign-in under way: where it happens, and what the browser keeps, sealed, until it comes back with ``state``."""

    @property
    def address(self) -> str: ...

    @property
    def state(self) -> str: ...

    @property
    def sealed(self) -> str: ...


class Arrived(Protocol):
    """A session that was opened: its cookie's value, and where the person wanted to go."""

    @property
    def cookie(self) -> str: ...

    @property
    def back(self) -> str: ...


class SignIns(Protocol):
    """Signing in and the sessions on the server (``charter.identity.sign_ins.SignIns``)."""

    def begin(self, redirect_uri: str, /, *, tid: str = "", hint: str = "", back: str = "") -> Begun: ...

    async def finish(self, sealed: str, answer: Mapping[str, str], /, *, held: str = "") -> Arrived:
        """Open a session from what the identity provider answered; the one ``held`` ends.

        Raises:
            Forbidden: the answer is not to what this browser began, or it is a refusal.
            Unauthenticated: what the identity provider gave is not to be believed.
            Unavailable: it does not answer.
        """
        ...

    async def present(self, cookie: str, /) -> Caller:
        """Return who holds the session, their token verified now.

        Raises:
            Unauthenticated: there is none, or it has ended.
            Forbidden: a true token that opens nothing here.
            Unavailable: nobody can tell at the moment.
        """
        ...

    async def end(self, cookie: str, back: str, /) -> str | None:
        """End a session; return the address at the identity provider that ends the sign-in there, too."""
        ...


class Person(Protocol):
    """Somebody who may sign in by name in the local profile."""

    @property
    def name(self) -> str: ...

    @property
    def tenant(self) -> str: ...

    @property
    def tid(self) -> str:
        """The tenant at the identity provider where they sign in."""
        ...

    @property
    def title(self) -> str: ...

    @property
    def roles(self) -> Sequence[str]: ...


LevelStatus = Callable[[], Mapping[str, Any]]
"""Tells ``level``, ``state`` (serving, fetching, loading, off, failed), ``received`` and ``total`` in bytes, ``name``,
``licence`` and ``detail`` of the model that answers now."""
