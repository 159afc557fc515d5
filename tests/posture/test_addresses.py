"""Addresses that the azure profile refuses: of this machine in any spelling, with a secret in them, or led elsewhere."""

from typing import Any

import pytest
from pydantic import SecretStr

from charter.errors import StartRefused
from charter.posture import address, database, declared
from charter.posture.start import allow_resolved
from charter.settings import Settings
from tests.posture.production import TID, settings

GOOD = "postgresql://charter-host@pg.contoso.example/charter?sslmode=require"


def refused(tree: Settings) -> list[str]:
    return [finding.name for finding in declared.settings(tree) if finding.state == "refused"]


@pytest.mark.promise("posture.refuses")
@pytest.mark.parametrize(
    "host",
    [
        "localhost", "LOCALHOST.", "localhost.localdomain", "ip6-localhost", "ip6-loopback", "x.localhost",
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "0.0.0.0", "[::1]", "[::]",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:0.0.0.0]",
    ],
)  # fmt: skip
def test_this_machine_is_known_in_any_spelling(host: str) -> None:
    assert address.local(f"https://{host}:8443/x")
    assert "of this machine" in address.fault(f"https://{host}/")
    assert refused(settings(("database.url", GOOD.replace("pg.contoso.example", host)))) == ["CHARTER_DATABASE_URL"]


@pytest.mark.parametrize("host", ["pg.contoso.example", "10.0.0.4", "[fd00::4]", "0x7f.contoso.example", "127.contoso"])
def test_other_machines_are_not_taken_for_this_one(host: str) -> None:
    assert address.fault(f"https://{host}:8443/x") == ""


@pytest.mark.promise("posture.refuses")
@pytest.mark.parametrize("url", ["https://[::1", "https://contoso.example:port", "https://me:hunter2@contoso.example"])
def test_what_is_no_address_or_holds_a_password_is_refused(url: str) -> None:
    assert address.fault(url)
    assert "hunter2" not in address.fault(url)
    assert refused(settings(("identity.graph", url))) == ["CHARTER_IDENTITY__GRAPH"]


WRONG = [
    f"{GOOD}&sslmode=disable",
    f"{GOOD}&sslmode=require",
    GOOD.replace("require", ""),
    f"{GOOD}&password=hunter2",
    f"{GOOD}&passfile=/tmp/pass",
    f"{GOOD}&user=owner",
    f"{GOOD}&host=localhost",
    f"{GOOD}&service=other",
    f"{GOOD}&row_security=off",
    GOOD.replace("pg.contoso.example", "pg.contoso.example,localhost"),
    GOOD.replace("pg.contoso.example", "%2Frun%2Fpg"),
    GOOD.replace("pg.contoso.example", "localhost@pg.contoso.example"),
    GOOD.replace("pg.contoso.example", "[::1"),
]


@pytest.mark.promise("posture.refuses")
@pytest.mark.parametrize("url", WRONG)
def test_an_address_of_a_database_says_one_thing_only(url: str) -> None:
    assert refused(settings(("database.url", url))) == ["CHARTER_DATABASE_URL"]
    owner = url.replace("charter-host@", "charter-owner@", 1)
    assert refused(settings(("database.owner_url", owner))) == ["CHARTER_DATABASE__OWNER_URL"]
    assert database.fault(url, entra=False, vaulted=True)


@pytest.mark.promise("posture.refuses")
def test_the_owners_address_is_held_to_the_same_rule() -> None:
    for url in (
        "postgresql://charter-owner:hunter2@pg.contoso.example/charter?sslmode=require",
        "postgresql://charter-owner@pg.contoso.example/charter",
        "postgresql://charter-host@pg.contoso.example/charter?sslmode=verify-full",
    ):
        tree = settings(("database.owner_url", url))
        assert refused(tree) == ["CHARTER_DATABASE__OWNER_URL"]
        assert "hunter2" not in str([finding.as_json() for finding in declared.settings(tree)])


def test_without_an_owners_address_nothing_is_said_of_who_owns_the_tables() -> None:
    [told] = [
        finding
        for finding in declared.settings(settings(("database.owner_url", "")))
        if finding.name == "CHARTER_DATABASE__OWNER_URL"
    ]
    assert (told.state, told.sentence) == (
        "ok",
        "This host does not migrate; whether its role owns the tables is seen at the start.",
    )


def _held(url: str, owner_url: str = "") -> tuple[Settings, Settings]:
    """Return settings with a reference, and the same with what the vault holds."""
    given = settings(("database.url", "keyvault:database-url"), ("database.owner_url", owner_url))
    held = given.database.model_copy(update={"url": url})
    return given, given.model_copy(update={"database": held, "session_key": SecretStr("x")})


@pytest.mark.promise("posture.refuses")
@pytest.mark.parametrize(
    "url", [*WRONG, "postgresql://charter-host:hunter2@localhost/charter?sslmode=require", "nonsense"]
)
def test_an_address_that_the_vault_holds_is_judged_when_it_is_read(url: str) -> None:
    given, found = _held(url)
    assert refused(given) == []
    with pytest.raises(StartRefused, match="CHARTER_DATABASE_URL, as the vault holds it") as fault:
        allow_resolved(given, found)
    assert "hunter2" not in fault.value.detail


@pytest.mark.promise("posture.refuses")
def test_a_vault_may_hold_a_password_and_not_the_owner() -> None:
    held = GOOD.replace("charter-host@", "charter-host:hunter2@")
    allow_resolved(*_held(held))
    allow_resolved(*_held(held, GOOD.replace("charter-host", "charter-owner")))
    with pytest.raises(StartRefused, match="migrates as the role it works as"):
        allow_resolved(*_held(held, GOOD))


@pytest.mark.parametrize("url", ["http://localhost:4318", "http://127.0.0.1:4318", "https://otlp.contoso.example"])
def test_a_collector_beside_the_host_may_be_asked_openly(url: str) -> None:
    assert refused(settings(("telemetry.otlp_endpoint", url))) == []


CUSTOMERS: dict[str, Any] = {
    "authority": "https://customers.contoso.example",
    "tid": "6a2d3c4b-0d4e-4f5a-8b6c-7d8e9f0a1b2c",
    "tenant": "contoso",
    "client_id": "1b2c3d4e-1111-4222-8333-444455556666",
    "audience": "api://1b2c3d4e-1111-4222-8333-444455556666",
}


def customers(**changed: Any) -> Settings:
    return settings(("identity.external", {"shop": {**CUSTOMERS, **changed}}))


@pytest.mark.promise("posture.refuses")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tid", "customers"),
        ("tid", "9188040d-6c67-4c5b-b112-36a304b66dad"),
        ("roles", ["customer", "operator"]),
        ("client_id", "charter-host"),
        ("audience", "api://charter"),
        ("client_secret", "a secret"),
    ],
)
def test_a_customers_identity_provider_is_held_to_what_a_company_may_trust(field: str, value: Any) -> None:
    assert refused(customers(**{field: value})) == [f"CHARTER_IDENTITY__EXTERNAL__SHOP__{field.upper()}"]


@pytest.mark.promise("posture.refuses")
def test_secrets_of_customers_providers_and_of_agents_may_be_in_the_vault() -> None:
    assert refused(customers(client_secret="keyvault:customers")) == []
    agent = {"client_id": TID, "client_secret": "keyvault:watch"}
    assert refused(settings(("identity.agents", {"watch": agent}))) == []
