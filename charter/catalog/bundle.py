"""The digest a run is pinned to: everything that decides how an agent behaves, read byte for byte."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from charter.catalog.spec import PluginSpec

_AGENT = ("agent.yaml", "policy.cedar")
_PLUGIN = ("plugin.yaml", "policy.cedar")


def digest(agent: Path, instructions: Path, plugins: Iterable[PluginSpec], tier: str) -> str:
    """Return ``sha256:…`` over the agent's files, its plugins' facts, documents, code and policies, and its model tier.

    Addresses of business systems are no part of it: moving one changes no behaviour.
    """
    total = hashlib.sha256()
    for name in _AGENT:
        _add(total, f"agent/{name}", agent / name)
    _add(total, "agent/instructions", instructions)
    for plugin in sorted(plugins, key=lambda plugin: plugin.name):
        for file in _files(plugin):
            _add(total, f"{plugin.name}/{file.relative_to(plugin.folder)}", file)
    total.update(f"tier {tier}\n".encode())
    return f"sha256:{total.hexdigest()}"


def _files(plugin: PluginSpec) -> list[Path]:
    named = [plugin.folder / name for name in _PLUGIN]
    code = [file for file in plugin.folder.glob("*.py") if file != plugin.sandbox] if plugin.module else []
    return sorted({*named, *code, *([plugin.document] if plugin.document else [])})


def _add(total: Any, name: str, file: Path) -> None:
    content = file.read_bytes() if file.is_file() else b""
    total.update(f"{name} {len(content)}\n".encode())
    total.update(content)
