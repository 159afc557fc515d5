"""What is registered of the one bot that this channel serves, and how strict the channel is with it."""

from dataclasses import dataclass

AUDIENCE = "https://api.botframework.com"
CHANNEL = "msteams"


@dataclass(slots=True)
class Bot:
    """``id`` is its application at Entra, which has that ``secret``; ``endpoint`` is where activities are posted (empty:
    nowhere yet). ``connection`` is its OAuth connection, which gives people's tokens for ``resource``.
    """

    id: str
    secret: str
    endpoint: str = ""
    name: str = "Charter"
    connection: str = "charter"
    resource: str = "api://charter"

    @property
    def account(self) -> str:
        return f"28:{self.id}"


@dataclass(slots=True)
class Limits:
    """``answer_seconds`` is how long Teams waits for a bot; ``pacing`` throttles as Teams does, per conversation."""

    answer_seconds: float = 15
    stream_seconds: float = 120
    pacing: bool = False
