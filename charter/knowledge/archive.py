"""The documents of all tenants: embedded and written into a store, found in it and ranked the same way for every store."""

from collections.abc import Callable, Mapping, Sequence

from charter.context import Context
from charter.knowledge.embedder import Embedder, Vector
from charter.knowledge.index import Apart, Candidate, Document, Index, OpenedPassage, Question, Source
from charter.knowledge.ranking import Fit, rank
from charter.knowledge.terms import exact_terms
from charter.plugin import Passage

_BATCH = 16
_LONGEST_QUERY = 1000


class Archive:
    """A store of passages with the embedder that its vectors come from."""

    def __init__(self, index: Index, embedder: Embedder, fit: Fit | None = None) -> None:
        self._index = index
        self.embedder = embedder
        self._fit = fit or Fit()

    async def search(self, ctx: Context, query: str, *, collections: Sequence[str], top: int = 5) -> list[Passage]:
        """Return the best passages that ``ctx`` may read in these collections, best first.

        Documents that it may not read are left out before anything is ranked. Nothing fitting gives an empty list.
        """
        text = query.replace("\0", " ").encode("utf-8", "replace").decode().strip()[:_LONGEST_QUERY]
        if not text or not collections:
            return []
        question = Question(text, await self.embedder.query(text), tuple(exact_terms(text)))
        found = await self._index.candidates(ctx, question, collections=collections)
        return [_passage(candidate, score) for candidate, score in rank(question, found, self._fit)[:top]]

    async def open_passage(self, ctx: Context, document_id: str, passage_id: str) -> OpenedPassage:
        """Return one passage with its document.

        Raises:
            NotFound: there is none, or ``ctx`` may not read it.
        """
        return await self._index.open_passage(ctx, document_id, passage_id)

    async def stored(self, tenant: str) -> Mapping[Source, str]:
        """As of ``Index``."""
        return await self._index.stored(tenant)

    async def put(self, document: Document, *, embedded: Callable[[int], None] | None = None) -> int:
        """Add or replace one document and return how many passages were embedded for it.

        ``embedded`` hears after each batch how many passages of the document are embedded.
        """
        kept = await self._index.kept(document)
        spoken = dict(zip(document.passage_ids(), document.spoken(), strict=True))
        fresh = [each for each in spoken if each not in kept]
        vectors: dict[str, Vector] = {}
        for at in range(0, len(fresh), _BATCH):
            batch = fresh[at : at + _BATCH]
            found = await self.embedder.passages([spoken[each] for each in batch])
            vectors |= zip(batch, found, strict=True)
            if embedded:
                embedded(len(vectors))
        await self._index.put(document, vectors)
        return len(fresh)

    async def remove(self, tenant: str, sources: Sequence[Source]) -> None:
        """Forget these documents and their passages."""
        await self._index.remove(tenant, sources)

    async def ping(self) -> None:
        """As of ``Apart``; what lies in the host's own database is there where that is."""
        if isinstance(self._index, Apart):
            await self._index.ping()

    async def settle(self) -> None:
        """As of ``Index``."""
        await self._index.settle()


def _passage(candidate: Candidate, score: float) -> Passage:
    return Passage(
        document_id=candidate.document_id,
        passage_id=candidate.passage_id,
        title=candidate.title,
        url=f"/console/documents/{candidate.document_id}/passages/{candidate.passage_id}",
        start=candidate.start,
        end=candidate.end,
        text=candidate.text,
        integrity=candidate.integrity,
        readers=candidate.readers,
        score=score,
        heading=candidate.heading,
    )
