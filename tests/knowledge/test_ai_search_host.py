"""The host with its passages in Azure AI Search: reached by its own identity, asked with the person's own token."""

import ssl
from pathlib import Path
from typing import Any

import orjson
import pytest

from charter.settings import AzureAISearch, Knowledge
from tests.running import RunningHost, running_host

QUESTION = "What does the policy say about flying business class?"


async def _asked(host: RunningHost) -> list[dict[str, Any]]:
    """Return the searches that the twin was asked for."""
    told = orjson.loads((host.folder / "host.json").read_bytes())
    context = ssl.create_default_context(cafile=told["ca_file"])
    async with host.http.get(f"{told['search']}/_twin/requests", ssl=context) as answer:
        items: list[dict[str, Any]] = (await answer.json())["items"]
    return [each for each in items if each["path"].endswith("search.post.search") and each["asking"]]


@pytest.mark.timeout(300)
@pytest.mark.promise("azure-search.host")
@pytest.mark.promise("azure-search.permissions")
async def test_a_cited_answer_comes_from_the_search_service_as_the_person_who_asked(tmp_path: Path) -> None:
    store = Knowledge(store="azure_ai_search", azure_ai_search=AzureAISearch(permissions=True, semantic=True))
    async with running_host(tmp_path / "host", knowledge=store) as host:
        await host.library_read()
        answered = await host.ask("alice", "employee_assistant", QUESTION)
        assert answered["output"]["citations"], answered["output"]
        asked = await _asked(host)
        assert {(each["caller"], each["asking"]) for each in asked} == {("charter-host", "alice")}
        assert all("tenant eq 'contoso'" in each["asked"]["filter"] for each in asked)
        # Frank's Entra tenant is not the service's.
        stranger = await host.ask("frank", "employee_assistant", QUESTION)
        assert "does not believe the token of the person" in orjson.dumps(stranger).decode()
        found = await host.command("doctor", "--json")
        [search] = [each for each in found["findings"] if each["name"] == "knowledge.azure_ai_search"]
        assert (search["state"], "The alias charter stands for" in search["sentence"]) == ("ok", True)
