"""An index that another program keeps: only read, for one tenant, as one collection."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from charter.context import Context
from charter.errors import Conflict, NotFound, StartRefused
from charter.knowledge.azure_ai_search.asking import told_by_ranker
from charter.knowledge.azure_ai_search.service import Gone, Row, SearchRefused, Service
from charter.knowledge.azure_ai_search.store import TokenOf, asked_by
from charter.knowledge.azure_ai_search.trimming import literal, one_of
from charter.knowledge.embedder import Embedder, Vector
from charter.knowledge.index import Candidate, Document, OpenedPassage, Question, Source
from charter.settings import ExistingIndex

_WORD = re.compile(r"\w+")
_MOST_TEXT = 8_000
"""Characters of an entry that are read: another program may keep whole books in one."""


class Existing:
    """``Index`` over what is there already. Its entries are found by words and embedded here to be compared, so their
    similarity means what it does elsewhere. Nobody vouches for them: they are untrusted, and told as readable by the one
    who asked alone.
    """

    def __init__(
        self,
        service: Service,
        name: str,
        described: ExistingIndex,
        embedder: Embedder,
        *,
        semantic: bool = False,
        token_of: TokenOf | None = None,
    ) -> None:
        if not described.readers and token_of is None:
            raise StartRefused(
                f"Nothing says who may read the entries of the index {name}.",
                action="Name the field of their readers in CHARTER_KNOWLEDGE__AZURE_AI_SEARCH__EXISTING, or set PERMISSIONS where "
                "the index holds permissions of its own.",
            )
        self._service = service
        self._name = name
        self._is = described
        self._embedder = embedder
        self._ranker = described.ranker if semantic else ""
        self._token_of = token_of

    async def candidates(
        self, ctx: Context, question: Question, *, collections: Sequence[str], most: int = 40
    ) -> list[Candidate]:
        text = " ".join(_WORD.findall(question.text))
        if self._is.collection not in collections or not self._lets_in(ctx) or not text:
            return []
        ranker = {"query_type": "semantic", "semantic_configuration_name": self._ranker} if self._ranker else {}
        rows = await self._rows(ctx, search_text=text, search_mode="any", top=most, **ranker)
        bodies = [self._text(row) for row in rows]
        vectors = await self._embedder.passages(
            [f"{self._told(row, self._is.title)}\n{body}" for row, body in zip(rows, bodies, strict=True)]
        )
        found = zip(rows, bodies, vectors, strict=True)
        return [self._candidate(ctx, question, place, *each) for place, each in enumerate(found, 1)]

    async def open_passage(self, ctx: Context, document_id: str, passage_id: str) -> OpenedPassage:
        rows: list[Row] = []
        if document_id == passage_id and self._lets_in(ctx):
            rows = await self._rows(ctx, f"{self._is.id} eq {literal(document_id)}", search_text="*", top=1)
        if not rows:
            raise NotFound("There is no such passage, or you may not read it.")
        text = self._text(rows[0])
        return OpenedPassage(
            document_id, passage_id, self._is.collection, self._told(rows[0], self._is.title) or document_id,
            self._told(rows[0], self._is.url), "", 0, len(text), text, text, "untrusted", _alone(ctx),
        )  # fmt: skip

    async def stored(self, tenant: str) -> Mapping[Source, str]:
        return {}

    async def kept(self, document: Document) -> frozenset[str]:
        return frozenset()

    async def put(self, document: Document, vectors: Mapping[str, Vector]) -> None:
        """Refuse.

        Raises:
            Conflict: always.
        """
        raise Conflict("The index is another program's and is only read.", action="Bring documents into it as before.")

    async def remove(self, tenant: str, sources: Sequence[Source]) -> None:
        """Do nothing: nothing is stored here."""

    async def settle(self) -> None:
        """Do nothing."""

    def _lets_in(self, ctx: Context) -> bool:
        return ctx.tenant == self._is.tenant and not ctx.principal.external

    async def _rows(self, ctx: Context, wanted: str = "", **asked: Any) -> list[Row]:
        """Ask as this person: by the readers' field, by their token, or by both."""
        headers = await asked_by(ctx, self._token_of)
        tests = [wanted] if wanted else []
        if self._is.readers:
            ids = one_of("r", [ctx.principal.id, *sorted(ctx.principal.groups)])
            tests.append(f"{self._is.readers}/any(r: {ids})")
        names = [name for name in (self._is.id, self._is.text, self._is.title, self._is.url) if name]
        try:
            return await self._service.search(
                self._name,
                headers=headers,
                filter=" and ".join(tests) or None,
                select=list(dict.fromkeys(names)),
                **asked,
            )
        except Gone as fault:
            raise SearchRefused(f"There is no index {self._name}.") from fault

    def _candidate(
        self, ctx: Context, question: Question, place: int, row: Row, text: str, vector: Vector
    ) -> Candidate:
        key = str(row[self._is.id])
        return Candidate(
            document_id=key,
            passage_id=key,
            title=self._told(row, self._is.title) or key,
            heading="",
            text=text,
            start=0,
            end=len(text),
            integrity="untrusted",
            readers=_alone(ctx),
            similarity=sum(a * b for a, b in zip(question.vector, vector, strict=True)),
            place=place,
            semantic=told_by_ranker(row),
        )

    def _text(self, row: Row) -> str:
        return self._told(row, self._is.text)[:_MOST_TEXT]

    def _told(self, row: Row, name: str) -> str:
        return str(row.get(name) or "") if name else ""


def _alone(ctx: Context) -> tuple[str, ...]:
    kind = "workload" if ctx.principal.type == "workload" else "user"
    return (f"{kind}:{ctx.principal.id}",)
