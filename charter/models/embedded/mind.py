"""The small model inside the assistance."""
from pathlib import Path
from typing import Any
from charter.models.conversation import Conversation
from charter.models.chat import Usage
from charter.models.embedded.assistance import Assistance, Turn
class MindError(Exception):
    """x"""
class Mind:
    name = "x"
    @classmethod
    def load(cls, path: Path, folder: Path, assistance: Assistance) -> "Mind":
        raise MindError("not yet")
    def turn(self, assistance: Assistance, talk: Conversation) -> tuple[Turn, str, Usage]:
        raise MindError("not yet")
    def close(self) -> None: ...
