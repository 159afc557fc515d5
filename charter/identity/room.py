"""The identity room's parts, joined once for a process."""

import time
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from charter.identity.authentication import Authenticator
from charter.identity.code_flow import CodeFlow
from charter.identity.credential import CredentialOf
from charter.identity.directory import Directory
from charter.identity.expiring import Clock
from charter.identity.grants import Grants, Sessions
from charter.identity.issuers import Issuers, Served
from charter.identity.renewal import Renewal
from charter.identity.session_rows import Tenants as Rows
from charter.identity.sign_ins import SignIns
from charter.identity.token_endpoint import TokenEndpoint
from charter.identity.tokens import TokenVerifier
from charter.identity.unattended import Unattended
from charter.settings import Identity


@dataclass(frozen=True, slots=True)
class IdentityRoom:
    """Who comes in, as whom we go out, and whose authority still stands."""

    issuers: Issuers
    verifier: TokenVerifier
    grants: Grants
    directory: Directory
    authenticator: Authenticator
    renewal: Renewal
    unattended: Unattended
    sign_ins: SignIns


class Store(Sessions, Rows, Protocol):
    """What the room needs of the database."""


def join(
    settings: Identity,
    served: Served,
    database: Store,
    http: aiohttp.ClientSession,
    key: bytes,
    *,
    credential_of: CredentialOf | None = None,
    clock: Clock = time.time,
) -> IdentityRoom:
    """Join the parts. ``key`` seals what is kept; ``credential_of`` is how the host proves itself, by default with the
    secrets that stand in settings.

    Raises:
        StartRefused: settings name no authority, or an issuer twice.
    """
    issuers = Issuers(settings, served, credential_of)
    verifier = TokenVerifier(issuers, http, skew_seconds=settings.clock_skew_seconds, clock=clock)
    grants = Grants(database, settings, issuers, http, key, clock=clock)
    directory = Directory(grants, settings, http, clock=clock)
    authenticator = Authenticator(verifier, issuers, groups=directory.groups, clock=clock)
    flow = CodeFlow(TokenEndpoint(http), verifier, issuers, clock=clock)
    return IdentityRoom(
        issuers,
        verifier,
        grants,
        directory,
        authenticator,
        Renewal(grants, verifier, directory, issuers),
        Unattended(grants, verifier, directory, issuers),
        SignIns(flow, database, authenticator, key, clock=clock),
    )
