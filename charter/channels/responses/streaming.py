"""A run as the Responses API streams it: typed events, numbered from 0.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Iterator, Mapping
from typing import Any

from charter.channels import sse
from charter.channels.responses import response
from charter.channels.responses.following import Settled
from charter.channels.responses.ids import message_id
from charter.channels.responses.speech import Closed, Opened, Said, Utterance
from charter.errors import CharterError
from charter.runs.run import Run

_END = {"failed": "response.failed", "cancelled": "response.incomplete"}


class ResponseStream:
    """Renders one stream; ``run`` is as it was at the beginning."""

    def __init__(self, run: Run, origin: str) -> None:
        self._run = run
        self._origin = origin
        self._number = 0
        self._output: list[dict[str, Any]] = []
        self._closing: Closed | None = None

    def begin(self) -> Iterator[bytes]:
        head = response.response(self._run, ()) | {"status": "in_progress", "completed_at": None, "error": None}
        yield self._event("response.created", response=head)
        yield self._event("response.in_progress", response=head)

    def tell(self, event: Utterance | Settled) -> Iterator[bytes]:
        match event:
            case Opened(index):
                yield from self._open(index)
            case Said(index, text):
                yield self._piece("response.output_text.delta", index, delta=text, logprobs=[])
            case Closed(final=True):
                self._closing = event  # its citations come with the settled run
            case Closed():
                yield from self._close(self._run, event)
            case Settled(run):
                if self._closing is not None:
                    yield from self._close(run, self._closing)
                yield self._end(run)

    def fail(self, fault: CharterError) -> bytes:
        """Tell that the stream cannot go on; the run is not harmed by that."""
        return self._event("error", code=fault.code, message=f"{fault.detail} {fault.action}", param=None)

    def _open(self, index: int) -> Iterator[bytes]:
        item = {"id": message_id(self._run.id, index), "type": "message", "role": "assistant", "status": "in_progress"}
        yield self._event("response.output_item.added", output_index=index, item={**item, "content": []})
        yield self._piece("response.content_part.added", index, part=response.part(""))

    def _close(self, run: Run, closed: Closed) -> Iterator[bytes]:
        index = closed.index
        item = response.message(run, index, closed.text, self._origin, final=closed.final, whole=closed.whole)
        part = item["content"][0]
        for number, note in enumerate(part["annotations"]):
            yield self._piece("response.output_text.annotation.added", index, annotation_index=number, annotation=note)
        yield self._piece("response.output_text.done", index, text=closed.text, logprobs=[])
        yield self._piece("response.content_part.done", index, part=part)
        yield self._event("response.output_item.done", output_index=index, item=item)
        if closed.whole:
            self._output.append(item)

    def _end(self, run: Run) -> bytes:
        """The last event. That of a waiting run is ``response.completed``, too: the stream is; its status says more.

        The stock clients take their result from this event alone.
        """
        return self._event(_END.get(run.status, "response.completed"), response=response.response(run, self._output))

    def _piece(self, kind: str, index: int, **more: Any) -> bytes:
        return self._event(kind, item_id=message_id(self._run.id, index), output_index=index, content_index=0, **more)

    def _event(self, kind: str, **fields: Any) -> bytes:
        data: Mapping[str, Any] = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        return sse.line(kind, data)
