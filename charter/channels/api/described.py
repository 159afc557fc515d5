"""The REST door, described."""

from charter.channels.api.schemas import CreateRun, Decide, GiveFeedback, Replay, Resolve, Search
from charter.channels.api.shapes import (
    Agent,
    AgentList,
    Approval,
    ApprovalPage,
    Feedback,
    FoundList,
    Replayed,
    Run,
    RunPage,
    StepList,
)
from charter.channels.described import EVENTS, IDEMPOTENCY_KEY, Answer, Operation, Parameter, query

_LIMIT = query("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50})
_CURSOR = query("cursor", "The next of the page before.")
_EVENTS = (
    "Server-sent events `run.status`, `step`, `approval` and `done` carry the object and the journal's number as `id`; "
    "`output.delta` carries live text and has none. `output.withdrawn` says that the live text since the last step does "
    "not count: the model broke off, and its answer begins anew. A client that comes back with Last-Event-ID misses no numbered "
    "event and gets none twice. The stream stays open while a run waits, and closes after `done`."
)

OPERATIONS = (
    Operation(
        "GET", "/v1/agents", "listAgents", "List the agents you may start", "agents", {200: Answer("The agents.", AgentList)}
    ),
    Operation("GET", "/v1/agents/{agent}", "getAgent", "Read an agent", "agents", {200: Answer("The agent.", Agent)}),
    Operation(
        "POST", "/v1/runs", "createRun", "Start a run", "runs",
        {
            200: Answer("The run has ended or waits (with Prefer: wait=N only).", Run),
            202: Answer("The run was accepted.", Run, headers={"Location": "Where the run is."}),
        },
        description=(
            "The run acts for you, within its agent's policy. It goes on when you close the connection.\n\n"
            "`images` belong to the input: they are shown to the model for as long as the run goes on, kept with it and "
            "deleted with it. What is written in them is untrusted content: what changes the world after it is asked about. "
            "An agent whose model cannot look at images, or cannot answer in its agreed form, says so (409)."
        ),
        body=CreateRun,
        parameters=(
            IDEMPOTENCY_KEY,
            Parameter("Prefer", "header", "wait=N answers once the run has ended or waits, after N seconds at most (60)."),
        ),
        problems=(403, 404, 409, 429, 503),
    ),
    Operation(
        "GET", "/v1/runs", "listRuns", "List runs, newest first", "runs", {200: Answer("A page.", RunPage)},
        description="Your own; for operators all of the tenant.",
        parameters=(_LIMIT, _CURSOR, query("status", "Only these."), query("agent", "Only its."), query("thread", "Only its.")),
        problems=(422,),
    ),
    Operation("GET", "/v1/runs/{run}", "getRun", "Read a run", "runs", {200: Answer("The run.", Run)}),
    Operation(
        "GET", "/v1/runs/{run}/events", "followRun", "Follow a run", "runs",
        {200: Answer("The events, until the run is done.", media=(EVENTS,))},
        description=_EVENTS,
        parameters=(
            Parameter("Last-Event-ID", "header", "Go on behind this event.", {"type": "integer", "minimum": 0}),
            query("last_event_id", "The same, for clients that cannot set headers.", {"type": "integer", "minimum": 0}),
        ),
        problems=(422,),
    ),
    Operation(
        "GET", "/v1/runs/{run}/timeline", "getTimeline", "Read what a run did", "runs", {200: Answer("Its steps.", StepList)},
        parameters=(query("after", "Only steps that began behind this number.", {"type": "integer", "minimum": 0}),),
        problems=(422,),
    ),
    Operation(
        "POST", "/v1/runs/{run}/cancel", "cancelRun", "Stop a run", "runs", {200: Answer("The run as it was stopped.", Run)},
        description=(
            "A model's turn under way is cut off, an effect under way is not. What was done stays listed in the run's effects."
        ),
        problems=(409,),
    ),
    Operation(
        "POST", "/v1/runs/{run}/resolve", "resolveRun", "Say what became of an effect that nobody knows of", "runs",
        {200: Answer("The run, which goes on.", Run)},
        description=(
            "For a run that waits for `unknown_effect`. `happened`: it was done, with `result` if it is known. `retry`: it "
            "was not done, and is called once more. `give_up`: it stays unknown and is not called again. `since` (of `waiting`) "
            "binds the answer to the doubt that was read."
        ),
        body=Resolve,
        problems=(409, 422),
    ),
    Operation(
        "POST", "/v1/runs/{run}/replay", "replayRun", "Go through a run once more, calling nothing", "runs",
        {200: Answer("What came out.", Replayed)},
        description=(
            "For a run that is over. The model's answers and the functions' results are those of the journal; what is offered, "
            "the check of arguments, the policies of the bundle, today's managers, labels and the answer are done anew. With "
            "`current`, the present bundle of the agent: what would a change have decided otherwise? Nothing is called or written."
        ),
        body=Replay,
        problems=(409,),
    ),
    Operation(
        "PUT", "/v1/runs/{run}/feedback", "giveFeedback", "Say what you think of an answer", "runs",
        {200: Answer("What is kept of it.", Feedback)},
        description=(
            "For the person whose run it is, when it is over. What was said before is replaced. It is kept with the run and "
            "goes with it; operators read it."
        ),
        body=GiveFeedback,
        problems=(403, 409),
    ),
    Operation(
        "GET", "/v1/runs/{run}/feedback", "getFeedback", "Read what the person thought of an answer", "runs",
        {200: Answer("What they said.", Feedback)},
        description="Your own; for operators any of the tenant. 404 as long as nothing was said.",
    ),
    Operation(
        "GET", "/v1/approvals", "listApprovals", "List approvals", "approvals", {200: Answer("A page.", ApprovalPage)},
        description="Those you may decide, and those your own runs wait for; for operators all of the tenant.",
        parameters=(_LIMIT, _CURSOR, query("status", "Only these.")),
        problems=(422,),
    ),
    Operation(
        "GET", "/v1/approvals/{approval}", "getApproval", "Read an approval", "approvals",
        {200: Answer("The approval.", Approval)},
    ),
    Operation(
        "POST", "/v1/approvals/{approval}/decision", "decideApproval", "Approve or reject one exact call", "approvals",
        {200: Answer("The approval as decided.", Approval)},
        description="The digest names the call that was read; a decision on any other is refused.",
        body=Decide,
        problems=(403, 409),
    ),
    Operation(
        "POST", "/v1/knowledge/search", "searchKnowledge", "Search the documents that you may read", "knowledge",
        {200: Answer("The best passages, best first; none where nothing fits.", FoundList)},
        description="In the collections of the agents that you may start, or in one of them.",
        body=Search,
        problems=(403, 404, 503),
    ),
)  # fmt: skip
