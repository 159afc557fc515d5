"""The people and workloads of ``people.yaml``, and what tests change about them while the twin runs."""

from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Account:
    """One user or workload: ``id`` is the object id."""

    id: str
    tenant: str
    name: str
    title: str
    workload: bool
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    manager: str | None = None
    disabled: bool = False

    @property
    def address(self) -> str:
        return f"{self.id}@{self.tenant}.example"


@dataclass(slots=True)
class People:
    """All accounts by object id; changes live as long as the process."""

    accounts: dict[str, Account] = field(default_factory=dict[str, Account])
    tenants: frozenset[str] = frozenset()

    def find(self, tenant: str, identity: str) -> Account | None:
        """Return the tenant's account of this object id or address, in any case of letters."""
        account = self.accounts.get(identity.lower().removesuffix(f"@{tenant}.example"))
        return account if account is not None and account.tenant == tenant else None

    def change(self, identity: str, **fields: Any) -> Account:
        """Raises ``KeyError`` when there is nobody of this id."""
        self.accounts[identity] = replace(self.accounts[identity], **fields)
        return self.accounts[identity]


def shipped() -> People:
    """Read ``people.yaml``."""
    tree: dict[str, Any] = yaml.safe_load(
        resources.files("charter.twins.entra").joinpath("people.yaml").read_text("utf-8")
    )
    people = People(tenants=frozenset(tree))
    for tenant, listed in tree.items():
        for kind in ("people", "workloads"):
            for identity, entry in listed.get(kind, {}).items():
                assert identity not in people.accounts, f"{identity} is twice in people.yaml"
                people.accounts[identity] = _account(tenant, identity, entry, workload=kind == "workloads")
    return people


def _account(tenant: str, identity: str, entry: dict[str, Any], *, workload: bool) -> Account:
    return Account(
        identity,
        tenant,
        entry["name"],
        entry["title"],
        workload,
        tuple(entry.get("roles", ())),
        tuple(entry.get("groups", ())),
        entry.get("manager"),
    )
