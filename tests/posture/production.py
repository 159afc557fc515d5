"""Settings that the azure profile accepts: the ground from which each test takes one thing away."""

from pathlib import Path
from typing import Any

from charter.settings import HOUSE, Settings, read

TID = "5f1c2b3a-0d4e-4f5a-8b6c-7d8e9f0a1b2c"
GOOD: dict[str, Any] = {
    "profile": "azure",
    "reload": False,
    "session_key": "keyvault:charter-session-key",
    "database": {
        "url": "postgresql://charter-host@pg.contoso.example/charter?sslmode=require",
        "owner_url": "postgresql://charter-owner@pg.contoso.example/charter?sslmode=require",
        "entra": True,
    },
    "identity": {
        "authority": "https://login.contoso.example",
        "graph": "https://graph.contoso.example",
        "client_id": "0a1b2c3d-1111-4222-8333-444455556666",
        "audience": "api://0a1b2c3d-1111-4222-8333-444455556666",
        "credential": "managed_identity",
        "tenants": {TID: "contoso"},
    },
    "secrets": {"vault_url": "https://charter.vault.contoso.example"},
    "models": {
        "standard": {"kind": "azure_openai", "model": "gpt-4o", "base_url": "https://openai.contoso.example"}
    },
    "telemetry": {"azure_monitor": "InstrumentationKey=0a1b2c3d-1111-4222-8333-444455556666"},
    "http": {"public_url": "https://charter.contoso.example"},
    "plugin_urls": {
        "people": "https://people.contoso.example",
        "procurement": "https://erp.contoso.example",
        "service_desk": "https://desk.contoso.example",
    },
}  # fmt: skip


def settings(*changes: tuple[str, Any]) -> Settings:
    """Return the good settings with single fields changed, each named by its path (``identity.home``)."""
    tree = {name: dict(value) if isinstance(value, dict) else value for name, value in GOOD.items()}
    for path, value in changes:
        *sections, field = path.split(".")
        place: dict[str, Any] = tree
        for section in sections:
            place[section] = dict(place.get(section, {}))
            place = place[section]
        place[field] = value
    return read(**tree)


def folders(tmp_path: Path, *, agents: bool = True) -> tuple[Path, Path]:
    """Return folders of agents and plugins of a company's own, one of each; ``agents`` false: no agent."""
    source = HOUSE / "tests" / "data" / "whole"
    for name in ("agents", "plugins"):
        (tmp_path / name).mkdir()
    if agents:
        (tmp_path / "agents" / "clerk").symlink_to(source / "agents" / "clerk")
    for plugin in ("market", "rates"):
        (tmp_path / "plugins" / plugin).symlink_to(source / "plugins" / plugin)
    return tmp_path / "agents", tmp_path / "plugins"
