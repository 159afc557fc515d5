"""Health and this description itself, described."""

from typing import Any, Literal

from pydantic import BaseModel

from charter.channels.described import JSON, Answer, Operation


class Alive(BaseModel):
    status: Literal["ok"]


class DependencyState(BaseModel, extra="allow"):
    status: Literal["ok", "unavailable"]
    detail: str = ""


class Readiness(BaseModel):
    status: Literal["ok", "unavailable", "draining"]
    worker: int | None = None
    checks: dict[str, DependencyState]


class OpenApiDocument(BaseModel, extra="allow"):
    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]


OPERATIONS = (
    Operation(
        "GET", "/healthz", "getHealth", "Whether the process lives", "operations", {200: Answer("It does.", Alive)},
        public=True,
    ),
    Operation(
        "GET", "/readyz", "getReadiness", "Whether every dependency serves", "operations",
        {200: Answer("All do.", Readiness), 503: Answer("One does not, or the host goes down.", Readiness)},
        public=True,
    ),
    Operation(
        "GET", "/openapi.json", "getDescription", "This description", "operations",
        {200: Answer("OpenAPI 3.1.", OpenApiDocument, media=(JSON,))},
        public=True,
    ),
)  # fmt: skip
