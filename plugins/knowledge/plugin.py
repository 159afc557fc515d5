"""The documents of the tenant as one function: search, for the principal the plugin was built for."""

from dataclasses import asdict
from typing import Annotated, Any

from semantic_kernel.functions import kernel_function

from charter.plugin import Access, Passage


class Knowledge:
    """Searches through the retriever it was given; that is bound to one principal and to one agent's collections."""

    def __init__(self, access: Access) -> None:
        self._retriever = access.retriever

    @kernel_function(name="search", description="Searches the company's documents.")
    async def search(
        self, query: Annotated[str, "What to look for, as one question that stands alone"]
    ) -> dict[str, Any]:
        """Search the company's documents.

        Returns numbered passages, best first; an empty list when nothing that this person may read says anything.
        """
        found = await self._retriever.search(query)
        return {"passages": [_as_json(n, passage) for n, passage in enumerate(found, 1)]}


def _as_json(n: int, passage: Passage) -> dict[str, Any]:
    fields = asdict(passage)
    del fields["score"]  # for ranking only: a number means nothing to a model or a person
    return {"n": n, **fields, "readers": list(passage.readers)}
