"""The code of Python plugins: imported by path and never by name, each version as a module of its own."""

import hashlib
import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, cast

from charter.catalog.spec import PluginSpec
from charter.errors import StartRefused
from charter.plugin import Access


class _FromSource(SourceFileLoader):
    """Compiles what stands in the file: bytecode kept beside it knows the file's time in whole seconds only."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def load_class(spec: PluginSpec) -> Callable[[Access], Any]:
    """Return the plugin's class from its code as it is now; the same code in the same place is loaded once.

    Raises:
        StartRefused: the code cannot be imported.
    """
    assert spec.module is not None
    assert spec.class_name is not None
    try:
        return cast("Callable[[Access], Any]", getattr(_module(spec.name, spec.module), spec.class_name))
    except (Exception, SystemExit) as fault:
        raise StartRefused(f"{spec.module} cannot be imported: {fault}.") from fault


def _module(plugin: str, file: Path) -> ModuleType:
    version = hashlib.sha256(f"{file}\n".encode() + file.read_bytes()).hexdigest()[:16]
    name = f"charter_guest_{plugin}_{version}"
    if name in sys.modules:
        return sys.modules[name]
    location = spec_from_file_location(name, file, loader=_FromSource(name, str(file)))
    assert location is not None
    assert location.loader is not None
    module = module_from_spec(location)
    sys.modules[name] = module
    try:
        location.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
