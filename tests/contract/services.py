"""Where the services of a contract are, and whom one asks as: the twins, or Azure as the environment names it."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest

from charter import settings
from charter.local.twins import Twins

SECONDS = 60
_TAKEN_AWAY = ("AZURE_", "IDENTITY_", "MSI_", "IMDS_", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")

PLACES: Mapping[str, tuple[str, ...]] = {
    "anywhere": (),
    "container app": ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"),
    "virtual machine": ("AZURE_POD_IDENTITY_AUTHORITY_HOST",),
    "cluster": ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"),
}
"""Where a program may run, and the variables that it finds there."""


@dataclass(frozen=True, slots=True)
class Entra:
    """An Entra ID. ``variables`` holds what any place needs, ``options`` what every client of it is told.

    ``system`` and ``user`` are the client ids of a machine's own managed identity and of one assigned to it.
    """

    tenant: str
    client_id: str
    client_secret: str = field(repr=False)
    variables: Mapping[str, str] = field(repr=False)
    options: Mapping[str, Any]
    system: str
    user: str
    vault: str = "https://vault.azure.net"

    async def ask(self, place: str, *jobs: Mapping[str, Any], **changed: str) -> list[list[dict[str, Any]]]:
        """Do the jobs in a process of that place, with each kind of client; ``changed`` are other variables."""
        inherited = {
            name: value
            for name, value in settings.process_environment().items()
            if not name.upper().startswith(_TAKEN_AWAY)
        }
        shared = {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "AZURE_AUTHORITY_HOST", "NO_PROXY"}
        found = {name: self._variable(place, name) for name in PLACES[place]}
        found |= {name: self.variables[name] for name in shared & self.variables.keys()}
        return await _ran({**inherited, **found, **changed}, jobs)

    def job(self, credential: str, scope: str | None = None, **options: Any) -> dict[str, Any]:
        scope = scope or f"{self.vault}/.default"
        return {"credential": credential, "scope": scope, "options": {**self.options, **options}}

    def client(self, credential: str, scope: str | None = None, **options: Any) -> dict[str, Any]:
        """Return the job of a credential that is told who it is."""
        return self.job(credential, scope, tenant_id=self.tenant, client_id=self.client_id, **options)

    def _variable(self, place: str, name: str) -> str:
        if name not in self.variables:
            pytest.skip(f"{name} is not set: these tests do not run in a {place} of Azure's.")
        return self.variables[name]


async def _ran(environment: Mapping[str, str], jobs: Sequence[Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.contract.credentials",
        cwd=settings.HOUSE, env=dict(environment), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(json.dumps(jobs).encode()), SECONDS)
    assert process.returncode == 0
    return json.loads(output)


def of_twins(running: Twins, folder: Path) -> Entra:
    secrets = folder / "entra" / "secrets"
    variables = {
        "IDENTITY_ENDPOINT": f"{running.entra}/msi/token",
        "IDENTITY_HEADER": (secrets / "identity-header").read_text("utf-8"),
        "AZURE_POD_IDENTITY_AUTHORITY_HOST": running.entra,
        "AZURE_TENANT_ID": "contoso",
        "AZURE_CLIENT_ID": "charter-host",
        "AZURE_FEDERATED_TOKEN_FILE": str(folder / "entra" / "workload-identity" / "token"),
        "AZURE_AUTHORITY_HOST": running.entra_tls,
        "REQUESTS_CA_BUNDLE": str(running.ca_file),
        "SSL_CERT_FILE": str(running.ca_file),
        "NO_PROXY": "localhost",
    }
    return Entra(
        tenant="contoso",
        client_id="charter-host",
        client_secret=(folder / "secret").read_text("utf-8"),
        variables=variables,
        # Otherwise MSAL asks Microsoft whether it knows this authority.
        options={"disable_instance_discovery": True},
        system="charter-host-identity",
        user="buyer-agent-identity",
    )


def of_azure() -> Entra:
    """Return the real one, or skip with a sentence that says what is missing."""
    if os.environ.get("CHARTER_CONTRACT_AZURE") != "1":
        pytest.skip("The real Entra ID is asked with CHARTER_CONTRACT_AZURE=1 only.")
    needed = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    if missing := [name for name in needed if not os.environ.get(name)]:
        pytest.skip(f"The real Entra ID needs {', '.join(missing)}.")
    return Entra(
        tenant=os.environ["AZURE_TENANT_ID"],
        client_id=os.environ["AZURE_CLIENT_ID"],
        client_secret=os.environ["AZURE_CLIENT_SECRET"],
        variables=dict(os.environ),
        options={},
        system=os.environ.get("CHARTER_CONTRACT_SYSTEM_IDENTITY", ""),
        user=os.environ.get("CHARTER_CONTRACT_USER_IDENTITY", ""),
    )


def claims(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the token says that was answered."""
    assert "token" in answer, answer
    return jwt.decode(answer["token"], options={"verify_signature": False})
