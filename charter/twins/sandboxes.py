"""Plugins' sandboxes: each a file that makes one small business system."""

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from charter.errors import StartRefused
from charter.twins.caller import verifier
from charter.twins.weather import Weather, watched


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A plugin's name and its ``sandbox.py``, which has ``app(folder, verify) -> web.Application``.

    ``verify(token)`` returns the claims of a token for ``api://<name>``, or raises ``PermissionError`` with the reason.
    """

    name: str
    path: Path


def parsed(text: str) -> Sandbox:
    """Read ``name=path``.

    Raises:
        ValueError: it has another form, or the name would leave its folder.
    """
    name, sign, path = text.partition("=")
    if not sign or not path or not name.isidentifier():
        raise ValueError(f"{text} is not of the form name=path/to/sandbox.py.")
    return Sandbox(name, Path(path))


def open_sandbox(sandbox: Sandbox, folder: Path, issuer: str) -> web.Application:
    """Return the plugin's business system, which keeps its data in ``folder`` and believes tokens of ``issuer``.

    Raises:
        StartRefused: the file cannot be loaded or makes no application; the sentence names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        made: object = _factory(sandbox)(folder, watched(verifier(issuer, f"api://{sandbox.name}")))
    except Exception as fault:
        reason = " ".join(str(fault).split()) or "no reason given"
        raise StartRefused(
            f"The sandbox of {sandbox.name} ({sandbox.path}) does not start: {type(fault).__name__}: {reason}"
        ) from fault
    if not isinstance(made, web.Application):
        raise StartRefused(f"The sandbox of {sandbox.name} ({sandbox.path}) does not start: app() made no application.")
    Weather().surround(made)
    return made


def _factory(sandbox: Sandbox) -> Callable[..., Any]:
    name = f"charter_sandbox_{sandbox.name}"
    spec = importlib.util.spec_from_file_location(name, sandbox.path)
    if spec is None or spec.loader is None:
        raise ImportError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickling look their module up
    spec.loader.exec_module(module)
    return module.app
