"""A run as an OpenAI chat completion, whole or streamed. Pure.

https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from charter.channels.responses import response
from charter.channels.responses.citations import annotations
from charter.channels.responses.following import Settled
from charter.channels.responses.ids import completion_id
from charter.channels.responses.speech import Closed, Opened, Said, Utterance
from charter.errors import CharterError
from charter.runs.run import Run

BETWEEN = "\n\n"
"""Stands between what is said before a call and after it."""
BROKEN = "\n\n[The model broke off here. Its answer begins anew.]\n\n"
"""Stands between a text that broke off and the answer that takes its place: a chat client cannot be told to forget."""


def completion(run: Run, texts: Sequence[str], origin: str) -> dict[str, Any]:
    """Return the completion of a run that has ended well or waits."""
    content = BETWEEN.join(texts)
    message = {"role": "assistant", "content": content, "refusal": None, "annotations": _notes(run, content, origin)}
    return {
        **_head(run, "chat.completion"),
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": _usage(run),
        "metadata": response.metadata(run),
    }


class CompletionStream:
    """Renders one stream of chunks."""

    def __init__(self, run: Run, origin: str, *, include_usage: bool) -> None:
        self._run = run
        self._origin = origin
        self._include_usage = include_usage
        self._said = ""
        self._between = BETWEEN

    def begin(self) -> Iterator[bytes]:
        yield self._chunk(self._run, {"role": "assistant", "content": ""})

    def tell(self, event: Utterance | Settled) -> Iterator[bytes]:
        match event:
            case Opened() if self._said:
                yield self._piece(self._between)
                self._between = BETWEEN
            case Closed(whole=False):
                self._between = BROKEN
            case Said(_, text):
                yield self._piece(text)
            case Settled(run):
                yield from self._end(run)
            case _:
                return

    def fail(self, fault: CharterError) -> bytes:
        """Tell that the stream ends without an answer."""
        error = {"message": f"{fault.detail} {fault.action}", "type": "server_error", "code": fault.code, "param": None}
        return _line({"error": error})

    def _end(self, run: Run) -> Iterator[bytes]:
        if run.status in {"failed", "cancelled"}:
            yield self.fail(unanswered(run))
            return
        notes = _notes(run, self._said, self._origin)
        yield self._chunk(run, {"annotations": notes} if notes else {}, "stop", {"metadata": response.metadata(run)})
        if self._include_usage:
            yield _line({**_head(run, "chat.completion.chunk"), "choices": [], "usage": _usage(run)})
        yield b"data: [DONE]\n\n"

    def _piece(self, text: str) -> bytes:
        self._said += text
        return self._chunk(self._run, {"content": text})

    def _chunk(
        self, run: Run, delta: dict[str, Any], finish: str | None = None, more: dict[str, Any] | None = None
    ) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        usage: dict[str, Any] = {"usage": None} if self._include_usage else {}
        return _line({**_head(run, "chat.completion.chunk"), "choices": [choice], **usage, **(more or {})})


def unanswered(run: Run) -> CharterError:
    """Return why a run has no answer, as the error a chat client hears."""
    error = run.error or {}
    fault = CharterError(str(error.get("detail") or f"The run {run.id} was {run.status}."), action=error.get("action"))
    fault.code, fault.status = str(error.get("code") or run.status), int(error.get("status") or 409)
    fault.title = str(error.get("title") or "The run has no answer.")
    fault.retryable = bool(error.get("retryable")) and not run.effects  # what has had an effect is not tried again
    return fault


def _notes(run: Run, content: str, origin: str) -> list[dict[str, Any]]:
    found = annotations(content, run.output["citations"] if run.output else (), origin)
    return [{"type": "url_citation", "url_citation": {k: v for k, v in note.items() if k != "type"}} for note in found]


def _head(run: Run, kind: str) -> dict[str, Any]:
    return {"id": completion_id(run.id), "object": kind, "created": int(run.created_at.timestamp()), "model": run.agent}


def _usage(run: Run) -> dict[str, int]:
    read, written = int(run.usage["input_tokens"]), int(run.usage["output_tokens"])
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _line(data: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"
