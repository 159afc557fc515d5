"""The house's own rules for what is deployed: what types cannot say, and public scanners do not know."""

import re
from collections.abc import Callable, Iterator, Mapping

from tests.infra.templates import Resource, Template, is_expression, strings

ROLES = {
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "5e0bd9bd-7b93-4f28-af87-36fc36ad61bd": "Cognitive Services OpenAI User",
    "8ebe5a00-799e-43f5-93ac-243d3dce84a7": "Search Index Data Contributor",
    "7ca78c08-252a-4471-8644-bb5ff32d4ba0": "Search Service Contributor",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}
"""All that anybody is ever granted. Owner, Contributor and their like are not among it."""

PROVIDERS = {"c00b44ab-5e16-c44c-af26-2fd5bc55eb18": "AAD v2 with Federated Credentials"}
"""Whom people may sign in at for the bot: Entra, with a credential that is no secret."""

_KEYS = re.compile(r"\blist(?:\w*Keys?|Credentials|Secrets)\s*\(|\bgetSecret\s*\(|AccountKey=|@secure\(")
_ELSEWHERE = re.compile(r"'(?:br|ts)[:/]|\.azurecr\.io|mcr\.microsoft\.com|ghcr\.io|docker\.io")
_SECRETIVE = re.compile(r"(?:^|_)(?:KEY|SECRET|PASSWORD|TOKEN)$")
_GUID = re.compile(r"'([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})'(?: // (.+))?")

Values = tuple[tuple[tuple[str, ...], object], ...]

MUST: Mapping[str, Values] = {
    "Microsoft.KeyVault/vaults": (
        (("properties", "publicNetworkAccess"), "Disabled"),
        (("properties", "networkAcls", "defaultAction"), "Deny"),
        (("properties", "enableRbacAuthorization"), True),
        (("properties", "enableSoftDelete"), True),
        (("properties", "enablePurgeProtection"), True),
    ),
    "Microsoft.DBforPostgreSQL/flexibleServers": (
        (("properties", "network", "publicNetworkAccess"), "Disabled"),
        (("properties", "authConfig", "passwordAuth"), "Disabled"),
        (("properties", "authConfig", "activeDirectoryAuth"), "Enabled"),
        (("properties", "administratorLogin"), None),
        (("properties", "administratorLoginPassword"), None),
    ),
    "Microsoft.Search/searchServices": (
        (("properties", "publicNetworkAccess"), "disabled"),
        (("properties", "disableLocalAuth"), True),
    ),
    "Microsoft.CognitiveServices/accounts": (
        (("properties", "publicNetworkAccess"), "Disabled"),
        (("properties", "networkAcls", "defaultAction"), "Deny"),
        (("properties", "disableLocalAuth"), True),
    ),
    "Microsoft.Insights/components": ((("properties", "DisableLocalAuth"), True),),
    "Microsoft.OperationalInsights/workspaces": ((("properties", "features", "disableLocalAuth"), True),),
    "Microsoft.ContainerRegistry/registries": (
        (("properties", "adminUserEnabled"), False),
        (("properties", "anonymousPullEnabled"), False),
    ),
    "Microsoft.App/managedEnvironments": (
        (("properties", "appLogsConfiguration", "destination"), "azure-monitor"),
        (("properties", "peerAuthentication", "mtls", "enabled"), True),
    ),
    "Microsoft.BotService/botServices": (
        (("kind",), "azurebot"),
        (("properties", "endpoint"), "${publicUrl}/api/messages"),
        (("properties", "msaAppType"), "SingleTenant"),
        (("properties", "disableLocalAuth"), True),
        (("properties", "appPasswordHint"), None),
        (("properties", "developerAppInsightKey"), None),
        (("properties", "developerAppInsightsApiKey"), None),
    ),
    "Microsoft.BotService/botServices/channels": (
        (("name",), "MsTeamsChannel"),
        (("properties", "channelName"), "MsTeamsChannel"),
        (("properties", "properties", "isEnabled"), True),
        (("properties", "properties", "enableCalling"), False),
    ),
    "Microsoft.BotService/botServices/connections": (
        (("properties", "clientSecret"), None),
        (("properties", "scopes"), "${resourceUri}/access_as_user"),
    ),
    "Microsoft.App/containerApps": (
        (("properties", "configuration", "ingress", "allowInsecure"), False),
        (("properties", "configuration", "ingress", "external"), True),
        (("properties", "configuration", "ingress", "additionalPortMappings"), None),
        (("properties", "configuration", "secrets"), None),
        (("properties", "template", "terminationGracePeriodSeconds"), 30),
        (("identity", "type"), "UserAssigned"),
    ),
}
"""What must stand where, by type. Nothing (None) means: it must not be there."""

SERVER = {"azure.extensions": "VECTOR", "require_secure_transport": "on", "ssl_min_protocol_version": "TLSv1.2"}
"""Settings of the database's server: pgvector alone may be made, and nobody comes without TLS."""


def mistakes(templates: Mapping[str, Template]) -> Iterator[str]:
    """Yield what breaks a rule; a rule that finds nothing to look at is broken, too."""
    resources = [resource for template in templates.values() for resource in template.resources]
    for wanted in MUST:
        if not any(resource.type == wanted for resource in resources):
            yield f"no template has a {wanted}, so its rules were not looked at"
    for resource in resources:
        for place, value in MUST.get(resource.type, ()):
            if (found := resource.at(*place)) != value:
                yield f"{resource}: {'.'.join(place)} must be {value!r}, and is {found!r}"
    yield from _roles(templates)
    yield from _database(resources)
    for template in templates.values():
        yield from _no_secret(template)
        yield from _several(template)
    for resource in resources:
        yield from RULES.get(resource.type, lambda _: iter(()))(resource)


def _roles(templates: Mapping[str, Template]) -> Iterator[str]:
    given = 0
    for template in templates.values():
        for guid, comment in _GUID.findall(template.text):
            if {**ROLES, **PROVIDERS}.get(guid) != comment:
                yield f"{template.file.name}: the role {guid} ({comment or 'without a name'}) is none that may be granted"
        for resource in template.resources:
            if resource.type == "Microsoft.Authorization/roleAssignments":
                given += 1
                yield from _role(template, resource)
    if not given:
        yield "no template grants a role, so the rules of roles were not looked at"


def _role(template: Template, resource: Resource) -> Iterator[str]:
    scope = resource.at("scope")
    if not isinstance(scope, str) or scope not in {other.symbol for other in template.resources}:
        yield f"{resource}: a role is granted on one resource, and this one is not"
    if resource.at("properties", "principalType") != "ServicePrincipal":
        yield f"{resource}: only the host's own identities are granted roles"
    named = set(strings(resource.at("properties", "roleDefinitionId")))
    values = [told["value"] for name, told in template.section("variables").items() if name in named]
    if [value for value in values if value in ROLES] == []:
        yield f"{resource}: the role is none that may be granted"


def _database(resources: list[Resource]) -> Iterator[str]:
    settings = [r for r in resources if r.type == "Microsoft.DBforPostgreSQL/flexibleServers/configurations"]
    found = {str(r.at("name")): r.at("properties", "value") for r in settings}
    if found != SERVER:
        yield f"the database's server must be set to {SERVER}, and is to {found}"
    owners = [r for r in resources if r.type == "Microsoft.DBforPostgreSQL/flexibleServers/administrators"]
    if [str(r.at("name")) for r in owners] != ["migrationsPrincipalId"]:
        yield "the identity of the migrations, and nobody else, must administer the database"


def _no_secret(template: Template) -> Iterator[str]:
    name = template.file.name
    if found := _KEYS.search(template.text):
        yield f"{name}: {found[0]} would hand out a key or a secret"
    if found := _ELSEWHERE.search(template.text):
        yield f"{name}: {found[0]} names a registry"
    for output in template.section("outputs"):
        if re.search(r"(?i)secret|password|token|connection|key(?!_?vault)", output):
            yield f"{name}: the output {output} sounds like a secret, and outputs are kept in clear"


def _several(template: Template) -> Iterator[str]:
    for resource in template.resources:
        if resource.type == "Microsoft.App/containerApps":
            least = str(resource.at("properties", "template", "scale", "minReplicas"))
            told = template.section("parameters").get(least, {}).get("decorators", ())
            if {"type": "min_value", "argument": 2} not in told:
                yield f"{resource}: one host alone cannot be replaced without a pause"


def _app(app: Resource) -> Iterator[str]:
    containers = [*(app.at("properties", "template", "containers") or ())]
    starters = [*(app.at("properties", "template", "initContainers") or ())]
    if len(containers) != 1 or len(starters) != 1:
        yield f"{app}: one container serves and one migrates before it"
        return
    for container in (*containers, *starters):
        yield from _environment(app, container)
    if any("OWNER_URL" in told["name"] for told in containers[0]["env"]):
        yield f"{app}: the container that serves must not know the database's owner"
    lifecycles = sorted(told["lifecycle"] for told in app.at("properties", "configuration", "identitySettings") or ())
    if lifecycles != ["Init", "Main"]:
        yield f"{app}: one identity is for the start and the other one for serving, and they are {lifecycles}"
    probes = {(p["type"], p["httpGet"]["path"]) for p in containers[0].get("probes", ())}
    if probes != {("Startup", "/healthz"), ("Liveness", "/healthz"), ("Readiness", "/readyz")}:
        yield f"{app}: the probes are {sorted(probes)}"
    if app.at("tags", "azd-service-name") != "charter":
        yield f"{app}: azd finds the app by its tag azd-service-name, which must be charter"


def _environment(app: Resource, container: Mapping[str, object]) -> Iterator[str]:
    env = container["env"]
    assert isinstance(env, list)
    for told in env:
        name, value = told["name"], told.get("value")
        if _SECRETIVE.search(name) and (is_expression(value) or not str(value).startswith("keyvault:")):
            yield f"{app}: {name} must be a reference like keyvault:NAME, never a value"
        if "secretRef" in told:
            yield f"{app}: {name} takes a secret of the app, which has none"


def _deployment(deployment: Resource) -> Iterator[str]:
    if deployment.at("properties", "versionUpgradeOption") != "NoAutoUpgrade":
        yield f"{deployment}: a model changes when the deployment says so, not by itself"


SIGN_IN = {
    "ClientId": "clientId",
    "UniqueIdentifier": "connection",
    "TokenExchangeUrl": "resourceUri",
    "TenantId": "tenantId",
}
"""What a connection is told, by name: the host's application, the name it is vouched for by, its scope's owner, its tenant."""


def _connection(connection: Resource) -> Iterator[str]:
    """Yield what would let people sign in elsewhere, or need a secret."""
    told = {entry["key"]: str(entry["value"]) for entry in connection.at("properties", "parameters") or ()}
    if told != SIGN_IN or str(connection.at("properties", "serviceProviderId")) != "provider":
        yield f"{connection}: people sign in at Entra for this host, without a secret, and the connection says {told}"
    text = connection.file.read_text("utf-8")
    if not re.search(rf"^var provider = '({'|'.join(PROVIDERS)})' // ", text, re.MULTILINE):
        yield f"{connection}: the provider is none of {', '.join(PROVIDERS.values())}"
    if "var resourceUri = 'api://botid-${clientId}'" not in text:
        yield f"{connection}: Teams signs people in for api://botid-<client id> alone"


RULES: Mapping[str, Callable[[Resource], Iterator[str]]] = {
    "Microsoft.App/containerApps": _app,
    "Microsoft.CognitiveServices/accounts/deployments": _deployment,
    "Microsoft.BotService/botServices/connections": _connection,
}
