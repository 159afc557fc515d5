"""Citations as annotations: each ``[n]`` in a text points at the passage it cites. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urljoin

_MARK = re.compile(r"\[(\d{1,3})\]")


def annotations(text: str, citations: Sequence[Mapping[str, Any]], origin: str) -> list[dict[str, Any]]:
    """Return a ``url_citation`` for each mark in the text; indexes count characters, the end is behind the mark.

    ``origin`` completes addresses of this host (``http://localhost:3978``). Two members more than OpenAI's name the
    exact passage.
    """
    cited = {int(citation["n"]): citation for citation in citations}
    return [
        {
            "type": "url_citation",
            "start_index": mark.start(),
            "end_index": mark.end(),
            "title": str(citation.get("title") or "Untitled"),
            "url": _address(citation, origin),
            "document_id": citation.get("document_id"),
            "passage_id": citation.get("passage_id"),
        }
        for mark in _MARK.finditer(text)
        if (citation := cited.get(int(mark[1])))
    ]


def _address(citation: Mapping[str, Any], origin: str) -> str:
    if url := citation.get("url"):
        return urljoin(origin, str(url))
    parts = (quote(str(citation.get(name)), safe="") for name in ("document_id", "passage_id"))
    return f"urn:charter:passage:{':'.join(parts)}"
