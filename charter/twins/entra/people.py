"""The people and workloads of ``people.yaml``, and what tests change about them while the twin runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

import yaml

HOST_IDENTITY = "charter-host-identity"
"""The managed identity of the machine that the host runs on."""


_KINDS = ("people", "workloads", "identities")


@dataclass(frozen=True, slots=True)
class Account:
    """One user or workload: ``id`` is the object id.

    ``managed``: a managed identity, which nobody has a secret of. ``step_up``: the person must prove themselves anew
    before anything is given out in their name.
    """

    id: str
    tenant: str
    name: str
    title: str
    workload: bool
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    manager: str | None = None
    disabled: bool = False
    managed: bool = False
    step_up: bool = False

    @property
    def address(self) -> str:
        return f"{self.id}@{self.tenant}.example"


@dataclass(slots=True)
class People:
    """All accounts by object id; changes live as long as the process."""

    accounts: dict[str, Account] = field(default_factory=dict[str, Account])
    tenants: set[str] = field(default_factory=set[str])

    def add(self, tenant: str, listed: Mapping[str, Any]) -> list[Account]:
        """Add a tenant with its people and workloads.

        Raises:
            ValueError: the tenant or one of its accounts is there already; nothing is added.
        """
        made = [
            _account(tenant, identity, entry, kind)
            for kind in _KINDS
            for identity, entry in listed.get(kind, {}).items()
        ]
        names = [account.id for account in made]
        taken = [name for name in names if name in self.accounts or names.count(name) > 1]
        if tenant in self.tenants or taken:
            raise ValueError(f"{', '.join(sorted(set(taken))) or tenant} is there already.")
        self.tenants.add(tenant)
        self.accounts |= {account.id: account for account in made}
        return made

    def find(self, tenant: str, identity: str) -> Account | None:
        """Return the tenant's account of this object id or address, in any case of letters."""
        account = self.accounts.get(identity.lower().removesuffix(f"@{tenant}.example"))
        return account if account is not None and account.tenant == tenant else None

    def change(self, identity: str, **fields: Any) -> Account:
        """Raises ``KeyError`` when there is nobody of this id."""
        self.accounts[identity] = replace(self.accounts[identity], **fields)
        return self.accounts[identity]


def shipped(file: str = "people.yaml") -> People:
    """Read a file of this folder."""
    tree: dict[str, Any] = yaml.safe_load(resources.files("charter.twins.entra").joinpath(file).read_text("utf-8"))
    people = People()
    for tenant, listed in tree.items():
        people.add(tenant, listed)
    return people


def _account(tenant: str, identity: str, entry: Mapping[str, Any], kind: str) -> Account:
    return Account(
        identity,
        tenant,
        entry["name"],
        entry["title"],
        kind != "people",
        tuple(entry.get("roles", ())),
        tuple(entry.get("groups", ())),
        entry.get("manager"),
        managed=kind == "identities",
    )
