"""The questions that candidates come from: by nearness, by words, by exact terms, and as the service's ranker has them."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azure.search.documents.models import VectorizedQuery

from charter.knowledge.azure_ai_search import schema
from charter.knowledge.azure_ai_search.rows import FOUND, Row, candidate, spoken
from charter.knowledge.azure_ai_search.service import Service
from charter.knowledge.azure_ai_search.trimming import one_of
from charter.knowledge.embedder import Embedder, Vector
from charter.knowledge.index import Candidate, Question

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question to one index. ``filter`` is what may be read; it goes with every query."""

    service: Service
    index: str
    question: Question
    filter: str
    headers: Mapping[str, str]
    most: int

    async def near(self, *, among: Sequence[str] = ()) -> dict[str, Row]:
        """Return what is nearest; or each one of ``among``, however far."""
        within = f" and {one_of('id', among)}" if among else ""
        count = len(among) or self.most
        nearest = VectorizedQuery(
            vector=self.question.vector, k_nearest_neighbors=count, fields="vector", exhaustive=bool(among)
        )
        return await self._rows(
            vector_queries=[nearest], top=count, filter=self.filter + within, vector_filter_mode="preFilter"
        )

    async def worded(self) -> dict[str, Row]:
        """Return what has the words of the question, best first."""
        return await self._texts(" ".join(_WORD.findall(self.question.text)))

    async def exact(self) -> dict[str, Row]:
        """Return what has an exact term letter by letter."""
        bare = (" ".join(re.sub(r'["\\]', " ", term).split()) for term in self.question.terms)
        return await self._texts(" | ".join(f'"{term}"' for term in bare if term))

    async def ranked(self) -> dict[str, Row]:
        """Return what the service's own ranker thinks of the best, by words and by nearness."""
        if not (text := " ".join(_WORD.findall(self.question.text))):
            return {}
        nearest = VectorizedQuery(vector=self.question.vector, k_nearest_neighbors=self.most, fields="vector")
        return await self._rows(
            search_text=text, search_fields=list(schema.WORDED), vector_queries=[nearest], top=self.most,
            filter=self.filter, vector_filter_mode="preFilter", query_type="semantic",
            semantic_configuration_name=schema.RANKER,
        )  # fmt: skip

    async def _texts(self, text: str) -> dict[str, Row]:
        if not text:
            return {}
        return await self._rows(
            search_text=text, search_mode="any", search_fields=list(schema.WORDED), top=self.most, filter=self.filter
        )

    async def _rows(self, **asked: Any) -> dict[str, Row]:
        found = await self.service.search(self.index, headers=self.headers, select=list(FOUND), **asked)
        return {row["id"]: row for row in found}


async def by_vectors(asked: Asked, *, semantic: bool) -> list[Candidate]:
    """Return what an index with this embedder's vectors has, each with the true cosine."""
    near, worded, exact, ranked = await asyncio.gather(
        asked.near(), asked.worded(), asked.exact(), asked.ranked() if semantic else _nothing()
    )
    far = sorted((worded.keys() | exact.keys() | ranked.keys()) - near.keys())
    scored = near | (await asked.near(among=far) if far else {})
    places = {key: place for place, key in enumerate(worded, 1)}
    return [
        candidate(row, _cosine(row), places.get(key), told_by_ranker(ranked.get(key, {})))
        for key, row in scored.items()
    ]


async def by_words(asked: Asked, embedder: Embedder) -> list[Candidate]:
    """Return what an index with other vectors has: found by words, and embedded here and now to be compared."""
    worded, exact = await asyncio.gather(asked.worded(), asked.exact())
    rows = exact | worded
    if not rows:
        return []
    vectors = await embedder.passages([spoken(row) for row in rows.values()])
    places = {key: place for place, key in enumerate(worded, 1)}
    return [
        candidate(row, _dot(asked.question.vector, vector), places.get(key), None)
        for (key, row), vector in zip(rows.items(), vectors, strict=True)
    ]


async def _nothing() -> dict[str, Row]:
    return {}


def told_by_ranker(row: Mapping[str, Any]) -> float | None:
    """Return what the service's ranker gave a row, from 0 to 1 (its own scale ends at 4); nothing where it gave none."""
    score = row.get("@search.reranker_score")
    return None if score is None else float(score) / 4


def _cosine(row: Row) -> float:
    # The service scores a vector by 1 / (1 + (1 - cosine)).
    return 2 - 1 / float(row["@search.score"])


def _dot(one: Vector, other: Vector) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
