"""The OpenAI doors, described."""

from charter.channels.described import EVENTS, IDEMPOTENCY_KEY, JSON, Answer, Operation, Parameter, query
from charter.channels.responses.schemas import CreateChatCompletion, CreateResponse
from charter.channels.responses.shapes import ChatCompletion, Model, ModelList, OpenAIProblem, Response

_RETRY = Parameter(
    "x-stainless-retry-count",
    "header",
    "Sent by OpenAI's clients when they repeat a request. Without an Idempotency-Key, a repeated request then gets the "
    "run that the same input started for you within the last 15 minutes, if there is one, and starts no second.",
    {"type": "integer", "minimum": 0},
)
_STARTS = (403, 404, 409, 429, 503)
_CREATE = (
    "OpenAI's Responses API; `model` is the agent. The answer comes once the run has ended or waits, or after 230 "
    "seconds with the status `in_progress`.\n\n"
    "A run that waits for a person is `in_progress`, says so in `metadata.waiting_for`, and its last message is a "
    "sentence that says what is awaited; GET the response later for the answer. Its stream ends with that sentence and "
    "`response.completed`, whose response has that status.\n\n"
    "`previous_response_id` and `conversation` go on in a thread. Parameters of sampling and bookkeeping are accepted "
    "and ignored; those that would replace the agent's instructions, functions or form of answer are refused (422), as "
    "are unknown ones. Citations are `url_citation` annotations."
)
_CHAT = (
    "OpenAI's chat completions; `model` is the agent. Only the user's messages behind the last assistant message are "
    "the input. Earlier messages are what the caller claims: the agent never sees them, but where they repeat an "
    "earlier conversation of yours with this agent, the run goes on in its thread with the host's own record.\n\n"
    "For a run that waits for a person, the content is a sentence that says what is awaited; it names the response to "
    "GET later, and `metadata.waiting_for` says it to programs. A run that failed is an error."
)

OPERATIONS = (
    Operation(
        "POST", "/v1/responses", "createResponse", "Ask an agent (OpenAI Responses)", "openai",
        {200: Answer("The response; with `stream` its events.", Response, media=(JSON, EVENTS))},
        description=_CREATE,
        body=CreateResponse,
        parameters=(IDEMPOTENCY_KEY, _RETRY),
        problems=_STARTS,
        faults=OpenAIProblem,
    ),
    Operation(
        "GET", "/v1/responses/{response}", "getResponse", "Read a response as it stands", "openai",
        {200: Answer("The response; with `stream` its events.", Response, media=(JSON, EVENTS))},
        parameters=(
            query("stream", "true: tell it as events, from the beginning.", {"type": "boolean"}),
            query("starting_after", "Refused unless 0: a stream is told from its beginning.", {"type": "integer"}),
        ),
        problems=(422,),
        faults=OpenAIProblem,
    ),
    Operation(
        "POST", "/v1/chat/completions", "createChatCompletion", "Ask an agent (OpenAI chat completions)", "openai",
        {200: Answer("The completion; with `stream` its chunks.", ChatCompletion, media=(JSON, EVENTS))},
        description=_CHAT,
        body=CreateChatCompletion,
        parameters=(IDEMPOTENCY_KEY, _RETRY),
        problems=_STARTS,
        faults=OpenAIProblem,
    ),
    Operation(
        "GET", "/v1/models", "listModels", "List the agents you may start, as models", "openai",
        {200: Answer("The agents.", ModelList)},
        faults=OpenAIProblem,
    ),
    Operation(
        "GET", "/v1/models/{model}", "getModel", "Read an agent, as a model", "openai", {200: Answer("The agent.", Model)},
        faults=OpenAIProblem,
    ),
)  # fmt: skip
