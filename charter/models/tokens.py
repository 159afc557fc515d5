"""How long a text is in tokens, without asking any tokenizer: the same answer on every machine, and rather too many.

Three bytes of UTF-8 count as one token. English prose has four to five characters to a token, JSON and German about
three, Chinese about one character of three bytes: budgets counted this way hold for every usual model. Only long runs of
random characters (keys, base64) may be counted too short, by up to a half.

An image counts as the largest that a maker makes of one, whoever is asked, since a turn may go to another deployment than
the one before it. The largest of each: OpenAI, 85 and 170 for each of at most eight tiles (high detail, within 2048 by 768
pixels); Claude, 1,600 (1,568 pixels on the long side) and of the newest models 4,784; Mistral, 4,096 patches and a mark
at the end of each of 64 rows (1,024 by 1,024 pixels).
"""

from collections.abc import Mapping

from charter.models.chat import Message

BYTES = 3
PER_MESSAGE = 4
"""What a message costs beside its text: its role and the marks around it."""
PER_CALL = 16
"""What a call or the answer to one costs beside its name and its arguments: ids and braces."""

IMAGE: Mapping[str, int] = {"openai": 85 + 8 * 170, "anthropic": 4784, "mistral": 4096 + 64}
"""The largest image of each maker, in its own tokens."""
PER_IMAGE = max(IMAGE.values())


def estimate(text: str) -> int:
    """Return about how many tokens ``text`` is; 0 for none."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    return -(-size // BYTES)


def of(message: Message) -> int:
    """Return about how many tokens a model reads for this message."""
    calls = sum(PER_CALL + estimate(call.name) + estimate(call.arguments) for call in message.calls)
    answer = PER_CALL if message.call_id else 0
    return PER_MESSAGE + estimate(message.text) + calls + answer + PER_IMAGE * len(message.images)


def shortened(text: str, limit: int) -> str:
    """Return ``text`` within ``limit`` tokens: whole, or its beginning and a mark that says how much is left out."""
    if estimate(text) <= limit:
        return text
    mark = f" ... [shortened: {len(text):,} characters in all]"
    room = max(limit * BYTES - len(mark), 0)
    return text[:room].encode("utf-8", "replace")[:room].decode("utf-8", "ignore") + mark
