"""Tenants that come while the Entra twin runs."""

from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest

from tests.twins.running import HOST_SCOPE, RunningTwin, running_twin

ADATUM: dict[str, Any] = {
    "name": "adatum",
    "people": {
        "wendy": {"name": "Wendy", "title": "employee", "roles": ["employee"], "manager": "xavier"},
        "xavier": {"name": "Xavier", "title": "manager", "roles": ["employee", "manager"]},
    },
    "workloads": {"till": {"name": "Adatum tills", "title": "workload", "roles": ["workload"]}},
}


async def signed_in(twin: RunningTwin, tenant: str, name: str) -> tuple[int, dict[str, Any]]:
    return await twin.grant(tenant, grant_type="password", client_id="charter-cli", username=name, scope=HOST_SCOPE)


@pytest.mark.promise("twins.tenants")
async def test_a_new_tenants_people_and_workloads_come_in_at_once(twin: RunningTwin) -> None:
    assert (await signed_in(twin, "adatum", "wendy"))[1]["error_codes"] == [90002]
    made = await twin.lever("POST", "tenants", ADATUM)
    assert made == {"name": "adatum", "people": ["wendy", "xavier", "till"]}
    status, answer = await signed_in(twin, "adatum", "wendy")
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (status, claims["tid"], claims["iss"]) == (200, "adatum", f"{twin.url}/adatum/v2.0")
    assert (await twin.on_behalf_of(answer["access_token"], "api://x/.default", tenant="adatum"))[0] == 200
    assert (await signed_in(twin, "contoso", "wendy"))[1]["error_codes"] == [50034]
    form = {"grant_type": "client_credentials", "client_id": "till", "scope": "api://charter/.default"}
    assert (await twin.grant("adatum", client_secret=twin.secret("till"), **form))[0] == 200
    assert (await twin.grant("contoso", client_secret=twin.secret("till"), **form))[0] == 400
    async with twin.http.get(f"{twin.url}/adatum/v2.0/.well-known/openid-configuration") as response:
        assert response.status == 200


@pytest.mark.promise("twins.tenants")
async def test_a_new_tenant_is_there_after_a_restart(tmp_path: Path, http: aiohttp.ClientSession) -> None:
    async with running_twin(tmp_path, http) as before:
        await before.lever("POST", "tenants", ADATUM)
        secret = before.secret("till")
    async with running_twin(tmp_path, http) as after:
        listed = {person["name"]: person for person in (await after.lever("GET", "people"))["people"]}
        assert (listed["wendy"]["tenant"], listed["wendy"]["manager"]) == ("adatum", "xavier")
        assert (await signed_in(after, "adatum", "wendy"))[0] == 200
        assert after.secret("till") == secret


@pytest.mark.promise("twins.tenants")
async def test_what_is_taken_or_not_whole_makes_no_tenant(twin: RunningTwin) -> None:
    await twin.lever("POST", "tenants", ADATUM)
    person = {"name": "One", "title": "employee"}
    wrong: list[tuple[dict[str, Any], int]] = [
        (ADATUM, 409),
        ({"name": "contoso", "people": {"one": person}}, 409),
        ({"name": "third", "people": {"alice": person}}, 409),
        ({"name": "third", "people": {"charter-host-identity": person}}, 409),
        ({"name": "third", "people": {"one": person}, "workloads": {"one": person}}, 409),
        ({"name": "../third"}, 422),
        ({"name": "cluster"}, 422),
        ({"name": "third", "people": {"../one": person}}, 422),
        ({"name": "third", "people": {"one": {**person, "manager": "alice"}}}, 422),
        ({"name": "third", "identities": {"one": person}}, 422),
    ]
    for body, status in wrong:
        async with twin.http.post(f"{twin.url}/_twin/tenants", json=body) as response:
            assert response.status == status, body
            assert (await response.json())["error"]
    assert (await signed_in(twin, "third", "one"))[1]["error_codes"] == [90002]
