"""Register Charter in Entra ID: what it is, who may come in as what, what it may ask Microsoft Graph. No client secret.

usage: registrations.py --tenant ID --public-url URL --host-principal ID [--name NAME] [--agent NAME ...] [--teams] [--azure-cli]
    [--consent] [--dry-run]

Run it as often as you like: it finds its own application by name, changes what differs from below, and leaves alone what
your company added. ``--dry-run`` reads, prints each change it would make, and makes none. It ends with CHARTER_CLIENT_ID=...,
for azd, and the client ids of the agents named with ``--agent``, for charter.parameters.json.
"""

import argparse
import base64
import json
import sys
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from rest import Refused, Rest, literal

GRAPH = "00000003-0000-0000-c000-000000000000"
TOKEN = "az account get-access-token --resource-type ms-graph --query accessToken --output tsv"  # noqa: S105
SCOPE = "access_as_user"
SIGNED_IN = "/console/signed-in"
BOT_SIGNED_IN = "https://token.botframework.com/.auth/web/redirect"
"""Where people come back to who signed in in Teams: the Bot Framework's token service."""

ROLES = {
    "employee": (("User",), "Works with the agents."),
    "manager": (("User",), "Decides what the people they manage may have."),
    "buyer": (("User",), "Decides about orders and payments."),
    "hr": (("User",), "Decides about people's matters."),
    "operator": (("User",), "Runs the host: tenants and their limits."),
    "workload": (("Application",), "A business system that works without a person."),
}
"""App roles: who may be assigned to each, and what for."""

_SPELT = {"hr": "HR"}

AZURE_CLI = ("04b07795-8ddb-461a-bbee-02f9e1bf7b46",)
"""The Azure CLI's client id, in every tenant the same."""

TEAMS = ("1fec8e78-bce4-4aaf-ab1b-5451cc387264", "5e3ce6c0-2b1f-4285-8d4b-75ee78787346")
"""Teams' own clients, in every tenant the same: of desktops and telephones, and of browsers."""

CONNECTION = "charter"
"""What the bot's connection is called (infra/charter.bicep): Entra believes the token service for this one alone."""

TOKEN_SERVICE = "5b404cf4-a79d-4cfe-b866-24bf8e1a4921"  # noqa: S105 - a client id
"""The Bot Framework's token service, in every tenant the same."""

DELEGATED = ("openid", "profile", "offline_access", "User.Read", "User.Read.All", "GroupMember.Read.All")
"""Asked as the person: who their manager is, and their groups where a token cannot carry them."""

APPLICATION = ("Application.Read.All",)
"""Asked as the host: the roles of business systems that work without a person."""

_OURS = uuid.UUID("6f0c8d0e-6f2b-5f0f-9a53-4f1d1c6f2a10")


@dataclass(frozen=True, slots=True)
class Wanted:
    name: str
    tenant: str
    public_url: str
    host_principal: str
    several_tenants: bool
    azure_cli: bool
    teams: bool


@dataclass(frozen=True, slots=True)
class Found:
    """``id`` is the object's own, ``app`` the client id. A dry run that would make it has neither yet."""

    id: str
    app: str
    content: Mapping[str, Any]


NOWHERE = "<made-by-the-run>"


def register(graph: Rest, wanted: Wanted, *, consent: bool) -> str:
    """Bring the registration to what is wanted, and return its client id.

    Raises:
        Refused: Graph does not answer or refuses, or the name is taken twice.
    """
    microsoft = graph.get(f"/v1.0/servicePrincipals(appId='{GRAPH}')?$select=id,appRoles,oauth2PermissionScopes")
    if microsoft is None:
        raise Refused("The tenant has no Microsoft Graph, so no permission can be asked of it.")
    found = _application(graph, wanted.name)
    body = _described(found, wanted, microsoft)
    if changed := _differing(found.content, body):
        graph.change("PATCH", f"/v1.0/applications/{found.id}", changed)
    if clients := [*(AZURE_CLI if wanted.azure_cli else ()), *(TEAMS if wanted.teams else ())]:
        _let_in(graph, found, body["api"], clients)
    _federated(graph, found, wanted)
    if wanted.teams:
        _vouched(graph, found, wanted.tenant, "charter-teams", _token_service(wanted.tenant))
    principal = _principal(graph, found)
    if consent:
        _consented(graph, principal, microsoft)
    return found.app


def register_agent(graph: Rest, wanted: Wanted, agent: str) -> str:
    """Bring an agent's own registration about, for which the host's identity vouches, and return its client id.

    It may do nothing yet: whoever runs a business system grants it there what it is for. Raises as ``register``.
    """
    found = _application(graph, f"{wanted.name} agent {agent}")
    _federated(graph, found, wanted)
    _principal(graph, found)
    return found.app


def _application(graph: Rest, name: str) -> Found:
    listed = graph.get(f"/v1.0/applications?$filter=displayName%20eq%20{literal(name)}") or {}
    known = listed.get("value", [])
    if len(known) > 1:
        raise Refused(f"The tenant has {len(known)} applications called {name}. Name another one with --name.")
    made = known[0] if known else graph.change("POST", "/v1.0/applications", {"displayName": name})
    return Found(made["id"], made["appId"], made) if made else Found(NOWHERE, NOWHERE, {})


def _described(found: Found, wanted: Wanted, microsoft: Mapping[str, Any]) -> dict[str, Any]:
    api: dict[str, Any] = found.content.get("api") or {}
    redirect = wanted.public_url.rstrip("/") + SIGNED_IN
    bot = f"api://botid-{found.app}"
    # What was once let in stays, as whatever the company added does.
    teams = wanted.teams or bot in (found.content.get("identifierUris") or ())
    return {
        "identifierUris": [f"api://{found.app}", *([bot] if teams else [])],
        "signInAudience": "AzureADMultipleOrgs" if wanted.several_tenants else "AzureADMyOrg",
        # Only groups that are assigned to the application: tokens stay small, and say no more than they must.
        "groupMembershipClaims": "ApplicationGroup",
        "api": {
            "requestedAccessTokenVersion": 2,
            "oauth2PermissionScopes": _joined(api.get("oauth2PermissionScopes"), [_scope()]),
            **{name: api[name] for name in ("preAuthorizedApplications",) if api.get(name)},
        },
        "appRoles": _joined(found.content.get("appRoles"), [_role(name) for name in ROLES]),
        # By this claim alone the host tells a business system from a person.
        "optionalClaims": {"accessToken": [{"name": "idtyp", "essential": False, "additionalProperties": []}]},
        "web": {
            "redirectUris": [redirect, *([BOT_SIGNED_IN] if teams else [])],
            "implicitGrantSettings": {"enableAccessTokenIssuance": False, "enableIdTokenIssuance": False},
        },
        "requiredResourceAccess": _asked(found, microsoft),
    }


def _asked(found: Found, microsoft: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what consent is asked for: ours of Graph, and what the company added of other systems."""
    listed = cast("list[dict[str, Any]]", found.content.get("requiredResourceAccess") or [])
    scopes = [{"id": entry, "type": "Scope"} for entry in _ids(microsoft, "oauth2PermissionScopes", DELEGATED)]
    roles = [{"id": entry, "type": "Role"} for entry in _ids(microsoft, "appRoles", APPLICATION)]
    ours = {"resourceAppId": GRAPH, "resourceAccess": [*scopes, *roles]}
    return [*(other for other in listed if other.get("resourceAppId") != GRAPH), ours]


def _scope() -> dict[str, Any]:
    return {
        "id": str(uuid.uuid5(_OURS, f"scope {SCOPE}")),
        "value": SCOPE,
        "type": "User",
        "isEnabled": True,
        "adminConsentDisplayName": "Work with Charter as the person",
        "adminConsentDescription": "Lets an application reach Charter in the name of the person who is signed in.",
        "userConsentDisplayName": "Work with Charter as you",
        "userConsentDescription": "Lets the application reach Charter in your name.",
    }


def _let_in(graph: Rest, found: Found, api: Mapping[str, Any], clients: Sequence[str]) -> None:
    """Let clients of Microsoft ask for our scope without a further consent, beside what the company let in.

    Only those that are wanted: whatever gets at somebody's sign-in there can then work here as them. It takes a request of
    its own, since the scope must be there before.
    """
    listed = cast("list[dict[str, Any]]", api.get("preAuthorizedApplications") or [])
    scopes = [entry["id"] for entry in api["oauth2PermissionScopes"] if entry["value"] == SCOPE]
    others = [entry for entry in listed if entry["appId"] not in clients]
    ours = [{"appId": client, "delegatedPermissionIds": scopes} for client in clients]
    if not _holds(listed, [*others, *ours]):
        whole = {**api, "preAuthorizedApplications": [*others, *ours]}
        graph.change("PATCH", f"/v1.0/applications/{found.id}", {"api": whole})


def _role(name: str) -> dict[str, Any]:
    members, description = ROLES[name]
    return {
        "id": str(uuid.uuid5(_OURS, f"role {name}")),
        "value": name,
        "displayName": _SPELT.get(name, name.capitalize()),
        "description": description,
        "allowedMemberTypes": list(members),
        "isEnabled": True,
    }


def _joined(known: object, ours: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return ours beside what the company added. One of the same value keeps its id: assignments hang on it."""
    listed = cast("list[dict[str, Any]]", known or [])
    ids = {entry["value"]: entry["id"] for entry in listed}
    own = [{**entry, "id": ids.get(entry["value"], entry["id"])} for entry in ours]
    values = {entry["value"] for entry in own}
    return [*own, *(entry for entry in listed if entry["value"] not in values)]


def _ids(microsoft: Mapping[str, Any], kind: str, names: Sequence[str]) -> list[str]:
    known = {entry["value"]: entry["id"] for entry in microsoft.get(kind, [])}
    if missing := [name for name in names if name not in known]:
        raise Refused(f"Microsoft Graph of this tenant has no permission {missing[0]}.")
    return [known[name] for name in names]


def _differing(known: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if not _holds(known.get(name), value)}


def _holds(known: Any, wanted: Any) -> bool:
    """Whether what is wanted is there already; Graph tells more of each object than it is given."""
    if isinstance(wanted, dict):
        members = cast("dict[str, Any]", wanted).items()
        return isinstance(known, dict) and all(
            _holds(cast("dict[str, Any]", known).get(name), value) for name, value in members
        )
    if isinstance(wanted, list):
        there, asked = cast("list[Any]", known or []), cast("list[Any]", wanted)
        return len(there) == len(asked) and all(any(_holds(entry, value) for entry in there) for value in asked)
    return bool(known == wanted)


def _federated(graph: Rest, found: Found, wanted: Wanted) -> None:
    """Let the host's managed identity stand for the application: there is no secret to copy, to leak or to rotate."""
    _vouched(graph, found, wanted.tenant, "charter-host", wanted.host_principal)


def _token_service(tenant: str) -> str:
    """Return whom Entra knows the token service as when it signs people in by the bot's connection."""
    tid, client = (
        base64.urlsafe_b64encode(uuid.UUID(i).bytes_le).decode().rstrip("=") for i in (tenant, TOKEN_SERVICE)
    )
    return f"/eid1/c/pub/t/{tid}/a/{client}/{CONNECTION}"


def _vouched(graph: Rest, found: Found, tenant: str, name: str, subject: str) -> None:
    body = {
        "name": name,
        "issuer": f"https://login.microsoftonline.com/{tenant}/v2.0",
        "subject": subject,
        "audiences": ["api://AzureADTokenExchange"],
    }
    place = f"/v1.0/applications/{found.id}/federatedIdentityCredentials"
    listed = graph.get(place) if found.id != NOWHERE else None
    known = next((entry for entry in (listed or {}).get("value", []) if entry["name"] == body["name"]), None)
    if known is None:
        graph.change("POST", place, body)
    elif changed := _differing(known, body):
        graph.change("PATCH", f"{place}/{known['id']}", changed)


def _principal(graph: Rest, found: Found) -> str:
    known = graph.get(f"/v1.0/servicePrincipals(appId='{found.app}')") if found.app != NOWHERE else None
    # Nobody comes in who was not assigned, whatever the rest of the tenant may sign in to.
    wanted = {"appRoleAssignmentRequired": True}
    if known is None:
        known = graph.change("POST", "/v1.0/servicePrincipals", {"appId": found.app, **wanted})
    elif changed := _differing(known, wanted):
        graph.change("PATCH", f"/v1.0/servicePrincipals/{known['id']}", changed)
    return known["id"] if known else NOWHERE


def _consented(graph: Rest, principal: str, microsoft: Mapping[str, Any]) -> None:
    """Consent for the whole tenant, as its administrator: to just what is listed above."""
    place = f"/v1.0/servicePrincipals/{principal}/appRoleAssignments"
    listed = graph.get(place) if principal != NOWHERE else None
    given = {(entry["resourceId"], entry["appRoleId"]) for entry in (listed or {}).get("value", [])}
    for role in _ids(microsoft, "appRoles", APPLICATION):
        if (microsoft["id"], role) not in given:
            graph.change("POST", place, {"principalId": principal, "resourceId": microsoft["id"], "appRoleId": role})
    filtered = f"clientId%20eq%20{literal(principal)}%20and%20consentType%20eq%20'AllPrincipals'"
    grants = graph.get(f"/v1.0/oauth2PermissionGrants?$filter={filtered}") if principal != NOWHERE else None
    known = next((g for g in (grants or {}).get("value", []) if g["resourceId"] == microsoft["id"]), None)
    if known is None:
        body = {"clientId": principal, "consentType": "AllPrincipals", "resourceId": microsoft["id"]}
        graph.change("POST", "/v1.0/oauth2PermissionGrants", {**body, "scope": " ".join(DELEGATED)})
    elif missing := set(DELEGATED) - set(str(known["scope"]).split()):
        scope = " ".join([*str(known["scope"]).split(), *sorted(missing)])
        graph.change("PATCH", f"/v1.0/oauth2PermissionGrants/{known['id']}", {"scope": scope})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tenant", required=True, help="The Entra tenant's id.")
    parser.add_argument("--public-url", required=True, help="The address that people see.")
    parser.add_argument("--host-principal", required=True, help="Object id of the host's managed identity.")
    parser.add_argument("--name", default="Charter", help="What the application is called, and found by.")
    parser.add_argument("--agent", action="append", default=[], help="An agent that is to be registered itself.")
    parser.add_argument("--several-tenants", action="store_true", help="Other Entra tenants of yours come in, too.")
    parser.add_argument("--teams", action="store_true", help="People work with the agents in Teams, too.")
    parser.add_argument("--azure-cli", action="store_true", help="Let the Azure CLI get tokens for this host, too.")
    parser.add_argument("--consent", action="store_true", help="Consent for the tenant at once, as its administrator.")
    parser.add_argument("--dry-run", action="store_true", help="Print what would change, and change nothing.")
    parser.add_argument("--graph", default="https://graph.microsoft.com", help="Microsoft Graph of another cloud.")
    parser.add_argument("--token-command", default=TOKEN, help="What prints a token for Graph.")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the arguments, register, and print the client id."""
    told = _parser().parse_args(arguments)
    try:
        for identity in (told.tenant, told.host_principal):
            uuid.UUID(identity)
        if not str(told.public_url).startswith("https://"):
            raise Refused("People come over https: --public-url must begin with https://.")
        wanted = Wanted(
            told.name,
            told.tenant,
            told.public_url,
            told.host_principal,
            told.several_tenants,
            told.azure_cli,
            told.teams,
        )
        graph = Rest(told.graph.rstrip("/"), told.token_command, dry=told.dry_run)
        client = register(graph, wanted, consent=told.consent)
        agents = {agent: {"client_id": register_agent(graph, wanted, agent)} for agent in told.agent}
    except ValueError:
        sys.stderr.write(
            "registrations: --tenant and --host-principal are ids like 5f1c2b3a-0d4e-4f5a-8b6c-7d8e9f0a1b2c.\n"
        )
        return 2
    except Refused as fault:
        sys.stderr.write(f"registrations: {fault}\n")
        return 1
    if told.teams and told.several_tenants:
        sys.stderr.write(
            "In Teams the people of this tenant alone can sign in: Microsoft's token service takes no application of several.\n"
        )
    if not told.consent:
        place = f"https://login.microsoftonline.com/{told.tenant}/adminconsent?client_id={client}"
        sys.stderr.write(f"An administrator of the tenant consents with --consent, or at {place}\n")
    if agents:
        sys.stdout.write(f'"agents": {{"value": {json.dumps(agents)}}}\n')
    sys.stdout.write(f"CHARTER_CLIENT_ID={client}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
