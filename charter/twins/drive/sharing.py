"""The file of permissions, told as Graph tells permissions."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import yaml

from charter.twins.drive.library import SHARING
from charter.twins.drive.refusals import Refused


def permissions(folder: Path, path: str) -> list[dict[str, Any]]:
    """Return who may read what lies at ``path``: of itself, or inherited from the nearest folder that says so."""
    listed = _listed(folder / SHARING)
    at = path
    while at not in listed and at:
        at = at.rpartition("/")[0]
    inherited = {} if at == path else {"inheritedFrom": {"path": f"/root:/{at}"}}
    return [_told(at, str(word)) | inherited for word in listed.get(at, ())]


def _listed(file: Path) -> Mapping[str, list[Any]]:
    try:
        tree: object = yaml.safe_load(file.read_text("utf-8")) if file.exists() else {}
    except yaml.YAMLError as fault:
        raise Refused(500, "generalException", f"{SHARING} is not YAML.") from fault
    if not isinstance(tree, dict) or not all(isinstance(words, list) for words in tree.values()):  # pyright: ignore[reportUnknownVariableType]
        raise Refused(500, "generalException", f"{SHARING} must be paths, each with a list.")
    return {str(path).strip("/"): words for path, words in cast("dict[str, list[Any]]", tree).items()}


def _told(path: str, word: str) -> dict[str, Any]:
    kind, _, name = word.partition(":")
    told: dict[str, Any] = {"id": sha256(f"{path}/{word}".encode()).hexdigest()[:20], "roles": ["read"]}
    match kind:
        case "user" | "group":
            return told | {"grantedToV2": _identities(kind, name)}
        case "sitegroup":
            number = str(int(sha256(name.encode()).hexdigest()[:4], 16))
            return told | {"grantedToV2": {"siteGroup": {"id": number, "displayName": name, "loginName": name}}}
        case "link" if name in ("organization", "anonymous"):
            return told | {
                "link": {"scope": name, "type": "view", "webUrl": "https://contoso.sharepoint.example/:t:/s"}
            }
        case "link" if name.startswith("user:"):
            link = {"scope": "users", "type": "view", "webUrl": "https://contoso.sharepoint.example/:t:/s"}
            return told | {"link": link, "grantedToIdentitiesV2": [_identities("user", name.removeprefix("user:"))]}
        case _:
            raise Refused(500, "generalException", f"{SHARING}: {word[:60]} is no permission.")


def _identities(kind: str, name: str) -> dict[str, Any]:
    """A person has a number of the site, too, which means nothing elsewhere."""
    identity = {"id": name, "displayName": name.capitalize()}
    if kind == "group":
        return {"group": identity}
    login = f"i:0#.f|membership|{name}@contoso.example"
    return {"user": identity, "siteUser": {"id": "7", "displayName": name.capitalize(), "loginName": login}}
