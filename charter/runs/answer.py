"""The run's answer: the model's text, and those found passages that the text cites."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from charter.governance.labels import Label

_MARK = re.compile(r"\[(\d{1,3})\]")
_SHOWN = ("n", "document_id", "passage_id", "title", "url", "start", "end")


def output(
    text: str, passages: Sequence[Mapping[str, Any]], label: Label, *, data: Any = None, finish_reason: str = "stop"
) -> dict[str, Any]:
    """Return the public ``output`` of a run. A number that no passage has is left in the text and cites nothing; ``data`` is
    the value of an answer that has a form.
    """
    cited = {int(n) for n in _MARK.findall(text)}
    return {
        "text": text,
        "data": data,
        "finish_reason": finish_reason,
        "citations": [{key: passage.get(key) for key in _SHOWN} for passage in passages if passage["n"] in cited],
        "contains_untrusted": label.integrity == "untrusted",
    }
