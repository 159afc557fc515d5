"""Adaptive Cards (1.5): what Charter shows in Teams. Pure functions of what is shown and a language.

A value (an argument, a name, a comment) was written by a model or a stranger. It stands in text runs only, which know no
markup; what is marked up (headings, hints) has no value in it. See ``element``.
"""

from charter.channels.teams.cards.approval import approval, decided
from charter.channels.teams.cards.choice import choice
from charter.channels.teams.cards.commands import commands
from charter.channels.teams.cards.doubt import doubt
from charter.channels.teams.cards.failure import failure, told_briefly
from charter.channels.teams.cards.listing import tasks
from charter.channels.teams.cards.signin import sign_in, signed_in
from charter.channels.teams.cards.status import StatusView, status
from charter.channels.teams.cards.task import TaskView, doing, progress, task
from charter.channels.teams.cards.welcome import welcome

__all__ = [
    "StatusView",
    "TaskView",
    "approval",
    "choice",
    "commands",
    "decided",
    "doing",
    "doubt",
    "failure",
    "progress",
    "sign_in",
    "signed_in",
    "status",
    "task",
    "tasks",
    "told_briefly",
    "welcome",
]
