"""Write down Azure's resource types, as far as the templates use them: one compact JSON file for each type.

usage: generate.py (with the Python of an environment that has ``requirements.txt`` installed; ``make infra-types``)

Most come from Microsoft's Azure MCP server, which carries Bicep's own types. What it refuses comes from the models of
Microsoft's management libraries. What neither has is left out: the checks list such types by name.
"""

import json
import re
import subprocess
import sys
import typing
from collections.abc import Iterator
from enum import Enum
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
USED = re.compile(r"'(Microsoft\.[\w.]+(?:/\w+)+)@([\w-]+)'(?! existing)")
MODELS = {
    "Microsoft.DBforPostgreSQL/flexibleServers": ("postgresqlflexibleservers", "Server"),
    "Microsoft.DBforPostgreSQL/flexibleServers/administrators": (
        "postgresqlflexibleservers",
        "AdministratorMicrosoftEntraAdd",
    ),
    "Microsoft.DBforPostgreSQL/flexibleServers/configurations": ("postgresqlflexibleservers", "Configuration"),
    "Microsoft.DBforPostgreSQL/flexibleServers/databases": ("postgresqlflexibleservers", "Database"),
    "Microsoft.Network/privateDnsZones": ("privatedns", "PrivateZone"),
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": ("privatedns", "VirtualNetworkLink"),
}
"""Types that the server refuses, by library and model."""

PLAIN = {str: "string", int: "int", float: "int", bool: "bool"}


def main() -> int:
    """Generate every type that a template names, and say which ones nobody knows."""
    templates = [*HERE.parent.glob("*.bicep"), *HERE.parent.glob("modules/*.bicep")]
    names = sorted({found[0] for file in templates for found in USED.findall(file.read_text("utf-8"))})
    for old in HERE.glob("*.json"):
        old.unlink()
    for name in names:
        known = _from_models(name) if name in MODELS else _from_server(name)
        told = f"{known['version']} from {known['source']}" if known else "known to nobody here"
        sys.stdout.write(f"{name}: {told}\n")
        if known:
            text = json.dumps(known, sort_keys=True, separators=(",", ":"))
            (HERE / (name.replace("/", "_") + ".json")).write_text(text + "\n", "utf-8")
    return 0


def _from_server(name: str) -> dict[str, Any] | None:
    told = subprocess.run(  # noqa: S603 - the server beside this Python
        [str(Path(sys.executable).parent / "azmcp"), "bicepschema", "get", "--resource-type", name],
        capture_output=True,
        text=True,
        check=False,
        env={"AZURE_MCP_COLLECT_TELEMETRY": "false", "HOME": str(Path.home())},
    )
    answer = json.loads(told.stdout or "{}")
    if answer.get("status") != 200:
        return None
    parts = answer["results"]["BicepSchemaResult"]
    prefix = f"{name}@".lower()
    resource = next(p for p in parts if p["$type"] == "Resource" and p["name"].lower().startswith(prefix))
    objects = {p["name"]: p for p in parts if p["$type"] in {"Object", "DiscriminatedObject"}}
    objects[""] = resource["bodyType"]
    return {
        "version": resource["name"].split("@")[1],
        "source": f"msmcp-azure {metadata.version('msmcp-azure')}",
        "objects": {key: _told_object(objects[key]) for key in _reached(objects)},
    }


def _reached(objects: dict[str, Any]) -> list[str]:
    """Return the names of the objects that a template could write, from the body down."""
    reached, waiting = [], [""]
    while waiting:
        reached.append(name := waiting.pop())
        for kind in _kinds(objects[name]):
            named = [part for part in re.findall(r"\w+", kind) if part in objects]
            waiting += [part for part in named if part not in reached and part not in waiting]
    return sorted(reached)


def _kinds(told: dict[str, Any]) -> Iterator[str]:
    yield from (p["type"] for p in told.get("properties", []) if "ReadOnly" not in p.get("flags", ""))
    yield str(told.get("additionalPropertiesType") or "")


def _told_object(told: dict[str, Any]) -> dict[str, Any]:
    if told["$type"] != "Object":
        return {"open": True}
    properties = {
        p["name"]: {
            "type": p["type"],
            **{flag.lower(): True for flag in ("Required", "ReadOnly") if flag in p.get("flags", "")},
        }
        for p in told.get("properties", [])
    }
    extra = told.get("additionalPropertiesType")
    return {"properties": properties, **({"additional": extra} if extra else {})}


def _from_models(name: str) -> dict[str, Any]:
    library, model = MODELS[name]
    package = f"azure.mgmt.{library}"
    models = import_module(f"{package}.models")
    objects: dict[str, Any] = {}
    _add_model(getattr(models, model), models, objects)
    body = objects.pop(model)
    body["properties"] |= {"name": {"type": "string", "required": True}}
    objects[""] = body
    version = re.search(r'Known values are "([\d-]+)"', Path(_configuration(package)).read_text("utf-8"))
    assert version, f"{package} does not say which version it speaks"
    distribution = f"azure-mgmt-{library}"
    source = f"{distribution} {metadata.version(distribution)}"
    return {"version": version[1], "source": source, "objects": objects}


def _configuration(package: str) -> str:
    return str(import_module(f"{package}._configuration").__file__)


def _add_model(model: Any, models: Any, objects: dict[str, Any]) -> None:
    if model.__name__ in objects:
        return
    objects[model.__name__] = {"properties": (properties := {})}
    model.__new__(model)  # the library lists a model's fields when the first one is made
    hints: dict[str, Any] = {}
    for place in reversed(model.__mro__):
        scope = {**vars(sys.modules[place.__module__]), "_models": models}
        own = {key: value for key, value in vars(place).get("__annotations__", {}).items() if not key.startswith("_")}
        hints |= {key: eval(value, scope) if isinstance(value, str) else value for key, value in own.items()}  # noqa: S307
    for attribute, field in model._attr_to_rest_field.items():
        if field._visibility == ["read"]:
            properties[field._rest_name] = {"type": "any", "readonly": True}
            continue
        hint = _resolved(hints[attribute], models)
        properties[field._rest_name] = {"type": _named(hint, models, objects)}
        if type(None) not in typing.get_args(hint):
            properties[field._rest_name]["required"] = True


def _resolved(hint: Any, models: Any) -> Any:
    if isinstance(hint, typing.ForwardRef):
        hint = hint.__forward_arg__
    if isinstance(hint, str):
        return eval(hint, {**vars(models), "_models": models})  # noqa: S307 - names within a released library
    return hint


def _named(hint: Any, models: Any, objects: dict[str, Any]) -> str:
    hint = _resolved(hint, models)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Union:
        parts = [_named(part, models, objects) for part in inner if part is not type(None)]
        return " | ".join(sorted(set(parts), key=lambda part: part == "string"))
    if origin is list:
        return f"{_named(inner[0], models, objects)}[]"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return " | ".join(str(member.value) for member in hint)
    if isinstance(hint, type) and hint.__module__.startswith(models.__name__):
        _add_model(hint, models, objects)
        return str(hint.__name__)
    return PLAIN.get(hint, "any")


if __name__ == "__main__":
    sys.exit(main())
