"""The customers' own identity provider beside the Entra twin, as the local profile starts both."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest

from charter import settings
from charter.local import keys, twins, whereabouts
from charter.local.people import People
from charter.local.twins import Twins
from charter.settings import External, Identity, SecretStr, Settings
from charter.twins.caller import verifier
from tests.twins.running import RunningTwin

SECONDS = 60


@pytest.fixture(scope="module")
async def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("customers")


@pytest.fixture(scope="module")
async def running(folder: Path) -> AsyncIterator[Twins]:
    keys.client_secret(folder / "keys")
    child = await twins.start(folder / "twins", port=0, sandboxes={}, secret_file=folder / "keys" / "client_secret.key")
    try:
        yield child
    finally:
        await child.stop()


@pytest.fixture
def told(running: Twins, folder: Path) -> dict[str, Any]:
    """What a host with these twins writes of itself."""
    secret = SecretStr(keys.client_secret(folder / "keys"))
    external = External(authority=running.customers, tid="customers", tenant="contoso", client_secret=secret)
    identity = Identity(authority=running.entra, client_secret=secret, external={"customers": external})
    whereabouts.write(Settings(data_dir=folder, identity=identity), "http://localhost:1", [])
    return json.loads((folder / "host.json").read_bytes())


@pytest.fixture
async def people(told: dict[str, Any], folder: Path, http: aiohttp.ClientSession) -> People:
    people = People(whereabouts.identity(told, SecretStr(keys.client_secret(folder / "keys"))), http)
    await people.read()
    return people


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


@pytest.mark.promise("twins.customers")
async def test_walter_signs_in_where_he_is_known(people: People, running: Twins) -> None:
    walter = next(person for person in people.all if person.name == "walter")
    assert (walter.tenant, walter.tid, walter.roles) == ("contoso", "customers", ("customer",))
    told = claims(await people.sign_in("walter"))
    assert (told["iss"], told["tid"]) == (f"{running.customers}/customers/v2.0", "customers")
    assert (told["oid"], told["scp"], "roles" in told) == ("walter", "access_as_user", False)
    told = claims(await people.sign_in("alice"))
    assert told["iss"] == f"{running.entra}/contoso/v2.0"


@pytest.mark.promise("twins.customers")
async def test_what_the_customers_provider_signs_passes_for_nobody_elses(
    people: People, running: Twins, folder: Path, http: aiohttp.ClientSession
) -> None:
    theirs = RunningTwin(running.customers, folder / "twins" / "customers", http)
    kid = jwt.get_unverified_header(await people.sign_in("walter"))["kid"]
    ours = {"iss": f"{running.entra}/contoso/v2.0", "tid": "contoso", "oid": "carol", "roles": ["operator"]}
    token = jwt.encode(theirs.claims(**ours), theirs.signing_key(), "RS256", headers={"kid": kid})
    verify = verifier(running.entra, "api://charter")
    assert (await verify(await people.sign_in("carol")))["oid"] == "carol"
    for wrong in (token, await people.sign_in("walter")):
        with pytest.raises(PermissionError):
            await verify(wrong)
    home = RunningTwin(running.entra, folder / "twins" / "entra", http)
    secret = keys.client_secret(folder / "keys")
    status, body = await home.grant("contoso", **_exchange(token, secret))
    assert (status, body["error_codes"]) == (400, [50013])


@pytest.mark.promise("twins.customers")
async def test_the_host_acts_for_a_customer_at_their_provider(
    people: People, running: Twins, folder: Path, http: aiohttp.ClientSession
) -> None:
    theirs = RunningTwin(running.customers, folder / "twins" / "customers", http)
    secret = keys.client_secret(folder / "keys")
    status, answer = await theirs.grant("customers", **_exchange(await people.sign_in("walter"), secret))
    assert (status, claims(answer["access_token"])["oid"]) == (200, "walter")
    form = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"], "scope": "api://people/.default"}
    status, answer = await theirs.grant("customers", client_id="charter-host", client_secret=secret, **form)
    assert (status, claims(answer["access_token"])["aud"]) == (200, "api://people")
    for path in ("msi/token", "metadata/identity/oauth2/token", "cluster/openid/v1/jwks"):
        async with http.get(f"{running.customers}/{path}", headers={"Metadata": "true"}) as response:
            assert response.status == 404


def _exchange(assertion: str, secret: str) -> dict[str, str]:
    return {
        "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "requested_token_use": "on_behalf_of",
        "client_id": "charter-host",
        "client_secret": secret,
        "assertion": assertion,
        "scope": "api://people/.default offline_access",
    }


@pytest.mark.promise("twins.customers")
async def test_the_command_line_gives_a_customers_token(told: dict[str, Any], running: Twins, folder: Path) -> None:
    environment = {**settings.process_environment(), "CHARTER_DATA_DIR": str(folder)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "charter.cli", "token", "--as", "walter",
        cwd=settings.HOUSE, env=environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    assert claims(output.decode().strip())["iss"] == f"{told['external']['customers']['authority']}/customers/v2.0"


async def test_a_provider_that_is_out_of_reach_keeps_nobody_from_signing_in(
    running: Twins, folder: Path, http: aiohttp.ClientSession
) -> None:
    secret = SecretStr(keys.client_secret(folder / "keys"))
    gone = External(authority="http://localhost:1", tid="customers", tenant="contoso")
    people = People(Identity(authority=running.entra, client_secret=secret, external={"gone": gone}), http)
    await people.read()
    assert {person.external for person in people.all} == {""}
    assert claims(await people.sign_in("alice"))["oid"] == "alice"
