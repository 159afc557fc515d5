"""The environment that the host's container is given, worked out with a company's values."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.infra import templates
from tests.infra.templates import Scope

SAMPLE = {
    "AZURE_ENV_NAME": "contoso-prod",
    "AZURE_LOCATION": "westeurope",
    "AZURE_TENANT_ID": "5f1c2b3a-0d4e-4f5a-8b6c-7d8e9f0a1b2c",
    "AZURE_CONTAINER_REGISTRY_ENDPOINT": "registry.contoso.example",
    "SERVICE_CHARTER_IMAGE_NAME": "registry.contoso.example/charter:1",
    "CHARTER_ENVIRONMENT_ID": "/environments/cae",
    "CHARTER_PUBLIC_URL": "https://charter.contoso.example",
    "CHARTER_HOST_IDENTITY": "id-charter-host",
    "CHARTER_MIGRATIONS_IDENTITY": "id-charter-migrations",
    "CHARTER_CLIENT_ID": "0a1b2c3d-1111-4222-8333-444455556666",
    "CHARTER_HOME": "contoso",
    "CHARTER_DATABASE_HOST": "psql.postgres.database.contoso.example",
    "CHARTER_DATABASE_NAME": "charter",
    "CHARTER_VAULT_URL": "https://kv.vault.contoso.example/",
    "CHARTER_MODELS_ENDPOINT": "https://oai.openai.contoso.example/",
    "CHARTER_SEARCH_ENDPOINT": "https://srch.search.contoso.example",
    "CHARTER_INSIGHTS": "appi",
    "CHARTER_PEOPLE_URL": "https://hr.contoso.example",
    "CHARTER_PROCUREMENT_URL": "https://erp.contoso.example",
    "CHARTER_SERVICE_DESK_URL": "https://desk.contoso.example",
}
"""What azd knows after `azd provision`, the registration and the README's `azd env set`."""


def environment(house: Path, *, starting: bool = False, teams: bool = False) -> Mapping[str, str]:
    """Return name and value of every variable; ``starting``: of the container that migrates; ``teams``: with that door."""
    template = templates.read(house / "infra")["charter.bicep"]
    (app,) = template.resources
    (container,) = app.at("properties", "template", "initContainers" if starting else "containers")
    scope = Scope(template, {**_parameters(house), "teams": teams})
    found = {told["name"]: scope.value(told["value"]) for told in container["env"]}
    assert len(found) == len(container["env"]) > 5, "a variable is given twice, or hardly any"
    return found


def _parameters(house: Path) -> Mapping[str, Any]:
    text = (house / "infra" / "charter.parameters.json").read_text("utf-8")
    filled = re.sub(r"\$\{(\w+)\}", lambda found: SAMPLE[found[1]], text)
    return {name: told["value"] for name, told in json.loads(filled)["parameters"].items()}
