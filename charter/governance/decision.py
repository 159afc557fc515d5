"""A call that an agent wants to make, and what the gate says to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

import orjson

from charter.catalog.spec import FunctionSpec

Outcome = Literal["allow", "ask", "deny"]
ApprovalKind = Literal["approval", "confirmation"]
Level = Literal["yours", "embedded", "assistance"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call, validated: the function, its decoded arguments, and the step of the run that makes it."""

    function: FunctionSpec
    arguments: Mapping[str, Any]
    step_id: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The gate's answer. ``reason`` is for the record and the approver, ``public`` for the model and the person.

    For ``ask``: any one of ``approvers`` (``user:bob``, ``role:buyer``) decides; ``kind`` is ``approval`` by another
    person or ``confirmation`` by the one who asked. ``digest`` is the exact call's, empty where there is none.
    """

    outcome: Outcome
    policies: tuple[str, ...]
    reason: str
    approvers: tuple[str, ...] = ()
    kind: ApprovalKind | None = None
    digest: str = ""
    public: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the shape that a step shows."""
        return {"outcome": self.outcome, "policies": list(self.policies), "reason": self.reason}


def call_digest(
    function: FunctionSpec,
    arguments: Mapping[str, Any],
    *,
    policy_version: str,
    bundle: str,
    requester: str,
    tenant: str,
) -> str:
    """Return ``sha256:…`` over all that an approval is given for; whatever differs is another call.

    Raises:
        TypeError: the arguments are not JSON.
    """
    bound = {
        "function": function.full_name,
        "effect": function.effect,
        "arguments": arguments,
        "parameters": function.parameters,
        "policy_version": policy_version,
        "bundle": bundle,
        "requester": requester,
        "tenant": tenant,
    }
    return "sha256:" + sha256(orjson.dumps(bound, option=orjson.OPT_SORT_KEYS)).hexdigest()
