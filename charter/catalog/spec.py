"""What the folders declare, once validated. Frozen; everything above reads these and never the files."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Effect = Literal["read", "write", "irreversible"]
Kind = Literal["python", "openapi"]
FieldType = Literal["id", "enum", "number", "date", "boolean", "money", "trusted", "untrusted"]


@dataclass(frozen=True, slots=True)
class ArgumentSpec:
    """An argument's role in the decision, and how it is found in plain words when the model is small.

    ``slot`` is one of ``date_start``, ``date_end``, ``month``, ``number``, ``money``, ``text`` (the whole request);
    ``pattern`` a regular expression for ids; ``synonyms`` maps an allowed value to the words people use for it;
    ``ask`` is the question for a missing value.
    """

    name: str
    role: str
    slot: str | None = None
    pattern: str | None = None
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    ask: str | None = None


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """One function: what it does to the world, what it takes, what of its result may be trusted.

    ``parameters`` is the JSON Schema object (draft 2020-12, closed) that the model sees and arguments are checked with.
    ``operation`` says how arguments become a request (see ``charter/catalog/openapi.py``) for kind ``openapi``;
    ``result`` is the schema of its successful answer, empty when unknown.
    ``receipt`` is a Jinja template over ``result`` and ``arguments``: the sentence shown at the embedded levels.
    """

    plugin: str
    name: str
    description: str
    effect: Effect
    parameters: Mapping[str, Any]
    examples: tuple[str, ...] = ()
    arguments: Mapping[str, ArgumentSpec] = field(default_factory=dict[str, ArgumentSpec])
    returns: Mapping[str, FieldType] = field(default_factory=dict[str, FieldType])
    retrieval: bool = False
    idempotency_header: str | None = None
    idempotency_field: str | None = None
    lookup: str | None = None
    receipt: str | None = None
    operation: Mapping[str, Any] | None = None
    result: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def full_name(self) -> str:
        """The name in policies and journals: ``procurement.create_order``."""
        return f"{self.plugin}.{self.name}"

    @property
    def wire_name(self) -> str:
        """The name on the model's wire, where dots are not allowed: ``procurement-create_order``."""
        return f"{self.plugin}-{self.name}"


@dataclass(frozen=True, slots=True)
class ConnectionSpec:
    """Where the business system is and whose token it gets. ``as_`` is ``caller`` (on-behalf-of), ``host``, ``secret``
    (the value of the reference ``secret``) or ``none``. The token travels in ``header``, behind ``prefix``.
    """

    base_url: str
    as_: Literal["caller", "host", "secret", "none"]
    scope: str
    egress: tuple[str, ...] = ()
    secret: str = ""
    header: str = "Authorization"
    prefix: str = "Bearer "


@dataclass(frozen=True, slots=True)
class PluginSpec:
    """One folder of ``plugins/``. ``policy`` is the text of its ``policy.cedar``; ``sandbox`` its twin, if it has one."""

    name: str
    kind: Kind
    folder: Path
    functions: Mapping[str, FunctionSpec]
    policy: str
    connection: ConnectionSpec | None = None
    module: Path | None = None
    document: Path | None = None
    class_name: str | None = None
    sandbox: Path | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """What one run may spend; ``None`` means the host's own limit."""

    cost_minor: int | None = None
    currency: str = "EUR"
    model_turns: int = 20
    minutes: int = 10
    user_day_cost_minor: int | None = None


@dataclass(frozen=True, slots=True)
class ScheduleTrigger:
    """A time at which the agent is asked by itself: cron expression and IANA time zone.

    ``as_`` is ``host`` or ``workload:<application id>``, never a person. ``tenants`` empty: every tenant that has that
    identity. ``approver`` is asked where a policy asks a manager and there is none. ``n`` is its place in the list.
    """

    n: int
    expression: str
    as_: str
    input: str
    timezone: str = "UTC"
    tenants: tuple[str, ...] = ()
    approver: str | None = None


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """One folder of ``agents/`` and its charter. ``functions`` are full names, patterns already resolved.

    ``grounding`` ``strict``: its answers say only what approved passages say.
    ``bundle`` is the digest (``sha256:…``) of ``files``: the texts of the agent, its instructions, plugins and policies.
    ``output`` is the JSON Schema that its answers have; ``None``: it answers in words.
    """

    name: str
    description: str
    instructions: str
    tier: str
    owner: str
    acts_as: Literal["caller", "host"]
    functions: tuple[str, ...]
    knowledge: tuple[str, ...]
    policy: str
    budget: Budget
    starters: tuple[str, ...]
    folder: Path
    bundle: str
    triggers: tuple[ScheduleTrigger | Mapping[str, Any], ...] = ()
    grounding: Literal["free", "strict"] = "free"
    files: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    output: Mapping[str, Any] | None = None

    @property
    def plugins(self) -> tuple[str, ...]:
        """The names of the plugins that it has functions of."""
        return tuple(sorted({name.partition(".")[0] for name in self.functions}))


@dataclass(frozen=True, slots=True)
class Catalog:
    """All agents and plugins of this host, by name."""

    agents: Mapping[str, AgentSpec]
    plugins: Mapping[str, PluginSpec]

    def function(self, full_name: str) -> FunctionSpec:
        """Return the function of that full name.

        Raises:
            KeyError: no such plugin or function.
        """
        plugin, _, name = full_name.partition(".")
        return self.plugins[plugin].functions[name]
