"""What a machine of Azure gives to the programs on it, and to nobody else, over the wire."""

from typing import Any

import jwt
import pytest

from tests.twins.running import RunningTwin

VAULT = "https://vault.azure.net"
APP_SERVICE = {"api-version": "2019-08-01", "resource": VAULT}
IMDS = {"api-version": "2018-02-01", "resource": VAULT}


async def app_service(twin: RunningTwin, header: str | None, **changed: str) -> tuple[int, dict[str, Any]]:
    headers = {} if header is None else {"X-IDENTITY-HEADER": header}
    return await _asked(twin, "/msi/token", APP_SERVICE | changed, headers)


async def imds(twin: RunningTwin, headers: dict[str, str], **changed: str) -> tuple[int, dict[str, Any]]:
    return await _asked(twin, "/metadata/identity/oauth2/token", IMDS | changed, headers)


async def _asked(
    twin: RunningTwin, path: str, query: dict[str, str], headers: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    query = {name: value for name, value in query.items() if value}
    async with twin.http.get(twin.url + path, params=query, headers=headers) as response:
        return response.status, await response.json()


def told(answer: dict[str, Any]) -> dict[str, Any]:
    return jwt.decode(answer["access_token"], options={"verify_signature": False})


@pytest.mark.promise("twins.identities")
async def test_a_container_app_gets_its_identitys_token(twin: RunningTwin) -> None:
    status, answer = await app_service(twin, twin.secret("identity-header"))
    claims = told(answer)
    assert (status, answer["resource"], answer["token_type"]) == (200, VAULT, "Bearer")
    assert answer.keys() == {"access_token", "expires_on", "resource", "token_type", "client_id"}
    assert int(answer["expires_on"]) == claims["exp"]
    assert (claims["aud"], claims["tid"], claims["iss"]) == (VAULT, "contoso", f"{twin.url}/contoso/v2.0")
    assert {claims[name] for name in ("oid", "sub", "azp")} == {"charter-host-identity"}
    assert (claims["idtyp"], claims["azpacr"]) == ("app", "2")
    assert claims["xms_mirid"].endswith("/userAssignedIdentities/charter-host-identity")
    _, answer = await app_service(twin, twin.secret("identity-header"), resource="api://charter")
    assert told(answer)["roles"] == ["workload"]


@pytest.mark.promise("twins.identities")
async def test_who_is_not_on_the_machine_gets_nothing(twin: RunningTwin) -> None:
    for header in (None, "", "guessed", f"{twin.secret('identity-header')}x"):
        status, answer = await app_service(twin, header)
        assert (status, answer.keys()) == (401, {"statusCode", "message"})
    for headers in ({}, {"Metadata": "false"}, {"Metadata": "true", "X-Forwarded-For": "192.0.2.1"}):
        status, answer = await imds(twin, headers)
        assert (status, answer["error"]) == (400, "invalid_request")
        assert answer["error_description"] == "Required metadata header not specified"
    assert [entry["refused"] for entry in await twin.requests("managed")] == [401] * 4 + [400] * 3


@pytest.mark.promise("twins.identities")
@pytest.mark.parametrize("name", ["client_id", "object_id", "mi_res_id"])
async def test_an_assigned_identity_is_chosen_by_each_of_its_names(name: str, twin: RunningTwin) -> None:
    header = twin.secret("identity-header")
    chosen = "buyer-agent-identity"
    if name == "mi_res_id":
        chosen = told((await imds(twin, {"Metadata": "true"}, client_id=chosen))[1])["xms_mirid"]
    for _, answer in (
        await app_service(twin, header, **{name: chosen}),
        await imds(twin, {"Metadata": "true"}, **{name: chosen}),
    ):
        assert (told(answer)["oid"], answer["client_id"]) == ("buyer-agent-identity", "buyer-agent-identity")


@pytest.mark.promise("twins.identities")
async def test_what_is_no_identity_of_the_machine_is_not_found(twin: RunningTwin) -> None:
    header = twin.secret("identity-header")
    for other in ("erp", "alice", "charter-host", "nobody"):
        status, answer = await app_service(twin, header, client_id=other)
        assert (status, answer["statusCode"]) == (400, 400)
        assert answer["message"].startswith("No User Assigned or Delegated Managed Identity found")
        status, answer = await imds(twin, {"Metadata": "true"}, client_id=other)
        assert (status, answer["error_description"]) == (400, "Identity not found")
    await twin.change("charter-host-identity", disabled=True)
    assert (await app_service(twin, header))[0] == 400


async def test_a_request_without_its_parts_is_refused(twin: RunningTwin) -> None:
    header = twin.secret("identity-header")
    assert (await app_service(twin, header, **{"api-version": "2017-09-01"}))[0] == 400
    assert (await app_service(twin, header, resource=""))[0] == 400
    assert (await imds(twin, {"Metadata": "true"}, **{"api-version": ""}))[0] == 400
    status, answer = await imds(twin, {"Metadata": "true"}, resource="https://unknown.example")
    assert (status, answer["error"]) == (400, "invalid_resource")
    assert "AADSTS500011" in answer["error_description"]


@pytest.mark.promise("twins.identities")
async def test_nobody_signs_in_as_a_managed_identity_by_name_or_secret(twin: RunningTwin) -> None:
    status, body = await twin.grant(
        "contoso",
        grant_type="password",
        client_id="charter-cli",
        username="charter-host-identity",
        scope="api://charter/access_as_user",
    )
    assert (status, body["error_codes"]) == (400, [50034])
    status, body = await twin.grant(
        "contoso",
        grant_type="client_credentials",
        client_id="charter-host-identity",
        client_secret="guessed",
        scope="api://charter/.default",
    )
    assert (status, body["error_codes"]) == (400, [700016])


async def test_the_machine_fails_on_demand(twin: RunningTwin) -> None:
    await twin.faults(managed="fail")
    assert (await app_service(twin, twin.secret("identity-header")))[0] == 503
    await twin.faults()
    assert (await app_service(twin, twin.secret("identity-header")))[0] == 200
