"""The orders of a query: by text, by nearness, both fused, and as the semantic ranker's stand-in has it.

Sources: "Relevance in keyword search (BM25)", "Relevance in vector search" (``@search.score`` is 1 / (2 - cosine)),
"Relevance scoring in hybrid search (RRF)" (1 / (60 + place), places from 1), "Semantic ranking" (the first 50, 0 to 4).

The service's semantic ranker is a language model that nobody else has. Here it is the share of the question's words that
a document's semantic fields hold, times 4: a number of the right form in a plausible order, and no measure of quality.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from charter.twins.ai_search.analysis import terms
from charter.twins.ai_search.asked import Query, Vector
from charter.twins.ai_search.definitions import Semantic

Document = Mapping[str, Any]
Scores = dict[str, float]
_FUSED = 60
_MOST_FUSED_TEXTS = 1_000
RERANKED = 50


def nearest(vector: Vector, places: Mapping[str, int], matrix: Any, among: Iterable[str]) -> Scores:
    """Return the ``k`` documents of these whose vectors are nearest, with the service's score. ``places`` says which row of
    the matrix is whose.
    """
    # Late: the twins start faster without it.
    import numpy

    having = [key for key in among if key in places]
    if not having:
        return {}
    rows = matrix[[places[key] for key in having]]
    asked = numpy.array(vector.values, dtype=numpy.float32)
    lengths = numpy.linalg.norm(rows, axis=1) * numpy.linalg.norm(asked)
    cosines = rows @ asked / numpy.where(lengths == 0, 1, lengths)
    best = numpy.argsort(-cosines, kind="stable")[: vector.k]
    return {having[at]: 1 / (2 - float(cosines[at])) for at in best.tolist()}


def ranked(query: Query, texts: Scores | None, near: Sequence[tuple[float, Scores]]) -> Scores:
    """Return what a query finds with its scores: one order as it is, several of them fused."""
    if texts is not None and not near:
        return texts
    if texts is None and len(near) == 1:
        return near[0][1]
    orders = [*([(1.0, texts)] if texts is not None else []), *near]
    fused: Scores = {}
    for weight, scores in orders:
        best = sorted(scores, key=lambda key: -scores[key])[:_MOST_FUSED_TEXTS]
        for place, key in enumerate(best, 1):
            fused[key] = fused.get(key, 0.0) + weight / (_FUSED + place)
    return fused


def ordered(query: Query, scores: Scores, documents: Mapping[str, Document]) -> list[str]:
    """Return the keys in the query's order; equal ones stay in the order of writing."""
    keys = [key for key in documents if key in scores]
    keys.sort(key=lambda key: -scores[key])
    for name, backwards in reversed(query.order):
        if name == "search.score()":
            keys.sort(key=lambda key: scores[key], reverse=backwards)
            continue

        def value(key: str, name: str = name) -> tuple[bool, Any]:
            found = documents[key].get(name)
            return (found is not None, found if found is not None else 0)

        keys.sort(key=value, reverse=backwards)
    return keys


def reranked(query: Query, keys: Sequence[str], documents: Mapping[str, Document]) -> Scores:
    """Return the stand-in's score of the first ``RERANKED`` documents."""
    assert query.semantic is not None
    asked = _stems([query.meant])
    return {key: _share(asked, query.semantic, documents[key]) for key in keys[:RERANKED]}


def _share(asked: frozenset[str], semantic: Semantic, document: Document) -> float:
    having = _stems(str(document.get(name) or "") for name in (semantic.title, *semantic.content) if name)
    return round(4 * len(asked & having) / len(asked), 6) if asked else 0.0


def _stems(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(term for text in texts for _, term in terms(text, "en.lucene"))
