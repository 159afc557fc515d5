import pytest

from tests.knowledge.contract.conftest import Opened, person


@pytest.mark.promise("stores.contract")
async def test_a_document_is_found_by_those_it_names_and_by_nobody_else(opened: Opened) -> None:
    await opened.put("salary.md", "Salary band 3 pays 60,000 EUR.", readers=["role:hr"])

    assert await opened.titles("salary band", person(opened.ours, "dora", "hr")) == ["salary.md"]
    assert await opened.titles("salary band", person(opened.ours, "alice", "employee")) == []
