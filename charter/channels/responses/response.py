"""A run as an OpenAI Response object. Pure.

https://platform.openai.com/docs/api-reference/responses/object
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from charter.channels.responses.citations import annotations
from charter.channels.responses.ids import message_id, response_id
from charter.runs.run import Run

PREVIOUS = "previous_response_id"
"""Where a run's metadata keeps what the response went on from."""

_STATUS = {"waiting": "in_progress", "running": "in_progress"}
_BUSY = frozenset({"rate_limited", "queue_full", "budget_exhausted"})
_DEFAULTS: Mapping[str, Any] = {
    "object": "response",
    "background": False,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "service_tier": "default",
    "store": True,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}


def response(run: Run, output: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the response; a waiting run is ``in_progress`` and says in its metadata what it waits for."""
    return {
        **_DEFAULTS,
        "id": response_id(run.id),
        "created_at": int(run.created_at.timestamp()),
        "completed_at": int(run.updated_at.timestamp()) if run.finished else None,
        "status": _STATUS.get(run.status, run.status),
        "error": _error(run.error) if run.status == "failed" else None,
        "model": run.agent,
        "output": list(output),
        "conversation": {"id": run.thread},
        "previous_response_id": run.metadata.get(PREVIOUS),
        "usage": _usage(run.usage),
        "metadata": metadata(run),
    }


def output(run: Run, texts: Sequence[str], origin: str) -> list[dict[str, Any]]:
    """Return the messages of a run: the last of a completed one is its answer."""
    last = len(texts) - 1 if run.status == "completed" else -1
    return [message(run, index, text, origin, final=index == last) for index, text in enumerate(texts)]


def message(run: Run, index: int, text: str, origin: str, *, final: bool, whole: bool = True) -> dict[str, Any]:
    """Return one message item; the answer has its citations as annotations."""
    return {
        "id": message_id(run.id, index),
        "type": "message",
        "role": "assistant",
        "status": "completed" if whole else "incomplete",
        "phase": "final_answer" if final else "commentary",
        "content": [part(text, cited(run, text, origin) if final else ())],
    }


def cited(run: Run, text: str, origin: str) -> list[dict[str, Any]]:
    """Return the annotations of a run's answer."""
    return annotations(text, run.output["citations"] if run.output else (), origin)


def part(text: str, notes: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": list(notes), "logprobs": []}


def metadata(run: Run) -> dict[str, str]:
    """Return what the caller gave, and where the run stands: ``run_id``, ``thread``, ``waiting_for``, ``error_code``."""
    told = {key: _text(value) for key, value in run.metadata.items() if key != PREVIOUS}
    told |= {"run_id": run.id, "thread": run.thread}
    if run.waiting:
        told["waiting_for"] = str(run.waiting["for"])
        if approval := run.waiting.get("approval_id"):
            told["approval_id"] = str(approval)
    if run.error:
        told["error_code"] = str(run.error["code"])
    return told


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _error(error: Mapping[str, Any] | None) -> dict[str, str]:
    code, detail = (str(error["code"]), str(error["detail"])) if error else ("internal", "The run failed.")
    return {"code": "rate_limit_exceeded" if code in _BUSY else "server_error", "message": detail}


def _usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    read, written = int(usage["input_tokens"]), int(usage["output_tokens"])
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + written,
    }
