"""The azure profile starts on nothing of development: one wrong thing, one refusal that names it."""

from pathlib import Path
from typing import Any

import pytest

from charter.catalog import loader
from charter.errors import StartRefused
from charter.posture import declared, guests
from charter.posture.finding import green, unproven
from charter.posture.start import allow
from charter.settings import Settings
from tests.posture.production import TID, folders, settings

PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"


def refused(tree: Settings) -> list[str]:
    return [finding.name for finding in declared.settings(tree) if finding.state == "refused"]


def _qdrant(**wrong: str) -> dict[str, Any]:
    good = {"url": "https://qdrant.contoso.example:6333", "api_key": "keyvault:qdrant"}
    return {"store": "qdrant", "qdrant": good | wrong}


def _teams(**wrong: Any) -> dict[str, Any]:
    return {"enabled": True, **wrong}


@pytest.mark.promise("posture.refuses")
@pytest.mark.parametrize(("knowledge", "teams"), [({}, {}), (_qdrant(), _teams())])
def test_settings_of_production_are_accepted_whole(knowledge: dict[str, Any], teams: dict[str, Any]) -> None:
    tree = settings(("knowledge", knowledge), ("teams", teams))
    assert refused(tree) == []
    allow(tree)


@pytest.mark.promise("posture.refuses")
@pytest.mark.parametrize(
    ("path", "value", "name"),
    [
        ("identity.authority", "", "CHARTER_IDENTITY__AUTHORITY"),
        ("identity.authority", "http://login.contoso.example", "CHARTER_IDENTITY__AUTHORITY"),
        ("identity.authority", "https://localhost:3979", "CHARTER_IDENTITY__AUTHORITY"),
        ("identity.authority", "https://127.0.0.2", "CHARTER_IDENTITY__AUTHORITY"),
        ("identity.authority", "https://[::1]:3979", "CHARTER_IDENTITY__AUTHORITY"),
        ("identity.graph", "http://localhost:3979/graph", "CHARTER_IDENTITY__GRAPH"),
        ("identity.credential", "secret", "CHARTER_IDENTITY__CREDENTIAL"),
        ("identity.client_secret", "a secret", "CHARTER_IDENTITY__CREDENTIAL"),
        ("identity.client_id", "charter-host", "CHARTER_IDENTITY__CLIENT_ID"),
        ("identity.audience", "api://charter", "CHARTER_IDENTITY__AUDIENCE"),
        ("identity.tenants", {}, "CHARTER_IDENTITY__TENANTS"),
        ("identity.tenants", {"common": "contoso"}, "CHARTER_IDENTITY__TENANTS"),
        ("identity.tenants", {TID: "contoso", "organizations": "fabrikam"}, "CHARTER_IDENTITY__TENANTS"),
        ("identity.tenants", {TID: "contoso", PERSONAL: "fabrikam"}, "CHARTER_IDENTITY__TENANTS"),
        (
            "identity.agents",
            {"watch": {"client_id": TID, "client_secret": "a literal key"}},
            "CHARTER_IDENTITY__AGENTS__WATCH__CLIENT_SECRET",
        ),
        ("identity.home", "fabrikam", "CHARTER_IDENTITY__HOME"),
        ("database.url", "", "CHARTER_DATABASE_URL"),
        ("database.url", "postgresql://charter-host@localhost/charter?sslmode=require", "CHARTER_DATABASE_URL"),
        ("database.url", "postgresql:///charter?host=/run/pg&sslmode=require", "CHARTER_DATABASE_URL"),
        (
            "database.url",
            "postgresql://charter:word@pg.contoso.example/charter?sslmode=require",
            "CHARTER_DATABASE_URL",
        ),
        ("database.url", "postgresql://charter-host@pg.contoso.example/charter", "CHARTER_DATABASE_URL"),
        ("database.url", "postgresql://charter-host@pg.contoso.example/c?sslmode=prefer", "CHARTER_DATABASE_URL"),
        ("database.entra", False, "CHARTER_DATABASE_URL"),
        (
            "database.owner_url",
            "postgresql://charter-host@pg.contoso.example/charter?sslmode=require",
            "CHARTER_DATABASE__OWNER_URL",
        ),
        ("knowledge", {"store": "azure_ai_search"}, "CHARTER_KNOWLEDGE__AZURE_AI_SEARCH__ENDPOINT"),
        (
            "knowledge",
            {
                "store": "azure_ai_search",
                "azure_ai_search": {"endpoint": "https://s.contoso.example", "api_key": "word"},
            },
            "CHARTER_KNOWLEDGE__AZURE_AI_SEARCH__API_KEY",
        ),
        (
            "knowledge",
            {
                "store": "azure_ai_search",
                "azure_ai_search": {
                    "endpoint": "https://s.contoso.example",
                    "existing": {"tenant": "contoso", "collection": "intranet"},
                },
            },
            "CHARTER_KNOWLEDGE__AZURE_AI_SEARCH__EXISTING",
        ),
        ("secrets.vault_url", "", "CHARTER_SECRETS__VAULT_URL"),
        ("secrets.vault_url", "https://localhost:3981", "CHARTER_SECRETS__VAULT_URL"),
        ("secrets.ca_file", "/tmp/ca.pem", "CHARTER_SECRETS__CA_FILE"),
        ("session_key", "", "CHARTER_SESSION_KEY"),
        ("session_key", "a literal key", "CHARTER_SESSION_KEY"),
        ("knowledge", {"store": "qdrant"}, "CHARTER_KNOWLEDGE__QDRANT__URL"),
        ("knowledge", _qdrant(url="http://qdrant.contoso.example:6333"), "CHARTER_KNOWLEDGE__QDRANT__URL"),
        ("knowledge", _qdrant(url="https://localhost:6333"), "CHARTER_KNOWLEDGE__QDRANT__URL"),
        ("knowledge", _qdrant(api_key="a literal key"), "CHARTER_KNOWLEDGE__QDRANT__API_KEY"),
        ("knowledge", _qdrant(api_key=""), "CHARTER_KNOWLEDGE__QDRANT__API_KEY"),
        ("models", {}, "CHARTER_MODELS"),
        ("models", {"standard": {"kind": "embedded"}}, "CHARTER_MODELS__STANDARD"),
        ("models", {"fast": {"kind": "scripted", "script": "x.yaml"}}, "CHARTER_MODELS__FAST"),
        ("models.standard.base_url", "http://openai.contoso.example", "CHARTER_MODELS__STANDARD"),
        ("models.standard.api_key", "sk-literal", "CHARTER_MODELS__STANDARD"),
        ("models.standard.kind", "openai", "CHARTER_MODELS__STANDARD"),
        ("http.public_url", "", "CHARTER_HTTP__PUBLIC_URL"),
        ("http.public_url", "http://charter.contoso.example", "CHARTER_HTTP__PUBLIC_URL"),
        ("telemetry.azure_monitor", "", "CHARTER_TELEMETRY"),
        ("telemetry.otlp_endpoint", "http://collector.contoso.example", "CHARTER_TELEMETRY__OTLP_ENDPOINT"),
        ("drill.points", {"claimed": "kill 1"}, "CHARTER_DRILL__POINTS"),
        ("reload", True, "CHARTER_RELOAD"),
        ("teams", {"enabled": True, "anonymous": True}, "CHARTER_TEAMS__ANONYMOUS"),
        ("teams", _teams(metadata_url="http://login.contoso.example"), "CHARTER_TEAMS__METADATA_URL"),
        ("teams", _teams(token_service="https://localhost:3980"), "CHARTER_TEAMS__TOKEN_SERVICE"),
        ("teams", _teams(service_urls=()), "CHARTER_TEAMS__SERVICE_URLS"),
        (
            "teams",
            _teams(service_urls=["https://smba.contoso.example", "http://localhost:1"]),
            "CHARTER_TEAMS__SERVICE_URLS",
        ),
        (
            "identity.external",
            {"customers": {"authority": "http://localhost:1", "tid": "customers", "tenant": "contoso"}},
            "CHARTER_IDENTITY__EXTERNAL__CUSTOMERS__AUTHORITY",
        ),
    ],
)
def test_one_thing_of_development_is_refused_by_its_name(path: str, value: Any, name: str) -> None:
    tree = settings((path, value))
    assert refused(tree)[0] == name
    with pytest.raises(StartRefused) as fault:
        allow(tree)
    assert name in [error.pointer for error in fault.value.errors]
    assert "a literal key" not in str([finding.as_json() for finding in declared.settings(tree)])


@pytest.mark.promise("posture.refuses")
def test_references_to_the_vault_are_accepted_where_secrets_are_needed() -> None:
    tree = settings(
        ("models.standard.kind", "openai"),
        ("models.standard.api_key", "keyvault:model-key"),
        ("database.url", "keyvault:database-url"),
    )
    assert refused(tree) == []


@pytest.mark.promise("posture.refuses")
def test_a_refusal_never_shows_a_password() -> None:
    tree = settings(("database.url", "postgresql://charter:hunter2@pg.contoso.example/c?sslmode=require"))
    assert "hunter2" not in str([finding.as_json() for finding in declared.settings(tree)])


@pytest.mark.promise("posture.refuses")
def test_every_refusal_is_listed_with_what_to_do() -> None:
    tree = settings(("identity.graph", ""), ("http.public_url", ""))
    with pytest.raises(StartRefused) as fault:
        allow(tree)
    assert [error.pointer for error in fault.value.errors] == ["CHARTER_IDENTITY__GRAPH", "CHARTER_HTTP__PUBLIC_URL"]
    assert all("Set " in error.detail for error in fault.value.errors)


def own(tmp_path: Path, *, agents: bool = True, url: str = "https://market.contoso.example") -> Settings:
    agent_folder, plugin_folder = folders(tmp_path, agents=agents)
    return settings(
        ("shipped", False),
        ("agents_dirs", str(agent_folder)),
        ("plugins_dirs", str(plugin_folder)),
        ("plugin_urls", {"market": url}),
    )


def guests_refused(tree: Settings) -> list[str]:
    return [finding.name for finding in guests.catalog(loader.load(tree)) if finding.state == "refused"]


@pytest.mark.promise("posture.guests")
def test_a_company_may_run_its_own_agents_without_the_shipped_ones(tmp_path: Path) -> None:
    tree = own(tmp_path)
    assert list(loader.load(tree).agents) == ["clerk"]
    assert guests_refused(tree) == []


@pytest.mark.promise("posture.guests")
def test_a_house_without_agents_is_refused(tmp_path: Path) -> None:
    assert guests_refused(own(tmp_path, agents=False)) == ["agents"]


@pytest.mark.promise("posture.guests")
def test_a_business_system_of_this_machine_is_refused(tmp_path: Path) -> None:
    assert guests_refused(own(tmp_path, url="http://localhost:4711")) == ["plugins.market"]


@pytest.mark.promise("posture.guests")
def test_a_password_in_a_business_systems_address_is_refused_and_not_shown(tmp_path: Path) -> None:
    tree = own(tmp_path, url="https://clerk:hunter2@market.contoso.example")
    assert guests_refused(tree) == ["plugins.market"]
    assert "hunter2" not in str([finding.as_json() for finding in guests.catalog(loader.load(tree))])


@pytest.mark.promise("posture.guests")
@pytest.mark.parametrize(
    ("rule", "loose"),
    [
        ("permit(principal, action, resource)", None),
        ('permit(principal, action == Action::"jar.put", resource)', True),
        ('permit(principal, action == Action::"jar.put", resource) when { context.agent == "keeper" }', True),
        ('@ask("role:buyer") permit(principal, action == Action::"jar.put", resource)', False),
        ('permit(principal in Role::"employee", action == Action::"jar.put", resource)', False),
        ('permit(principal, action == Action::"jar.look", resource)', False),
        ('permit(principal, action == Action::"jar.put", resource) when { principal has manager }', False),
        ('permit(principal is User, action == Action::"jar.put", resource)', True),
        ('permit(principal is User in Role::"buyer", action == Action::"jar.put", resource)', False),
        ('permit(principal, action == Action::"jar.put", resource) when { true }', True),
        ('permit(principal, action == Action::"jar.put", resource) unless { context.channel == "api" }', True),
        ('permit(principal, action == Action::"jar.put", resource) when { principal is User }', True),
        ('permit(principal, action == Action::"jar.put", resource) when { principal is User in Role::"buyer" }', False),
        ('permit(principal, action == Action::"jar.put", resource) when { context.arguments.count < 3 }', False),
    ],
)
def test_a_rule_that_lets_everybody_change_something_is_refused(tmp_path: Path, rule: str, loose: bool | None) -> None:
    folder = tmp_path / "plugins" / "jar"
    folder.mkdir(parents=True)
    (folder / "policy.cedar").write_text(f'@id("rule") {rule};')
    found = guests._policy("plugins.jar", folder, [_function("put", "write"), _function("look", "read")])
    assert (found.state == "refused") is (loose is not False)


def _function(name: str, effect: Any) -> Any:
    from charter.catalog.spec import FunctionSpec

    return FunctionSpec("jar", name, "", effect, {})


def test_nothing_that_was_looked_at_is_not_green() -> None:
    assert not green([])
    assert not green([unproven("a", "nobody could look")])


@pytest.mark.promise("posture.sources")
@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ({"url": "http://docs.blob.contoso.example", "container": "handbook"}, "is not encrypted"),
        ({"url": "https://localhost:10000/account", "container": "handbook"}, "is of this machine"),
        (
            {"url": "https://docs.blob.contoso.example", "container": "handbook", "secret": "sv=2026&sig=x"},
            "is a value, not a reference",
        ),
        ({"url": "https://docs.blob.contoso.example", "container": "handbook", "secret": "keyvault:docs"}, ""),
        ({"container": "handbook", "secret": "keyvault:docs"}, ""),
        ({"url": "https://docs.blob.contoso.example", "container": "handbook"}, ""),
    ],
)
def test_a_container_is_reached_encrypted_and_without_a_secret_in_the_settings(
    place: dict[str, str], sentence: str
) -> None:
    tree = settings(("knowledge.sources", {"contoso": [{"kind": "blob", **place}]}))
    found = [f.sentence for f in declared.settings(tree) if f.state == "refused"]
    assert [sentence in each for each in found] == ([True] if sentence else [])


@pytest.mark.promise("posture.sources")
def test_document_libraries_are_asked_for_at_an_encrypted_address() -> None:
    tree = settings(("knowledge.graph", "http://localhost:3983"))
    (found,) = [f for f in declared.settings(tree) if f.state == "refused"]
    assert found.name == "CHARTER_KNOWLEDGE__GRAPH"
