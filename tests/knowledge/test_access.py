import pytest

from charter.context import Context, Principal
from charter.errors import NotFound
from charter.knowledge.retriever import ContextRetriever
from tests.knowledge.conftest import COLLECTION, Shelf

SALARY = "# Salary bands\n\nBand 3 pays between 55,000 and 69,000 EUR gross per year."
QUESTION = "How much does salary band 3 pay?"


@pytest.mark.promise("knowledge.acl")
@pytest.mark.parametrize(
    ("readers", "finds"),
    [
        ("[tenant]", True),
        ("[user:alice]", True),
        ("[user:bob]", False),
        ('["role:hr"]', True),
        ('["role:manager"]', False),
        ('["group:payroll"]', True),
        ('["group:sales"]', False),
        ('["group:hr"]', False),  # a role and a group of one name are two things
        ('["user:hr"]', False),
        ('["workload:alice"]', False),
        ('["role:manager", "user:alice"]', True),
    ],
)
async def test_a_document_is_found_only_by_those_it_names(shelf: Shelf, readers: str, finds: bool) -> None:
    shelf.write("salary.md", SALARY, readers=readers)
    await shelf.sync()

    found = await shelf.ask(QUESTION, shelf.person("alice", "hr", groups=("payroll",)))

    assert bool(found) is finds


@pytest.mark.promise("knowledge.acl")
async def test_a_workload_is_not_the_person_of_the_same_id(shelf: Shelf) -> None:
    shelf.write("salary.md", SALARY, readers="[user:erp]")
    await shelf.sync()

    workload = Context(shelf.tenant, Principal("erp", "workload", "ERP"))

    assert await shelf.ask(QUESTION, workload) == []
    assert await shelf.ask(QUESTION, shelf.person("erp"))


@pytest.mark.promise("knowledge.tenant")
async def test_another_tenants_document_is_neither_found_nor_opened(shelf: Shelf, neighbours: Shelf) -> None:
    shelf.write("salary.md", SALARY)
    await shelf.sync()
    theirs = (await shelf.ask(QUESTION))[0]

    assert await neighbours.ask(QUESTION) == []
    with pytest.raises(NotFound):
        await neighbours.archive.open_passage(neighbours.person(), theirs.document_id, theirs.passage_id)


@pytest.mark.promise("knowledge.tenant")
async def test_the_same_file_of_two_tenants_is_two_documents(shelf: Shelf, neighbours: Shelf) -> None:
    shelf.write("leave.md", "# Leave\n\nEverybody has 30 days of annual leave.")
    neighbours.write("leave.md", "# Leave\n\nEverybody has 27 days of annual leave.")
    await shelf.sync()
    await neighbours.sync()

    ours, theirs = await shelf.ask("How many days of leave?"), await neighbours.ask("How many days of leave?")

    assert ["30 days" in ours[0].text, "27 days" in theirs[0].text] == [True, True]
    assert [len(ours), len(theirs)] == [1, 1]


@pytest.mark.promise("knowledge.crowding")
async def test_documents_that_a_person_may_not_read_displace_none_that_they_may(shelf: Shelf) -> None:
    # Far more than the search considers, and each nearer to the question than the one that is readable.
    secret = "\n\n".join(f"## Salary band 3\n\n{QUESTION} Salary band 3 pays {n} EUR." for n in range(60_000, 60_120))
    shelf.write("secret.md", secret, readers='["role:hr"]')
    shelf.write("open.md", "# Pay\n\nAsk the payroll office what your salary band pays.")
    await shelf.sync()

    alice, dora = await shelf.ask(QUESTION), await shelf.ask(QUESTION, shelf.person("dora", "hr"))

    assert [passage.title for passage in alice] == ["Pay"]
    assert "EUR" in dora[0].text


@pytest.mark.promise("knowledge.crowding")
async def test_unreadable_documents_displace_none_in_the_search_for_an_exact_term(shelf: Shelf) -> None:
    # The readable passage is not among the nearest, so only the search for the term itself can bring it.
    secret = "\n\n".join(f"## Form {n}\n\nWhat is HR-77 for? It is secret {n}." for n in range(45))
    nearer = "\n\n".join(f"## HR-{n}\n\nWhat is HR-{n} for? It is a form." for n in range(100, 145))
    shelf.write("secret.md", secret, readers='["role:hr"]')
    shelf.write("nearer.md", nearer)
    shelf.write("open.md", "# Moving house\n\nThe lorry comes at nine. Bring HR-77, boxes, blankets and good shoes.")
    await shelf.sync()

    assert (await shelf.ask("What is HR-77 for?"))[0].title == "Moving house"


@pytest.mark.promise("knowledge.acl")
async def test_an_agent_finds_only_what_lies_in_its_collections(shelf: Shelf) -> None:
    shelf.write("salary.md", SALARY)
    await shelf.sync()

    async def through(*collections: str) -> int:
        return len(await ContextRetriever(shelf.archive, shelf.person(), collections).search(QUESTION))

    assert [await through(COLLECTION), await through("travel-policy"), await through()] == [1, 0, 0]


@pytest.mark.promise("knowledge.closed")
@pytest.mark.parametrize("readers", [None, "", "[]", "tenant", "[everyone]", "[user:]", "[3]", '["role:hr", "all"]'])
async def test_a_document_that_does_not_say_who_may_read_it_is_read_by_nobody(
    shelf: Shelf, readers: str | None
) -> None:
    shelf.write("salary.md", SALARY, readers=readers)

    report = await shelf.sync()

    assert await shelf.ask(QUESTION, shelf.person("dora", "hr", "operator")) == []
    assert [report.written, len(report.faults)] == [0, 1]
    assert "reader" in report.faults[0].reason


@pytest.mark.promise("knowledge.closed")
@pytest.mark.parametrize(
    ("more", "integrity"),
    [("", "untrusted"), ("integrity: untrusted\n", "untrusted"), ("integrity: trusted\n", "trusted")],
)
async def test_only_a_document_that_is_called_trusted_is(shelf: Shelf, more: str, integrity: str) -> None:
    shelf.write("salary.md", SALARY, more=more)
    await shelf.sync()

    assert [passage.integrity for passage in await shelf.ask(QUESTION)] == [integrity]
