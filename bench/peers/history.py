"""The same conversation for everyone."""

ASKED = "How many days of annual leave do I have left?"
ANSWERED = "You have 17 days of annual leave left this year."


def messages(count: int) -> list[tuple[str, str]]:
    """Return ``count`` earlier messages, question and answer in turn."""
    return [("user", ASKED) if n % 2 == 0 else ("assistant", ANSWERED) for n in range(count)]
