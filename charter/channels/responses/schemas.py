"""Request bodies of the OpenAI doors. A parameter that OpenAI does not have, either, is an error."""

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from charter.channels.reading import Body
from charter.channels.responses.parameters import INSTRUCTIONS, TEXT_ONLY, TOOLS, Ignored, Refused, only, plain_text

_TEXT_PART = {
    "type": "object",
    "properties": {"type": {"enum": ["input_text", "output_text", "text"]}, "text": {"type": "string"}},
    "required": ["type", "text"],
}
_IMAGE_PART = {
    "type": "object",
    "description": "Of the user's new messages only; the address is a data: URL with base64. Others are not fetched.",
    "properties": {
        "type": {"enum": ["input_image", "image_url"]},
        "image_url": {
            "anyOf": [
                {"type": "string"},
                {"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]},
            ]
        },
        "detail": {"type": "string", "description": "Accepted and ignored."},
    },
    "required": ["type", "image_url"],
}
_PARTS = {"type": "array", "items": {"anyOf": [_TEXT_PART, _IMAGE_PART]}}
_MESSAGE = {
    "type": "object",
    "properties": {
        "type": {"const": "message"},
        "role": {"enum": ["user", "assistant"]},
        "content": {"anyOf": [{"type": "string"}, _PARTS]},
        "id": {"type": "string"},
    },
    "required": ["role", "content"],
}
_EARLIER = (
    "The user's messages after the last assistant message are the input. Earlier ones are what the caller claims was "
    "said: they are never shown to the agent, but where they repeat an earlier conversation of this caller with this "
    "agent, the run goes on in that thread, with the host's own record of it. System and developer messages, "
    "files and tool results are refused; so is an image that does not come with the request."
)
Messages = Annotated[Any, WithJsonSchema({"type": "array", "minItems": 1, "items": _MESSAGE, "description": _EARLIER})]
Input = Annotated[
    Any,
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 1, "items": _MESSAGE}], "description": _EARLIER}
    ),
]
Metadata = dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]]
Agent = Annotated[str, Field(min_length=1, max_length=128, description="The name of an agent: GET /v1/models.")]


class Conversation(Body):
    id: str = Field(max_length=64)


class CreateResponse(Body):
    model: Agent
    input: Input
    stream: bool | None = None
    background: bool | None = Field(default=None, description="True: answer at once; GET the response later.")
    previous_response_id: str | None = Field(default=None, max_length=80, description="Goes on in its thread.")
    conversation: str | Conversation | None = Field(default=None, description="A thread of this host to go on in.")
    metadata: Metadata | None = Field(default=None, max_length=16, description="Kept with the run.")

    instructions: Annotated[None, Refused(INSTRUCTIONS)] = None
    prompt: Annotated[None, Refused(INSTRUCTIONS)] = None
    tools: Annotated[None, Refused(TOOLS)] = None
    tool_choice: Annotated[None, Refused(TOOLS, only("auto", "none"))] = None
    text: Annotated[None, Refused(TEXT_ONLY, plain_text)] = None

    context_management: Ignored = None
    include: Ignored = None
    max_output_tokens: Ignored = None
    max_tool_calls: Ignored = None
    parallel_tool_calls: Ignored = None
    prompt_cache_key: Ignored = None
    prompt_cache_options: Ignored = None
    prompt_cache_retention: Ignored = None
    reasoning: Ignored = None
    safety_identifier: Ignored = None
    service_tier: Ignored = None
    store: Ignored = None
    stream_options: Ignored = None
    temperature: Ignored = None
    top_logprobs: Ignored = None
    top_p: Ignored = None
    truncation: Ignored = None
    user: Ignored = None


class StreamOptions(Body):
    include_usage: bool | None = None
    include_obfuscation: Ignored = None


class CreateChatCompletion(Body):
    model: Agent
    messages: Messages
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    metadata: Metadata | None = Field(default=None, max_length=16, description="Kept with the run.")

    audio: Annotated[None, Refused(TEXT_ONLY)] = None
    function_call: Annotated[None, Refused(TOOLS, only("auto", "none"))] = None
    functions: Annotated[None, Refused(TOOLS)] = None
    logprobs: Annotated[None, Refused("An agent does not tell token probabilities.")] = None
    modalities: Annotated[None, Refused(TEXT_ONLY, only(["text"]))] = None
    n: Annotated[None, Refused("A run has one answer.", only(1))] = None
    response_format: Annotated[None, Refused(TEXT_ONLY, plain_text)] = None
    stop: Annotated[None, Refused("An answer is not cut at words of the caller.")] = None
    tool_choice: Annotated[None, Refused(TOOLS, only("auto", "none"))] = None
    tools: Annotated[None, Refused(TOOLS)] = None
    web_search_options: Annotated[None, Refused(TOOLS)] = None

    frequency_penalty: Ignored = None
    logit_bias: Ignored = None
    max_completion_tokens: Ignored = None
    max_tokens: Ignored = None
    parallel_tool_calls: Ignored = None
    prediction: Ignored = None
    presence_penalty: Ignored = None
    prompt_cache_key: Ignored = None
    prompt_cache_options: Ignored = None
    prompt_cache_retention: Ignored = None
    reasoning_effort: Ignored = None
    safety_identifier: Ignored = None
    seed: Ignored = None
    service_tier: Ignored = None
    store: Ignored = None
    temperature: Ignored = None
    top_logprobs: Ignored = None
    top_p: Ignored = None
    user: Ignored = None
    verbosity: Ignored = None
