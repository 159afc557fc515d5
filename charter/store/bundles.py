"""What the digests of bundles stand for. Bundles belong to no tenant: every statement on them is here."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from charter.store.database import Database


@dataclass(frozen=True, slots=True)
class Bundle:
    """The texts of an agent's files by their paths; ``seal`` proves that a host of this installation kept them."""

    digest: str
    agent: str
    files: Mapping[str, str]
    seal: str


async def keep(database: Database, bundles: Iterable[Bundle]) -> None:
    """Keep what hosts have in effect now; what is kept already is set right where it is not the same."""
    async with database.crossing() as session:
        await session.executemany(
            "insert into bundles (digest, agent, files, seal) values ($1, $2, $3, $4) on conflict (digest) do update "
            "set files = excluded.files, seal = excluded.seal "
            "where bundles.files <> excluded.files or bundles.seal <> excluded.seal",
            [(bundle.digest, bundle.agent, dict(bundle.files), bundle.seal) for bundle in bundles],
        )


async def find(database: Database, digest: str) -> Bundle | None:
    """Return the bundle as it was kept; to be held against its digest and its seal."""
    async with database.crossing() as session:
        row = await session.fetchrow("select digest, agent, files, seal from bundles where digest = $1", digest)
    return Bundle(row["digest"], row["agent"], row["files"], row["seal"]) if row else None
