"""Web pages: the main content as a person sees it, as Markdown. Nothing that a page points to is fetched."""

import re
from collections.abc import Iterator
from typing import Any

from charter.knowledge.formats.content import Content, Unreadable, content_of, decoded, lines_of
from charter.knowledge.formats.tables import table

_UNSEEN = [
    "script", "style", "template", "noscript", "head", "iframe", "object", "embed", "svg", "math", "canvas", "audio",
    "video", "img", "picture", "map", "dialog", "button", "select", "input", "textarea", "datalist",
]  # fmt: skip
_AROUND = "nav,aside,footer,[role=navigation],[role=banner],[role=contentinfo],[role=search],[role=complementary]"
_ROOMS = [
    "main", "article", "section", "header", "figure", "details", "summary", "address", "form", "fieldset", "legend",
    "label", "center",
]  # fmt: skip
_CONVERTED = [
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "div", "ul", "ol", "li", "table", "caption", "figcaption", "pre", "br",
    "blockquote", "dl", "dt", "dd", "hr", "q",
]  # fmt: skip
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:font-size|opacity)\s*:\s*0(?![.\d]*[1-9])"
)
_CHARSET = re.compile(rb"""<meta[^>]{0,200}charset\s{0,9}=\s{0,9}["']?([\w-]{2,40})""", re.IGNORECASE)
# What documentation tools put behind headings, to be linked to.
_MARKS = re.compile(r"^\s*[¶#§🔗]\s*$")
_MOST_SPAN = 200
_DEEPEST = 250


def read(content: bytes) -> Content:
    """Return the page's main content.

    Raises:
        Unreadable: it is no text, too long, or nested too deeply.
    """
    return page(_text(content))


def page(html: str) -> Content:
    """Return the main content of a page: without scripts, navigation, hidden text, pictures and the targets of links."""
    from bs4 import BeautifulSoup

    soup: Any = BeautifulSoup(html, "lxml")
    _check_depth(soup)
    title = soup.title.get_text(" ", strip=True) if soup.title else ""
    _clear(soup)
    main = _main(soup)
    for frame in list(main.find_all("table")):
        if _is_layout(frame):
            _unroll(frame)
    for room in main.find_all(_ROOMS):
        room.name = "div"
    top = main.find("h1")
    heading = " ".join(top.get_text(" ").split()) if top else ""
    return content_of(_markdown(main), title=(heading or title)[:300])


def _text(content: bytes) -> str:
    """Return the text in the encoding that the page declares, else in one that it can be in."""
    declared = _CHARSET.search(content[:4096])
    try:
        return lines_of(content.decode(declared[1].decode())) if declared else decoded(content)
    except (LookupError, UnicodeDecodeError):
        return decoded(content)


def _check_depth(soup: Any) -> None:
    """Walk through a page without recursion, which is what it would break later on."""
    rest = [(soup, 0)]
    while rest:
        element, depth = rest.pop()
        if depth > _DEEPEST:
            raise Unreadable("the page is nested too deeply")
        rest += [(child, depth + 1) for child in getattr(element, "children", ())]


def _clear(soup: Any) -> None:
    """Take out what a person does not see, and what stands around the content."""
    for comment in soup.find_all(string=_is_comment):
        comment.extract()
    around = soup.select(_AROUND)
    for tag in [*soup.find_all(_UNSEEN), *around, *soup.find_all(_is_hidden), *soup.find_all("a", string=_MARKS)]:
        tag.extract()


def _is_comment(text: Any) -> bool:
    from bs4 import Comment

    return isinstance(text, Comment)


def _is_hidden(tag: Any) -> bool:
    style = str(tag.get("style") or "").lower()
    return tag.has_attr("hidden") or bool(_HIDDEN.search(style))


def _main(soup: Any) -> Any:
    """Return the element with the content: the page's main one, its only article, else all but the page's header."""
    main = soup.select_one("main, [role=main]")
    articles = soup.find_all("article")
    if main or len(articles) == 1:
        return main or articles[0]
    for header in soup.find_all("header"):
        if not header.find("h1") and not header.find_parent("article"):
            header.extract()
    return soup.body or soup


def _is_layout(frame: Any) -> bool:
    """Tell a table that only arranges the page: it holds tables or headings."""
    return frame.get("role") == "presentation" or bool(frame.find(["table", "h1", "h2", "h3", "h4", "h5", "h6"]))


def _unroll(frame: Any) -> None:
    """Make a layout table's own parts plain blocks; tables within it stay."""
    for part in [frame, *frame.find_all(["thead", "tbody", "tfoot", "tr", "td", "th"])]:
        if part is frame or part.find_parent("table") is None:
            part.name = "div"


def _markdown(main: Any) -> str:
    from markdownify import ATX, MarkdownConverter

    class Converter(MarkdownConverter):
        """Tables with every cell where it is seen; the rest is the library's."""

        def convert_table(self, el: Any, text: str, parent_tags: Any) -> str:
            caption = el.find("caption")
            above = " ".join(caption.get_text(" ").split()) + "\n\n" if caption else ""
            return f"\n\n{above}{table(list(_rows(el)))}\n\n"

    # Wrapping without a width only makes one line of each paragraph.
    text = Converter(
        heading_style=ATX, bullets="-", convert=_CONVERTED, wrap=True, wrap_width=None,
        escape_asterisks=False, escape_underscores=False,
    ).convert_soup(main)  # fmt: skip
    return re.sub(r"\n{3,}", "\n\n", re.sub(r"(?<![ \t])[ \t]+\n", "\n", text))


def _rows(frame: Any) -> Iterator[list[str]]:
    """Yield the rows of a table; a cell that spans several stands in each of them."""
    below: dict[int, tuple[int, str]] = {}
    for row in frame.find_all("tr"):
        cells = list[str]()
        for cell in row.find_all(["td", "th"]):
            _fill(cells, below)
            words, down = cell.get_text(" ", strip=True), _span(cell, "rowspan")
            for across in range(_span(cell, "colspan")):
                if down > 1:
                    below[len(cells)] = (down - 1, "" if across else words)
                cells.append("" if across else words)
        _fill(cells, below)
        if any(cells):
            yield cells


def _fill(cells: list[str], below: dict[int, tuple[int, str]]) -> None:
    """Add the cells that reach down from rows above."""
    while len(cells) in below:
        left, words = below.pop(len(cells))
        if left > 1:
            below[len(cells)] = (left - 1, words)
        cells.append(words)


def _span(cell: Any, name: str) -> int:
    said = str(cell.get(name) or "1")
    return min(max(int(said), 1), _MOST_SPAN) if said.isascii() and said.isdigit() and len(said) < 9 else 1
