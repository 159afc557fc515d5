"""A running Entra twin, as tests use it: sign in, forge tokens with its own key, pull its levers."""

import shutil
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from charter.twins import entra
from charter.twins.listening import serve, take

TENANT_OF = {"frank": "fabrikam", "mona": "fabrikam", "crm": "fabrikam"}
HOST_SCOPE = "api://charter/access_as_user"


@dataclass(slots=True)
class RunningTwin:
    url: str
    folder: Path
    http: aiohttp.ClientSession

    def secret(self, client: str = "charter-host") -> str:
        return (self.folder / "secrets" / client).read_text("utf-8")

    async def grant(self, tenant: str, **form: str) -> tuple[int, dict[str, Any]]:
        """Send a grant as it is."""
        async with self.http.post(f"{self.url}/{tenant}/oauth2/v2.0/token", data=form) as response:
            return response.status, await response.json()

    async def as_host(self, tenant: str = "contoso", **form: str) -> tuple[int, dict[str, Any]]:
        """Send a grant with the host's credentials."""
        return await self.grant(tenant, client_id="charter-host", client_secret=self.secret(), **form)

    async def sign_in(self, name: str, scope: str = HOST_SCOPE) -> dict[str, Any]:
        """Return the whole answer to a person's sign-in with the public client."""
        status, answer = await self.grant(
            TENANT_OF.get(name, "contoso"), grant_type="password", client_id="charter-cli", username=name, scope=scope
        )
        assert status == 200, answer
        return answer

    async def token(self, name: str) -> str:
        return str((await self.sign_in(name))["access_token"])

    async def on_behalf_of(self, assertion: str, scope: str, tenant: str = "contoso") -> tuple[int, dict[str, Any]]:
        return await self.as_host(
            tenant,
            grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
            requested_token_use="on_behalf_of",
            assertion=assertion,
            scope=scope,
        )

    async def refresh(self, token: str, scope: str = "api://x/.default offline_access") -> tuple[int, dict[str, Any]]:
        return await self.as_host(grant_type="refresh_token", refresh_token=token, scope=scope)

    async def lever(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, f"{self.url}/_twin/{path}", json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json() if response.status != 204 else None

    async def change(self, name: str, **fields: Any) -> None:
        await self.lever("PATCH", f"people/{name}", fields)

    async def faults(self, **faults: str) -> None:
        await self.lever("PUT", "faults", faults)

    async def requests(self, kind: str) -> list[dict[str, Any]]:
        return (await self.lever("GET", f"requests?kind={kind}"))["items"]

    def redeemed_twice(self) -> int:
        """How many refresh tokens were redeemed more than once: a stricter provider would end their grant."""
        with closing(sqlite3.connect(self.folder / "refresh_tokens.sqlite")) as tokens:
            query = "select 1 from refresh_tokens where parent is not null group by parent having count(*) > 1"
            return len(tokens.execute(query).fetchall())

    def signing_key(self, issuer: str = ".") -> Any:
        """Return the twin's own key, or that of the cluster beside it."""
        newest = max((self.folder / issuer / "keys").glob("*.pem"))
        return serialization.load_pem_private_key(newest.read_bytes(), None)

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Return the claims of a good token of alice, changed; ``None`` takes a claim away."""
        now = int(time.time())
        good = {
            "iss": f"{self.url}/contoso/v2.0",
            "aud": "api://charter",
            "tid": "contoso",
            "oid": "alice",
            "sub": "pairwise",
            "scp": "access_as_user",
            "roles": ["employee"],
            "ver": "2.0",
            "iat": now,
            "nbf": now,
            "exp": now + 600,
        }
        return {name: value for name, value in (good | changed).items() if value is not None}

    async def forge(self, headers: dict[str, Any] | None = None, **changed: Any) -> str:
        """Sign claims with the twin's own key: only what the test changed is wrong."""
        kid = jwt.get_unverified_header(await self.token("alice"))["kid"]
        return jwt.encode(self.claims(**changed), self.signing_key(), "RS256", headers={"kid": kid, **(headers or {})})


@asynccontextmanager
async def running_twin(folder: Path, http: aiohttp.ClientSession, port: int = 0) -> AsyncIterator[RunningTwin]:
    place = take(port, "Entra twin")
    runner = await serve(entra.app(folder, base_url=place.url), place)
    try:
        yield RunningTwin(place.url, folder, http)
    finally:
        await runner.cleanup()
        place.close()


@pytest.fixture(scope="session")
def signing_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with keys made once: making one takes longer than most tests."""
    folder = tmp_path_factory.mktemp("entra")
    entra.app(folder, base_url="http://localhost:1")
    return folder


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


@pytest.fixture
async def twin(tmp_path: Path, signing_keys: Path, http: aiohttp.ClientSession) -> AsyncIterator[RunningTwin]:
    """A twin of its own for each test, on a free port."""
    for keys in ("keys", "cluster/keys"):
        shutil.copytree(signing_keys / keys, tmp_path / "entra" / keys)
    async with running_twin(tmp_path / "entra", http) as running:
        yield running
