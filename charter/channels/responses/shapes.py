"""What the OpenAI doors answer, as their description says it.

https://platform.openai.com/docs/api-reference
"""

from typing import Any, Literal

from pydantic import BaseModel, Field

from charter.channels.described import Problem


class OpenAIError(BaseModel):
    message: str
    type: str
    code: str
    param: str | None


class OpenAIProblem(Problem):
    """A problem document with OpenAI's error object beside its own members, for clients that read only that."""

    error: OpenAIError


class UrlCitation(BaseModel):
    type: Literal["url_citation"]
    start_index: int
    end_index: int
    title: str
    url: str
    document_id: str | None
    passage_id: str | None


class OutputText(BaseModel):
    type: Literal["output_text"]
    text: str
    annotations: list[UrlCitation]
    logprobs: list[Any]


class OutputMessage(BaseModel):
    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    status: Literal["completed", "incomplete"]
    phase: Literal["commentary", "final_answer"]
    content: list[OutputText]


class ResponseError(BaseModel):
    code: Literal["server_error", "rate_limit_exceeded"]
    message: str


class ConversationReference(BaseModel):
    id: str = Field(description="The run's thread.")


class ResponseUsage(BaseModel):
    input_tokens: int
    input_tokens_details: dict[str, int]
    output_tokens: int
    output_tokens_details: dict[str, int]
    total_tokens: int


class Response(BaseModel):
    """A run as OpenAI's Response. What an agent does not have is null or OpenAI's default."""

    id: str = Field(description="resp_<x> for the run run_<x>.")
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    status: Literal["queued", "in_progress", "completed", "failed", "cancelled"]
    error: ResponseError | None
    incomplete_details: None
    model: str = Field(description="The agent's name.")
    output: list[OutputMessage]
    conversation: ConversationReference
    previous_response_id: str | None
    usage: ResponseUsage
    metadata: dict[str, str] = Field(
        description="Yours, and run_id, thread, waiting_for (approval, input, event or unknown_effect) with approval_id, "
        "and error_code."
    )
    background: bool
    instructions: None
    max_output_tokens: None
    parallel_tool_calls: bool
    reasoning: dict[str, None]
    service_tier: str
    store: bool
    temperature: None
    text: dict[str, Any]
    tool_choice: str
    tools: list[Any]
    top_p: None
    truncation: str
    user: None


class ChatUrlCitation(BaseModel):
    start_index: int
    end_index: int
    title: str
    url: str
    document_id: str | None
    passage_id: str | None


class ChatAnnotation(BaseModel):
    type: Literal["url_citation"]
    url_citation: ChatUrlCitation


class ChatMessage(BaseModel):
    role: Literal["assistant"]
    content: str
    refusal: None
    annotations: list[ChatAnnotation]


class ChatChoice(BaseModel):
    index: int
    message: ChatMessage
    logprobs: None
    finish_reason: Literal["stop"]


class ChatUsage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """A run as OpenAI's chat completion."""

    id: str = Field(description="chatcmpl-<x> for the run run_<x>.")
    object: Literal["chat.completion"]
    created: int
    model: str = Field(description="The agent's name.")
    choices: list[ChatChoice]
    usage: ChatUsage
    metadata: dict[str, str] = Field(description="As in a Response.")


class Model(BaseModel):
    """An agent that you may start."""

    id: str
    object: Literal["model"]
    created: int = Field(description="Always 0: an agent has no date.")
    owned_by: str


class ModelList(BaseModel):
    object: Literal["list"]
    data: list[Model]
