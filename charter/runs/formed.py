"""An answer that has to have a form, or may say only what sources say: checked whatever the maker did, and asked for once
more where it is not so.

The correction is a part of what the model is shown, so it is made from the journal alone: a run that is opened again goes
on with the same words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from charter.catalog.spec import AgentSpec
from charter.models import form
from charter.models.chat import UNSUPPORTED, Message, Reply
from charter.models.form import Unfit
from charter.runs.grounded import Fault, checked
from charter.runs.run import Step

_UNFIT = "unfit"
_LEFT_OUT = "No approved passage supports these sentences:"
_ANEW = (
    "Write the whole text anew without them, or closer to the passages; each sentence with the number of its passage."
)
_TOLD = 20
_UNBOUND = frozenset({"refusal", "content_filter"})
"""Ends of an answer that has no form, whatever was asked for: the person reads why."""


@dataclass(frozen=True, slots=True)
class Formed:
    """``text`` is what is shown, ``data`` its value where it has the form; ``unfit`` says what is wrong with it, so that it
    is asked for once more.
    """

    text: str
    data: Any = None
    unfit: str = ""


def streams(agent: AgentSpec) -> bool:
    """Whether an answer may be shown before it is whole: half a form is of no use, and nothing unsupported is shown."""
    return agent.output is None and agent.grounding == "free"


def formed(agent: AgentSpec, reply: Reply, passages: Sequence[Mapping[str, Any]], *, again: bool) -> Formed:
    """Return a reply held against what its agent promises, if that is anything and the reply is an answer.

    ``passages`` are what the run has found; ``again``: it was asked for once more already.
    """
    if agent.grounding == "strict" and not reply.calls:
        # The embedded levels quote, and cannot write anew what they are told of.
        return _grounded(reply.text, passages, again=again or reply.level != "yours")
    if agent.output is None or reply.calls or reply.finish_reason in _UNBOUND:
        return Formed(reply.text)
    try:
        return Formed(*form.read(reply.text, agent.output))
    except Unfit as fault:
        return Formed(reply.text, unfit=fault.public)


def _grounded(text: str, passages: Sequence[Mapping[str, Any]], *, again: bool) -> Formed:
    """Return what approved passages support of a text; what they do not is named once, and then left out."""
    found = checked(text, passages)
    approved = any(passage.get("integrity") == "trusted" for passage in passages)
    if found.faults and approved and not again and text.strip() != UNSUPPORTED:
        return Formed(found.text, unfit=_named(found.faults))
    left_out = len(found.faults)
    if not left_out or found.text == UNSUPPORTED:
        return Formed(found.text)
    what = "1 sentence" if left_out == 1 else f"{left_out} sentences"
    return Formed(f"{found.text}\n\n({what} left out: no approved source says so.)")


def _named(faults: Sequence[Fault]) -> str:
    lines = [f"- “{fault.sentence}”: {fault.why}." for fault in faults[:_TOLD]]
    return "\n".join([_LEFT_OUT, *lines, _ANEW])


def correction(unfit: str) -> Message:
    """Return what the model is told of an answer that is not as its agent promises."""
    if unfit.startswith(_LEFT_OUT):
        return Message("user", unfit)
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
