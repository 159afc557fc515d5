"""Who finds and opens what: the same in every store."""

from collections.abc import Sequence

import pytest

from charter.context import Context, Principal
from charter.errors import NotFound
from tests.knowledge.contract.conftest import COLLECTION, Opened, document, person

SALARY = "Salary band 3 pays 60,000 EUR."


async def opens(opened: Opened, who: Context, document_id: str, passage_id: str) -> bool:
    try:
        await opened.archive.open_passage(who, document_id, passage_id)
    except NotFound:
        return False
    return True


@pytest.mark.promise("stores.contract")
@pytest.mark.parametrize(
    ("readers", "finds"),
    [
        (["tenant"], True),
        (["user:alice"], True),
        (["user:bob"], False),
        (["user:Alice"], False),
        (["role:hr"], True),
        (["role:manager"], False),
        (["group:payroll"], True),
        (["group:sales"], False),
        (["group:hr"], False),
        (["user:hr"], False),
        (["role:hr2"], False),
        (["role:h"], False),
        (["workload:alice"], False),
        (["role:manager", "user:alice"], True),
        ([], False),
    ],
)
async def test_a_document_is_found_and_opened_by_those_it_names_only(
    opened: Opened, readers: Sequence[str], finds: bool
) -> None:
    put = await opened.put("salary.md", SALARY, readers=readers)
    alice = person(opened.ours, "alice", "hr", groups=["payroll"])

    assert await opened.titles("salary band", alice) == (["salary.md"] if finds else [])
    assert await opens(opened, alice, put.id, put.passage_ids()[0]) is finds


@pytest.mark.promise("stores.contract")
async def test_a_workload_is_not_the_person_of_its_id_and_a_customer_is_not_of_the_tenant(opened: Opened) -> None:
    await opened.put("people.md", "Salary for people.", readers=["user:erp"])
    await opened.put("tenant.md", "Salary for all of the tenant.", readers=["tenant"])
    await opened.put("customer.md", "Salary for the customer.", readers=["user:kim"])
    workload = Context(opened.ours, Principal("erp", "workload", "ERP"))
    customer = person(opened.ours, "kim", "customer", external="shop")

    assert await opened.titles("salary", workload) == ["tenant.md"]
    assert await opened.titles("salary", customer) == ["customer.md"]


@pytest.mark.promise("stores.contract")
async def test_another_tenants_document_is_neither_found_nor_opened_nor_listed_nor_removed(opened: Opened) -> None:
    put = await opened.put("salary.md", SALARY)
    stranger = person(opened.theirs, "alice")

    assert await opened.titles("salary band", stranger) == []
    assert not await opens(opened, stranger, put.id, put.passage_ids()[0])
    assert await opened.archive.stored(opened.theirs) == {}
    await opened.archive.remove(opened.theirs, [(COLLECTION, "salary.md")])
    assert await opened.titles("salary band") == ["salary.md"]


@pytest.mark.promise("stores.contract")
async def test_the_same_place_in_two_tenants_is_two_documents(opened: Opened) -> None:
    await opened.put("leave.md", "Everybody has 30 days of leave.")
    await opened.archive.put(document(opened.theirs, "leave.md", "Everybody has 27 days of leave."))

    ours, theirs = await opened.ask("days of leave"), await opened.ask("days of leave", person(opened.theirs))

    assert ["30" in ours[0].text, "27" in theirs[0].text, len(ours), len(theirs)] == [True, True, 1, 1]


@pytest.mark.promise("stores.contract")
async def test_only_the_collections_that_are_asked_for_are_searched(opened: Opened) -> None:
    await opened.put("a.md", "Salary in the handbook.")
    await opened.put("b.md", "Salary in the policies.", collection="policies")

    assert await opened.titles("salary") == ["a.md"]
    assert await opened.titles("salary", collections=["policies"]) == ["b.md"]
    assert sorted(await opened.titles("salary", collections=[COLLECTION, "policies"])) == ["a.md", "b.md"]
    assert await opened.titles("salary", collections=["polic", "policies "]) == []
    assert await opened.titles("salary", collections=[]) == []


HOSTILE = [
    "o'brien", "it''s", 'say "no"', "a,b", "a|b", "*", "%", "_", "a;b", "') or true or ('", "x' or 'y' eq 'y",
    "}{", "$1", "\\", "a/b", "ünïcode", "日本語", "🙂", "null", "true", "-1", "a&b", "[tenant]", "tenant",
]  # fmt: skip


@pytest.mark.promise("stores.contract")
async def test_names_are_taken_letter_by_letter_whatever_is_in_them(opened: Opened) -> None:
    for at, name in enumerate(HOSTILE):
        await opened.put(f"{at}.md", f"Salary number {at}.", readers=[f"group:{name}"], collection=name)
    await opened.put("secret.md", "Salary of the board.", readers=["role:board"])

    for at, name in enumerate(HOSTILE):
        insider = person(opened.ours, "alice", groups=[name])
        assert await opened.titles("salary", insider, collections=HOSTILE) == [f"{at}.md"], name
        assert await opened.titles("salary", insider, collections=[name]) == [f"{at}.md"], name
    outsider = person(opened.ours, "*", *HOSTILE)
    assert await opened.titles("salary", outsider, collections=[*HOSTILE, COLLECTION]) == []


@pytest.mark.promise("stores.contract")
async def test_documents_that_a_person_may_not_read_displace_none_that_they_may(opened: Opened) -> None:
    secret = "\n\n".join(f"## Salary band 3\n\nSalary band 3 pays {n} EUR." for n in range(60_000, 60_120))
    codes = "\n\n".join(f"## Form {n}\n\nForm HR-77 is secret {n}." for n in range(45))
    await opened.put("secret.md", secret, readers=["role:hr"])
    await opened.put("codes.md", codes, readers=["role:hr"])
    await opened.archive.put(document(opened.theirs, "theirs.md", secret))
    await opened.put("open.md", "The payroll office knows what each salary pays. Bring HR-77, boxes and good shoes.")

    assert await opened.titles("What does salary band 3 pay?") == ["open.md"]
    assert await opened.titles("What is HR-77 for?") == ["open.md"]
