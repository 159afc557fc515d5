"""Who may read an answer where several read along. Pure; whatever is not known to be for everyone is for the asker alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast

from charter.channels.teams.ports import Member
from charter.governance.labels import Label
from charter.runs.run import Step

Audience = Literal["everyone", "asker"]
Reason = Literal["", "personal", "restricted", "members"]
"""Why an answer is for the asker alone: it rests on what was done or asked in their name; on what not everybody of the
tenant may read; or somebody reads along who is not known to belong to the tenant. Empty: it is for everyone.
"""

TENANT = "tenant"
"""The reader that everybody of a tenant is."""


def audience(runs: Iterable[Sequence[Step]], members: Sequence[Member] | None, home_tid: str) -> Audience:
    """Return who may read the answer of a run in a group chat or a channel.

    ``runs`` are the steps of the run, and those of each earlier run of its thread: the model was shown their answers.
    ``members`` read the conversation (``None``: nobody knows who does); ``home_tid`` is the asker's own Entra tenant.
    """
    return "asker" if reason(runs, members, home_tid) else "everyone"


def reason(runs: Iterable[Sequence[Step]], members: Sequence[Member] | None, home_tid: str) -> Reason:
    """Return why the answer is for the asker alone, the weightiest reason first; nothing where it is for everyone."""
    found = {_of(step) for steps in runs for step in steps}
    if "personal" in found:
        return "personal"
    if "restricted" in found:
        return "restricted"
    return "" if _of_one_house(members, home_tid) else "members"


def _of_one_house(members: Sequence[Member] | None, home_tid: str) -> bool:
    return bool(home_tid and members) and all(
        member.tid == home_tid and not member.guest for member in cast("Sequence[Member]", members)
    )


def _of(step: Step) -> Reason:
    """Return why what this step brought is not for everyone."""
    label = Label.from_json(step.label)
    if step.redacted or label.readers:
        return "restricted"
    match step.type:
        case "model":
            return ""
        case "message" if label.trusted and step.output is None:
            return ""
        case "retrieval":
            return "" if step.status == "done" and _open(step.output) else "restricted"
        case _:
            # A function, a question about one, or files and images that the person has: theirs.
            return "personal"


def _open(result: Any) -> bool:
    """Whether a search brought nothing but passages that everybody of the tenant may read, each of which says so."""
    match result:
        case {"passages": list(), **rest}:
            return not rest and all(_says_so(passage) for passage in cast("list[Any]", result["passages"]))
        case _:
            return False


def _says_so(passage: Any) -> bool:
    readers: Any = cast("Mapping[str, Any]", passage).get("readers") if isinstance(passage, Mapping) else None
    return isinstance(readers, list) and TENANT in readers
