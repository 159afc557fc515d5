"""The Entra twin over HTTP: it gives what Entra gives, and refuses what Entra refuses."""

from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest

from tests.twins.running import RunningTwin, running_twin

OFFLINE = "api://charter/access_as_user offline_access"
PROCUREMENT = "api://procurement/.default"
GRAPH = "https://graph.microsoft.com/.default"


def told(answer: dict[str, Any]) -> dict[str, Any]:
    return jwt.decode(answer["access_token"], options={"verify_signature": False})


async def lasting(twin: RunningTwin) -> str:
    """Return a refresh token of the host for alice."""
    _, answer = await twin.on_behalf_of(await twin.token("alice"), f"{GRAPH} offline_access")
    return answer["refresh_token"]


async def graph(twin: RunningTwin, token: str, path: str) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}"}
    async with twin.http.get(f"{twin.url}/graph/v1.0/{path}", headers=headers) as response:
        return response.status, await response.json()


@pytest.mark.promise("twins.entra")
async def test_a_token_looks_like_entras_and_verifies_with_the_published_key(twin: RunningTwin) -> None:
    answer = await twin.sign_in("alice")
    async with twin.http.get(f"{twin.url}/contoso/v2.0/.well-known/openid-configuration") as response:
        metadata = await response.json()
    async with twin.http.get(metadata["jwks_uri"]) as response:
        keys = jwt.PyJWKSet.from_dict(await response.json())
    key = keys[jwt.get_unverified_header(answer["access_token"])["kid"]]
    claims = jwt.decode(
        answer["access_token"], key, ["RS256"], audience="api://charter", issuer=f"{twin.url}/contoso/v2.0"
    )
    assert {"oid": "alice", "tid": "contoso", "ver": "2.0", "scp": "access_as_user"}.items() <= claims.items()
    assert claims["roles"] == ["employee"]
    assert claims["groups"] == ["all-employees"]
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3599)
    assert claims["iat"] == claims["nbf"] == claims["exp"] - 3900
    assert "refresh_token" not in answer


@pytest.mark.promise("twins.entra")
@pytest.mark.parametrize(
    ("changed", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": ""}, 401, "invalid_client", 7000218),
        ({"client_id": "unknown"}, 400, "unauthorized_client", 700016),
        ({"client_id": "crm"}, 400, "unauthorized_client", 700016),
        ({"client_id": "charter-cli"}, 401, "invalid_client", 700025),
        ({"client_id": ""}, 400, "invalid_request", 900144),
        ({"grant_type": "device_code"}, 400, "unsupported_grant_type", 70003),
        ({"scope": "api://charter/access_as_user"}, 400, "invalid_scope", 1002012),
        ({"scope": "https://unknown.example/.default"}, 400, "invalid_resource", 500011),
        ({"scope": f"{PROCUREMENT} {GRAPH}"}, 400, "invalid_request", 28000),
        ({"scope": ""}, 400, "invalid_request", 900144),
        ({"scope": "api://x/.default api://x/access_as_user"}, 400, "invalid_scope", 70011),
    ],
)
async def test_a_wrong_request_is_refused_in_entras_words(
    changed: dict[str, str], status: int, error: str, number: int, twin: RunningTwin
) -> None:
    good = {
        "grant_type": "client_credentials",
        "client_id": "charter-host",
        "client_secret": twin.secret(),
        "scope": PROCUREMENT,
    }
    assert (await twin.grant("contoso", **good))[0] == 200
    told_status, body = await twin.grant("contoso", **(good | changed))
    assert (told_status, body["error"], body["error_codes"]) == (status, error, [number])
    assert body["error_description"].startswith(f"AADSTS{number}: ")
    assert {"trace_id", "correlation_id", "timestamp"} <= body.keys()


async def test_the_token_endpoint_reads_forms_only_and_known_tenants_only(twin: RunningTwin) -> None:
    async with twin.http.post(f"{twin.url}/contoso/oauth2/v2.0/token", json={"grant_type": "password"}) as response:
        assert (response.status, (await response.json())["error_codes"]) == (400, [900144])
    for path in ("v2.0/.well-known/openid-configuration", "discovery/v2.0/keys"):
        async with twin.http.get(f"{twin.url}/northwind/{path}") as response:
            assert (response.status, (await response.json())["error_codes"]) == (400, [90002])
    status, body = await twin.grant("northwind", grant_type="password")
    assert (status, body["error_codes"]) == (400, [90002])


async def test_people_sign_in_to_their_own_tenant_by_name_or_address(twin: RunningTwin) -> None:
    form = {"grant_type": "password", "client_id": "charter-cli", "scope": OFFLINE}
    status, answer = await twin.grant("contoso", username="Alice@contoso.example", **form)
    assert (status, told(answer)["oid"]) == (200, "alice")
    assert "refresh_token" in answer
    for tenant, name in (("fabrikam", "alice"), ("contoso", "nobody"), ("contoso", "charter-host")):
        status, body = await twin.grant(tenant, username=name, **form)
        assert (status, body["error_codes"]) == (400, [50034])
    await twin.change("alice", disabled=True)
    status, body = await twin.grant("contoso", username="alice", **form)
    assert (status, body["error_codes"]) == (400, [50057])


@pytest.mark.promise("twins.obo")
async def test_on_behalf_of_keeps_the_person_and_names_the_host(twin: RunningTwin) -> None:
    for scope in ("api://charter/access_as_user", "charter-host/access_as_user"):
        assertion = (await twin.sign_in("alice", scope))["access_token"]
        status, answer = await twin.on_behalf_of(assertion, PROCUREMENT)
        claims = told(answer)
        assert (status, claims["oid"], claims["azp"]) == (200, "alice", "charter-host")
        assert claims["aud"] == "api://procurement"
        assert "refresh_token" not in answer


@pytest.mark.promise("twins.obo")
async def test_an_assertion_that_is_not_the_hosts_or_not_good_is_refused(twin: RunningTwin) -> None:
    _, app_token = await twin.grant(
        "contoso",
        grant_type="client_credentials",
        client_id="erp",
        client_secret=twin.secret("erp"),
        scope="api://charter/.default",
    )
    good = await twin.token("alice")
    cases = {
        500131: (await twin.sign_in("alice", PROCUREMENT))["access_token"],
        50013: f"{good[:-40]}{'A' * 40}",
        500133: await twin.forge(exp=1),
        7000114: app_token["access_token"],
    }
    for number, assertion in cases.items():
        status, body = await twin.on_behalf_of(assertion, PROCUREMENT)
        assert (status, body["error"], body["error_codes"]) == (400, "invalid_grant", [number])
    status, body = await twin.on_behalf_of(good, PROCUREMENT, tenant="fabrikam")
    assert (status, body["error_codes"]) == (400, [50013])
    status, body = await twin.on_behalf_of("garbage", PROCUREMENT)
    assert (status, body["error_codes"]) == (400, [50013])


@pytest.mark.promise("twins.refresh")
async def test_a_refresh_token_rotates_and_its_reuse_ends_the_family(twin: RunningTwin) -> None:
    first = await lasting(twin)
    _, answer = await twin.refresh(first)
    second = answer["refresh_token"]
    assert told(answer)["aud"] == "api://x"
    _, answer = await twin.refresh(second)
    third = answer["refresh_token"]
    status, body = await twin.refresh(first)
    assert (status, body["error"], body["error_codes"]) == (400, "invalid_grant", [50173])
    for token in (second, third):
        assert (await twin.refresh(token))[0] == 400


@pytest.mark.promise("twins.refresh")
async def test_a_lost_answer_does_not_lose_the_family(twin: RunningTwin) -> None:
    first = await lasting(twin)
    lost, again = (await twin.refresh(first))[1], (await twin.refresh(first))[1]
    assert lost["refresh_token"] != again["refresh_token"]
    assert (await twin.refresh(again["refresh_token"]))[0] == 200
    assert (await twin.refresh(first))[0] == 400


@pytest.mark.promise("twins.refresh")
async def test_a_refresh_token_is_its_clients_its_tenants_and_lives_its_time(twin: RunningTwin) -> None:
    token = await lasting(twin)
    own = {"grant_type": "refresh_token", "refresh_token": token, "scope": PROCUREMENT}
    status, body = await twin.grant("contoso", client_id="charter-cli", **own)
    assert (status, body["error_codes"]) == (400, [70000])
    status, body = await twin.as_host("fabrikam", **own)
    assert (status, body["error_codes"]) == (400, [70000])
    await twin.lever("PATCH", "lifetimes", {"refresh": -1})
    status, answer = await twin.refresh(token)
    assert status == 200
    status, body = await twin.refresh(answer["refresh_token"])
    assert (status, body["error_codes"]) == (400, [700082])


async def test_a_refresh_without_offline_access_spends_nothing(twin: RunningTwin) -> None:
    token = await lasting(twin)
    for _ in range(2):
        status, answer = await twin.refresh(token, PROCUREMENT)
        assert status == 200
        assert "refresh_token" not in answer


async def test_what_was_changed_about_a_person_shows_in_the_next_token(twin: RunningTwin) -> None:
    token = await lasting(twin)
    await twin.change("alice", roles=["employee", "buyer"])
    await twin.lever("PATCH", "lifetimes", {"access": 60})
    _, answer = await twin.refresh(token)
    claims = told(answer)
    assert (claims["roles"], answer["expires_in"]) == (["employee", "buyer"], 59)
    assert claims["exp"] - claims["iat"] == 360


@pytest.mark.promise("twins.graph")
async def test_graph_answers_its_own_tokens_within_the_tenant(twin: RunningTwin) -> None:
    alice = (await twin.sign_in("alice", GRAPH))["access_token"]
    status, body = await graph(twin, alice, "users/alice/manager?$select=id,displayName")
    assert (status, body) == (200, {"id": "bob", "displayName": "Bob"})
    assert (await graph(twin, alice, "me"))[1]["userPrincipalName"] == "alice@contoso.example"
    for path in ("users/bob/manager", "users/frank", "users/frank/manager", "users/erp"):
        status, body = await graph(twin, alice, path)
        assert (status, body["error"]["code"]) == (404, "Request_ResourceNotFound")


@pytest.mark.promise("twins.graph")
async def test_graph_refuses_other_tokens_and_missing_permissions(twin: RunningTwin) -> None:
    narrow = (await twin.sign_in("alice", "User.Read"))["access_token"]
    status, body = await graph(twin, narrow, "users/alice/manager")
    assert (status, body["error"]["code"]) == (403, "Authorization_RequestDenied")
    whole = (await twin.sign_in("alice", GRAPH))["access_token"]
    assert (await graph(twin, whole, "servicePrincipals/erp"))[0] == 403
    _, answer = await twin.as_host(grant_type="client_credentials", scope=GRAPH)
    assert (await graph(twin, answer["access_token"], "servicePrincipals/erp"))[1]["accountEnabled"] is True
    for wrong in (await twin.token("alice"), "garbage", f"{whole[:-20]}{'A' * 20}"):
        status, body = await graph(twin, wrong, "me")
        assert (status, body["error"]["code"]) == (401, "InvalidAuthenticationToken")
    await twin.change("alice", disabled=True)
    assert (await graph(twin, whole, "me"))[0] == 401


@pytest.mark.promise("twins.graph")
async def test_graph_tells_a_workloads_app_roles_of_this_host(twin: RunningTwin) -> None:
    _, answer = await twin.as_host(grant_type="client_credentials", scope=GRAPH)
    token = answer["access_token"]
    _, host = await graph(twin, token, "servicePrincipals(appId='charter-host')?$select=id,appRoles")
    names = {role["id"]: role["value"] for role in host["appRoles"] if role["isEnabled"]}
    for place in ("servicePrincipals/erp", "servicePrincipals(appId='erp')"):
        _, told = await graph(twin, token, place)
        assert (told["id"], told["appId"], told["accountEnabled"]) == ("erp", "erp", True)
        path = f"{place}/appRoleAssignments?$filter=resourceId eq {host['id']}"
        [entry] = (await graph(twin, token, path))[1]["value"]
        assert (names[entry["appRoleId"]], entry["resourceId"]) == ("workload", host["id"])
        assert (entry["principalId"], entry["principalType"]) == ("erp", "ServicePrincipal")
    assert len((await graph(twin, token, "servicePrincipals/charter-host/appRoleAssignments"))[1]["value"]) == 4
    assert (await graph(twin, token, "servicePrincipals/erp/appRoleAssignments?$filter=id ne x"))[0] == 400
    for place in ("servicePrincipals(appId='crm')", "servicePrincipals(appId='alice')", "servicePrincipals/nobody"):
        assert (await graph(twin, token, place))[0] == 404
    narrow = (await twin.sign_in("alice", GRAPH))["access_token"]
    assert (await graph(twin, narrow, "servicePrincipals/erp/appRoleAssignments"))[0] == 403


@pytest.mark.promise("twins.restart")
async def test_tokens_and_sessions_survive_a_restart(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    async with running_twin(tmp_path, http) as before:
        refresh, assertion, secret = await lasting(before), await before.token("alice"), before.secret()
        port = int(before.url.rsplit(":", 1)[1])
    async with running_twin(tmp_path, http, port) as after:
        assert after.secret() == secret
        assert (await after.refresh(refresh))[0] == 200
        assert (await after.on_behalf_of(assertion, PROCUREMENT))[0] == 200
    private = [path for path in tmp_path.rglob("*") if path.suffix == ".pem" or path.parent.name == "secrets"]
    assert len(private) == 6
    assert {oct(path.stat().st_mode & 0o777) for path in private} == {"0o600"}


async def test_the_twin_answers_as_localhost_only(twin: RunningTwin) -> None:
    async with twin.http.get(f"{twin.url}/_twin/people", headers={"Host": "evil.example"}) as response:
        assert response.status == 421


async def test_the_levers_refuse_what_they_do_not_have(twin: RunningTwin) -> None:
    wrong: list[tuple[str, str, Any, int]] = [
        ("PATCH", "people/alice", {"name": "Eve"}, 422),
        ("PATCH", "people/alice", {"disabled": "yes"}, 422),
        ("PATCH", "people/nobody", {"disabled": True}, 404),
        ("PATCH", "lifetimes", {"access": "long"}, 422),
        ("PUT", "faults", {"keys": "explode"}, 422),
        ("PATCH", "lifetimes", ["access"], 400),
    ]
    for method, path, body, status in wrong:
        async with twin.http.request(method, f"{twin.url}/_twin/{path}", json=body) as response:
            assert response.status == status


async def test_everybody_who_may_sign_in_is_listed(twin: RunningTwin) -> None:
    listed = {person["name"]: person for person in (await twin.lever("GET", "people"))["people"]}
    assert listed.keys() == {"alice", "bob", "carol", "dora", "erp", "frank", "mona", "crm"}
    for name, person in listed.items():
        assert told(await twin.sign_in(name))["tid"] == person["tenant"]
