"""How a door is described: what it takes, what it answers. Data only; ``ops/openapi`` makes the document of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, Field

Schema = Mapping[str, Any]
TEXT: Schema = {"type": "string"}
JSON, EVENTS = "application/json", "text/event-stream"


class FieldFault(BaseModel):
    pointer: str = Field(description="RFC 6901")
    detail: str


class Problem(BaseModel):
    """What went wrong, whether a retry helps, and what to do (RFC 9457)."""

    type: str = Field(description="urn:charter:problem:<code>")
    title: str
    status: int
    code: str = Field(description="Stable; meant for programs.")
    detail: str = Field(description="One sentence, meant for people.")
    action: str = Field(description="What to do about it.")
    retryable: bool
    trace_id: str | None
    errors: list[FieldFault]


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    where: Literal["path", "query", "header"]
    description: str
    schema: Schema = field(default_factory=lambda: TEXT)


@dataclass(frozen=True, slots=True)
class Answer:
    """One good answer: the JSON shape, and whether it can come as a stream of events instead."""

    description: str
    shape: type[BaseModel] | None = None
    media: tuple[str, ...] = (JSON,)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path. The problems that follow from it (401, 404, 413, 415, 422) need no mention.

    ``faults`` is what its problem documents are, where they hold more than others.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    name: str
    summary: str
    tag: str
    answers: Mapping[int, Answer]
    description: str = ""
    body: type[BaseModel] | None = None
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[int, ...] = ()
    faults: type[BaseModel] = Problem
    public: bool = False


def query(name: str, description: str, schema: Schema = TEXT) -> Parameter:
    return Parameter(name, "query", description, schema)


IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    "The same key with the same request is the same run; with another request it is a conflict (409).",
    {"type": "string", "minLength": 1, "maxLength": 255},
)
