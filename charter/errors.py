"""The error tree. Each error carries its code, its HTTP status and whether a retry helps.

::

    CharterError
    ├── Unauthenticated          401 unauthenticated
    ├── Forbidden                403 forbidden
    │   ├── TenantSuspended      403 tenant_suspended
    │   ├── NotAnApprover        403 not_an_approver
    │   ├── SelfApproval         403 self_approval
    │   ├── WrongAccount         403 wrong_account        (signed in as somebody else than who writes)
    │   └── Guest                403 guest                (of another organisation than the conversation)
    ├── NotFound                 404 not_found            (another tenant's thing, too)
    ├── Conflict                 409 conflict
    │   ├── DigestMismatch       409 digest_mismatch
    │   ├── AlreadyDecided       409 already_decided
    │   ├── Expired              409 expired
    │   ├── IdempotencyKeyReused 409 idempotency_key_reused
    │   ├── RunFinished          409 run_finished
    │   └── ModelCannot          409 model_cannot         (no model of the agent's tier can do what is asked)
    ├── TooLarge                 413 too_large
    ├── Misdirected              421 misdirected          (asked for by a name that is not this host's)
    ├── UnsupportedMedia         415 unsupported_media_type
    ├── InvalidRequest           422 invalid_request      (a malformed payload only)
    ├── TooMany                  429 rate_limited         (Retry-After)
    │   ├── QueueFull            429 queue_full
    │   └── BudgetExhausted      429 budget_exhausted
    ├── UnknownInvoke            501 unknown_invoke       (something of Teams' that this host does not do)
    ├── Unavailable              503 unavailable
    │   ├── DatabaseUnavailable  503 unavailable
    │   ├── Draining             503 draining
    │   ├── Killed               503 killed
    │   └── ModelUnavailable     503 model_unavailable
    ├── AnswerUnfit              502 answer_unfit         (not of the form that the agent promises)
    ├── AuthorityLost            403 authority_lost       (a token exchange was refused)
    ├── AuditFailed              503 audit_failed         (no audit, no effect)
    └── StartRefused             the host does not start; said in one sentence

The caller hears a problem document (RFC 9457), the model only a public sentence, the operator the trace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of a payload: where (RFC 6901 pointer) and what."""

    pointer: str
    detail: str


class CharterError(Exception):
    """A fault that a caller may hear of."""

    code = "internal"
    status = 500
    title = "The host failed."
    action = "Try again; if it stays, tell an operator the trace id."
    retryable = False

    def __init__(
        self,
        detail: str = "",
        *,
        action: str | None = None,
        retry_after: float | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        """Keep what is told: one sentence, what to do, seconds to wait, and faults of single fields."""
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.action = action or self.action
        self.retry_after = retry_after
        self.errors = tuple(errors)

    def as_problem(self, trace_id: str | None = None) -> dict[str, Any]:
        """Return the problem document (RFC 9457) that tells this fault."""
        return {
            "type": f"urn:charter:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "action": self.action,
            "retryable": self.retryable,
            "trace_id": trace_id,
            "errors": [{"pointer": error.pointer, "detail": error.detail} for error in self.errors],
        }


class Unauthenticated(CharterError):
    code, status, title = "unauthenticated", 401, "No valid token."
    action = "Send a bearer token of a configured issuer; locally: charter token --as alice."


class Forbidden(CharterError):
    code, status, title = "forbidden", 403, "Not allowed."
    action = "Ask an operator for the role this needs."


class TenantSuspended(Forbidden):
    code, title = "tenant_suspended", "Your organisation's use of this host is suspended."
    action = "Ask those who run this host; nothing is lost, and what waits goes on afterwards."


class NotAnApprover(Forbidden):
    code, title = "not_an_approver", "You are not asked to decide this."
    action = "Ask one of the named approvers."


class SelfApproval(Forbidden):
    code, title = "self_approval", "Nobody approves their own request."
    action = "Ask one of the named approvers."


class WrongAccount(Forbidden):
    code, title = "wrong_account", "The sign-in is not of the person who writes."
    action = "Sign in with the account that you use in Teams."


class Guest(Forbidden):
    code, title = "guest", "Your account belongs to another organisation than this conversation."
    action = "Ask in the Teams of your own organisation."


class NotFound(CharterError):
    code, status, title = "not_found", 404, "No such thing."
    action = "Check the id."


class Conflict(CharterError):
    code, status, title = "conflict", 409, "This does not fit the present state."
    action = "Read the object again."


class DigestMismatch(Conflict):
    code, title = "digest_mismatch", "The decision names another call than the one that waits."
    action = "Read the approval again and decide on its digest."


class AlreadyDecided(Conflict):
    code, title = "already_decided", "Somebody decided otherwise before you."


class Expired(Conflict):
    code, title = "expired", "The time to decide is over."
    action = "Start the run again."


class IdempotencyKeyReused(Conflict):
    code, title = "idempotency_key_reused", "This Idempotency-Key came before with another request."
    action = "Use a new key for a new request."


class RunFinished(Conflict):
    code, title = "run_finished", "The run has ended."


class ModelCannot(Conflict):
    code, title = "model_cannot", "The model of this agent cannot do this."
    action = "Ask in words, or let an operator configure a model that can (CHARTER_MODELS)."


class TooLarge(CharterError):
    code, status, title = "too_large", 413, "The request is too large."
    action = "Send less."


class Misdirected(CharterError):
    code, status, title = "misdirected", 421, "This host does not answer to that name."
    action = "Use http://localhost, or set CHARTER_HTTP__PUBLIC_URL to the address that browsers use."


class UnsupportedMedia(CharterError):
    code, status, title = "unsupported_media_type", 415, "The request must be application/json."
    action = "Send JSON with Content-Type: application/json."


class InvalidRequest(CharterError):
    code, status, title = "invalid_request", 422, "The request is malformed."
    action = "Mend the fields named in errors."


class TooMany(CharterError):
    code, status, title, retryable = "rate_limited", 429, "Too many requests.", True
    action = "Wait as long as Retry-After says."


class QueueFull(TooMany):
    code, title = "queue_full", "The tenant's queue is full."


class BudgetExhausted(TooMany):
    code, title = "budget_exhausted", "The budget is spent."


class UnknownInvoke(CharterError):
    code, status, title = "unknown_invoke", 501, "This host does nothing of that name."
    action = "Take it out of the app's manifest and cards."


class Unavailable(CharterError):
    code, status, title, retryable = "unavailable", 503, "A part the host needs does not answer.", True
    action = "Try again shortly."


class DatabaseUnavailable(Unavailable):
    title = "The database does not answer."


class Draining(Unavailable):
    code, title = "draining", "The host is going down and takes no new work."


class Killed(Unavailable):
    code, title, retryable = "killed", "An operator has stopped this.", False


ModelFault = Literal["busy", "failing", "slow", "unreachable", "unreadable", "denied", "rejected", "filtered"]
"""What a deployment of a model did instead of answering:

- ``busy``: it has no room now (429, 529); ``retry_after`` is what it asked for.
- ``failing``: it answers with a fault of its own (5xx). ``slow``: not in time. ``unreachable``: not at all.
- ``unreadable``: what came is no whole answer: garbage, nothing, or a stream that broke off.
- ``denied``: it will not serve us: a wrong key, a missing right, no such model there (401, 402, 403, 404).
- ``rejected``: it will not serve this request, and others of its kind would not either (400, 413, 422).
- ``filtered``: its content filter stepped in.
"""


class ModelUnavailable(Unavailable):
    """``why`` decides what is done about it: whether another deployment is asked, and what it says of this one's health."""

    code, title = "model_unavailable", "The model does not answer."
    _ACTIONS: ClassVar[Mapping[str, str]] = {
        "rejected": "Ask in another way, or shorter; if it stays, tell an operator the trace id.",
        "filtered": "Ask in another way.",
    }

    def __init__(
        self,
        detail: str = "",
        *,
        why: ModelFault = "unreadable",
        action: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail, action=action or self._ACTIONS.get(why), retry_after=retry_after)
        self.why: ModelFault = why
        self.retryable = self.elsewhere

    @property
    def elsewhere(self) -> bool:
        """Whether another deployment may be asked the same."""
        return self.why not in {"rejected", "filtered"}


class AnswerUnfit(CharterError):
    code, status, title, retryable = "answer_unfit", 502, "The model's answer has not the form that was agreed.", True
    action = "Ask again, or in other words."


class AuthorityLost(CharterError):
    code, status, title = "authority_lost", 403, "The authority of the person who asked could not be renewed."
    action = "Sign in again and ask anew; nothing was done."


class AuditFailed(CharterError):
    code, status, title, retryable = (
        "audit_failed",
        503,
        "The audit record could not be written, so nothing was done.",
        True,
    )


class StartRefused(CharterError):
    code, title = "start_refused", "The host does not start."
    action = "Mend what the sentence names and start again."
