"""What a ``scope`` parameter asks for: one resource, and what of it."""

import re
from dataclasses import dataclass

from charter.twins.entra.clients import HOST
from charter.twins.entra.refusals import Refused

GRAPH = "https://graph.microsoft.com"
TOKEN_EXCHANGE = "api://AzureADTokenExchange"  # noqa: S105 - an audience
"""What another issuer's token must be for, so that it is taken as a client's assertion."""

_AZURE = frozenset(
    {
        "https://api.botframework.com",
        "https://cognitiveservices.azure.com",
        "https://monitor.azure.com",
        "https://ossrdbms-aad.database.windows.net",
        "https://search.azure.com",
        "https://storage.azure.com",
        "https://vault.azure.net",
    }
)
_AZURE_SCOPES = ("user_impersonation",)
_OIDC = frozenset({"openid", "profile", "email", "offline_access"})
_API_SCOPES = ("access_as_user",)
_GRAPH_SCOPES = ("GroupMember.Read.All", "User.Read", "User.Read.All")
_API = re.compile(r"api://[a-z0-9][a-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class Scope:
    """``resource`` is the audience, ``delegated`` what a person's token may be used for, ``whole`` means ``.default``."""

    resource: str
    delegated: tuple[str, ...]
    whole: bool
    offline: bool

    @property
    def microsofts(self) -> bool:
        """Whether the resource is a service of Microsoft's, which knows no roles of ours."""
        return self.resource == GRAPH or self.resource in _AZURE


def parsed(text: str) -> Scope:
    """Read a scope parameter.

    Raises:
        Refused: no resource, several, one that is not registered, or a scope that it does not have.
    """
    words = set(text.split())
    asked = sorted(words - _OIDC)
    if not asked:
        raise Refused(900144, "'scope'")
    pairs = [_pair(word) for word in asked]
    resources = {resource for resource, _ in pairs}
    if len(resources) > 1:
        raise Refused(28000)
    resource = resources.pop()
    offered = _offered(resource)
    names = {name for _, name in pairs}
    if ".default" in names and len(names) > 1:
        raise Refused(70011)
    if unknown := sorted(names - {".default", *offered}):
        raise Refused(65001, unknown[0])
    whole = ".default" in names
    return Scope(resource, offered if whole else tuple(sorted(names)), whole, "offline_access" in words)


def _pair(word: str) -> tuple[str, str]:
    resource, slash, name = word.rpartition("/")
    return (resource.rstrip("/"), name) if slash else (GRAPH, word)


def _offered(resource: str) -> tuple[str, ...]:
    if resource == GRAPH:
        return _GRAPH_SCOPES
    if resource == TOKEN_EXCHANGE:
        return ()
    if resource in _AZURE:
        return _AZURE_SCOPES
    if resource == HOST or _API.fullmatch(resource):
        return _API_SCOPES
    raise Refused(500011, resource)
