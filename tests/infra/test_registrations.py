"""The two scripts that bring what no template may hold, against a Graph and a Resource Manager that keep what they are told."""

import asyncio
import base64
import json
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.infra import graph
from tests.infra.graph import Graph

TENANT = "5f1c2b3a-0d4e-4f5a-8b6c-7d8e9f0a1b2c"
HOST = "7a1b2c3d-0d4e-4f5a-8b6c-7d8e9f0a1b2c"
VAULT = "/subscriptions/s/resourceGroups/rg-contoso/providers/Microsoft.KeyVault/vaults/kv-contoso"
NAMED = ("--tenant", TENANT, "--public-url", "https://charter.contoso.example/", "--host-principal", HOST)


@pytest.fixture
async def directory() -> AsyncIterator[Graph]:
    async with graph.running() as running:
        yield running


async def _run(house: Path, script: str, *arguments: str, token: str = f"echo {graph.TOKEN}") -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(house / "infra" / script), *arguments, "--token-command", token,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def _register(house: Path, directory: Graph, *more: str) -> tuple[int, str, str]:
    return await _run(house, "registrations.py", *NAMED, "--graph", directory.address, *more)


def _only(directory: Graph) -> dict[str, object]:
    (application,) = directory.applications.values()
    return application


@pytest.mark.promise("infra.registrations")
async def test_charter_is_registered_once_however_often_the_script_runs(house: Path, directory: Graph) -> None:
    code, out, _ = await _register(house, directory, "--consent")
    application = _only(directory)
    assert (code, out) == (0, f"CHARTER_CLIENT_ID={application['appId']}\n")
    done = directory.changes()
    assert await _register(house, directory, "--consent") == (0, out, "")
    assert directory.changes() == done
    assert len(directory.applications) == len(directory.federated) == len(directory.assignments) == 1


@pytest.mark.promise("infra.registrations")
async def test_the_registration_is_what_the_host_believes_tokens_by(house: Path, directory: Graph) -> None:
    await _register(house, directory)
    told = json.loads(json.dumps(_only(directory)))
    assert told["identifierUris"] == [f"api://{told['appId']}"]
    assert told["api"]["requestedAccessTokenVersion"] == 2
    assert [scope["value"] for scope in told["api"]["oauth2PermissionScopes"]] == ["access_as_user"]
    assert told["groupMembershipClaims"] == "ApplicationGroup"
    assert told["optionalClaims"]["accessToken"][0]["name"] == "idtyp"
    assert told["web"]["redirectUris"] == ["https://charter.contoso.example/console/signed-in"]
    assert 'web.get("/signed-in"' in (house / "charter/channels/console/signin.py").read_text("utf-8")
    roles = {role["value"]: role["allowedMemberTypes"] for role in told["appRoles"]}
    assert roles.pop("workload") == ["Application"]
    assert roles == {name: ["User"] for name in ("employee", "manager", "buyer", "hr", "operator")}
    names = {role["value"]: role["displayName"] for role in told["appRoles"]}
    assert (names["hr"], names["buyer"]) == ("HR", "Buyer")
    assert "passwordCredentials" not in told
    (credential,) = directory.federated[told["id"]].values()
    assert credential["subject"] == HOST
    assert credential["issuer"] == f"https://login.microsoftonline.com/{TENANT}/v2.0"
    (principal,) = (p for p in directory.principals.values() if p["appId"] == told["appId"])
    assert principal["appRoleAssignmentRequired"] is True


@pytest.mark.promise("infra.registrations")
async def test_the_roles_are_those_of_the_shipped_people(house: Path, directory: Graph) -> None:
    import yaml

    await _register(house, directory)
    people = yaml.safe_load((house / "charter/twins/entra/people.yaml").read_text("utf-8"))
    wanted = {
        role
        for tenant in people.values()
        for kind in ("people", "workloads")
        for person in (tenant.get(kind) or {}).values()
        for role in person.get("roles", [])
    }
    registered = _only(directory)["appRoles"]
    assert isinstance(registered, list)
    assert wanted - {"customer"} == {role["value"] for role in registered}


@pytest.mark.promise("infra.registrations")
async def test_nothing_is_asked_of_graph_beyond_what_the_host_reads(house: Path, directory: Graph) -> None:
    code, _, err = await _register(house, directory)
    assert code == 0
    assert "adminconsent" in err
    assert directory.assignments == []
    assert directory.grants == {}
    await _register(house, directory, "--consent")
    (grant,) = directory.grants.values()
    assert set(grant["scope"].split()) == {
        "openid", "profile", "offline_access", "User.Read", "User.Read.All", "GroupMember.Read.All",
    }  # fmt: skip
    microsoft = next(p for p in directory.principals.values() if p["appId"] == graph.MICROSOFT)
    names = {role["id"]: role["value"] for role in microsoft["appRoles"]}
    assert [names[given["appRoleId"]] for given in directory.assignments] == ["Application.Read.All"]


@pytest.mark.promise("infra.dry-run")
async def test_a_dry_run_prints_each_change_and_makes_none(house: Path, directory: Graph) -> None:
    code, out, _ = await _register(house, directory, "--consent", "--dry-run")
    assert code == 0
    assert directory.changes() == []
    for change in (
        "POST {}/v1.0/applications\n",
        "PATCH {}/v1.0/applications/<made-by-the-run>\n",
        "POST {}/v1.0/applications/<made-by-the-run>/federatedIdentityCredentials\n",
        "POST {}/v1.0/servicePrincipals\n",
        "POST {}/v1.0/servicePrincipals/<made-by-the-run>/appRoleAssignments\n",
        "POST {}/v1.0/oauth2PermissionGrants\n",
    ):
        assert change.format(directory.address) in out
    assert '"value": "access_as_user"' in out
    await _register(house, directory, "--consent")
    _, again, _ = await _register(house, directory, "--consent", "--dry-run")
    assert again == f"CHARTER_CLIENT_ID={_only(directory)['appId']}\n"


@pytest.mark.promise("infra.registrations")
async def test_what_a_company_added_stays_and_what_differs_is_brought_back(house: Path, directory: Graph) -> None:
    await _register(house, directory)
    application = json.loads(json.dumps(_only(directory)))
    employee = application["appRoles"][0]
    employee |= {"id": "11111111-2222-4333-8444-555555555555", "description": "Old."}
    own = {
        "id": "22222222-2222-4333-8444-555555555555",
        "value": "auditor",
        "displayName": "Auditor",
        "isEnabled": True,
    }
    erp = {"resourceAppId": "33333333-2222-4333-8444-555555555555", "resourceAccess": [{"id": "x", "type": "Scope"}]}
    application["appRoles"].append(own)
    application["requiredResourceAccess"].append(erp)
    application["groupMembershipClaims"] = "All"
    directory.applications[application["id"]] = application
    code, _, err = await _register(house, directory)
    assert code == 0, err
    roles = {role["value"]: role for role in application["appRoles"]}
    assert roles["auditor"] == own
    assert roles["employee"]["id"] == employee["id"]
    assert roles["employee"]["description"] != "Old."
    assert erp in application["requiredResourceAccess"]
    assert application["groupMembershipClaims"] == "ApplicationGroup"


@pytest.mark.promise("infra.registrations")
async def test_the_azure_cli_comes_in_only_where_it_is_wanted_and_beside_others(house: Path, directory: Graph) -> None:
    await _register(house, directory)
    application = json.loads(json.dumps(_only(directory)))
    assert "preAuthorizedApplications" not in application["api"]
    scope = application["api"]["oauth2PermissionScopes"][0]["id"]
    own = {"appId": "33333333-2222-4333-8444-555555555555", "delegatedPermissionIds": [scope]}
    application["api"]["preAuthorizedApplications"] = [own]
    directory.applications[application["id"]] = application
    cli = {"appId": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "delegatedPermissionIds": [scope]}
    for _ in range(2):
        code, _, err = await _register(house, directory, "--azure-cli")
        assert code == 0, err
        assert application["api"]["preAuthorizedApplications"] == [own, cli]
    assert directory.changes().count(f"PATCH /v1.0/applications/{application['id']}") == 2
    assert [entry["value"] for entry in application["api"]["oauth2PermissionScopes"]] == ["access_as_user"]


@pytest.mark.promise("infra.teams")
async def test_teams_is_let_in_only_where_it_is_wanted_and_stays(house: Path, directory: Graph) -> None:
    await _register(house, directory)
    application = json.loads(json.dumps(_only(directory)))
    assert "botid" not in str(application)
    assert len(directory.federated[application["id"]]) == 1
    for _ in range(2):
        code, _, err = await _register(house, directory, "--teams", "--azure-cli")
        assert code == 0, err
    told = json.loads(json.dumps(_only(directory)))
    app = told["appId"]
    assert told["identifierUris"] == [f"api://{app}", f"api://botid-{app}"]
    assert told["web"]["redirectUris"] == [
        "https://charter.contoso.example/console/signed-in",
        "https://token.botframework.com/.auth/web/redirect",
    ]
    scope = told["api"]["oauth2PermissionScopes"][0]["id"]
    assert {entry["appId"]: entry["delegatedPermissionIds"] for entry in told["api"]["preAuthorizedApplications"]} == {
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46": [scope],
        "1fec8e78-bce4-4aaf-ab1b-5451cc387264": [scope],
        "5e3ce6c0-2b1f-4285-8d4b-75ee78787346": [scope],
    }
    done = directory.changes()
    code, _, err = await _register(house, directory)
    assert (code, directory.changes()) == (0, done), "what is not asked for again stays"
    assert "passwordCredentials" not in told


@pytest.mark.promise("infra.teams")
async def test_entra_believes_the_token_service_for_the_bots_own_connection_alone(
    house: Path, directory: Graph
) -> None:
    code, _, err = await _register(house, directory, "--teams")
    assert code == 0, err
    told = json.loads(json.dumps(_only(directory)))
    credentials = {entry["name"]: entry for entry in directory.federated[told["id"]].values()}
    assert set(credentials) == {"charter-host", "charter-teams"}
    subject = credentials["charter-teams"]["subject"]
    assert credentials["charter-teams"]["issuer"] == f"https://login.microsoftonline.com/{TENANT}/v2.0"
    *_, tenant, _, _, connection = subject.split("/")
    assert uuid.UUID(bytes_le=base64.urlsafe_b64decode(f"{tenant}==")) == uuid.UUID(TENANT)
    # As Microsoft's page on federated credentials of bots writes the token service.
    assert subject == f"/eid1/c/pub/t/{tenant}/a/9ExAW52n_ky4ZiS_jhpJIQ/{connection}"
    assert f"var connection = '{connection}'" in (house / "infra/charter.bicep").read_text("utf-8")
    _, _, err = await _register(house, directory, "--teams", "--several-tenants")
    assert "the people of this tenant alone can sign in" in err


@pytest.mark.promise("infra.registrations")
async def test_an_agent_is_registered_by_itself_and_vouched_for_by_the_host(house: Path, directory: Graph) -> None:
    for _ in range(2):
        code, out, err = await _register(house, directory, "--agent", "buyer")
        assert code == 0, err
    names = {application["displayName"]: application for application in directory.applications.values()}
    assert set(names) == {"Charter", "Charter agent buyer"}
    buyer = names["Charter agent buyer"]
    assert f'"buyer": {{"client_id": "{buyer["appId"]}"}}' in out
    (credential,) = directory.federated[buyer["id"]].values()
    assert credential["subject"] == HOST
    assert buyer["appRoles"] == []


@pytest.mark.promise("infra.told")
async def test_what_goes_wrong_is_told_in_a_sentence(house: Path, directory: Graph) -> None:
    directory.refuses = 403
    code, _, err = await _register(house, directory)
    assert code == 1
    assert "POST /v1.0/applications was refused" in err
    assert "infra/README.md says which role it takes" in err
    assert "Traceback" not in err
    for token, sentence in (("false", "Run az login first."), ("/no/such/az", "Azure CLI does not start")):
        _, _, err = await _run(house, "registrations.py", *NAMED, "--graph", directory.address, token=token)
        assert sentence in err
    for place, sentence in (
        ("http://graph.contoso.example", "over https only"),
        ("http://127.0.0.1:9", "does not answer"),
    ):
        _, _, err = await _run(house, "registrations.py", *NAMED, "--graph", place)
        assert sentence in err
    for wrong in (("--tenant", "common"), ("--public-url", "http://charter.contoso.example")):
        code, _, err = await _register(house, directory, *wrong)
        assert code in (1, 2)
        assert "--" in err
    directory.refuses = 0
    directory.applications = {str(n): {"id": str(n), "appId": str(n), "displayName": "Charter"} for n in range(2)}
    _, _, err = await _register(house, directory)
    assert "2 applications called Charter" in err


@pytest.mark.promise("infra.secrets")
async def test_a_secret_is_made_once_and_never_shown(house: Path, directory: Graph) -> None:
    place = ("--vault", VAULT, "--manager", directory.address)
    code, out, _ = await _run(house, "put_secrets.py", *place, "--dry-run")
    assert code == 0
    assert directory.secrets == {}
    assert '"value": "(not shown)"' in out
    await _run(house, "put_secrets.py", *place)
    first = directory.secrets["charter-session-key"]["value"]
    Fernet(first)
    _, out, _ = await _run(house, "put_secrets.py", *place)
    assert out == "charter-session-key is there and stays.\n"
    assert directory.secrets["charter-session-key"]["value"] == first
    _, out, _ = await _run(house, "put_secrets.py", *place, "--rotate", "charter-session-key")
    second = directory.secrets["charter-session-key"]["value"]
    assert second != first
    assert second not in out
    _, _, err = await _run(house, "put_secrets.py", *place, "--rotate", "erp-key")
    assert "is not made here" in err
