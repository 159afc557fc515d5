"""Open the door: from the catalog and the routes to models to one session per agent."""

import logging
from collections.abc import Mapping
from importlib import import_module

from opentelemetry.trace import NoOpTracer

from charter.catalog.spec import Catalog
from charter.errors import StartRefused
from charter.kernel.functions import BoundPlugin
from charter.kernel.session import Session
from charter.models.route import Route


def open_sessions(catalog: Catalog, routes: Mapping[str, Route]) -> dict[str, Session]:
    """Build every agent once.

    Raises:
        StartRefused: an agent wants a model tier that settings do not give, or a plugin's code does not load.
    """
    _silence()
    plugins = {name: BoundPlugin(spec) for name, spec in catalog.plugins.items()}
    sessions: dict[str, Session] = {}
    for name, spec in catalog.agents.items():
        if spec.tier not in routes:
            raise StartRefused(
                f"Agent {name} wants the model tier {spec.tier}, which settings do not give.",
                action=f"Set CHARTER_MODELS__{spec.tier.upper()}.",
            )
        sessions[name] = Session(spec, catalog, plugins, routes[spec.tier])
    return sessions


def _silence() -> None:
    # At INFO Semantic Kernel logs the arguments of functions; and its execute_tool spans would double ours.
    logging.getLogger("semantic_kernel").setLevel(logging.WARNING)
    vars(import_module("semantic_kernel.functions.kernel_function"))["tracer"] = NoOpTracer()
