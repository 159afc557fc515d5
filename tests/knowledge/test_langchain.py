"""The retriever inside LangChain, as the plugins' README shows it, with the real package."""

import re
from pathlib import Path
from typing import Any

import pytest

from charter.knowledge.retriever import ContextRetriever
from charter.plugin import Access
from tests.knowledge.conftest import COLLECTION, Shelf


def _shown(house: Path) -> tuple[str, Any]:
    """Return the README's example and what it defines."""
    text = (house / "plugins" / "README.md").read_text("utf-8")
    [example] = [found for found in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "BaseRetriever" in found]
    defined: dict[str, Any] = {}
    exec(compile(example, "plugins/README.md", "exec"), defined)
    return example, defined["Documents"]


@pytest.mark.promise("knowledge.langchain")
async def test_ten_lines_make_it_a_retriever_of_langchain_with_the_persons_own_rights(
    shelf: Shelf, house: Path
) -> None:
    shelf.write(
        "coffee.md",
        "# Coffee\n\nThe coffee machine on the second floor is cleaned every Friday by the facilities team.",
    )
    shelf.write(
        "vault.md",
        "# Vault\n\nThe coffee vault is opened with the code 4711 by the facilities team.",
        readers="[role:guard]",
    )
    await shelf.sync()
    example, documents = _shown(house)
    question = "Who cleans the coffee machine on the second floor?"

    async def found(*roles: str) -> list[Any]:
        access = Access(None, ContextRetriever(shelf.archive, shelf.person("alice", *roles), [COLLECTION]))  # type: ignore[arg-type]
        return await documents(access=access).ainvoke(question)

    assert len(example.strip().splitlines()) <= 10
    plain = await found()
    assert [document.metadata["title"] for document in plain] == ["Coffee"]
    assert "every Friday" in plain[0].page_content
    assert plain[0].metadata["url"].startswith("/console/documents/")
    assert plain[0].id == plain[0].metadata["passage_id"]
    assert {document.metadata["title"] for document in await found("guard")} >= {"Coffee"}
