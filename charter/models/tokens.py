"""How long a text is in tokens, without asking any tokenizer: the same answer on every machine, and rather too many.

Three bytes of UTF-8 count as one token. English prose has four to five characters to a token, JSON and German about
three, Chinese about one character of three bytes: budgets counted this way hold for every usual model. Only long runs of
random characters (keys, base64) may be counted too short, by up to a half.
"""

from charter.models.chat import Message

BYTES = 3
PER_MESSAGE = 4
"""What a message costs beside its text: its role and the marks around it."""
PER_CALL = 16
"""What a call or the answer to one costs beside its name and its arguments: ids and braces."""


def estimate(text: str) -> int:
    """Return about how many tokens ``text`` is; 0 for none."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
    return -(-size // BYTES)


def of(message: Message) -> int:
    """Return about how many tokens a model reads for this message."""
    calls = sum(PER_CALL + estimate(call.name) + estimate(call.arguments) for call in message.calls)
    answer = PER_CALL if message.call_id else 0
    return PER_MESSAGE + estimate(message.text) + calls + answer


def shortened(text: str, limit: int) -> str:
    """Return ``text`` within ``limit`` tokens: whole, or its beginning and a mark that says how much is left out."""
    if estimate(text) <= limit:
        return text
    mark = f" ... [shortened: {len(text):,} characters in all]"
    room = max(limit * BYTES - len(mark), 0)
    return text[:room].encode("utf-8", "replace")[:room].decode("utf-8", "ignore") + mark
