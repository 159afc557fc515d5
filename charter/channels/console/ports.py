"""What the console needs from the house: the runs, a check of tokens, and the people it may offer for sign-in."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

from charter.context import Context
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


class Authentication(Protocol):
    """The check of a bearer token (``charter.identity.authentication.Authenticator``)."""

    async def authenticate(self, authorization: str | None, /) -> Caller:
        """Return who calls.

        Raises:
            Unauthenticated: no token, or one that is not believed.
            Forbidden: a true token that opens nothing here.
        """
        ...


class Person(Protocol):
    """Somebody who may sign in by name in the local profile."""

    @property
    def name(self) -> str: ...

    @property
    def tenant(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def roles(self) -> Sequence[str]: ...


SignIn = Callable[[str], Awaitable[str]]
"""Takes a person's name and returns an access token for this host."""

LevelStatus = Callable[[], Mapping[str, Any]]
"""Tells ``level``, ``state`` (serving, fetching, loading, off, failed), ``received`` and ``total`` in bytes, ``name``,
``licence`` and ``detail`` of the model that answers now."""
