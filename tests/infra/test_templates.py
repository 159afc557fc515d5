"""The deployment's templates, as they are and with mistakes put in."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra import kinds, policies, shape, templates


def mistakes(house: Path) -> Iterator[str]:
    """Look at everything in ``infra/`` and ``azure.yaml`` of a house."""
    found = templates.read(house / "infra")
    for template in found.values():
        yield from kinds.mistakes(template)
    yield from policies.mistakes(found)
    yield from shape.mistakes(house, found)


@pytest.mark.promise("infra.types")
@pytest.mark.promise("infra.closed")
@pytest.mark.promise("infra.azd")
def test_the_templates_have_no_mistake(house: Path) -> None:
    assert list(mistakes(house)) == []


@pytest.mark.promise("infra.types")
def test_every_type_is_checked_or_named_as_unchecked(house: Path) -> None:
    resources = [r for t in templates.read(house / "infra").values() for r in t.resources]
    unknown = {r.type for r in resources if kinds.known(r.type) is None}
    assert unknown == set(kinds.UNCHECKED)
    assert len({r.type for r in resources} - unknown) > 20


def test_the_types_tell_where_they_come_from_and_stay_small() -> None:
    files = list(kinds.TYPES.glob("*.json"))
    assert files
    assert sum(file.stat().st_size for file in files) < 300_000
    for file in files:
        told = kinds.known(file.stem.replace("_", "/"))
        assert told, file
        assert told["source"].split()[0] in {
            "msmcp-azure",
            "azure-mgmt-postgresqlflexibleservers",
            "azure-mgmt-privatedns",
        }


INJECTED = (
    ("a misspelt property", "modules/vault.bicep", "enableRbacAuthorization", "enableRbacAuthorisation"),
    ("a number as a string", "charter.bicep", "var port = 3978", "var port = '3978'"),
    ("a wrong enumeration", "modules/models.bicep", "'ServicePrincipal'", "'ServicePrinciple'"),
    ("a public vault", "modules/vault.bicep", "publicNetworkAccess: 'Disabled'", "publicNetworkAccess: 'Enabled'"),
    ("plain http", "charter.bicep", "allowInsecure: false", "allowInsecure: true"),
    (
        "a vault that can be purged",
        "modules/vault.bicep",
        "enablePurgeProtection: true",
        "enablePurgeProtection: false",
    ),
    ("a password for the database", "modules/database.bicep", "passwordAuth: 'Disabled'", "passwordAuth: 'Enabled'"),
    (
        "a public database",
        "modules/database.bicep",
        "publicNetworkAccess: 'Disabled'",
        "publicNetworkAccess: 'Enabled'",
    ),
    ("no TLS to the database", "modules/database.bicep", "value: 'on'", "value: 'off'"),
    ("keys for the models", "modules/models.bicep", "disableLocalAuth: true", "disableLocalAuth: false"),
    ("keys for the search", "modules/search.bicep", "disableLocalAuth: true", "disableLocalAuth: false"),
    (
        "an owner",
        "modules/vault.bicep",
        "'4633458b-17de-408a-b874-0445c86b69e6' // Key Vault Secrets User",
        "'8e3af657-a8ff-443c-a75c-2fe8c4bcb635' // Owner",
    ),
    (
        "a role on everything",
        "modules/vault.bicep",
        "  scope: vault\n  properties: {\n    principalId",
        "  properties: {\n    principalId",
    ),
    (
        "a key in an output",
        "modules/models.bicep",
        "output endpoint string = account.properties.endpoint",
        "output endpoint string = account.listKeys().key1",
    ),
    ("a secret in clear", "charter.bicep", "'keyvault:charter-session-key'", "'c2VjcmV0'"),
    ("one host alone", "charter.bicep", "@minValue(2)\nparam replicas int", "param replicas int"),
    ("no time to drain", "charter.bicep", "terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: 5"),
    ("the owner's identity while serving", "charter.bicep", "lifecycle: 'Init'", "lifecycle: 'All'"),
    ("the host as administrator", "modules/database.bicep", "name: migrationsPrincipalId", "name: hostPrincipalId"),
    ("an older type", "modules/vault.bicep", "vaults@2024-11-01", "vaults@2021-10-01"),
    ("a forgotten parameter", "main.bicep", "    zoneId: network.outputs.vaultZoneId\n", ""),
    ("an output that is not there", "main.bicep", "network.outputs.vaultZoneId", "network.outputs.vaultsZoneId"),
    (
        "a parameter for nobody",
        "modules/registry.bicep",
        "param token string",
        "param token string\nparam spare string",
    ),
    ("a variable that nobody sets", "charter.parameters.json", "${CHARTER_VAULT_URL}", "${CHARTER_VAULTS_URL}"),
    ("another service's tag", "charter.bicep", "'azd-service-name': 'charter'", "'azd-service-name': 'host'"),
    ("a bot for every tenant", "modules/bot.bicep", "'SingleTenant'", "'MultiTenant'"),
    ("a bot with keys", "modules/bot.bicep", "disableLocalAuth: true", "disableLocalAuth: false"),
    (
        "a bot elsewhere",
        "modules/bot.bicep",
        "'${publicUrl}/api/messages'",
        "'https://bot.contoso.example/api/messages'",
    ),
    ("calls through the bot", "modules/bot.bicep", "enableCalling: false", "enableCalling: true"),
    ("another channel", "modules/bot.bicep", "name: 'MsTeamsChannel'", "name: 'DirectLineChannel'"),
    (
        "a client secret of the sign-in",
        "modules/bot.bicep",
        "    clientId: clientId\n    scopes",
        "    clientId: clientId\n    clientSecret: 'unused'\n    scopes",
    ),
    ("another scope", "modules/bot.bicep", "/access_as_user", "/.default"),
    (
        "another provider",
        "modules/bot.bicep",
        "c00b44ab-5e16-c44c-af26-2fd5bc55eb18",
        "30dd229c-58e3-4a48-bdfd-91ec48eb906c",
    ),
    ("a sign-in for others", "modules/bot.bicep", "'api://botid-${clientId}'", "'api://${clientId}'"),
    ("a sign-in nobody vouches for", "modules/bot.bicep", "value: connection", "value: 'oauth'"),
    ("a bot without its tenant", "charter.bicep", "    tenantId: tenant().tenantId\n", ""),
    ("a misspelt kind of bot", "modules/bot.bicep", "msaAppId: clientId", "msAppId: clientId"),
    ("a module from elsewhere", "main.bicep", "'modules/vault.bicep'", "'br/public:avm/res/key-vault/vault:0.13.3'"),
)


@pytest.mark.promise("infra.injected")
@pytest.mark.parametrize(("name", "file", "right", "wrong"), INJECTED, ids=[name for name, *_ in INJECTED])
def test_a_mistake_is_seen(name: str, file: str, right: str, wrong: str, house: Path, tmp_path: Path) -> None:
    copy = _copy(house, tmp_path)
    target = copy / "infra" / file
    text = target.read_text("utf-8")
    assert right in text, f"{name}: {file} has no {right!r} any more"
    target.write_text(text.replace(right, wrong, 1), "utf-8")
    assert list(mistakes(copy)) != []


@pytest.mark.promise("infra.injected")
def test_a_check_that_reads_nothing_fails(house: Path, tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    with pytest.raises(AssertionError, match="no template"):
        list(mistakes(tmp_path))
    copy = _copy(house, tmp_path / "copy")
    (copy / "infra/modules/search.bicep").write_text("param location string\noutput same string = location\n", "utf-8")
    assert any("not looked at" in sentence for sentence in mistakes(copy))


def _copy(house: Path, folder: Path) -> Path:
    shutil.copytree(house / "infra", folder / "infra", dirs_exist_ok=True)
    shutil.copy(house / "azure.yaml", folder)
    return folder
