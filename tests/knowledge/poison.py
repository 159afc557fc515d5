"""Documents of two tenants with random readers and a canary in each, random people, and who may read what.

Who may read is told here in words of its own, so that nothing is proved by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from charter.context import Context, Principal
from charter.knowledge.index import Document
from charter.knowledge.split import split

_TOPICS = ("salary", "travel", "pension", "merger", "budget", "audit", "layoff", "bonus", "supplier", "lawsuit")


@dataclass(frozen=True, slots=True)
class Poisoned:
    """``key`` is what one asks for, ``canary`` what nobody may see who may not read the document."""

    document: Document
    key: str
    canary: str

    def readable(self, who: Context) -> bool:
        return who.tenant == self.document.tenant and any(
            _lets_in(each, who.principal) for each in self.document.readers
        )


def _lets_in(reader: str, who: Principal) -> bool:
    kind, _, name = reader.partition(":")
    match kind:
        case "tenant":
            return not who.external
        case "role":
            return name in who.roles
        case "group":
            return name in who.groups
        case _:
            return who.id == name and (who.type == "workload") == (kind == "workload")


def shelf(
    random: Random, tenants: Sequence[str], readers: Sequence[str], collections: Sequence[str], *, many: int
) -> list[Poisoned]:
    """Return so many documents, each with one to three readers of these."""
    return [_document(random, number, random.choice(tenants), readers, collections) for number in range(many)]


def _document(random: Random, number: int, tenant: str, readers: Sequence[str], collections: Sequence[str]) -> Poisoned:
    key, canary = f"KY-{number + 10_000}", f"canary{random.getrandbits(64):016x}"
    body = f"# {random.choice(_TOPICS)}\n\nThe {' and the '.join(random.sample(_TOPICS, 3))} of {key} is {canary}."
    chosen = tuple(sorted(random.sample(readers, random.randint(1, 3))))
    source = f"{number}.md"
    document = Document(
        tenant, random.choice(collections), source, f"Paper {canary}", f"file:{canary}", body, "trusted", chosen, canary,
        tuple(split(body)),
    )  # fmt: skip
    return Poisoned(document, key, canary)


def readers_of(roles: Iterable[str], groups: Iterable[str], ids: Iterable[str]) -> list[str]:
    """Return what a document may name, the whole tenant seldom; a role, a group, a person and a workload share names."""
    people = [f"{kind}:{each}" for kind in ("user", "workload") for each in ids]
    return ["tenant", *(f"role:{each}" for each in roles), *(f"group:{each}" for each in groups), *people]


def somebody(random: Random, tenants: Sequence[str], names: Sequence[str]) -> Context:
    """Return a person, a workload or a customer with up to two roles and three groups."""
    kind = "workload" if random.random() < 0.15 else "user"
    external = "shop" if kind == "user" and random.random() < 0.15 else ""
    roles, groups = random.sample(names, random.randint(0, 2)), random.sample(names, random.randint(0, 3))
    who = Principal(random.choice(names), kind, "Somebody", frozenset(roles), frozenset(groups), external)
    return Context(random.choice(tenants), who)


def question(random: Random, about: Sequence[Poisoned]) -> str:
    """Return a question for these documents by their keys, near to many others."""
    keys = " ".join(each.key for each in about)
    return f"What is the {' and the '.join(random.sample(_TOPICS, 2))} of {keys}?"


def seen(text: str, shelf: Iterable[Poisoned]) -> list[Poisoned]:
    """Return the documents whose canary stands in a text."""
    return [each for each in shelf if each.canary in text]
