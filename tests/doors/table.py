"""Every door of the host, a row each: what a good request looks like, and what somebody gets who has no business there.

A door without a row fails the test, and so does a row without a door. ``{name}`` in a path, a query or a body stands for
an id of that name in ``world.World.ids``; ``ids`` says which one where the door's own name for it means another. HEAD comes
with each GET by itself.

A new door of a token needs, at least, ``bearer("GET", "/v1/things/{thing}")`` and a ``thing`` in the world.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Guard = Literal["bearer", "cookie", "channel", "public"]


CONNECTOR = "connector"
"""The service that a channel's activities come from."""


@dataclass(frozen=True, slots=True)
class Door:
    """``who`` may use it and gets ``good``. The others are believed, but this is nothing of theirs: ``stranger`` is a person
    of the same tenant without any role, ``foreign`` somebody of another tenant, ``customer`` one of the tenant's customers,
    ``workload`` an application of the tenant. ``tail`` is what follows the path of a folder.
    """

    guard: Guard
    method: str
    path: str
    who: str = "alice"
    good: int = 200
    body: Mapping[str, Any] | None = None
    query: str = ""
    ids: Mapping[str, str] = field(default_factory=dict[str, str])
    stranger: int = 404
    foreign: int = 404
    customer: int = 404
    workload: int = 404
    why: str = ""
    tail: str = ""

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    def without_body(self) -> "Door":
        """Return the HEAD of a GET."""
        return replace(self, method="HEAD")


def bearer(method: str, path: str, **more: Any) -> Door:
    return Door("bearer", method, path, **more)


def admin(method: str, path: str, **more: Any) -> Door:
    """A door for operators alone."""
    return Door("bearer", method, path, **{"who": "carol", **_ALL(403), **more})


def cookie(method: str, path: str, **more: Any) -> Door:
    """A page or a form of the console. An application of the tenant has no business there at all."""
    return Door("cookie", method, path, **{"workload": 403, **more})


def channel(method: str, path: str, **more: Any) -> Door:
    """A door of a channel's own service: whatever Entra says of somebody counts for nothing there."""
    return Door("channel", method, path, **{"who": CONNECTOR, **_ALL(401), **more})


def public(method: str, path: str, why: str, **more: Any) -> Door:
    return Door("public", method, path, why=why, **more)


def _ALL(status: int) -> dict[str, int]:
    return dict.fromkeys(("stranger", "foreign", "customer", "workload"), status)


OPEN = _ALL(200)
"""Everybody may ask, and hears only of their own."""

_SAID = [{"role": "user", "content": "hello"}]

REACTION: Mapping[str, Any] = {
    "type": "messageReaction",
    "serviceUrl": "https://smba.trafficmanager.net/emea/",
    "channelId": "msteams",
    "from": {"id": "29:alice", "aadObjectId": "alice"},
    "recipient": {"id": "28:charter"},
    "conversation": {"id": "a:alice", "conversationType": "personal", "tenantId": "contoso"},
}
"""An activity that a good token brings in, and that nothing has to be done about."""

DOORS = (
    public("GET", "/", "leads to the console", good=302),
    public("GET", "/healthz", "tells that the process lives, and nothing else"),
    public("GET", "/readyz", "is asked by whatever balances load, and names no one"),
    public("GET", "/openapi.json", "is the same text for everybody"),
    bearer("GET", "/v1/agents", **OPEN),
    bearer("GET", "/v1/agents/{agent}", foreign=200),
    bearer(
        "POST", "/v1/runs", good=202, body={"agent": "{agent}", "input": "hello", "thread": "{thread}"}
    ),
    bearer("GET", "/v1/runs", query="thread={thread}", **OPEN),
    bearer("GET", "/v1/runs/{run}"),
    bearer("GET", "/v1/runs/{run}/events"),
    bearer("GET", "/v1/runs/{run}/timeline"),
    bearer("POST", "/v1/runs/{run}/cancel", ids={"run": "cancelled"}),
    bearer(
        "POST", "/v1/runs/{run}/resolve", who="bob", ids={"run": "doubt"}, body={"step_id": "{doubt_step}", "answer": "give_up"}
    ),
    bearer("POST", "/v1/runs/{run}/replay", body={"bundle": "own"}),
    bearer("PUT", "/v1/runs/{run}/feedback", body={"reaction": "like"}),
    bearer("GET", "/v1/runs/{run}/feedback", ids={"run": "liked"}),
    bearer("GET", "/v1/approvals", who="bob", **OPEN),
    bearer("GET", "/v1/approvals/{approval}", who="bob"),
    bearer(
        "POST", "/v1/approvals/{approval}/decision", who="bob", body={"decision": "reject", "digest": "{digest}"},
        stranger=403, customer=403, workload=403,
    ),
    bearer(
        "POST", "/v1/responses", body={"model": "{agent}", "input": "hello", "previous_response_id": "{response}"}
    ),
    bearer("GET", "/v1/responses/{response}"),
    bearer("POST", "/v1/chat/completions", body={"model": "{agent}", "messages": _SAID}, foreign=200),
    bearer("GET", "/v1/models", **OPEN),
    bearer("GET", "/v1/models/{model}", ids={"model": "agent"}, foreign=200),
    bearer("POST", "/v1/knowledge/search", body={"query": "purchasing"}, **OPEN),
    admin("GET", "/v1/admin/tenants"),
    admin("POST", "/v1/admin/tenants", body={"id": "{tenant}", "name": "Doorstep", "directory": "{tenant}"}),
    admin("GET", "/v1/admin/tenants/{tenant}"),
    admin("PATCH", "/v1/admin/tenants/{tenant}", body={"name": "Doorstep"}),
    admin("POST", "/v1/admin/tenants/{tenant}/suspend", body={"reason": "Unpaid."}),
    admin("POST", "/v1/admin/tenants/{tenant}/resume"),
    admin("GET", "/v1/admin/tenants/{tenant}/export"),
    channel("POST", "/api/messages", body=REACTION),
    admin("GET", "/v1/admin/feedback"),
    public("GET", "/console/sign-in", "is where one signs in"),
    public("POST", "/console/sign-in", "is where one signs in, and asks for its form's own token", body={"name": "alice"}),
    public("GET", "/console/signed-in", "takes an answer that only the browser that asked for it can use", good=303),
    public("GET", "/console/static", "is the console's style and script", tail="/console.js"),
    cookie("POST", "/console/sign-out", body={}, **{**OPEN, "workload": 403}),
    cookie("GET", "/console", good=303, stranger=303, foreign=303, customer=303),
    cookie("GET", "/console/", good=303, stranger=303, foreign=303, customer=303),
    cookie("GET", "/console/chat", **{**OPEN, "workload": 403}),
    cookie("GET", "/console/chat/{agent}", foreign=200),
    cookie("POST", "/console/chat/{agent}", body={"input": "hello", "thread": "{thread}"}),
    cookie("GET", "/console/threads/{thread}"),
    cookie("GET", "/console/approvals", who="bob", **{**OPEN, "workload": 403}),
    cookie("GET", "/console/approvals/decided", who="bob", **{**OPEN, "workload": 403}),
    cookie("GET", "/console/approvals/{approval}", who="bob"),
    cookie(
        "POST", "/console/approvals/{approval}/decision", who="bob", ids={"approval": "console_approval"},
        body={"decision": "reject", "digest": "{console_digest}"}, stranger=403, customer=403,
    ),
    cookie("GET", "/console/runs", **{**OPEN, "workload": 403}),
    cookie("GET", "/console/runs/{run}"),
    cookie("GET", "/console/runs/{run}/events"),
    cookie(
        "POST", "/console/runs/{run}/steps/{step}/answer", who="bob", ids={"run": "console_doubt", "step": "console_doubt_step"},
        body={"answer": "give_up", "since": "{console_since}"},
    ),
    cookie("POST", "/console/runs/{run}/feedback", body={"reaction": "like"}, good=200),
    cookie("POST", "/console/runs/{run}/cancel", ids={"run": "console_cancelled"}, good=303),
    cookie("GET", "/console/documents/{document}/passages/{passage}", stranger=200),
    cookie("GET", "/console/inbox", who="bob", **{**OPEN, "workload": 403}),
    cookie("GET", "/console/level", **{**OPEN, "workload": 403}),
)  # fmt: skip


def all_doors() -> list[Door]:
    """Return the rows, and HEAD where there is GET."""
    return [*DOORS, *(door.without_body() for door in DOORS if door.method == "GET")]
