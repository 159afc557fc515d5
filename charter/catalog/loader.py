"""The catalog as the host uses it: checked, and every business system at its address."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from charter.catalog import bundle
from charter.catalog.check import check
from charter.catalog.mistake import BundleUnavailable, CatalogInvalid, Mistake
from charter.catalog.spec import Catalog, PluginSpec
from charter.settings import Settings

_SAFE = re.compile(r"https://|http://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/|$)")
_PLACEHOLDER = re.compile(r"\$\{([A-Z0-9_]+)_URL\}")


def load(settings: Settings, *, starting: bool = True) -> Catalog:
    """Read the folders that settings name.

    While the host is ``starting`` in the local profile, a plugin that brings a sandbox may still be without an address;
    ``placed`` gives it one.

    Raises:
        CatalogInvalid: there are mistakes; it has all of them.
    """
    catalog, mistakes = check(settings.agent_folders, settings.plugin_folders)
    return _usable(catalog, mistakes, settings, starting=starting)


def load_kept(settings: Settings, agent: str, digest: str, files: Mapping[str, str]) -> Catalog:
    """Return the catalog of one bundle that was kept: the agent and its plugins, as they were, at today's addresses.

    Raises:
        BundleUnavailable: the files are not those of the digest, cannot be laid out, or are refused by today's check.
    """
    try:
        if bundle.digest(files) != digest:
            raise BundleUnavailable(f"The files kept for {agent} are not those of the bundle {digest}.")
        folder = bundle.lay_out(settings.data_dir.resolve() / "bundles", digest.removeprefix("sha256:"), files)
        catalog, mistakes = check([folder / "agents"], [folder / "plugins"], whole=False)
        found = _usable(catalog, mistakes, settings, starting=False)
    except (OSError, ValueError, TypeError) as fault:
        raise BundleUnavailable(f"The bundle {digest} of {agent} cannot be laid out.") from fault
    except CatalogInvalid as fault:
        raise BundleUnavailable(f"The bundle {digest} of {agent} is not in order on this host.") from fault
    if agent not in found.agents or found.agents[agent].bundle != digest:
        raise BundleUnavailable(f"The files of the bundle {digest} do not make {agent}.")
    return found


def _usable(catalog: Catalog | None, mistakes: list[Mistake], settings: Settings, *, starting: bool) -> Catalog:
    if catalog is None:
        raise CatalogInvalid(mistakes)
    found = placed(catalog, settings.plugin_urls)
    if homeless := list(_homeless(found, local=settings.profile == "local", starting=starting)):
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


def _homeless(catalog: Catalog, *, local: bool, starting: bool) -> Iterator[Mistake]:
    for plugin in catalog.plugins.values():
        wanted = _wanted(plugin)
        if wanted is None and plugin.connection is not None and not _SAFE.match(plugin.connection.base_url):
            remedy = f"Set CHARTER_PLUGIN_URLS__{plugin.name.upper()} to an https:// address."
            yield Mistake(plugin.folder / "plugin.yaml", 1, "A token would travel to this system unencrypted.", remedy)
        has_sandbox = local and plugin.sandbox is not None
        if wanted is not None and not (has_sandbox and starting):
            remedy = f"Set CHARTER_PLUGIN_URLS__{wanted.upper()} to its address."
            if has_sandbox:
                remedy = "Start the host again: sandboxes start with it."
            yield Mistake(plugin.folder / "plugin.yaml", 1, f"Nobody says where {plugin.name} is.", remedy)
