"""Do the files fit each other: modules and their parameters, azd's files, and the variables that one step hands to the next?"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from tests.infra.templates import Template, body, strings

BY_AZD = {"AZURE_ENV_NAME", "AZURE_LOCATION", "SERVICE_CHARTER_IMAGE_NAME"}
BY_SCRIPT = {"CHARTER_CLIENT_ID"}
"""Set by infra/registrations.py."""
BY_PERSON = {
    "CHARTER_OWN_URL",
    "CHARTER_HOME",
    "CHARTER_PEOPLE_URL",
    "CHARTER_PROCUREMENT_URL",
    "CHARTER_SERVICE_DESK_URL",
}
"""Set with ``azd env set``; the README says which."""

_VARIABLE = re.compile(r"\$\{(\w+)(=[^}]*)?\}")


def mistakes(house: Path, templates: Mapping[str, Template]) -> Iterator[str]:
    yield from _azd(house)
    for path, template in templates.items():
        yield from _parameters_used(template)
        yield from _modules(path, template, templates)
    called = {target for path, template in templates.items() for target in _targets(path, template)}
    for path in templates.keys() - called - {"main.bicep", "charter.bicep"}:
        yield f"{path} is used by no template"
    for name in ("main", "charter"):
        yield from _given(house, name, templates)
    yield from _handed_on(house, templates)


def _azd(house: Path) -> Iterator[str]:
    told = yaml.safe_load((house / "azure.yaml").read_text("utf-8"))
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,62}", told["name"]):
        yield f"azure.yaml: {told['name']} is no name for azd"
    if set(told["services"]) != {"charter"} or told["infra"] != {
        "provider": "bicep",
        "path": "infra",
        "module": "main",
    }:
        yield "azure.yaml: one service, charter, with infra/main.bicep"
    for name, service in told["services"].items():
        if service["host"] != "containerapp" or service["language"] != "docker":
            yield f"azure.yaml: {name} is an image on Container Apps"
        if not (house / service["project"]).is_dir() or not (house / service["docker"]["path"]).is_file():
            yield f"azure.yaml: {name} has no project or no Dockerfile where it says"
        if not (house / "infra" / f"{name}.bicep").is_file():
            yield f"azd deploy applies infra/{name}.bicep, which is not there"


def _parameters_used(template: Template) -> Iterator[str]:
    for name in template.section("parameters"):
        if len(re.findall(rf"\b{name}\b", template.text)) < 2:
            yield f"{template.file.name}: the parameter {name} is not used"


def _targets(path: str, template: Template) -> Iterator[str]:
    for told in template.section("modules").values():
        yield str((Path(path).parent / told["detail"]["path"]).as_posix())


def _modules(path: str, template: Template, templates: Mapping[str, Template]) -> Iterator[str]:
    for symbol, told in template.section("modules").items():
        place = f"{template.file.name}: module {symbol}"
        target = templates.get(str((Path(path).parent / told["detail"]["path"]).as_posix()))
        if target is None:
            yield f"{place} is no file of ours"
            continue
        given, wanted = set(body(told["config"]).get("params", {})), set(target.section("parameters"))
        if given != wanted:
            yield f"{place} must be given {sorted(wanted)}, and is given {sorted(given)}"
        read = set(re.findall(rf"\b{symbol}\.outputs\.(\w+)", template.text))
        if missing := read - set(target.section("outputs")):
            yield f"{place} has no output {sorted(missing)}"


def _given(house: Path, name: str, templates: Mapping[str, Template]) -> Iterator[str]:
    told = json.loads((house / "infra" / f"{name}.parameters.json").read_text("utf-8"))
    given, wanted = set(told["parameters"]), set(templates[f"{name}.bicep"].section("parameters"))
    if given != wanted:
        yield f"{name}.parameters.json must give {sorted(wanted)}, and gives {sorted(given)}"


def _handed_on(house: Path, templates: Mapping[str, Template]) -> Iterator[str]:
    outputs = set(templates["main.bicep"].section("outputs"))
    known = {"main": BY_AZD | BY_PERSON, "charter": BY_AZD | BY_PERSON | BY_SCRIPT | outputs}
    for name, sources in known.items():
        told = json.loads((house / "infra" / f"{name}.parameters.json").read_text("utf-8"))
        for variable, default in _VARIABLE.findall(" ".join(strings(told))):
            if variable not in sources and not default:
                yield f"{name}.parameters.json: nobody sets {variable}"
