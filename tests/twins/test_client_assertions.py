"""Applications that prove themselves by another issuer's word, over the wire."""

import time
from typing import Any

import jwt
import pytest

from tests.twins.running import RunningTwin

BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "api://AzureADTokenExchange"
SUBJECT = "system:serviceaccount:charter:charter-host"


async def asserted(
    twin: RunningTwin, assertion: str, tenant: str = "contoso", **form: str
) -> tuple[int, dict[str, Any]]:
    good = {
        "grant_type": "client_credentials",
        "client_id": "charter-host",
        "client_assertion_type": BEARER,
        "client_assertion": assertion,
        "scope": "https://vault.azure.net/.default",
    }
    return await twin.grant(tenant, **(good | form))


async def refused(twin: RunningTwin, assertion: str, **form: str) -> tuple[int, str, int]:
    status, body = await asserted(twin, assertion, **form)
    return status, body["error"], body["error_codes"][0]


def file(twin: RunningTwin) -> str:
    return (twin.folder / "workload-identity" / "token").read_text("ascii")


def forged(twin: RunningTwin, issuer: str = "cluster", **changed: Any) -> str:
    """Sign an assertion of the cluster with its own key (or another's): only what the test changed is wrong."""
    now = int(time.time())
    good = {"iss": f"{twin.url}/cluster", "sub": SUBJECT, "aud": [EXCHANGE], "iat": now, "nbf": now, "exp": now + 60}
    claims = {name: value for name, value in (good | changed).items() if value is not None}
    kid = jwt.get_unverified_header(file(twin))["kid"]
    return jwt.encode(claims, twin.signing_key(issuer), "RS256", headers={"kid": kid})


@pytest.mark.promise("twins.assertions")
async def test_the_clusters_file_proves_the_host_in_every_tenant(twin: RunningTwin) -> None:
    for tenant in ("contoso", "fabrikam"):
        status, answer = await asserted(twin, file(twin), tenant)
        claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
        assert (status, claims["azp"], claims["azpacr"], claims["tid"]) == (200, "charter-host", "2", tenant)
    assert (await asserted(twin, forged(twin)))[0] == 200


@pytest.mark.promise("twins.assertions")
async def test_the_machines_identity_proves_the_host(twin: RunningTwin) -> None:
    query = {"api-version": "2018-02-01", "resource": EXCHANGE}
    url = f"{twin.url}/metadata/identity/oauth2/token"
    for identity, expected in (("charter-host-identity", 200), ("buyer-agent-identity", 401)):
        asked = {**query, "client_id": identity}
        async with twin.http.get(url, params=asked, headers={"Metadata": "true"}) as response:
            answer = await response.json()
        status, body = await asserted(twin, answer["access_token"])
        assert status == expected
    assert body["error_codes"] == [700213]


@pytest.mark.promise("twins.assertions")
async def test_an_assertion_that_is_not_trusted_or_not_good_is_refused(twin: RunningTwin) -> None:
    now = int(time.time())
    invalid = {
        700211: forged(twin, iss="https://oidc.unknown.example"),
        700213: forged(twin, sub="system:serviceaccount:other:charter-host"),
        700212: forged(twin, aud="api://charter"),
        700024: forged(twin, exp=now - 1),
        700027: forged(twin, "."),
    }
    for number, assertion in invalid.items():
        assert await refused(twin, assertion) == (401, "invalid_client", number)
    assert await refused(twin, forged(twin, nbf=now + 600)) == (401, "invalid_client", 700024)
    assert await refused(twin, forged(twin, exp=None)) == (401, "invalid_client", 700027)
    plain = jwt.encode({"iss": f"{twin.url}/cluster", "sub": SUBJECT, "aud": EXCHANGE, "exp": now + 60}, "", "none")
    assert await refused(twin, plain) == (401, "invalid_client", 700027)
    assert await refused(twin, "guessed") == (400, "invalid_request", 50027)
    person = (await twin.sign_in("alice", f"{EXCHANGE}/.default"))["access_token"]
    assert await refused(twin, person) == (401, "invalid_client", 700213)


@pytest.mark.promise("twins.assertions")
async def test_an_assertion_proves_its_own_application_alone(twin: RunningTwin) -> None:
    assert await refused(twin, file(twin), client_id="erp") == (401, "invalid_client", 700211)
    assert await refused(twin, file(twin), client_id="charter-cli") == (401, "invalid_client", 700025)
    assert await refused(twin, file(twin), client_id="unknown") == (400, "unauthorized_client", 700016)
    assert await refused(twin, file(twin), client_assertion_type="other") == (400, "invalid_request", 900144)
    assert await refused(twin, file(twin), client_secret="wrong") == (401, "invalid_client", 7000215)
    assert (await asserted(twin, "", client_secret=twin.secret()))[0] == 200


@pytest.mark.promise("twins.assertions")
async def test_the_cluster_publishes_the_key_of_its_file(twin: RunningTwin) -> None:
    async with twin.http.get(f"{twin.url}/cluster/.well-known/openid-configuration") as response:
        metadata = await response.json()
    async with twin.http.get(metadata["jwks_uri"]) as response:
        keys = jwt.PyJWKSet.from_dict(await response.json())
    kid = jwt.get_unverified_header(file(twin))["kid"]
    claims = jwt.decode(file(twin), keys[kid], ["RS256"], audience=EXCHANGE, issuer=metadata["issuer"])
    assert claims["sub"] == SUBJECT
    assert claims["kubernetes.io"]["serviceaccount"]["name"] == "charter-host"
    assert oct((twin.folder / "workload-identity" / "token").stat().st_mode & 0o777) == "0o600"
    async with twin.http.get(f"{twin.url}/contoso/discovery/v2.0/keys") as response:
        assert kid not in {key["kid"] for key in (await response.json())["keys"]}


async def test_the_lever_writes_a_new_file_and_refuses_what_it_does_not_have(twin: RunningTwin) -> None:
    before = file(twin)
    made = await twin.lever("POST", "workload-token", {"subject": "system:serviceaccount:other:one"})
    assert (made["token"], made["path"]) == (file(twin), str(twin.folder / "workload-identity" / "token"))
    assert file(twin) != before
    async with twin.http.post(f"{twin.url}/_twin/workload-token", json={"issuer": "https://x"}) as response:
        assert response.status == 422


@pytest.mark.promise("twins.entra")
async def test_the_metadata_names_what_is_there(twin: RunningTwin) -> None:
    async with twin.http.get(f"{twin.url}/contoso/v2.0/.well-known/openid-configuration") as response:
        metadata = await response.json()
    assert {"client_secret_post", "private_key_jwt"} <= set(metadata["token_endpoint_auth_methods_supported"])
    assert metadata["token_endpoint"] == f"{twin.url}/contoso/oauth2/v2.0/token"
