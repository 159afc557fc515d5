"""The catalog as the host uses it: checked, and every business system at its address."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from charter.catalog.check import check
from charter.catalog.mistake import CatalogInvalid, Mistake
from charter.catalog.spec import Catalog, PluginSpec
from charter.settings import Settings

_SAFE = re.compile(r"https://|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/|$)")
_PLACEHOLDER = re.compile(r"\$\{([A-Z0-9_]+)_URL\}")


def load(settings: Settings) -> Catalog:
    """Read the folders that settings name.

    In the local profile a plugin that brings a sandbox may still be without an address; ``placed`` gives it one.

    Raises:
        CatalogInvalid: there are mistakes; it has all of them.
    """
    catalog, mistakes = check(settings.agent_folders, settings.plugin_folders)
    if catalog is None:
        raise CatalogInvalid(mistakes)
    found = placed(catalog, settings.plugin_urls)
    if homeless := list(_homeless(found, local=settings.profile == "local")):
        raise CatalogInvalid(homeless)
    return found


def placed(catalog: Catalog, urls: Mapping[str, str]) -> Catalog:
    """Return the catalog with each ``${NAME_URL}`` at ``urls["name"]``, and each plugin at the address under its own name.

    What has no address there stays as it is. Bundles stay the same.
    """
    return replace(catalog, plugins={name: _placed(plugin, urls) for name, plugin in catalog.plugins.items()})


def _placed(plugin: PluginSpec, urls: Mapping[str, str]) -> PluginSpec:
    address = urls.get(_wanted(plugin) or plugin.name)
    if plugin.connection is None or address is None:
        return plugin
    return replace(plugin, connection=replace(plugin.connection, base_url=address.rstrip("/")))


def _wanted(plugin: PluginSpec) -> str | None:
    found = _PLACEHOLDER.fullmatch(plugin.connection.base_url) if plugin.connection else None
    return found[1].lower() if found else None


def _homeless(catalog: Catalog, *, local: bool) -> Iterator[Mistake]:
    for plugin in catalog.plugins.values():
        wanted = _wanted(plugin)
        if wanted is None and plugin.connection is not None and not _SAFE.match(plugin.connection.base_url):
            remedy = f"Set CHARTER_PLUGIN_URLS__{plugin.name.upper()} to an https:// address."
            yield Mistake(plugin.folder / "plugin.yaml", 1, "A token would travel to this system unencrypted.", remedy)
        if wanted is not None and not (local and plugin.sandbox):
            remedy = f"Set CHARTER_PLUGIN_URLS__{wanted.upper()} to its address."
            yield Mistake(plugin.folder / "plugin.yaml", 1, f"Nobody says where {plugin.name} is.", remedy)
