"""The one filter of the Azure AI Search store: whatever is asked with, it says what it should and nothing else."""

from random import Random

import pytest

from charter.context import Context, Principal
from charter.knowledge.azure_ai_search.schema import definition
from charter.knowledge.azure_ai_search.trimming import literal, one_of, readable
from charter.twins.ai_search import filters
from charter.twins.ai_search.definitions import Definition
from charter.twins.ai_search.definitions import definition as read
from tests.knowledge.contract.vectors import WordEmbedder

HOSTILE = [
    "x", "O'Neill", "''", "a|b", "|", " lead", "trail ", "a, b", "a,b", "') or true or ('", "Größe", "日本語", "r", "\n", "\x00",
    "null", "\\", "\ud800", "a\u2028b", "x" * 20_000, "%27", "'))) or readers/any(",
]  # fmt: skip


@pytest.fixture(scope="module")
def index() -> Definition:
    return read(definition("charter-r1-words-00000000", WordEmbedder()).as_dict(), permissions=False)


def who(tenant: str, name: str, groups: list[str], external: str = "") -> Context:
    return Context(tenant, Principal(name, "user", name, frozenset(), frozenset(groups), external))


@pytest.mark.promise("azure-search.filter")
def test_only_the_tenant_the_collections_and_the_readers_of_the_principal_pass_however_they_are_spelt(
    index: Definition,
) -> None:
    random, sound = Random(3), [each for each in HOSTILE if each != "\ud800"]
    for _ in range(400):
        tenant, collection = random.choice(sound), random.choice(sound)
        groups = random.sample(HOSTILE, random.randint(0, 6))
        asking = readable(who(tenant, random.choice(HOSTILE), groups), [collection, random.choice(HOSTILE)])
        assert asking is not None
        passes = filters.tested(asking, index.fields)
        for at in range(12):
            row = {
                "tenant": random.choice([tenant, random.choice(sound)]),
                "collection": random.choice([collection, random.choice(sound)]),
                "readers": [f"group:{random.choice(sound)}" for _ in range(at % 3)],
            }
            mine = {f"group:{each}" for each in groups}
            may = row["tenant"] == tenant and bool(mine & set(row["readers"]))
            if passes(row):
                assert may
            elif row["collection"] == collection:
                assert not may


@pytest.mark.promise("azure-search.filter")
def test_a_name_with_a_delimiter_or_a_blank_opens_nothing_of_others(index: Definition) -> None:
    for name, group in (("x", "a|group:hr"), ("x", "a,group:hr"), ("x", " hr"), ("x|group:hr", "a"), ("x' or 'a", "a")):
        passes = filters.tested(readable(who("contoso", name, [group]), ["c"]) or "", index.fields)
        assert not passes({"tenant": "contoso", "collection": "c", "readers": ["group:hr", "user:y"]})
        assert passes({"tenant": "contoso", "collection": "c", "readers": [f"group:{group}"]})


@pytest.mark.promise("azure-search.filter")
def test_a_customer_of_the_tenant_is_not_one_of_it(index: Definition) -> None:
    passes = filters.tested(readable(who("contoso", "walter", [], "customers"), None) or "", index.fields)
    assert not passes({"tenant": "contoso", "readers": ["tenant"]})
    assert passes({"tenant": "contoso", "readers": ["user:walter"]})


@pytest.mark.promise("azure-search.filter")
def test_two_thousand_groups_fit_and_each_of_them_counts(index: Definition) -> None:
    groups = [f"group-{at:04}-{'x' * (at % 60)}" for at in range(2_000)]
    asking = readable(who("contoso", "x", groups), ["c"]) or ""
    passes = filters.tested(asking, index.fields)
    assert max(len(part) for part in asking.split("search.in")) < 17_000
    assert asking.count("search.in(r") >= 5
    for group in groups:
        assert passes({"tenant": "contoso", "collection": "c", "readers": [f"group:{group}"]})
    assert not passes({"tenant": "contoso", "collection": "c", "readers": ["group:group-2000"]})


@pytest.mark.promise("azure-search.filter")
def test_nothing_is_asked_where_nothing_could_be_read() -> None:
    assert readable(who("contoso", "x", []), []) is None
    assert readable(who("contoso", "x", []), [""]) is None
    assert one_of("r", []) is None
    assert literal("it's") == "'it''s'"
