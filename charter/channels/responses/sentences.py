"""What a waiting run waits for, in one sentence to the person who asked. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime

from charter.channels.responses.ids import response_id
from charter.governance.approvals import Approval
from charter.runs.run import Run


def awaited(run: Run, approval: Approval | None) -> str:
    """Return who must do what, and where the answer will be. The run's id is in it: ``threads`` knows it by that."""
    later = f"The run {run.id} then goes on by itself; GET /v1/responses/{response_id(run.id)} has its answer."
    return f"{_what(run, approval)} {later}"


def working(run: Run) -> str:
    """Return what is said when a caller has waited long enough for a run that still works."""
    return f"The run {run.id} is still at work; GET /v1/responses/{response_id(run.id)} will have its answer."


def _what(run: Run, approval: Approval | None) -> str:
    match (run.waiting or {}).get("for"):
        case "approval" if approval is not None:
            return (
                f"Waiting for {_people(approval.approvers)} to approve {approval.summary}. "
                f"The time for it ends at {_moment(approval.expires_at)}."
            )
        case "input" if approval is not None:
            return f"Waiting for you to confirm {approval.summary}. The time for it ends at {_moment(approval.expires_at)}."
        case "unknown_effect":
            return "Waiting for a person to say whether a call took effect: its outcome is unknown, and it is not repeated."
        case what:
            return f"Waiting for {'an event' if what == 'event' else 'a decision'}."


def _people(approvers: Sequence[str]) -> str:
    return " or ".join(_person(who) for who in approvers) or "somebody"


def _person(who: str) -> str:
    kind, _, name = who.partition(":")
    return f"anyone with the role {name}" if kind == "role" else name or kind


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
