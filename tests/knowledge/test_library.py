"""The sample library as it ships, and how well it is found (the share of a set of questions, not single ones)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from charter.context import Context
from charter.knowledge.archive import Archive
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.ingest import Report, sync
from charter.knowledge.ledger import Ledger
from charter.knowledge.pgvector import PgIndex
from charter.knowledge.sources.folder import Root, roots_of
from charter.plugin import Passage
from charter.settings import read
from charter.store import tenants
from charter.store.database import Database

QUESTIONS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("questions.yaml").read_text("utf-8"))
POLICIES = ("hr-policies", "travel-policy", "purchasing-policy", "it-handbook")


class Library:
    """The shipped documents, in tenants that only these tests use."""

    def __init__(self, archive: Archive, report: Report, people: dict[str, Context]) -> None:
        self.report = report
        self._archive = archive
        self._people = people

    async def ask(self, who: str, question: str, *collections: str, top: int = 4) -> list[Passage]:
        ctx = self._people[who]
        ctx = replace(ctx, tenant=f"library-{ctx.tenant}")
        return await self._archive.search(ctx, question, collections=collections or POLICIES, top=top)

    async def places(self, question: str) -> list[tuple[str, str]]:
        """Return title and heading of what the best-informed person finds, best first."""
        ctx = replace(self._people["bob"], tenant="library-contoso")
        found = await self.ask("bob", question)
        opened = [await self._archive.open_passage(ctx, each.document_id, each.passage_id) for each in found]
        return [(each.title, each.heading) for each in opened]


@pytest.fixture(scope="module")
async def library(database: Database, embedder: E5Embedder, people: dict[str, Context], house: Path) -> Library:
    shipped = house / "plugins" / "knowledge" / "library"
    shelves = ("contoso", "fabrikam")
    await tenants.ensure(database, {}, [f"library-{tenant}" for tenant in shelves])
    archive = Archive(PgIndex(database, embedder), embedder)
    return Library(
        archive, await sync(archive, Ledger(database), [Root(f"library-{t}", shipped / t) for t in shelves]), people
    )


@pytest.mark.timeout(400)
@pytest.mark.promise("knowledge.library")
async def test_every_document_that_ships_is_read_without_a_fault(library: Library) -> None:
    assert library.report.faults == []
    assert library.report.written >= 20


@pytest.mark.promise("knowledge.library")
def test_the_shipped_libraries_are_among_the_folders_of_a_host(house: Path) -> None:
    roots = {(root.tenant, root.folder) for root in roots_of(read())}

    assert {(t, house / "plugins" / "knowledge" / "library" / t) for t in ("contoso", "fabrikam")} <= roots


@pytest.mark.promise("knowledge.library")
@pytest.mark.parametrize(
    ("who", "question", "collection", "finds"),
    [
        ("alice", "What is the gross salary of band 3?", "hr-policies", False),
        ("bob", "What is the gross salary of band 3?", "hr-policies", False),
        ("dora", "What is the gross salary of band 3?", "hr-policies", True),
        ("alice", "How much may a spot bonus be?", "hr-policies", False),
        ("bob", "How much may a spot bonus be?", "hr-policies", True),
        ("alice", "What does the Aurora 27 monitor cost?", "supplier-brochures", True),
        ("alice", "What does the Aurora 27 monitor cost?", "purchasing-policy", False),
    ],
)
async def test_who_may_read_what_in_the_library(
    library: Library, who: str, question: str, collection: str, finds: bool
) -> None:
    found = {passage.title for passage in await library.ask(who, question, collection)}

    assert bool(found & {"Salary bands", "Guide for managers", "Nordlicht Displays, brochure autumn 2026"}) is finds


@pytest.mark.promise("knowledge.library")
async def test_each_company_hears_its_own_rule(library: Library) -> None:
    question = "How many working days of annual leave are there?"
    ours, theirs = await library.ask("alice", question), await library.ask("frank", question)

    assert "30 working days" in " ".join(passage.text for passage in ours)
    assert "25 working days" in " ".join(passage.text for passage in theirs)
    assert "25 working days" not in " ".join(passage.text for passage in ours)


@pytest.mark.promise("knowledge.library")
async def test_only_the_imported_brochure_is_untrusted(library: Library) -> None:
    brochure = await library.ask("bob", "How much discount is there for fifty monitors?", "supplier-brochures")
    policies = await library.ask("bob", "Who has to approve an order of 1,450 EUR?", "purchasing-policy")

    assert {passage.integrity for passage in brochure} == {"untrusted"}
    assert {passage.integrity for passage in policies} == {"trusted"}


@pytest.mark.timeout(400)
@pytest.mark.promise("knowledge.finds")
@pytest.mark.parametrize("part", ["chosen", "unseen"])
async def test_most_questions_find_their_passage_at_once(library: Library, part: str) -> None:
    answered: list[list[str]] = QUESTIONS[part]["answered"]
    places = {question: await library.places(question) for question, *_ in answered}
    first = [_fits(places[question][:1], title, heading) for question, title, heading in answered]
    among = [_fits(places[question], title, heading) for question, title, heading in answered]

    assert sum(first) / len(first) >= 0.80, [q for (q, *_), right in zip(answered, first, strict=True) if not right]
    assert sum(among) / len(among) >= 0.90, [q for (q, *_), right in zip(answered, among, strict=True) if not right]


@pytest.mark.timeout(400)
@pytest.mark.promise("knowledge.refuses")
@pytest.mark.parametrize("part", ["chosen", "unseen"])
async def test_most_unrelated_questions_find_nothing(library: Library, part: str) -> None:
    unrelated: list[str] = QUESTIONS[part]["unrelated"]
    found = [question for question in unrelated if await library.ask("bob", question)]

    assert len(found) / len(unrelated) <= 0.10, found


def _fits(places: list[tuple[str, str]], title: str, heading: str) -> bool:
    return any(title == found and heading.lower() in below.lower() for found, below in places)
