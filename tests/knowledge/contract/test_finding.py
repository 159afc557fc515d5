"""What is found, and what is told of it: the same in every store."""

from math import sqrt
from operator import mul

import pytest

from charter.context import Context
from charter.errors import NotFound
from charter.knowledge.archive import Archive
from charter.knowledge.embedder import E5Embedder
from charter.knowledge.index import Question
from charter.knowledge.terms import exact_terms
from charter.store import tenants
from charter.store.database import Database
from tests.knowledge.contract.conftest import COLLECTION, Opened, document, person
from tests.knowledge.contract.stores import Store
from tests.knowledge.test_search import HANDBOOK

EVERYTHING = (
    "日本語の文書 — ‘quoted’ “text”, ﬂour, naïve café, e\u0301, 🙂🏽, Ωmega, \u202eturned\u202c, <b>&amp;</b> 'x' \\n"
)


@pytest.mark.promise("stores.contract")
async def test_an_empty_index_finds_nothing_and_lists_nothing(opened: Opened) -> None:
    assert await opened.ask("anything at all, HR-77") == []
    assert await opened.archive.stored(opened.ours) == {}
    with pytest.raises(NotFound):
        await opened.archive.open_passage(person(opened.ours), "doc_0", "psg_0")


@pytest.mark.promise("stores.contract")
@pytest.mark.parametrize("name", ["nowhere", "", "No Where", "x' or '1'='1"])
async def test_an_unknown_tenant_is_said_to_be_unknown(opened: Opened, name: str) -> None:
    with pytest.raises(NotFound):
        await opened.archive.stored(name)


@pytest.mark.promise("stores.contract")
async def test_what_was_put_comes_back_as_it_was_in_every_field(opened: Opened) -> None:
    put = await opened.put(
        "wörterbuch/日本 & more.md", f"# {EVERYTHING}\n\nSalary: {EVERYTHING}", title=EVERYTHING,
        url="https://contoso.example/a?b=c&d=ü#é", collection="sammlung/ä", readers=["tenant", "group:größe"],
        integrity="untrusted", digest="d1:2",
    )  # fmt: skip

    found = (await opened.ask("salary", collections=["sammlung/ä"]))[0]
    cited = await opened.archive.open_passage(person(opened.ours), found.document_id, found.passage_id)

    assert (found.title, found.text, found.integrity) == (EVERYTHING, f"Salary: {EVERYTHING}", "untrusted")
    assert found.readers == cited.readers == ("group:größe", "tenant")
    assert (cited.title, cited.url, cited.heading, cited.collection) == (
        EVERYTHING, put.url, EVERYTHING, "sammlung/ä",
    )  # fmt: skip
    assert cited.document_text == put.body
    assert cited.document_text[cited.start : cited.end] == cited.text == found.text
    assert (found.start, found.end) == (cited.start, cited.end)
    assert await opened.archive.stored(opened.ours) == {("sammlung/ä", "wörterbuch/日本 & more.md"): "d1:2"}


@pytest.mark.promise("stores.contract")
async def test_a_passage_opens_only_with_its_own_document(opened: Opened) -> None:
    one, other = await opened.put("a.md", "The first text."), await opened.put("b.md", "The second text.")

    with pytest.raises(NotFound):
        await opened.archive.open_passage(person(opened.ours), one.id, other.passage_ids()[0])
    with pytest.raises(NotFound):
        await opened.archive.open_passage(person(opened.ours), one.id, "")


@pytest.mark.promise("stores.similarity")
async def test_similarity_is_the_cosine_whatever_found_the_passage(opened: Opened) -> None:
    for at in range(60):
        await opened.put(f"near{at}.md", f"Travel to Munich {at}.")
    # Too long to be near: only the term, only the words can bring them.
    others = " ".join(f"other{number}" for number in range(80))
    await opened.put("code.md", f"Bring HR-77, {others}.")
    await opened.put("word.md", f"Zebras, donkeys, cows and horses {others}.")
    text = "Travel to Munich, HR-77, zebra, donkey, cow, horse"
    vector = opened.embedder.vector(text)
    question = Question(text, vector, tuple(exact_terms(text)))

    found = await opened.index.candidates(person(opened.ours), question, collections=[COLLECTION], most=20)

    assert {"code.md", "word.md"} <= {each.title for each in found}
    assert len({each.passage_id for each in found}) == len(found)
    for each in found:
        other = opened.embedder.vector(f"{each.heading or each.title}\n{each.text}")
        assert each.similarity == pytest.approx(sum(map(mul, vector, other)), abs=1e-4), each.title
    places = sorted(each.place for each in found if each.place is not None)
    assert places == list(range(1, len(places) + 1))
    assert 20 <= len(found) <= 60


@pytest.mark.promise("stores.contract")
async def test_no_more_are_found_than_are_asked_for_and_the_nearest_are_among_them(opened: Opened) -> None:
    await opened.put("many.md", "\n\n".join(f"## Train {n}\n\nThe train number {n} leaves." for n in range(100)))
    who = person(opened.ours)
    vector = opened.embedder.vector("leaves")

    for most in (1, 7, 40):
        found = await opened.index.candidates(who, Question("", vector), collections=[COLLECTION], most=most)
        assert len(found) == most
    assert len(await opened.ask("train", top=3)) == 3
    assert len(await opened.ask("train number 17", top=1)) == 1


@pytest.mark.promise("stores.contract")
@pytest.mark.parametrize(
    "question",
    ["'; drop table passages; --", "a & | ! <-> (b", '"\' or 1=1 \\"', "*:* OR title:x~", "{}[]^", "🙂" * 3000],
)
async def test_a_question_is_never_read_as_a_query_language(opened: Opened, question: str) -> None:
    await opened.put("travel.md", "A hotel night may cost 160 EUR.")

    await opened.ask(question)

    assert await opened.titles("hotel night") == ["travel.md"]


@pytest.mark.promise("stores.contract")
@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("What may a hotel cost?", "Travel"),
        ("How much may a present from a supplier be worth?", "Gifts"),
        ("Was darf ein Hotel in München kosten?", "Travel"),
        ("vpn-691 appears, what now?", "Remote access errors"),
        ('Where does it say "third Sunday of the month"?', "Servers"),
        ("Who composed the Ninth Symphony?", None),
    ],
)
async def test_the_real_embedder_finds_the_same_in_every_store(
    store: Store, database: Database, embedder: E5Embedder, question: str, title: str | None
) -> None:
    await tenants.ensure(database, {}, ["e5"])
    async with store.index(embedder) as index:
        archive = Archive(index, embedder)
        for name, text in HANDBOOK.items():
            await archive.put(document("e5", name, text, title=text.splitlines()[0].removeprefix("# ")))
        found = await archive.search(_anybody(), question, collections=[COLLECTION])

    assert (found[0].title if found else None) == title


def _anybody() -> Context:
    return person("e5")


def test_the_embedder_of_these_tests_gives_vectors_of_length_one() -> None:
    from tests.knowledge.contract.vectors import WordEmbedder

    vector = WordEmbedder().vector("Some words of no weight")
    assert sqrt(sum(map(mul, vector, vector))) == pytest.approx(1.0, abs=1e-6)
