"""What has been done in Teams about each approval. All within a tenant's session."""

from collections.abc import Sequence

import asyncpg

from charter.channels.teams import outbox
from charter.governance import approvals
from charter.governance.approval import Approval
from charter.store.database import Session

_MOST = 50


async def unasked(session: Session) -> list[Approval]:
    """Return open approvals that nobody was asked about in Teams, for who alone asks now."""
    rows = await session.fetch(
        "select a.id from approvals a where a.status = 'pending' and a.expires_at > clock_timestamp() "
        "and not exists (select 1 from teams_asked k where k.approval_id = a.id) order by a.created_at limit $1 "
        "for update of a skip locked",
        _MOST,
    )
    return [await approvals.get(session, row["id"]) for row in rows]


async def asked(session: Session, approval: Approval) -> None:
    await session.execute(
        "insert into teams_asked (tenant, approval_id) values ($1, $2) on conflict do nothing",
        approval.tenant,
        approval.id,
    )


async def newcomers(session: Session) -> list[str]:
    """Return who may have been asked in vain, for who alone asks them now; they are newcomers no more."""
    rows = await session.fetch(
        "update teams_people set newcomer = false where id in (select id from teams_people where newcomer "
        "order by id limit $1 for update skip locked) returning id",
        _MOST,
    )
    return [row["id"] for row in rows]


async def missed(session: Session, person: str) -> list[Approval]:
    """Return the open approvals that others were asked about and this person, who may decide them, was not; or in vain."""
    rows = await session.fetch(
        "select a.id from approvals a join teams_asked k on k.approval_id = a.id and k.status = 'pending' "
        "where a.status = 'pending' and a.expires_at > clock_timestamp() and (a.requester_id = $1) = (a.kind = 'confirmation') "
        "and (a.kind = 'confirmation' or a.approvers && (select array_append(case when signed_out then '{}'::text[] else "
        "array(select 'role:' || r from unnest(roles) r) end, 'user:' || id) from teams_people where id = $1)) "
        "and not exists (select 1 from teams_outbox o where o.key = replace($3, '*', a.id) and o.state <> 'given_up') "
        "order by a.created_at limit $2",
        person,
        _MOST,
        card("*", person),
    )
    return [await approvals.get(session, row["id"]) for row in rows]


async def settled(session: Session) -> list[asyncpg.Record]:
    """Return what is over and not told yet, for who alone tells it now."""
    return await session.fetch(
        "select k.approval_id from teams_asked k join approvals a on a.id = k.approval_id where k.status = 'pending' "
        "and (a.status <> 'pending' or a.expires_at <= clock_timestamp()) limit $1 for update of k skip locked",
        _MOST,
    )


async def noted(session: Session, approval: Approval) -> None:
    await session.execute("update teams_asked set status = $2 where approval_id = $1", approval.id, approval.status)


async def ended(session: Session) -> list[asyncpg.Record]:
    """Return what was approved and whose run is over, with whether it was never done, for who alone tells it now."""
    return await session.fetch(
        "select k.approval_id, r.status = 'failed' and not exists (select 1 from effects e where e.run_id = a.run_id "
        "and e.step_id = a.step_id and e.outcome is distinct from 'failed') as undone "
        "from teams_asked k join approvals a on a.id = k.approval_id join runs r on r.id = a.run_id "
        "where k.status = 'approved' and r.status in ('completed', 'failed', 'cancelled') limit $1 for update of k skip locked",
        _MOST,
    )


async def over(session: Session, approval_id: str) -> None:
    """Nothing more is to be told of it."""
    await session.execute("update teams_asked set status = 'over' where approval_id = $1", approval_id)


async def due(session: Session, parts: Sequence[float]) -> list[asyncpg.Record]:
    """Return the open approvals whose next reminder is due; ``parts`` are the parts of their time."""
    return await session.fetch(
        "select k.approval_id from teams_asked k join approvals a on a.id = k.approval_id where k.status = 'pending' "
        "and a.status = 'pending' and a.expires_at > clock_timestamp() and k.reminders < cardinality($1::float8[]) "
        "and clock_timestamp() >= a.created_at + (a.expires_at - a.created_at) * ($1::float8[])[k.reminders + 1] "
        "limit $2 for update of k skip locked",
        list(parts),
        _MOST,
    )


async def reminded(session: Session, approval: Approval) -> int:
    """Count a reminder; return how many there were with it."""
    return await session.fetchval(
        "update teams_asked set reminders = reminders + 1 where approval_id = $1 returning reminders", approval.id
    )


async def cards_of(session: Session, approval_id: str) -> list[tuple[str, str]]:
    """Return the key and the person of each card that asks."""
    return await outbox.keyed(session, card(approval_id, ""))


def card(approval_id: str, person: str) -> str:
    """Return the key of the card that asks somebody."""
    return f"approval:{approval_id}:{person}"
