"""The collections of one name in Qdrant: one per embedder, of which the one that was written last is the name's own."""

import re
from hashlib import sha256

from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import UnexpectedResponse
from qdrant_client.models import CreateAlias, CreateAliasOperation, DeleteAlias, DeleteAliasOperation

from charter.errors import StartRefused
from charter.knowledge.embedder import Embedder
from charter.knowledge.qdrant import points
from charter.knowledge.qdrant.wire import Wire

_SHAPE = "1"
"""Changes with what points hold: everything is then read anew."""
_CONFLICT = 409


class Collections:
    """``name`` is an alias, for those who look from outside. ``current`` is what this host reads and writes: a host with
    another embedder, beside it while one takes over from the other, has a collection of its own.
    """

    def __init__(self, wire: Wire, name: str, embedder: Embedder, *, indexed: bool) -> None:
        """``indexed``: fields have indexes, which Qdrant has only as a server."""
        self._wire = wire
        self._indexed = indexed
        self._name = name
        self._dimensions = embedder.dimensions
        revision = sha256("\0".join((_SHAPE, embedder.name, str(embedder.dimensions))).encode()).hexdigest()[:12]
        self.current = f"{name}-{revision}"

    async def ready(self) -> None:
        """Make the collection and the indexes that it lacks.

        Raises:
            StartRefused: the name is that of somebody else's collection.
            Unavailable: as of ``Wire``.
        """
        names = await self._wire.call(_names)
        if self._name in names:
            raise StartRefused(
                f"Qdrant has a collection {self._name} that is not this host's.",
                action="Set CHARTER_KNOWLEDGE__QDRANT__COLLECTION to a name that is free.",
            )
        await self._wire.call(self._make)

    async def settle(self) -> None:
        """Give the name to this collection and drop those of earlier embedders."""
        await self._wire.call(self._take_over)

    async def ping(self) -> None:
        """Ask whether the collection is there.

        Raises:
            Unavailable: as of ``Wire``.
        """
        await self._wire.call(lambda client: client.get_collection(self.current))

    def _make(self, client: QdrantClient) -> None:
        if not client.collection_exists(self.current):
            try:
                client.create_collection(self.current, **points.vectors_of(self._dimensions))
            except UnexpectedResponse as fault:
                if fault.status_code != _CONFLICT:  # another host was faster
                    raise
        there = client.get_collection(self.current).payload_schema
        for field, kind in points.indexes().items():
            if self._indexed and field not in there:
                client.create_payload_index(self.current, field, field_schema=kind, wait=True)

    def _take_over(self, client: QdrantClient) -> None:
        owners = {each.alias_name: each.collection_name for each in client.get_aliases().aliases}
        if owners.get(self._name) != self.current:
            create = CreateAliasOperation(create_alias=CreateAlias(collection_name=self.current, alias_name=self._name))
            delete = DeleteAliasOperation(delete_alias=DeleteAlias(alias_name=self._name))
            client.update_collection_aliases([delete, create] if self._name in owners else [create])
        revision = re.compile(re.escape(self._name) + r"-[0-9a-f]{12}")
        for each in _names(client):
            if each != self.current and revision.fullmatch(each):
                client.delete_collection(each)


def _names(client: QdrantClient) -> set[str]:
    return {each.name for each in client.get_collections().collections}
