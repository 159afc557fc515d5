"""The guards of the store in Azure AI Search, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_HERE = "charter/knowledge/azure_ai_search"
_FILTER = "tests/knowledge/test_ai_search_filter.py"
_STORE = "tests/knowledge/test_ai_search.py"
_EXISTING = "tests/knowledge/test_ai_search_existing.py"

AI_SEARCH = (
    Mutant(
        "search filter without the tenant",
        f"{_HERE}/trimming.py",
        'f"tenant eq {literal(ctx.tenant)} and readers/any(r: {readers})"',
        'f"readers/any(r: {readers})"',
        (_FILTER,),
    ),
    Mutant(
        "search filter without the readers",
        f"{_HERE}/trimming.py",
        " and readers/any(r: {readers})",
        "",
        (_FILTER,),
    ),
    Mutant("quotes not doubled in a filter", f"{_HERE}/trimming.py", """.replace("'", "''")""", "", (_FILTER,)),
    Mutant(
        "values with the delimiter joined by it",
        f"{_HERE}/trimming.py",
        "if _MARK not in value and value == value.strip()]",
        "]",
        (_FILTER,),
    ),
    Mutant(
        "groups beyond the first chunk not asked for",
        f"{_HERE}/trimming.py",
        "for each in _chunks(plain)]",
        "for each in _chunks(plain)[:1]]",
        (_FILTER,),
    ),
    Mutant(
        "alias turned before the index is full",
        f"{_HERE}/turning.py",
        "        await fill(known.indexes[0], self.own)\n",
        "",
        (_STORE,),
    ),
    Mutant(
        "an index that has gone not looked up anew",
        f"{_HERE}/store.py",
        "for fresh in (False, True):",
        "for fresh in (False,):",
        (_STORE,),
    ),
    Mutant(
        "a document that changed left in the index before",
        f"{_HERE}/store.py",
        "        await self._withdraw(document)\n",
        "",
        (_STORE,),
    ),
    Mutant(
        "permission header not sent",
        f"{_HERE}/store.py",
        "{ASKING: await token_of(ctx)}",
        "{}",
        (_STORE, _EXISTING),
    ),
    Mutant(
        "permissions asked for in a version that does not know them",
        f"{_HERE}/service.py",
        'PERMITTING = "2025-11-01-preview"',
        "PERMITTING = GENERAL",
        (_EXISTING,),
    ),
    Mutant(
        "readers not narrowed before new passages come",
        f"{_HERE}/writing.py",
        "        await self._service.index(self._index, narrowed)\n",
        "",
        (_STORE,),
    ),
    Mutant(
        "what was written a moment ago forgotten",
        f"{_HERE}/writing.py",
        "return found | self._recent.get(document.id, {})",
        "return found",
        (_STORE,),
    ),
    Mutant("a renewed key not asked for", f"{_HERE}/key.py", "in (401, 403)", "in ()", (_STORE,)),
    Mutant(
        "a busy service waited for as long as it says",
        f"{_HERE}/service.py",
        "if time.monotonic() + pause > until:",
        "if False:",
        (_STORE,),
    ),
    Mutant(
        "an existing index searched for every tenant",
        f"{_HERE}/existing.py",
        "return ctx.tenant == self._is.tenant and not ctx.principal.external",
        "return True",
        (_EXISTING,),
    ),
    Mutant(
        "an existing index without readers opened",
        f"{_HERE}/existing.py",
        "if not described.readers and token_of is None:",
        "if False:",
        (_EXISTING,),
    ),
    Mutant(
        "search twin: permissions not looked at",
        "charter/twins/ai_search/searching.py",
        "    if definition.permissions:\n",
        "    if False:\n",
        ("tests/twins/test_ai_search.py",),
    ),
)
