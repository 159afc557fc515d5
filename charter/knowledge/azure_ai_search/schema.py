"""What the index is: its fields, its profile of vectors, its semantic configuration, and the name that says which it is."""

import re
from hashlib import sha256

from azure.search.documents.indexes.models import (
    HnswAlgorithmConfiguration,
    HnswParameters,
    SearchField,
    SearchIndex,
    SemanticConfiguration,
    SemanticField,
    SemanticPrioritizedFields,
    SemanticSearch,
    VectorSearch,
    VectorSearchProfile,
)

from charter.knowledge.embedder import Embedder

REVISION = 1
"""Counts up with every change of the fields. What searches select must be in the revision before, too: it is searched while
the new index is filled.
"""

RANKER = "passages"
WORDED = ("heading", "body")
"""The fields that words are looked for in."""

_ENGLISH = "en.lucene"
_PROFILE = "near"


def real_name(alias: str, embedder: str, revision: int = REVISION) -> str:
    """Return the name of the index behind an alias, for this revision and this embedder."""
    word = re.sub(r"[^a-z0-9]+", "-", embedder.lower())[:12].strip("-") or "e"
    return f"{alias}-r{revision}-{word}-{_digest(embedder)}"


def ours(alias: str, name: str) -> bool:
    """Tell whether an index belongs to the alias by its name."""
    return re.fullmatch(rf"{re.escape(alias)}-r\d+-[a-z0-9-]{{1,12}}-[0-9a-f]{{8}}", name) is not None


def comparable(name: str, embedder: str) -> bool:
    """Tell whether the index of this name holds vectors of this embedder."""
    return name.endswith(f"-{_digest(embedder)}")


def definition(name: str, embedder: Embedder) -> SearchIndex:
    """Return the index as it is created. Documents and passages lie in one, told apart by ``kind``."""
    return SearchIndex(
        name=name,
        description=f"Passages of Charter, revision {REVISION}, vectors of {embedder.name}",
        fields=_fields(embedder.dimensions),
        vector_search=VectorSearch(
            algorithms=[HnswAlgorithmConfiguration(name="graph", parameters=HnswParameters(metric="cosine"))],
            profiles=[VectorSearchProfile(name=_PROFILE, algorithm_configuration_name="graph")],
        ),
        semantic_search=SemanticSearch(
            configurations=[
                SemanticConfiguration(
                    name=RANKER,
                    prioritized_fields=SemanticPrioritizedFields(
                        title_field=SemanticField(field_name="title"),
                        content_fields=[SemanticField(field_name="heading"), SemanticField(field_name="body")],
                    ),
                )
            ]
        ),
    )


def _fields(dimensions: int) -> list[SearchField]:
    return [
        _plain("id", key=True, filterable=True, sortable=True),
        _plain("kind", filterable=True),
        _plain("tenant", filterable=True),
        _plain("collection", filterable=True),
        _plain("document_id", filterable=True),
        _plain("readers", "Collection(Edm.String)", filterable=True),
        _plain("source"),
        _plain("url"),
        _plain("integrity"),
        _plain("digest"),
        _plain("ordinal", "Edm.Int32"),
        _plain("start", "Edm.Int32"),
        _plain("end", "Edm.Int32"),
        _worded("title"),
        _worded("heading"),
        _worded("body"),
        # A document's text as a whole: told with a passage of it, never searched, or it would be found instead.
        _plain("whole"),
        SearchField(
            name="vector", type="Collection(Edm.Single)", searchable=True, retrievable=False, filterable=False,
            sortable=False, facetable=False, vector_search_dimensions=dimensions, vector_search_profile_name=_PROFILE,
        ),
    ]  # fmt: skip


def _plain(
    name: str, kind: str = "Edm.String", *, key: bool = False, filterable: bool = False, sortable: bool = False
) -> SearchField:
    return SearchField(
        name=name, type=kind, key=key, searchable=False, filterable=filterable, sortable=sortable, facetable=False,
        retrievable=True,
    )  # fmt: skip


def _worded(name: str) -> SearchField:
    return SearchField(
        name=name, type="Edm.String", searchable=True, filterable=False, sortable=False, facetable=False,
        retrievable=True, analyzer_name=_ENGLISH,
    )  # fmt: skip


def _digest(embedder: str) -> str:
    return sha256(embedder.encode()).hexdigest()[:8]
