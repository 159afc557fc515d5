"""Search as one principal through one agent: the retriever that a plugin is given."""

from collections.abc import Callable, Sequence

from charter.context import Context
from charter.knowledge.archive import Archive
from charter.plugin import FunctionFailed, Passage


class ContextRetriever:
    """Bound to a principal and to the collections that the agent's ``knowledge`` names; neither can be widened."""

    def __init__(
        self,
        archive: Archive,
        ctx: Context,
        collections: Sequence[str],
        *,
        top: int = 5,
        unread: Callable[[], str | None] = lambda: None,
    ) -> None:
        """``unread`` says in a sentence why the index may not be whole yet, if so."""
        self._archive = archive
        self._ctx = ctx
        self._collections = tuple(collections)
        self._top = top
        self._unread = unread

    async def search(self, query: str, *, top: int | None = None) -> Sequence[Passage]:
        """Return the best passages, best first; an empty list when nothing readable fits.

        Raises:
            FunctionFailed: nothing was found in an index that is not whole yet: that proves nothing.
        """
        if not self._collections or not query.strip():
            return []
        found = await self._archive.search(self._ctx, query, collections=self._collections, top=top or self._top)
        if not found and (sentence := self._unread()):
            raise FunctionFailed(sentence)
        return found
