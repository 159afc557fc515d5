"""What is known of people who have come in by Teams. It addresses and words things; it lets nobody do anything."""

from charter.store.database import Session


async def locale(session: Session, person: str) -> str:
    """Return the language that somebody's Teams speaks; empty where that is not known."""
    return await session.fetchval("select locale from teams_people where id = $1", person) or ""


async def name(session: Session, person: str) -> str:
    """Return what somebody is called; their object id where that is not known."""
    return await session.fetchval("select name from teams_people where id = $1", person) or person


async def names(session: Session, *people: str) -> dict[str, str]:
    """Return what these people are called, as far as it is known."""
    rows = await session.fetch(
        "select id, name from teams_people where id = any($1::text[]) and name <> ''", list(people)
    )
    return {str(row["id"]): str(row["name"]) for row in rows}


async def with_role(session: Session, role: str) -> list[str]:
    """Return the people who had this role when they last came in; whoever presses a button is looked at anew."""
    rows = await session.fetch(
        "select id from teams_people where $1 = any(roles) and not signed_out order by seen_at desc limit 50", role
    )
    return [str(row["id"]) for row in rows]


async def agent_of(session: Session, run_id: str) -> str:
    """Return the agent that works on a run; empty where the run is there no more."""
    return await session.fetchval("select agent from runs where id = $1", run_id) or ""


async def person_of(session: Session, account: str) -> str | None:
    """Return who the channel calls by this account."""
    return await session.fetchval("select id from teams_people where account = $1", account)
