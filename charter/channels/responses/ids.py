"""A run's id as the OpenAI wire shows it: ``run_<x>``, ``resp_<x>``, ``chatcmpl-<x>``, ``msg_<x>_<n>``. Pure."""

import re

from charter.errors import NotFound

_RESPONSE = re.compile(r"resp_([0-9A-Za-z]{1,64})")
_MESSAGE = re.compile(r"msg_([0-9A-Za-z]{1,64})_\d{1,6}")


def response_id(run_id: str) -> str:
    return "resp_" + run_id.removeprefix("run_")


def completion_id(run_id: str) -> str:
    return "chatcmpl-" + run_id.removeprefix("run_")


def message_id(run_id: str, index: int) -> str:
    return f"msg_{run_id.removeprefix('run_')}_{index}"


def run_of_response(given: str) -> str:
    """Return the run that a response is.

    Raises:
        NotFound: it is no id of a response.
    """
    found = _RESPONSE.fullmatch(given)
    if found is None:
        raise NotFound(f"There is no response {given[:64]}.", action="Take the id from a response of this host.")
    return f"run_{found[1]}"


def run_of_message(given: str) -> str | None:
    """Return the run that a message item belongs to; ``None`` if the id is not one of ours."""
    found = _MESSAGE.fullmatch(given)
    return f"run_{found[1]}" if found else None
