"""Something did not work: what, what to do, and the reference by which those who run the host find it."""

from collections.abc import Mapping
from typing import Any

from charter.channels.teams.cards import element
from charter.channels.teams.incoming import Json
from charter.channels.teams.speech import Speech
from charter.errors import CharterError
from charter.runs.run import Run

_TELLING = frozenset({"too_large", "invalid_request", "already_decided", "model_cannot", "not_found"})
"""Faults whose own sentence says more than ours."""


def failure(speech: Speech, problem: Mapping[str, Any], run: Run | None = None, *, url: str = "") -> Json:
    """Return the card of a problem document (``CharterError.as_problem``, a run's ``error``).

    ``run`` is what failed: there is a button to try it again (``{"charter": "again", "run": …}``) where that is safe.
    """
    code = str(problem.get("code", "internal"))
    known = code if speech.has(f"problem.{code}") else "other"
    body = [
        element.heading(speech, "failure.heading", colour="attention"),
        element.sentence(speech, f"problem.{known}"),
        *_detail(code, problem),
        element.fact(speech.say("failure.do"), element.sentence(speech, f"remedy.{known}")),
    ]
    if run is not None and _changed(run):
        body.append(element.sentence(speech, "failure.stays"))
    if reference := str(problem.get("trace_id") or (run.trace_id if run else "") or ""):
        body.append(element.told(f"{speech.say('failure.reference')}: {element.short(reference)}", subtle=True))
    again = (
        [element.submit(speech.say("failure.again"), {"charter": "again", "run": run.id})]
        if run and safe(problem, run)
        else []
    )
    return element.card(speech, body, [*again, *([element.link(speech.say("open"), url)] if element.web(url) else [])])


def safe(problem: Mapping[str, Any], run: Run) -> bool:
    """Whether the same may be asked again: it may help, and nothing has been changed that would be changed twice."""
    return bool(problem.get("retryable")) and not _changed(run)


def told_briefly(speech: Speech, fault: CharterError) -> str:
    """Return a fault in one line, as an answer to a press of a button."""
    known = fault.code if speech.has(f"problem.{fault.code}") else "other"
    return f"{speech.say(f'problem.{known}')} {speech.say(f'remedy.{known}')}"


def _changed(run: Run) -> bool:
    return any(effect.get("outcome") != "failed" for effect in run.effects)


def _detail(code: str, problem: Mapping[str, Any]) -> list[Json]:
    detail = str(problem.get("detail") or "")
    if code not in _TELLING or not detail or detail == problem.get("title"):
        return []
    return [element.told(element.short(detail, 300), subtle=True)]
