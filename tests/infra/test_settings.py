"""What the host reads is what the deployment gives: no setting forgotten, none invented, none of development."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pydantic import BaseModel

from charter import settings
from charter.catalog import loader
from charter.cli.main import main
from charter.posture import declared, guests
from tests.infra import templates
from tests.infra.container import environment

DEFAULTS_ARE_RIGHT = {
    "CHARTER_WORKERS": "One process in each replica; replicas are how it grows.",
    "CHARTER_AGENTS_DIRS": "The image carries the shipped agents; a company's own image sets it.",
    "CHARTER_PLUGINS_DIRS": "As with agents.",
    "CHARTER_SHIPPED": "The image carries the shipped agents and plugins.",
    "CHARTER_DATABASE__POOL": "8 connections a replica; tuned by load.",
    "CHARTER_DATABASE__OWNER_URL": "Given to the container that migrates, and to that one only.",
    "CHARTER_IDENTITY__CLIENT_SECRET": "There is none: the managed identity stands for it.",
    "CHARTER_IDENTITY__FEDERATED_TOKEN_FILE": "The platform gives a managed identity, not a file.",
    "CHARTER_IDENTITY__GRAPH_SCOPE": "Microsoft Graph of the public cloud.",
    "CHARTER_IDENTITY__EXTERNAL": "Customers' identity providers, where a company has any.",
    "CHARTER_IDENTITY__CLOCK_SKEW_SECONDS": "The same anywhere.",
    "CHARTER_SECRETS__LEASE_SECONDS": "The same anywhere.",
    "CHARTER_SECRETS__CA_FILE": "Key Vault's certificate is publicly known.",
    "CHARTER_TELEMETRY__OTLP_ENDPOINT": "Spans go to Application Insights.",
    "CHARTER_TELEMETRY__SERVICE_NAME": "It is charter here, too.",
    "CHARTER_TELEMETRY__LOG_LEVEL": "The same anywhere.",
    "CHARTER_KNOWLEDGE__AT_START": "Every replica has the same folders.",
    "CHARTER_KNOWLEDGE__AZURE_AI_SEARCH__API_KEY": "There is none: the managed identity has roles there.",
    "CHARTER_KNOWLEDGE__AZURE_AI_SEARCH__INDEX": "The host's own alias, of which there is one in a service of its own.",
    "CHARTER_KNOWLEDGE__AZURE_AI_SEARCH__SEMANTIC": "The service's ranker is paid for by the question; for who wants it.",
    "CHARTER_KNOWLEDGE__AZURE_AI_SEARCH__PERMISSIONS": "For an index with permissions of its own, where there is one.",
    "CHARTER_KNOWLEDGE__AZURE_AI_SEARCH__EXISTING": "A company's own index, where it has any.",
    "CHARTER_KNOWLEDGE__QDRANT__*": "Where it is the store.",
    "CHARTER_KNOWLEDGE__FOLDERS": "A company's own, where it has any.",
    "CHARTER_KNOWLEDGE__SOURCES": "A company's own, where it has any.",
    "CHARTER_KNOWLEDGE__GRAPH": "Empty: document libraries are asked for where the directory is.",
    "CHARTER_KNOWLEDGE__EVERY_SECONDS": "The same anywhere.",
    "CHARTER_KNOWLEDGE__TOP": "The same anywhere.",
    "CHARTER_RUNS__*": "Tuned by load, and equal on all replicas in any case.",
    "CHARTER_COSTS__RATES": "The prices are in the currency that costs are counted in.",
    "CHARTER_TEAMS__METADATA_URL": "The public cloud's.",
    "CHARTER_TEAMS__ISSUER": "The public cloud's.",
    "CHARTER_TEAMS__SCOPE": "The public cloud's.",
    "CHARTER_TEAMS__TOKEN_SERVICE": "The public cloud's.",
    "CHARTER_TEAMS__SERVICE_URLS": "The public cloud's.",
    "CHARTER_TEAMS__ANONYMOUS": "Refused by the profile.",
    "CHARTER_TEAMS__AGENT": "Whoever's examples fit answers; a company may name one.",
    "CHARTER_TEAMS__INBOX_LIMIT": "Tuned by load.",
    "CHARTER_TEAMS__REMINDERS": "A company's own, where it wants others.",
    "CHARTER_TEAMS__ESCALATION": "A conversation of the company's, where it wants one.",
    "CHARTER_TEAMS__RETENTION_DAYS": "The same anywhere.",
    "CHARTER_DRILL__POINTS": "Refused by the profile.",
    "CHARTER_HTTP__BODY_LIMIT_BYTES": "The same anywhere.",
    "CHARTER_HTTP__INPUT_LIMIT_CHARS": "The same anywhere.",
}
"""Settings that the deployment leaves alone, each with the reason."""


def _names(section: type[BaseModel], prefix: str = "CHARTER_") -> Iterator[str]:
    for name, field in section.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _names(inner, f"{prefix}{name.upper()}__")
        else:
            yield prefix + name.upper()


def _left_alone(name: str) -> bool:
    return name in DEFAULTS_ARE_RIGHT or f"{name.rsplit('__', 1)[0]}__*" in DEFAULTS_ARE_RIGHT


def _read(env: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> settings.Settings:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return settings.read()


@pytest.mark.promise("infra.settings")
def test_every_setting_is_given_or_its_default_is_said_to_be_right(house: Path) -> None:
    given, known = set(environment(house)), set(_names(settings.Settings))
    assert given - known == set(), "the deployment gives what no setting is"
    assert [name for name in sorted(known - given) if not _left_alone(name)] == []
    assert [name for name in DEFAULTS_ARE_RIGHT if name in given] == []
    assert [name for name in DEFAULTS_ARE_RIGHT if not name.endswith("*") and name not in known] == []


@pytest.mark.promise("infra.settings")
@pytest.mark.parametrize("teams", [False, True])
def test_the_azure_profile_refuses_nothing_of_what_the_deployment_gives(
    teams: bool, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = _read(environment(house, teams=teams), monkeypatch)
    assert tree.teams.enabled is teams
    catalog = loader.placed(loader.load(tree), tree.plugin_urls)
    findings = [*declared.settings(tree), *guests.catalog(catalog)]
    assert [finding for finding in findings if finding.state == "refused"] == []
    assert len(findings) > 15
    assert tree.identity.tenants == {"5f1c2b3a-0d4e-4f5a-8b6c-7d8e9f0a1b2c": "contoso"}
    assert tree.models["fast"][0].base_url == "https://oai.openai.contoso.example/"


@pytest.mark.promise("infra.settings")
@pytest.mark.parametrize("forgotten", ["CHARTER_SESSION_KEY", "CHARTER_IDENTITY__CREDENTIAL", "CHARTER_MODELS"])
def test_a_setting_that_is_not_given_is_refused(forgotten: str, house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = {name: value for name, value in environment(house).items() if name != forgotten}
    tree = _read(env, monkeypatch)
    assert any(f.name.startswith(forgotten) for f in declared.settings(tree) if f.state == "refused")


@pytest.mark.promise("infra.secrets")
def test_every_secret_that_is_referred_to_is_put_by_the_step_for_it(house: Path) -> None:
    referred = {v.removeprefix("keyvault:") for v in environment(house).values() if v.startswith("keyvault:")}
    script = (house / "infra/put_secrets.py").read_text("utf-8")
    (made,) = (n for n in ast.parse(script).body if isinstance(n, ast.AnnAssign) and ast.unparse(n.target) == "MADE")
    assert isinstance(made.value, ast.Dict)
    assert referred == {ast.literal_eval(key) for key in made.value.keys if key}
    readme = (house / "infra/README.md").read_text("utf-8")
    assert all(name in readme for name in referred)


@pytest.mark.promise("infra.migrations")
def test_the_database_is_migrated_before_the_host_serves_and_by_another_identity(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving, starting = environment(house), environment(house, starting=True)
    assert set(starting) - set(_names(settings.Settings)) == set()
    assert starting["CHARTER_DATABASE__OWNER_URL"].startswith("postgresql://id-charter-migrations@")
    assert serving["CHARTER_DATABASE__URL"].startswith("postgresql://id-charter-host@")
    assert serving["CHARTER_IDENTITY__MANAGED_IDENTITY"] != starting["CHARTER_IDENTITY__MANAGED_IDENTITY"]
    assert _read(starting, monkeypatch).database.entra
    (app,) = templates.read(house / "infra")["charter.bicep"].resources
    (container,) = app.at("properties", "template", "initContainers")
    assert container["args"][0] in main.commands
