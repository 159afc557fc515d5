"""Plain text: no heading in it is told from a line."""

from charter.knowledge.formats.content import Body, Content, decoded


def read(content: bytes) -> Content:
    """Return the text as it was written.

    Raises:
        Unreadable: it is no text.
    """
    body = Body()
    body.add(decoded(content).strip("\n"), "")
    return body.content()
