"""Parameters of the OpenAI wire that an agent does not take: ignored where harmless, refused where they change things.

An agent brings its own instructions, functions and model; a caller who could replace them would stand outside its
policy. Sampling and bookkeeping change nothing that is governed, so clients that always send them are served.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

Ignored = Annotated[Any, Field(description="Accepted and ignored: the agent's own settings hold.")]


def _nothing(_: Any) -> bool:
    return False


@dataclass(frozen=True)
class Refused:
    """Marks a field that must be absent, empty, or what ``unless`` lets through; ``sentence`` says why."""

    sentence: str
    unless: Callable[[Any], bool] = _nothing

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(core), "description": f"Refused unless empty or the default. {self.sentence}"}

    def _checked(self, given: Any) -> Any:
        if given in (None, False, "", [], {}) or self.unless(given):
            return None
        raise PydanticCustomError("refused", "{sentence}", {"sentence": self.sentence.rstrip(".")})


def plain_text(given: Any) -> bool:
    """Whether a ``text`` or ``response_format`` parameter asks for plain text."""
    if not isinstance(given, Mapping):
        return False
    wanted = cast("Mapping[str, Any]", given)
    form = wanted.get("format", wanted)
    return not form or not isinstance(form, Mapping) or cast("Mapping[str, Any]", form).get("type", "text") == "text"


def only(*allowed: Any) -> Callable[[Any], bool]:
    """Let exactly these values through."""
    return lambda given: given in allowed


TOOLS = "The agent brings its own functions, each under its policy; tools of a caller are not taken."
INSTRUCTIONS = "The agent has its own instructions; a caller does not change them."
TEXT_ONLY = "An agent answers in plain text; other forms are not made."
