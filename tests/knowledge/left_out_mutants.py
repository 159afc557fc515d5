"""The guards against slips and hostile words, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_LEFT_OUT = ("tests/knowledge/test_left_out.py",)
_FIELDS = ("tests/knowledge/test_formats_fields.py",)
_LIBRARY = ("tests/knowledge/test_sources_sharepoint.py",)

LEFT_OUT = (
    Mutant(
        "a sidecar with a slip in its name passed over",
        "charter/knowledge/sources/arranging.py",
        "if other != right and not _beside(other, self._paths):",
        "if False:",
        _LEFT_OUT,
    ),
    Mutant(
        "a name that is no text let through",
        "charter/knowledge/sources/arranging.py",
        'if whole.decode() != name or "\\0" in name:',
        "if False:",
        _LEFT_OUT,
    ),
    Mutant(
        "a sidecar that leads nowhere taken for none",
        "charter/knowledge/sources/folder.py",
        "if not (beside.is_symlink() or beside.exists()):",
        "if not beside.exists():",
        _LEFT_OUT,
    ),
    Mutant(
        "a tenant that breaks stops the others",
        "charter/knowledge/ingest.py",
        "except CharterError:\n            raise",
        "except BaseException:\n            raise",
        _LEFT_OUT,
    ),
    Mutant(
        "references in fields followed",
        "charter/knowledge/fields.py",
        "if self.check_event(yaml.AliasEvent):",
        "if False:",
        _FIELDS,
    ),
    Mutant(
        "the last of two readers' fields counts",
        "charter/knowledge/fields.py",
        "if key.value in seen:",
        "if False:",
        _FIELDS,
    ),
    Mutant(
        "permissions as they were when a library was listed",
        "charter/knowledge/sources/sharepoint.py",
        "if status != 200 or await self._readers(item.key, answer) != item.readers:",
        "if False:",
        _LIBRARY,
    ),
    Mutant(
        "only the first page of a file's permissions",
        "charter/knowledge/sources/sharepoint.py",
        'if "@odata.nextLink" in body:',
        "if False:",
        _LIBRARY,
    ),
)
