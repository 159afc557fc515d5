"""The catalog as the host gets it: addresses, patterns, bundles."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from charter import settings
from charter.catalog import loader
from charter.catalog.check import check
from charter.catalog.mistake import CatalogInvalid
from charter.catalog.spec import Catalog
from charter.settings import HOUSE, Settings
from tests.catalog.test_check import DATA, WHOLE


def tree(**overrides: Any) -> Settings:
    return settings.read(**overrides)


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[], Catalog]:
    """Return the catalog of a copy of the shipped folders, which lie in ``tmp_path``."""
    for room in ("agents", "plugins"):
        shutil.copytree(HOUSE / room, tmp_path / room)

    def read() -> Catalog:
        catalog, mistakes = check([tmp_path / "agents"], [tmp_path / "plugins"])
        assert catalog is not None, mistakes
        return catalog

    return read


@pytest.mark.promise("catalog.address")
def test_an_address_comes_from_the_settings_and_moves_without_changing_the_bundle() -> None:
    found = loader.load(tree(plugin_urls={"procurement": "http://localhost:4711/"}))
    moved = loader.placed(loader.load(tree()), {"procurement": "https://erp.contoso.example"})
    procurement = found.plugins["procurement"].connection
    assert procurement is not None
    assert procurement.base_url == "http://localhost:4711"
    assert moved.plugins["procurement"].connection.base_url == "https://erp.contoso.example"
    named = loader.placed(moved, {"market": "https://market.contoso.example", "procurement": "https://other.example"})
    assert named.plugins["procurement"].connection.base_url == "https://other.example"
    assert {n: a.bundle for n, a in found.agents.items()} == {n: a.bundle for n, a in moved.agents.items()}


@pytest.mark.promise("catalog.address")
def test_without_an_address_nothing_starts_in_production() -> None:
    with pytest.raises(CatalogInvalid) as refused:
        loader.load(tree(profile="azure"))
    remedies = {mistake.remedy for mistake in refused.value.mistakes}
    assert "Set CHARTER_PLUGIN_URLS__PROCUREMENT to its address." in remedies
    assert refused.value.code == "catalog_invalid"


@pytest.mark.promise("catalog.address")
@pytest.mark.parametrize("url", ["http://erp.contoso.example", "ftp://erp", "erp.contoso.example"])
def test_tokens_travel_encrypted_or_not_at_all(url: str) -> None:
    with pytest.raises(CatalogInvalid, match="https"):
        loader.load(tree(plugin_urls={"procurement": url}))


@pytest.mark.promise("catalog.folders")
def test_a_company_adds_its_own_folders_beside_the_shipped_ones() -> None:
    found = loader.load(tree(agents_dirs=str(WHOLE / "agents"), plugins_dirs=str(WHOLE / "plugins")))
    assert {"clerk", "buyer"} <= found.agents.keys()
    assert found.agents["clerk"].functions == ("rates.find_rate", "rates.keep_rate")
    assert found.function("market.keep_rate").wire_name == "market-keep_rate"


def test_a_broken_folder_beside_the_shipped_ones_stops_the_start_with_its_place() -> None:
    broken = DATA / "broken" / "annotation_misspelt" / "plugins"
    with pytest.raises(CatalogInvalid, match=r"policy\.cedar:4: Nobody reads") as refused:
        loader.load(tree(plugins_dirs=str(broken)))
    assert len(refused.value.mistakes) == 1


@pytest.mark.promise("catalog.declared")
def test_an_agent_is_what_its_folder_says() -> None:
    buyer = loader.load(tree()).agents["buyer"]
    assert (buyer.tier, buyer.acts_as, buyer.owner) == ("standard", "caller", "procurement@contoso.example")
    assert "procurement.create_order" in buyer.functions
    assert [name for name in buyer.functions if name.startswith("people.")] == ["people.get_manager"]
    assert (buyer.budget.cost_minor, buyer.budget.currency, buyer.budget.model_turns) == (50, "EUR", 20)
    assert buyer.budget.user_day_cost_minor == 500
    assert "You order equipment" in buyer.instructions


@pytest.mark.promise("catalog.bundle")
@pytest.mark.parametrize(
    ("file", "agents"),
    [
        ("agents/buyer/instructions.md", {"buyer"}),
        ("agents/buyer/agent.yaml", {"buyer"}),
        ("agents/buyer/policy.cedar", {"buyer"}),
        ("plugins/procurement/plugin.yaml", {"buyer"}),
        ("plugins/procurement/openapi.yaml", {"buyer"}),
        ("plugins/procurement/policy.cedar", {"buyer"}),
        ("plugins/service_desk/policy.cedar", {"service_desk", "employee_assistant"}),
        ("plugins/procurement/sandbox.py", set()),
        ("agents/buyer/evals.yaml", set()),
    ],
)
def test_a_bundle_changes_with_what_decides_behaviour_and_with_nothing_else(
    copied: Callable[[], Catalog], tmp_path: Path, file: str, agents: set[str]
) -> None:
    before = {name: agent.bundle for name, agent in copied().agents.items()}
    assert all(bundle.startswith("sha256:") for bundle in before.values())
    comment = "\n// changed\n" if file.endswith(".cedar") else "\n# changed\n"
    with (tmp_path / file).open("a") as changed:
        changed.write(comment)
    after = {name: agent.bundle for name, agent in copied().agents.items()}
    assert {name for name in before if before[name] != after[name]} == agents


@pytest.mark.promise("catalog.declared")
def test_every_shipped_function_can_be_found_filled_and_told() -> None:
    """The embedded model routes by examples, asks back with questions, and shows receipts."""
    for plugin in loader.load(tree()).plugins.values():
        for function in plugin.functions.values():
            assert 3 <= len(function.examples) <= 6, function.full_name
            assert function.receipt or function.retrieval, function.full_name
            assert function.returns or function.retrieval, function.full_name
            for name in function.parameters["required"]:
                hint = function.arguments[name]
                assert hint.ask or function.retrieval, f"{function.full_name}: {name}"
            for name, schema in function.parameters["properties"].items():
                assert schema.get("description"), f"{function.full_name}: {name}"
            assert function.parameters["additionalProperties"] is False
