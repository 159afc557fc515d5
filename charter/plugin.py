"""All a plugin may lean on.

A plugin is built for one principal: what it may reach comes with the constructor's ``Access``, never in an argument,
because an argument is what the model writes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class FunctionFailed(Exception):
    """A function could not do its work. Only ``public`` reaches the model and the person; keep secrets out of it.

    ``happened`` says what is known of the effect: ``False`` it surely did not happen (a refusal, a validation error),
    ``None`` nobody knows (a time-out, a cut connection).
    """

    def __init__(self, public: str, *, happened: bool | None = False, status: int | None = None) -> None:
        super().__init__(public)
        self.public = public
        self.happened = happened
        self.status = status


@dataclass(frozen=True, slots=True)
class Response:
    """What the business system answered: HTTP status and the decoded JSON body (``None`` when empty)."""

    status: int
    body: Any


class Connection(Protocol):
    """A way into one business system as one principal."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request below the plugin's base address, with this principal's token.

        Raises:
            FunctionFailed: no answer, an answer that is not JSON, or one over the size limit.
        """
        ...


@dataclass(frozen=True, slots=True)
class Passage:
    """A found piece of a document, trimmed to what the principal may read. ``start`` and ``end`` are character offsets
    in the document's text; ``score`` is higher for better; ``heading`` is the path of headings above it.
    """

    document_id: str
    passage_id: str
    title: str
    url: str
    start: int
    end: int
    text: str
    integrity: str = "trusted"
    readers: tuple[str, ...] = field(default=())
    score: float = 0.0
    heading: str = ""


class Retriever(Protocol):
    """Search over the knowledge that one principal, through one agent, may read."""

    async def search(self, query: str, *, top: int = 5) -> Sequence[Passage]:
        """Return the best passages, best first; an empty list when nothing readable fits."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """What one principal may reach through one plugin; given to the plugin's constructor."""

    connection: Connection
    retriever: Retriever
