"""Search over documents, as the person who asks and within the collections of the agent."""

from typing import Any

from semantic_kernel.functions import kernel_function

from charter.plugin import Access, Passage


class Knowledge:
    def __init__(self, access: Access) -> None:
        self._retriever = access.retriever

    @kernel_function
    async def search(self, query: str) -> dict[str, Any]:
        """Return the passages that fit best, numbered from 1, best first; none where nothing readable fits."""
        found = await self._retriever.search(query)
        return {"passages": [_as_json(n, passage) for n, passage in enumerate(found, start=1)]}


def _as_json(n: int, passage: Passage) -> dict[str, Any]:
    return {
        "n": n,
        "document_id": passage.document_id,
        "passage_id": passage.passage_id,
        "title": passage.title,
        "url": passage.url,
        "start": passage.start,
        "end": passage.end,
        "text": passage.text,
        "integrity": passage.integrity,
        "readers": list(passage.readers),
    }
