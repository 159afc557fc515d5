"""An answer that has to have a form: checked whatever the maker did, and asked for once more where it has not.

The correction is a part of what the model is shown, so it is made from the journal alone: a run that is opened again goes
on with the same words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from charter.catalog.spec import AgentSpec
from charter.models import form
from charter.models.chat import Message, Reply
from charter.models.form import Unfit
from charter.runs.run import Step

_UNFIT = "unfit"
_UNBOUND = frozenset({"refusal", "content_filter"})
"""Ends of an answer that has no form, whatever was asked for: the person reads why."""


@dataclass(frozen=True, slots=True)
class Formed:
    """``text`` is what is shown, ``data`` its value where it has the form; ``unfit`` says what is wrong with it."""

    text: str
    data: Any = None
    unfit: str = ""


def formed(agent: AgentSpec, reply: Reply) -> Formed:
    """Return a reply held against the form of its agent, if that has one and the reply is an answer."""
    if agent.output is None or reply.calls or reply.finish_reason in _UNBOUND:
        return Formed(reply.text)
    try:
        return Formed(*form.read(reply.text, agent.output))
    except Unfit as fault:
        return Formed(reply.text, unfit=fault.public)


def correction(unfit: str) -> Message:
    """Return what the model is told of an answer without the form."""
    return Message(
        "user", f"Your answer does not have the form that was asked for. {unfit} Answer again, with the JSON alone."
    )


def noted(unfit: str) -> dict[str, str]:
    """Return what a model step keeps beside its words."""
    return {_UNFIT: unfit} if unfit else {}


def unfit(step: Step) -> str:
    """Return what was wrong with the answer of a model step; empty: nothing."""
    return str(step.output.get(_UNFIT, "")) if step.type == "model" and isinstance(step.output, dict) else ""  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]


def corrected(steps: Sequence[Step]) -> bool:
    """Whether the run has asked once more already."""
    return any(unfit(step) for step in steps)
