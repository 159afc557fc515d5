"""What the azure profile refuses of settings: everything that only development may lean on.

Each rule names the setting, says in a sentence what is wrong, and what to do. Nothing here asks anybody.
"""

import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from charter.posture import address
from charter.posture.finding import Finding, ok, refused
from charter.settings import Deployment, Identity, Settings

REFERENCE = "keyvault:"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
_DEFAULT = Identity()


def settings(tree: Settings) -> list[Finding]:
    """Return what is found of the settings; each rule is either in order or refused."""
    rules = (_identity, _tenants, _external, _database, _secrets, _session, _models, _public, _telemetry, _drills)
    return [finding for rule in rules for finding in rule(tree)]


def _addressed(name: str, url: str, what: str) -> Finding:
    fault = address.fault(url)
    if not fault:
        return ok(name, f"{what} is {urlsplit(url).hostname}.")
    return refused(name, f"{what} {fault}.", f"Set {name} to an https:// address.")


def _identity(tree: Settings) -> Iterator[Finding]:
    own = tree.identity
    yield _addressed("CHARTER_IDENTITY__AUTHORITY", own.authority, "The identity provider")
    yield _addressed("CHARTER_IDENTITY__GRAPH", own.graph, "The directory")
    if own.credential == "secret" or own.client_secret.get_secret_value():
        yield refused(
            "CHARTER_IDENTITY__CREDENTIAL",
            "The host proves who it is by a client secret, which can be copied.",
            "Set it to managed_identity or workload_identity, add a federated credential, and unset the secret.",
        )
    else:
        yield ok(
            "CHARTER_IDENTITY__CREDENTIAL", f"The host proves who it is by its {own.credential}, without a secret."
        )
    for name, value, default in (
        ("CLIENT_ID", own.client_id, _DEFAULT.client_id),
        ("AUDIENCE", own.audience, _DEFAULT.audience),
    ):
        if value in ("", default):
            action = "Set it as infra/registrations prints it."
            yield refused(f"CHARTER_IDENTITY__{name}", f"It is development's ({value or 'empty'}).", action)
        else:
            yield ok(f"CHARTER_IDENTITY__{name}", f"This host is {value}.")


def _tenants(tree: Settings) -> Iterator[Finding]:
    name, own = "CHARTER_IDENTITY__TENANTS", tree.identity
    if not own.tenants:
        yield refused(
            name, "No Entra tenant is named, so nobody could come in.", 'Set it to {"<tenant id>": "<name>"}.'
        )
    elif wrong := [tid for tid in own.tenants if not _GUID.fullmatch(tid)]:
        sentence = f"{wrong[0]} is not the id of an Entra tenant; a name such as common would let strangers in."
        yield refused(name, sentence, "Use each tenant's GUID.")
    else:
        yield ok(name, f"Entra tenants whose tokens are believed: {len(own.tenants)}.")
    if own.home not in own.tenants.values():
        sentence = f"The operators' own tenant, {own.home}, is not among the tenants."
        yield refused("CHARTER_IDENTITY__HOME", sentence, "Name the tenant whose operators run this host.")
    else:
        yield ok("CHARTER_IDENTITY__HOME", f"Operators of {own.home} run this host.")


def _external(tree: Settings) -> Iterator[Finding]:
    for name, each in tree.identity.external.items():
        place = f"CHARTER_IDENTITY__EXTERNAL__{name.upper()}"
        yield _addressed(f"{place}__AUTHORITY", each.authority, "The customers' identity provider")
        if each.client_secret.get_secret_value():
            yield refused(f"{place}__CLIENT_SECRET", "It is a client secret.", "Add a federated credential; unset it.")


def _database(tree: Settings) -> Iterator[Finding]:
    name, own = "CHARTER_DATABASE_URL", tree.database
    url = own.url
    if not url:
        yield refused(name, "It is not set, so an embedded PostgreSQL would be used.", "Name a PostgreSQL server.")
        return
    if url.startswith(REFERENCE):
        yield ok(name, "The database's address comes from Key Vault.")
    elif fault := _database_fault(url, entra=own.entra):
        yield refused(name, fault[0], fault[1])
    else:
        yield ok(name, f"The database is {urlsplit(url).hostname}, by the host's own identity.")
    if own.owner_url == url:
        sentence = "The host migrates as the role it works as; that role would own the tables that bind it."
        yield refused(
            "CHARTER_DATABASE__OWNER_URL", sentence, "Name another role, or leave it empty and use charter migrate."
        )
    else:
        yield ok("CHARTER_DATABASE__OWNER_URL", "Another role than the host's owns the tables.")


def _database_fault(url: str, *, entra: bool) -> tuple[str, str] | None:
    parts = urlsplit(url)
    if address.local(url):
        return "The database is of this machine.", "Name a PostgreSQL server."
    if parts.password:
        return "It holds a password.", "Set CHARTER_DATABASE__ENTRA=true and leave the password out."
    if not entra:
        return "The host has no way to prove who it is.", "Set CHARTER_DATABASE__ENTRA=true."
    if parse_qs(parts.query).get("sslmode", [""])[0] not in _ENCRYPTED:
        return "The connection may be unencrypted.", "Add ?sslmode=require."
    return None


def _secrets(tree: Settings) -> Iterator[Finding]:
    yield _addressed("CHARTER_SECRETS__VAULT_URL", tree.secrets.vault_url, "The Key Vault")
    if tree.secrets.ca_file is not None:
        sentence = "A certificate authority of one's own stands behind the vault, as the twins' does."
        yield refused("CHARTER_SECRETS__CA_FILE", sentence, "Unset it.")


def _session(tree: Settings) -> Iterator[Finding]:
    name, value = "CHARTER_SESSION_KEY", tree.session_key.get_secret_value()
    if not value.startswith(REFERENCE):
        sentence = "It is a value, not a reference." if value else "It is not set; each data folder would make its own."
        yield refused(name, sentence, "Set it to keyvault:charter-session-key.")
    else:
        yield ok(name, "What is kept of people is sealed under a key of the vault.")


def _models(tree: Settings) -> Iterator[Finding]:
    if not tree.models:
        yield refused("CHARTER_MODELS", "No model is named.", "Name at least the tier standard.")
    for tier, deployment in tree.models.items():
        name = f"CHARTER_MODELS__{tier.upper()}"
        fault, action = _model_fault(deployment)
        yield refused(name, fault, action) if fault else ok(name, f"The tier {tier} is {deployment.model}.")


def _model_fault(deployment: Deployment) -> tuple[str, str]:
    if deployment.kind in ("embedded", "scripted"):
        return f"It is {deployment.kind}, for development.", "Name a deployment of Azure OpenAI, or another endpoint."
    if fault := address.fault(deployment.base_url or "https://api.openai.com/v1"):
        return f"Its endpoint {fault}.", "Set its base_url to an https:// address."
    key = deployment.api_key.get_secret_value()
    if key and not key.startswith(REFERENCE):
        return "Its key is a value, not a reference.", "Put the key into the vault and write keyvault:NAME."
    if not key and deployment.kind != "azure_openai":
        return "It has no key.", "Put one into the vault and write api_key: keyvault:NAME."
    return "", ""


def _public(tree: Settings) -> Iterator[Finding]:
    yield _addressed(
        "CHARTER_HTTP__PUBLIC_URL", tree.http.public_url, "The address that people see and are sent back to"
    )


def _telemetry(tree: Settings) -> Iterator[Finding]:
    name, own = "CHARTER_TELEMETRY", tree.telemetry
    if not own.otlp_endpoint and not own.azure_monitor.get_secret_value():
        yield refused(
            name, "Spans would stay in the process: nobody could follow a run.", "Set otlp_endpoint or azure_monitor."
        )
    else:
        yield ok(
            name, "Spans are sent to " + ("Azure Monitor." if own.azure_monitor.get_secret_value() else "a collector.")
        )


def _drills(tree: Settings) -> Iterator[Finding]:
    if tree.drill.points:
        yield refused("CHARTER_DRILL__POINTS", "Drills would kill this host.", "Unset it.")
