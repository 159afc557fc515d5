"""Every setting of the host: one frozen tree, read once, handed down in parts.

Sources, strongest first: environment (``CHARTER_DATABASE_URL``, ``CHARTER_PORT``, ``CHARTER_SECTION__FIELD``), the YAML
file that ``CHARTER_SETTINGS`` names, the defaults below. Nothing else in the house reads the environment.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from charter.errors import StartRefused
from charter.settings.knowledge import AzureAISearch, Blob, ExistingIndex, Knowledge, Origin, Qdrant, SharePoint, Store
from charter.settings.models import Costs, Deployment, Deployments, Kind, Price, Tier
from charter.settings.section import Section
from charter.settings.teams import Teams

__all__ = [
    "AzureAISearch",
    "Blob",
    "Costs",
    "Deployment",
    "Deployments",
    "ExistingIndex",
    "Kind",
    "Knowledge",
    "Origin",
    "Price",
    "Qdrant",
    "Section",
    "SharePoint",
    "Store",
    "Teams",
    "Tier",
]

MOST_WORKERS = 64


class Database(Section):
    """``url`` empty: the embedded server. ``owner_url`` migrates; empty: ``url`` does. ``entra``: the password is a
    token of the host's own identity, fetched anew for each connection. An address may be a reference (``keyvault:NAME``),
    read once at the start.
    """

    url: str = ""
    owner_url: str = ""
    entra: bool = False
    pool: int = Field(default=8, ge=2, le=200)


class External(Section):
    """An identity provider of customers: a tenant of Entra External ID, whose people are guests of ``tenant``.

    Whatever its tokens claim, its people have just ``roles`` here. ``client_id`` is this host's registration there.
    """

    authority: str
    tid: str
    tenant: str
    client_id: str = "charter-host"
    client_secret: SecretStr = SecretStr("")
    audience: str = "api://charter"
    roles: tuple[str, ...] = ("customer",)


class AgentIdentity(Section):
    """An agent's own registration at the identity provider: what it does without a person it does as itself.

    Without a ``client_secret`` the host's own credential vouches for it, by a federated credential of the registration.
    """

    client_id: str
    client_secret: SecretStr = SecretStr("")


Credential = Literal["secret", "managed_identity", "workload_identity"]


class Identity(Section):
    """Whose tokens are believed. ``tenants`` maps an Entra tenant (``tid``) to a tenant of ours; they are created at the
    start, and operators of the tenant ``home`` add further ones while the host runs. ``external`` names customers'
    identity providers, ``agents`` the identities of agents that have one of their own.

    ``credential`` is how the host proves to the identity provider that it is ``client_id``: by ``client_secret``, by a
    managed identity (``managed_identity`` is its client id; empty: the one of the machine), or by the token file that a
    workload identity is given (``federated_token_file``, also as ``AZURE_FEDERATED_TOKEN_FILE``).
    """

    authority: str = ""
    client_id: str = "charter-host"
    client_secret: SecretStr = SecretStr("")
    credential: Credential = "secret"
    managed_identity: str = ""
    federated_token_file: Path | None = None
    audience: str = "api://charter"
    graph: str = ""
    graph_scope: str = "https://graph.microsoft.com/.default"
    tenants: dict[str, str] = {}
    home: str = "contoso"
    external: dict[str, External] = {}
    agents: dict[str, AgentIdentity] = {}
    clock_skew_seconds: int = 60


class Secrets(Section):
    """Where ``keyvault:NAME`` is looked up, which may stand in place of any secret. A value counts for ``lease_seconds``
    without a look: a rotated one is in use that much later. ``ca_file`` is the authority behind the vault's certificate
    where the machine does not know it.
    """

    vault_url: str = ""
    lease_seconds: float = Field(default=3, gt=0, le=3600)
    ca_file: Path | None = None


class Telemetry(Section):
    """``otlp_endpoint`` is the collector's base address (``http://localhost:4318``), ``azure_monitor`` a connection
    string of Application Insights; without either, spans stay in the process.
    """

    otlp_endpoint: str = ""
    azure_monitor: SecretStr = SecretStr("")
    service_name: str = "charter"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class Runs(Section):
    """How runs are worked on. Limits are per tenant and hold over all processes; 0 per minute: no rate limit.

    ``concurrent`` is how many runs one process works on at once, ``tenant_concurrent`` how many of a tenant are worked
    on anywhere, ``queue_limit`` how many of a tenant may wait for a place. ``settle_seconds`` is how long a business
    system may still carry out a call that nobody waits for any more. ``history_tokens`` bounds what a turn shows of the
    thread, ``work_tokens`` what it shows of the run's own steps.
    """

    lease_seconds: int = Field(default=10, ge=2, le=300)
    concurrent: int = Field(default=200, ge=1)
    tenant_concurrent: int = Field(default=100, ge=1)
    agent_concurrent: int = Field(default=100, ge=1)
    tenant_per_minute: int = Field(default=0, ge=0)
    queue_limit: int = Field(default=1000, ge=0)
    approval_hours: float = 72
    history_tokens: int = 4000
    work_tokens: int = 12000
    function_seconds: float = Field(default=30, gt=0)
    settle_seconds: float = Field(default=60, ge=0)
    drain_seconds: float = Field(default=12, ge=0, le=15)
    retention_days: int = Field(default=90, ge=1)


class Drill(Section):
    """For drills only; the azure profile refuses it. ``points`` maps a place in the code to what befalls the process
    there: ``kill 0.05`` or ``freeze 0.05`` (the probability), each place listed in ``charter/runs/drill.py``.
    """

    points: dict[str, str] = {}


class Http(Section):
    """``public_url`` is the address that people's browsers see (``https://charter.contoso.example``); empty: the host's
    own on this machine.
    """

    public_url: str = ""
    body_limit_bytes: int = 1_000_000
    input_limit_chars: int = 32_000

    @field_validator("public_url")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        """Return it as one would write it: what depends on the scheme must not be led astray by capital letters."""
        if not value.strip():
            return ""
        parts = urlsplit(value.strip())
        if (
            parts.scheme not in ("http", "https")
            or not parts.hostname
            or "@" in parts.netloc
            or parts.query
            or parts.fragment
        ):
            raise ValueError("must be an address such as https://charter.contoso.example")
        return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


class YamlSource(PydanticBaseSettingsSource):
    """The file that ``CHARTER_SETTINGS`` names."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        name = os.environ.get("CHARTER_SETTINGS")
        if not name:
            return {}
        try:
            tree: object = yaml.safe_load(Path(name).read_text("utf-8")) or {}
        except (OSError, yaml.YAMLError) as fault:
            raise StartRefused(f"CHARTER_SETTINGS names {name}, which cannot be read: {fault}") from fault
        if not isinstance(tree, dict):
            raise StartRefused(f"{name} must be a mapping of settings.")
        return tree  # pyright: ignore[reportUnknownVariableType]


class ShortNames(YamlSource):
    """Names that the outside world uses, shorter than their place in the tree."""

    def __call__(self) -> dict[str, Any]:
        url, token_file = os.environ.get("CHARTER_DATABASE_URL"), os.environ.get("AZURE_FEDERATED_TOKEN_FILE")
        return {
            **({"database": {"url": url}} if url else {}),
            **({"identity": {"federated_token_file": token_file}} if token_file else {}),
        }


class Settings(BaseSettings):
    """The whole tree. ``workers`` above 1: a supervisor, and so many processes that share the port.

    ``reload``: what changes in the folders of agents and plugins counts without a new start. ``shipped`` false: only the
    agents and plugins of ``agents_dirs`` and ``plugins_dirs`` are there.
    """

    model_config = SettingsConfigDict(
        env_prefix="CHARTER_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        nested_model_default_partial_update=True,
    )

    profile: Literal["local", "azure"] = "local"
    host: str = "127.0.0.1"
    port: int = Field(default=3978, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=MOST_WORKERS)
    data_dir: Path = Path(".charter")
    shipped: bool = True
    agents_dirs: str = ""
    plugins_dirs: str = ""
    reload: bool = True
    plugin_urls: dict[str, str] = {}
    embedded_model: str = "1.5b"
    session_key: SecretStr = SecretStr("")
    database: Database = Database()
    identity: Identity = Identity()
    secrets: Secrets = Secrets()
    models: dict[Tier, Deployments] = {"standard": (Deployment(),)}
    costs: Costs = Costs()
    telemetry: Telemetry = Telemetry()
    knowledge: Knowledge = Knowledge()
    runs: Runs = Runs()
    drill: Drill = Drill()
    http: Http = Http()
    teams: Teams = Teams()

    @field_validator("embedded_model")
    @classmethod
    def _known_weights(cls, value: str) -> str:
        if value in {"off", "0.5b", "1.5b"} or value.endswith(".gguf"):
            return value
        raise ValueError("must be off, 0.5b, 1.5b or the path of a .gguf file")

    @property
    def agent_folders(self) -> tuple[Path, ...]:
        """The shipped folder first, then those of ``CHARTER_AGENTS_DIRS`` (separated as ``PATH`` is)."""
        return (*self._own("agents"), *(Path(p) for p in self.agents_dirs.split(os.pathsep) if p))

    @property
    def plugin_folders(self) -> tuple[Path, ...]:
        return (*self._own("plugins"), *(Path(p) for p in self.plugins_dirs.split(os.pathsep) if p))

    def _own(self, name: str) -> tuple[Path, ...]:
        return (HOUSE / name,) if self.shipped else ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, ShortNames(settings_cls), env_settings, YamlSource(settings_cls)


HOUSE = Path(__file__).resolve().parent.parent.parent
"""The folder that holds ``agents/``, ``plugins/`` and ``charter/``."""


def read(**overrides: Any) -> Settings:
    """Read the settings once.

    Raises:
        StartRefused: a field is unknown or wrong; the sentence names it and says what fits.
    """
    try:
        return Settings(**overrides)
    except ValidationError as fault:
        raise StartRefused(_sentence(fault.errors()[0])) from fault
    except SettingsError as fault:
        # From nothing: the value itself stands in what went wrong, and may be a secret.
        field = re.search(r'field "(\w+)"', str(fault))
        name = f"CHARTER_{field[1].upper()}" if field else "A setting"
        raise StartRefused(
            f"{name} is not JSON.", action="Write it as JSON, or in the file of CHARTER_SETTINGS."
        ) from None


def _sentence(error: Mapping[str, Any]) -> str:
    path = "__".join(str(part).upper() for part in error["loc"])
    name = "DATABASE_URL" if path == "DATABASE__URL" else path
    return f"The setting CHARTER_{name} is wrong: {error['msg']}."


def process_environment() -> dict[str, str]:
    """Return the environment for a child process of ours: what a program needs to run, and none of our settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CHARTER_")}


def passive_openmp() -> None:
    """Let the model engines' threads sleep while they wait, and single questions run on one.

    To be called before an engine is loaded. By default OpenMP's threads spin: beside other work that costs ten times
    the processor time. What the person set stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def quiet_azure_monitor() -> None:
    """Keep Azure Monitor's exporter from telling its maker about itself, and from being told what to do: a host speaks to
    whom settings name alone.

    To be called before it is made. What the person set stays.
    """
    for what in ("STATSBEAT_DISABLED_ALL", "SDKSTATS_DISABLED", "CONTROLPLANE_DISABLED"):
        os.environ.setdefault(f"APPLICATIONINSIGHTS_{what}", "true")


def quiet_dotenv() -> None:
    """Keep the Teams SDK from reading a file ``.env`` of whatever folder the host was started in: settings come from where
    this module says.

    To be called before it is imported.
    """
    os.environ["PYTHON_DOTENV_DISABLED"] = "true"
