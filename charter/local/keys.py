"""Keys of the local profile: made once, kept in the data folder, readable by its owner only."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet


def fernet_key(folder: Path, name: str) -> bytes:
    """Return the Fernet key of that name; make it on the first call."""
    return _kept(folder / f"{name}.key", Fernet.generate_key)


def client_secret(folder: Path) -> str:
    """Return the host's client secret at the local Entra twin."""
    return _kept(folder / "client_secret.key", lambda: secrets.token_urlsafe(32).encode()).decode()


def _kept(path: Path, make: Callable[[], bytes]) -> bytes:
    if path.exists():
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(made := make())
    return made
