"""The import of the Teams SDK, which takes seconds and complains."""

import warnings
from importlib import import_module
from types import ModuleType

from charter.settings import quiet_dotenv


def load() -> ModuleType:
    """Return the module of ``Link``; to be called in a thread."""
    quiet_dotenv()
    from microsoft_teams.common.experimental import ExperimentalWarning

    # That private messages are a preview is known; it need not be said at the import, nor at each of them.
    warnings.filterwarnings("ignore", category=ExperimentalWarning)
    return import_module("charter.channels.teams.connector.link")
