"""The one door to Semantic Kernel.

Its prompt templates pull in a Handlebars compiler that builds its own grammar at import: half a second of every start,
for templates that this house never uses, because a template is code. Something that refuses stands in its place.
"""

import sys
from types import ModuleType
from typing import Any


class _Refused(Exception):
    """Handlebars templates are not used here."""


class _Compiler:
    def __getattr__(self, name: str) -> Any:
        raise _Refused("Handlebars templates are not used here.")


def _stand_in() -> ModuleType:
    module = ModuleType("pybars")
    vars(module).update(Compiler=_Compiler, PybarsError=_Refused)
    return module


sys.modules.setdefault("pybars", _stand_in())
