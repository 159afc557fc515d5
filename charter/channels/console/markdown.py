"""Markdown from models and documents, rendered without trust: no HTML, no pictures, only web and mail links.

``[1]`` becomes a chip that opens the cited passage, where such a citation exists.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererProtocol
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

_CITATION = re.compile(r"\[(\d{1,3}(?:\s?,\s?\d{1,3})*)\]")
_LINK = re.compile(r"(?:https?|mailto):", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cited:
    """A passage that the text may point to: where it opens, and what it is called."""

    address: str
    title: str


class _Careful(MarkdownIt):
    def validateLink(self, url: str) -> bool:  # noqa: N802  (the library's name)
        """Let only addresses of the web and of mail be links."""
        return _LINK.match(url.strip()) is not None


def answer(text: str, citations: Mapping[int, Cited]) -> Markup:
    """Render a model's answer; its headings stand below those of the page."""
    return _rendered(text, shift=2, citations=citations)


def document(text: str, *, shift: int = 1) -> Markup:
    """Render a part of a document; its headings stand below the page's one."""
    return _rendered(text, shift=shift, citations={})


def _rendered(text: str, *, shift: int, citations: Mapping[int, Cited]) -> Markup:
    env: dict[str, Any] = {"shift": shift, "citations": citations}
    return Markup(_PARSER.render(text, env))  # noqa: S704  (the parser escapes; HTML is off)


def _citation(state: StateInline, silent: bool) -> bool:
    found = _CITATION.match(state.src, state.pos)
    if found is None:
        return False
    numbers = [int(number) for number in found[1].split(",")]
    if not all(number in state.env["citations"] for number in numbers):
        return False
    if not silent:
        # A chip stays with the word before it.
        state.pending = re.sub(r"[ \n]+$", "\u00a0", state.pending)
        for number in numbers:
            state.push("citation", "", 0).meta = {"n": number}
    state.pos = found.end()
    return True


def _lower_headings(state: StateCore) -> None:
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(max(int(token.tag[1]) + state.env['shift'], 2), 6)}"


def _render_citation(_: RendererProtocol, tokens: Sequence[Token], at: int, __: OptionsDict, env: EnvType) -> str:
    number: int = tokens[at].meta["n"]
    cited: Cited = env["citations"][number]
    label = escapeHtml(f"Source {number}: {cited.title}")
    return f'<a class="chip" href="{escapeHtml(cited.address)}" data-passage aria-label="{label}" title="{label}">{number}</a>'


def _render_link_open(_: RendererProtocol, tokens: Sequence[Token], at: int, __: OptionsDict, ___: EnvType) -> str:
    address = str(tokens[at].attrs.get("href", ""))
    return f'<a href="{escapeHtml(address)}" rel="noopener noreferrer nofollow" target="_blank">'


def _render_link_close(_: RendererProtocol, tokens: Sequence[Token], at: int, __: OptionsDict, ___: EnvType) -> str:
    """Say where a link leads: its text is a model's, and may say otherwise."""
    opened = next(token for token in reversed(tokens[:at]) if token.type == "link_open")
    if opened.info == "auto":
        return "</a>"
    parts = urlsplit(str(opened.attrs.get("href", "")))
    return f'</a> <span class="host">({escapeHtml(parts.hostname or parts.path)})</span>'


def _parser() -> MarkdownIt:
    parser = _Careful("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("image")
    parser.inline.ruler.before("link", "citation", _citation)
    parser.core.ruler.push("lower_headings", _lower_headings)
    parser.add_render_rule("citation", _render_citation)
    parser.add_render_rule("link_open", _render_link_open)
    parser.add_render_rule("link_close", _render_link_close)
    return parser


_PARSER = _parser()
