"""A cluster that stands beside Entra: it signs what its workloads are, and puts that into a file as a kubelet does."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pydantic
from aiohttp import web

from charter.twins.entra.key_ring import KeyRing
from charter.twins.entra.scopes import TOKEN_EXCHANGE
from charter.twins.entra.state import TWIN

HOST_SUBJECT = "system:serviceaccount:charter:charter-host"
LIFETIME = 3_600


class Projection(pydantic.BaseModel):
    """What the token in the file says; not above zero seconds: it is born expired."""

    model_config = pydantic.ConfigDict(extra="forbid")

    subject: str = HOST_SUBJECT
    audience: str = TOKEN_EXCHANGE
    lifetime: float = LIFETIME


class Cluster:
    """An issuer with a key of its own. ``token_file`` is what ``AZURE_FEDERATED_TOKEN_FILE`` names."""

    def __init__(self, folder: Path, base_url: str) -> None:
        self.issuer = f"{base_url}/cluster"
        self.keys = KeyRing(folder / "cluster")
        self.token_file = folder / "workload-identity" / "token"

    def project(self, asked: Projection) -> str:
        """Write a new token into the file and return it."""
        now = int(time.time())
        _, _, namespace, account = (*asked.subject.split(":"), "", "", "", "")[:4]
        token = self.keys.sign(
            {
                "iss": self.issuer,
                "sub": asked.subject,
                "aud": [asked.audience],
                "iat": now,
                "nbf": now,
                "exp": now + int(asked.lifetime),
                "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": account}},
            }
        )
        self.token_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        half = self.token_file.with_suffix(".new")  # renamed when whole, as a kubelet does
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(token)
        half.replace(self.token_file)
        return token


CLUSTER: web.AppKey[Cluster] = web.AppKey("cluster", Cluster)


def surround(application: web.Application, cluster: Cluster) -> None:
    """Let the application publish the cluster's keys, keep its token file fresh, and offer the lever."""
    application[CLUSTER] = cluster
    application.router.add_get("/cluster/.well-known/openid-configuration", _metadata)
    application.router.add_get("/cluster/openid/v1/jwks", _keys)
    application.router.add_post("/_twin/workload-token", _project)
    application.cleanup_ctx.append(_refreshed)


async def _metadata(request: web.Request) -> web.Response:
    issuer = request.app[CLUSTER].issuer
    return web.json_response(
        {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    )


async def _keys(request: web.Request) -> web.Response:
    return web.json_response(request.app[CLUSTER].keys.published())


async def _project(request: web.Request) -> web.Response:
    """Write the token file anew; ``{"subject", "audience", "lifetime"}``, each optional, make a wrong one."""
    try:
        asked = Projection.model_validate_json(await request.read() or b"{}")
    except pydantic.ValidationError as wrong:
        return web.json_response({"error": str(wrong)}, status=422)
    cluster = request.app[CLUSTER]
    request.app[TWIN].record("projected", subject=asked.subject, audience=asked.audience)
    return web.json_response({"token": cluster.project(asked), "path": str(cluster.token_file)}, status=201)


async def _refreshed(application: web.Application) -> AsyncIterator[None]:
    task = asyncio.create_task(_refresh(application[CLUSTER]))
    yield
    task.cancel()


async def _refresh(cluster: Cluster) -> None:
    while True:
        cluster.project(Projection())
        await asyncio.sleep(LIFETIME * 0.8)
