"""The guards of the stores of passages, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_READERS = "tests/knowledge/contract/test_readers.py"
_WRITING = "tests/knowledge/contract/test_writing.py"
_POISONED = "tests/knowledge/test_poisoned.py::test_nobody_is_shown_what_they_may_not_read_and_everybody_what_they_may"
_QDRANT, _PGVECTOR = f"{_POISONED}[qdrant-embedded]", f"{_POISONED}[pgvector]"

STORES = (
    Mutant(
        "pgvector: writers of a new document meet",
        "charter/knowledge/pgvector.py",
        "        await take_turn(session, ",
        "        _ = (take_turn, ",
        (f"{_WRITING}::test_writers_that_meet_over_new_documents_get_in_nobodys_way[pgvector]",),
    ),
    Mutant(
        "qdrant: readers not asked",
        "charter/knowledge/qdrant/points.py",
        'return Filter(must=[_is("tenant", ctx.tenant), readers, *within, *also])',
        'return Filter(must=[_is("tenant", ctx.tenant), *within, *also])',
        (_QDRANT,),
    ),
    Mutant(
        "qdrant: tenant not asked",
        "charter/knowledge/qdrant/points.py",
        'return Filter(must=[_is("tenant", ctx.tenant), readers, *within, *also])',
        "return Filter(must=[readers, *within, *also])",
        (_QDRANT,),
    ),
    Mutant(
        "qdrant: collections not asked",
        "charter/knowledge/qdrant/points.py",
        'return Filter(must=[_is("tenant", ctx.tenant), readers, *within, *also])',
        'return Filter(must=[_is("tenant", ctx.tenant), readers, *also])',
        (_READERS,),
    ),
    Mutant(
        "qdrant: an opened passage asks nobody's rights",
        "charter/knowledge/qdrant/points.py",
        'return readable(ctx, None, _is("document", document_id), either)',
        'return Filter(must=[_is("document", document_id), either])',
        (_QDRANT,),
    ),
    Mutant(
        "qdrant: the old document is not narrowed first",
        "charter/knowledge/qdrant/index.py",
        "await self._narrow(document, ids, old, passages)",
        "pass",
        (_WRITING,),
    ),
    Mutant(
        "qdrant: what is gone goes after what stays is widened",
        "charter/knowledge/qdrant/index.py",
        "        changes.append(_delete(gone))",
        "        pass",
        (_WRITING,),
    ),
    Mutant(
        "qdrant: writers take no turns",
        "charter/knowledge/qdrant/index.py",
        "await take_turn(session, each)",
        "pass",
        (_WRITING,),
    ),
    Mutant(
        "qdrant: what words found is called near",
        "charter/knowledge/qdrant/index.py",
        "_cosine(vector, _dense(each))",
        "each.score",
        ("tests/knowledge/contract/test_finding.py",),
    ),
    Mutant(
        "qdrant: a late host takes the name back",
        "charter/knowledge/qdrant/collections.py",
        "if owner > own:",
        "if False:",
        ("tests/knowledge/test_qdrant.py",),
    ),
    Mutant(
        "qdrant: workers share the folder",
        "charter/knowledge/stores.py",
        "if settings.workers > 1:",
        "if False:",
        ("tests/knowledge/test_qdrant.py",),
    ),
    Mutant(
        "pgvector: readers not asked",
        "charter/knowledge/queries.py",
        "where d.readers && $2::text[] and d.collection",
        "where cardinality($2::text[]) > 0 and d.collection",
        (_PGVECTOR,),
    ),
    Mutant(
        "pgvector: an opened passage asks nobody's rights",
        "charter/knowledge/queries.py",
        "where p.document_id = $1 and p.id = $2 and d.readers && $3::text[]",
        "where p.document_id = $1 and p.id = $2 and cardinality($3::text[]) > 0",
        (_PGVECTOR,),
    ),
    Mutant(
        "pgvector: tenant not told",
        "charter/store/database.py",
        "opening = f\"begin; set local charter.tenant = '{tenant}'\"",
        "opening = f\"begin; set local role none; set local charter.tenant = '{tenant}'\"",
        (_PGVECTOR,),
    ),
    Mutant(
        "a literal key of the store passes for production",
        "charter/posture/declared.py",
        "    if not is_reference(key):\n        sentence = (\n",
        "    if False:\n        sentence = (\n",
        ("tests/posture/test_declared.py",),
    ),
)
