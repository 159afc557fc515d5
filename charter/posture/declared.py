"""What the azure profile refuses of settings: everything that only development may lean on.

Each rule names the setting, says in a sentence what is wrong, and what to do. Nothing here asks anybody.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import SecretStr

from charter.identity.issuers import NO_DIRECTORIES
from charter.posture import address, database, search, teams
from charter.posture.finding import Finding, ok, refused
from charter.secrets.references import is_reference
from charter.settings import Blob, Deployment, External, Identity, Settings

_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DEFAULT = Identity()
_DEFAULT_EXTERNAL = External(authority="", tid="", tenant="")


def settings(tree: Settings) -> list[Finding]:
    """Return what is found of the settings; each rule is either in order or refused."""
    rules = (
        _identity, _tenants, _external, _agents, _database, _secrets, _session, _models, _qdrant, _public, _telemetry, _drills,
        _reload, _sources, search.settings, teams.settings,
    )  # fmt: skip
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
    yield from _registered("CHARTER_IDENTITY", own, _DEFAULT)


def _registered(place: str, given: Identity | External, default: Identity | External) -> Iterator[Finding]:
    for name, value, usual in (
        ("CLIENT_ID", given.client_id, default.client_id),
        ("AUDIENCE", given.audience, default.audience),
    ):
        if value in ("", usual):
            action = "Set it as infra/registrations prints it."
            yield refused(f"{place}__{name}", f"It is development's ({value or 'empty'}).", action)
        else:
            yield ok(f"{place}__{name}", f"This host is {value}.")


def _directory(tid: str) -> bool:
    """Whether it is the id of one company's tenant."""
    return _GUID.fullmatch(tid) is not None and tid not in NO_DIRECTORIES


def _tenants(tree: Settings) -> Iterator[Finding]:
    name, own = "CHARTER_IDENTITY__TENANTS", tree.identity
    if not own.tenants:
        yield refused(
            name, "No Entra tenant is named, so nobody could come in.", 'Set it to {"<tenant id>": "<name>"}.'
        )
    elif wrong := [tid for tid in own.tenants if not _directory(tid)]:
        sentence = f"{wrong[0]} is not the id of a company's Entra tenant; one that all share would let strangers in."
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
        yield from _registered(place, each, _DEFAULT_EXTERNAL)
        if not _directory(each.tid):
            sentence = f"{each.tid} is not the id of a tenant of customers."
            yield refused(f"{place}__TID", sentence, "Use that tenant's GUID.")
        if "operator" in each.roles:
            sentence = "Customers would operate this host."
            yield refused(f"{place}__ROLES", sentence, "Take operator out; operators are people of the home tenant.")
        yield from _no_literal(f"{place}__CLIENT_SECRET", each.client_secret)


def _agents(tree: Settings) -> Iterator[Finding]:
    for name, each in tree.identity.agents.items():
        yield from _no_literal(f"CHARTER_IDENTITY__AGENTS__{name.upper()}__CLIENT_SECRET", each.client_secret)


def _no_literal(name: str, secret: SecretStr) -> Iterator[Finding]:
    value = secret.get_secret_value()
    if value and not is_reference(value):
        action = "Add a federated credential and unset it, or put it into the vault and write keyvault:NAME."
        yield refused(name, "It is a client secret, which can be copied.", action)


def _database(tree: Settings) -> Iterator[Finding]:
    name, owners, own = "CHARTER_DATABASE_URL", "CHARTER_DATABASE__OWNER_URL", tree.database
    if not own.url:
        yield refused(name, "It is not set, so an embedded PostgreSQL would be used.", "Name a PostgreSQL server.")
        return
    yield _placed(name, own.url, entra=own.entra)
    if not own.owner_url:
        yield ok(owners, "This host does not migrate; whether its role owns the tables is seen at the start.")
    elif own.owner_url == own.url or _same_role(own.url, own.owner_url):
        sentence = "The host migrates as the role it works as; that role would own the tables that bind it."
        yield refused(owners, sentence, "Name another role, or leave it empty and use charter migrate.")
    else:
        yield _placed(owners, own.owner_url, entra=own.entra)


def _same_role(url: str, owner_url: str) -> bool:
    return not (is_reference(url) or is_reference(owner_url)) and database.role(url) == database.role(owner_url)


def _placed(name: str, url: str, *, entra: bool) -> Finding:
    if is_reference(url):
        return ok(name, "The database's address comes from Key Vault, and is judged when it is read.")
    if fault := database.fault(url, entra=entra):
        return refused(name, fault[0], fault[1])
    return ok(name, f"The database is {urlsplit(url).hostname}, for {database.role(url) or 'no role'} by a token.")


def _secrets(tree: Settings) -> Iterator[Finding]:
    yield _addressed("CHARTER_SECRETS__VAULT_URL", tree.secrets.vault_url, "The Key Vault")
    if tree.secrets.ca_file is not None:
        sentence = "A certificate authority of one's own stands behind the vault, as the twins' does."
        yield refused("CHARTER_SECRETS__CA_FILE", sentence, "Unset it.")


def _session(tree: Settings) -> Iterator[Finding]:
    name, value = "CHARTER_SESSION_KEY", tree.session_key.get_secret_value()
    if not is_reference(value):
        sentence = "It is a value, not a reference." if value else "It is not set; each data folder would make its own."
        yield refused(name, sentence, "Set it to keyvault:charter-session-key.")
    else:
        yield ok(name, "What is kept of people is sealed under a key of the vault.")


def _models(tree: Settings) -> Iterator[Finding]:
    if not tree.models:
        yield refused("CHARTER_MODELS", "No model is named.", "Name at least the tier standard.")
    for tier, several in tree.models.items():
        name = f"CHARTER_MODELS__{tier.upper()}"
        for deployment in several:
            fault, action = _model_fault(deployment)
            yield refused(name, fault, action) if fault else ok(name, f"The tier {tier} is {deployment.called}.")


def _model_fault(deployment: Deployment) -> tuple[str, str]:
    if deployment.kind in ("embedded", "scripted", "recorded"):
        return f"It is {deployment.kind}, for development.", "Name a deployment of Azure OpenAI, or another endpoint."
    if deployment.recording is not None:
        return "What people say to it would be recorded into a file.", "Take its field 'recording' out."
    if fault := address.fault(deployment.base_url or "https://api.openai.com/v1"):
        return f"Its endpoint {fault}.", "Set its base_url to an https:// address."
    key = deployment.api_key.get_secret_value()
    if key and not is_reference(key):
        return "Its key is a value, not a reference.", "Put the key into the vault and write keyvault:NAME."
    if not key and deployment.kind != "azure_openai":
        return "It has no key.", "Put one into the vault and write api_key: keyvault:NAME."
    return "", ""


def _sources(tree: Settings) -> Iterator[Finding]:
    own = tree.knowledge
    if own.graph:
        yield _addressed("CHARTER_KNOWLEDGE__GRAPH", own.graph, "Where document libraries are asked for")
    for tenant, places in own.sources.items():
        for number, place in enumerate(places):
            if isinstance(place, Blob):
                yield from _container(f"CHARTER_KNOWLEDGE__SOURCES__{tenant.upper()}[{number}]", place)


def _container(name: str, place: Blob) -> Iterator[Finding]:
    secret = place.secret.get_secret_value()
    if place.url or not secret:
        yield _addressed(name, place.url, f"The account of the container {place.container}")
    if secret and not is_reference(secret):
        action = "Unset it and let the host's identity read there, or put it into the vault and write keyvault:NAME."
        yield refused(name, f"The secret of the container {place.container} is a value, not a reference.", action)


def _qdrant(tree: Settings) -> Iterator[Finding]:
    if tree.knowledge.store != "qdrant":
        return
    name, own = "CHARTER_KNOWLEDGE__QDRANT", tree.knowledge.qdrant
    if not own.url:
        sentence = "Qdrant would be embedded: for one process, with its passages on this machine alone."
        yield refused(f"{name}__URL", sentence, "Name a server's https:// address, or use the store pgvector.")
    else:
        yield _addressed(f"{name}__URL", own.url, "The store of passages")
    key = own.api_key.get_secret_value()
    if not is_reference(key):
        sentence = (
            "The key of the store is a value, not a reference." if key else "The store would be open: no key is set."
        )
        yield refused(f"{name}__API_KEY", sentence, "Put the key into the vault and write keyvault:NAME.")


def _public(tree: Settings) -> Iterator[Finding]:
    yield _addressed(
        "CHARTER_HTTP__PUBLIC_URL", tree.http.public_url, "The address that people see and are sent back to"
    )


def _telemetry(tree: Settings) -> Iterator[Finding]:
    name, own = "CHARTER_TELEMETRY", tree.telemetry
    monitored = bool(own.azure_monitor.get_secret_value())
    if fault := _collector_fault(own.otlp_endpoint):
        action = "Set it to an https:// address, or to a collector of this machine."
        yield refused(f"{name}__OTLP_ENDPOINT", f"The collector {fault}.", action)
    elif not own.otlp_endpoint and not monitored:
        yield refused(
            name, "Spans would stay in the process: nobody could follow a run.", "Set otlp_endpoint or azure_monitor."
        )
    else:
        yield ok(name, "Spans are sent to " + ("Azure Monitor." if monitored else "a collector."))


def _collector_fault(url: str) -> str:
    # A collector beside the host is no detour: what is sent to it never leaves the machine.
    return "" if not url or address.beside(url) else address.fault(url)


def _drills(tree: Settings) -> Iterator[Finding]:
    if tree.drill.points:
        yield refused("CHARTER_DRILL__POINTS", "Drills would kill this host.", "Unset it.")


def _reload(tree: Settings) -> Iterator[Finding]:
    if tree.reload:
        sentence = "Code and policies that change in a folder would take effect without a look at them."
        yield refused("CHARTER_RELOAD", sentence, "Set it to false.")
