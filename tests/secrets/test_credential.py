"""How the host proves itself: at the identity provider and to Azure's own clients, in every way that settings offer."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from charter.errors import StartRefused, Unavailable
from charter.identity.credential import ClientSecret, HostCredential, ManagedIdentity, WorkloadIdentity
from charter.identity.issuers import Issuer
from charter.identity.token_endpoint import TokenEndpoint
from charter.secrets.leases import Leases
from charter.secrets.memory import MemoryStore
from charter.secrets.opening import opened, resolved
from charter.secrets.secrets import Secrets
from charter.settings import Database, Identity, Settings, Telemetry
from charter.settings import Secrets as Vault
from tests.secrets.running import RunningVault

API = "api://people/.default"


def silent(_: str) -> None: ...


@pytest.mark.promise("secrets.credential")
async def test_a_rotated_client_secret_is_renewed_once(vault: RunningVault) -> None:
    store = MemoryStore()
    store.set("client-secret", "an older one")
    leases = Leases(store, seconds=600)
    live = Secrets(leases, silent).live("keyvault:client-secret")
    credential = ClientSecret(live)
    with pytest.raises(Unavailable, match="invalid_client"):
        await token(vault, credential)
    store.set("client-secret", vault.entra.secret())
    assert await token(vault, credential)
    assert store.reads == 3  # the first, and one after each refusal


@pytest.mark.promise("secrets.credential")
async def test_a_machines_managed_identity_vouches_for_the_application(
    vault: RunningVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{vault.entra.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", (vault.entra.folder / "secrets" / "identity-header").read_text())
    identity = vault.identity().model_copy(update={"credential": "managed_identity", "client_secret": SecretStr("")})
    async with opened(chosen(vault, identity), vault.entra.http, silent) as found:
        credential = found.credential_of(identity.client_secret)
        assert isinstance(credential, ManagedIdentity)
        assert await token(vault, credential)
        await vault.set("erp-key", "one")
        assert await found.secrets.live("keyvault:erp-key")(False) == "one"
    readers = {entry["caller"] for entry in (await vault.lever("GET", "requests"))["items"] if entry["caller"]}
    assert readers == {"charter-host-identity"}


@pytest.mark.promise("secrets.credential")
async def test_a_client_secret_may_lie_in_the_vault_that_the_machine_opens(
    vault: RunningVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{vault.entra.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", (vault.entra.folder / "secrets" / "identity-header").read_text())
    reference = SecretStr("keyvault:client-secret")
    identity = vault.identity().model_copy(update={"client_secret": reference})
    await vault.set("client-secret", vault.entra.secret())
    async with opened(chosen(vault, identity), vault.entra.http, silent) as found:
        assert await token(vault, found.credential_of(reference))


@pytest.mark.promise("secrets.credential")
async def test_a_workload_identity_is_the_token_that_its_file_holds_now(vault: RunningVault, tmp_path: Path) -> None:
    file = tmp_path / "token"
    identity = vault.identity().model_copy(
        update={"credential": "workload_identity", "client_secret": SecretStr(""), "federated_token_file": file}
    )
    async with opened(chosen(vault, identity), vault.entra.http, silent) as found:
        credential = found.credential_of(identity.client_secret)
        assert isinstance(credential, WorkloadIdentity)
        with pytest.raises(Unavailable, match="token file"):
            await token(vault, credential)
        file.write_text(await projected(vault) + "\n")
        assert await token(vault, credential)
        await vault.set("erp-key", "one")
        assert await found.secrets.live("keyvault:erp-key")(False) == "one"
    nowhere = identity.model_copy(update={"federated_token_file": None})
    with pytest.raises(StartRefused, match="workload identity"):
        async with opened(chosen(vault, nowhere), vault.entra.http, silent):
            pass


@pytest.mark.promise("secrets.reference")
async def test_what_is_read_once_is_read_at_the_start_or_the_host_does_not_start(vault: RunningVault) -> None:
    heard: list[str] = []
    await vault.set("session", "the very session key of this house")
    await vault.set("database", "postgresql://charter:pass-word@db.contoso.example/charter")
    settings = chosen(
        vault,
        vault.identity(),
        session_key=SecretStr("keyvault:session"),
        database=Database(url="keyvault:database"),
        telemetry=Telemetry(azure_monitor=SecretStr("InstrumentationKey=1")),
    )
    async with opened(settings, vault.entra.http, heard.append) as found:
        whole = await resolved(settings, found.secrets)
        assert whole.session_key.get_secret_value() == "the very session key of this house"
        assert whole.database.url == "postgresql://charter:pass-word@db.contoso.example/charter"
        assert whole.telemetry.azure_monitor.get_secret_value() == "InstrumentationKey=1"
        assert "pass-word" in heard
        await resolved(whole, found.secrets)
        assert {"the very session key of this house", "InstrumentationKey=1"} <= set(heard)
        address = "postgresql://charter:gr%C3%BCn%40word@db.contoso.example/charter?sslmode=require&password=other+word"
        await resolved(settings.model_copy(update={"database": Database(url=address)}), found.secrets)
        assert {"gr%C3%BCn%40word", "grün@word", "other+word", "other word"} <= set(heard)
        absent = settings.model_copy(update={"session_key": SecretStr("keyvault:nothing")})
        with pytest.raises(StartRefused, match="CHARTER_SESSION_KEY cannot be resolved: The vault has no secret"):
            await resolved(absent, found.secrets)


@pytest.mark.promise("secrets.reference")
async def test_a_vault_is_spoken_to_over_tls_alone(vault: RunningVault) -> None:
    plain = Settings(identity=vault.identity(), secrets=Vault(vault_url="http://localhost:1"))
    with pytest.raises(StartRefused, match="https://"):
        async with opened(plain, vault.entra.http, silent):
            pass


@pytest.mark.promise("secrets.credential")
async def test_outside_the_local_profile_only_azures_own_address_is_given_a_token(vault: RunningVault) -> None:
    await vault.set("erp-key", "one")
    azure = chosen(vault, vault.identity(), profile="azure")
    async with opened(azure, vault.entra.http, silent) as found:
        with pytest.raises(Unavailable):
            await found.secrets.live("keyvault:erp-key")(False)
    assert await vault.reads() == 0


def chosen(vault: RunningVault, identity: Identity, **more: Any) -> Settings:
    place = Vault(vault_url=vault.url, ca_file=vault.ca_file)
    return Settings(identity=identity, secrets=place, **more)


async def token(vault: RunningVault, credential: HostCredential) -> str:
    """Return a token that the host gets with this credential."""
    issuer = Issuer("contoso", "contoso", vault.entra.url, "charter-host", "api://charter", credential)
    return (await TokenEndpoint(vault.entra.http).as_host(issuer, API)).access_token


async def projected(vault: RunningVault) -> str:
    """Return the token that the cluster would put into the file."""
    return str((await vault.entra.lever("POST", "workload-token"))["token"])
