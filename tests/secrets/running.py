"""A running Key Vault twin, as tests use it: reached by Azure's own client, or by plain requests with any token."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from azure.keyvault.secrets.aio import SecretClient
from pydantic import SecretStr

from charter.identity.azure import AsApplication
from charter.identity.credential import credentials, written
from charter.identity.token_endpoint import TokenEndpoint
from charter.settings import Identity
from charter.twins import certificates, key_vault
from charter.twins.key_vault import OFFICER, USER
from charter.twins.listening import serve, take
from tests.twins.running import RunningTwin

SCOPE = "https://vault.azure.net/.default"
VERSION = "api-version=2026-04-01"


@dataclass(slots=True)
class RunningVault:
    url: str
    ca_file: Path
    entra: RunningTwin
    folder: Path
    tls: ssl.SSLContext = field(init=False)

    def __post_init__(self) -> None:
        self.tls = ssl.create_default_context(cafile=self.ca_file)

    def identity(self) -> Identity:
        """Return the identity settings of a host at this twin."""
        return Identity(
            authority=self.entra.url,
            graph=f"{self.entra.url}/graph",
            client_secret=SecretStr(self.entra.secret()),
            tenants={"contoso": "contoso", "fabrikam": "fabrikam"},
        )

    def credential(self) -> Any:
        identity = self.identity()
        own = credentials(identity, written)(identity.client_secret)
        return AsApplication(TokenEndpoint(self.entra.http), identity, own)

    def client(self, **options: Any) -> SecretClient:
        """Return Azure's own client as the host."""
        trusting = {"connection_verify": str(self.ca_file), "verify_challenge_resource": False, "retry_total": 0}
        return SecretClient(self.url, self.credential(), **{**trusting, **options})

    async def token(self, tenant: str = "contoso", **form: str) -> str:
        """Return a token of the host for the vault, or what the form asks for."""
        asked = {"grant_type": "client_credentials", "scope": SCOPE, **form}
        status, answer = await (
            self.entra.grant(tenant, **asked) if "client_id" in asked else self.entra.as_host(tenant, **asked)
        )
        assert status == 200, answer
        return str(answer["access_token"])

    async def ask(self, method: str, path: str, body: Any = None, *, token: str = "", **headers: str) -> Any:
        """Send one request as it is; return status, headers and body."""
        sent = {**headers, **({"Authorization": f"Bearer {token}"} if token else {})}
        async with self.entra.http.request(method, self.url + path, json=body, headers=sent, ssl=self.tls) as response:
            raw = await response.read()
            return response.status, response.headers, (await response.json() if raw else None)

    async def lever(self, method: str, path: str, body: Any = None) -> Any:
        status, _, answer = await self.ask(method, f"/_twin/{path}", body)
        assert status == 200, answer
        return answer

    async def befall(self, fault: str = "") -> None:
        await self.lever("PUT", "faults", {"secrets": fault} if fault else {})

    async def officer(self) -> None:
        """Let the host write too, as whoever sets secrets may."""
        await self.lever("PUT", "roles", {"charter-host": OFFICER})

    async def user(self) -> None:
        await self.lever("PUT", "roles", {"charter-host": USER})

    async def set(self, name: str, value: str) -> str:
        """Set a secret as the engineer at the laptop; return its version."""
        status, _, answer = await self.ask("PUT", f"/_twin/secrets/{name}", {"value": value}, token=await self.token())
        assert status == 200, answer
        return str(answer["version"])

    async def reads(self) -> int:
        """How often a value was asked for with a token."""
        items = (await self.lever("GET", "requests"))["items"]
        return sum(1 for entry in items if entry["method"] == "GET" and entry["status"] != 401)


@asynccontextmanager
async def running_vault(entra: RunningTwin, folder: Path, port: int = 0) -> AsyncIterator[RunningVault]:
    """Serve the twin over TLS."""
    kept = certificates.kept(folder / "tls")
    place = take(port, "vault", secure=True)
    application = key_vault.app(folder / "vault", issuer=entra.url)
    runner = await serve(application, place, tls=kept.context())
    try:
        yield RunningVault(place.url, kept.ca_file, entra, folder / "vault")
    finally:
        await runner.cleanup()
        place.close()
