"""Who may read an answer where several read along: the asker alone, unless everything about it is known to be for everyone."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from charter.channels.teams.incoming import Account
from charter.channels.teams.ports import Member
from charter.channels.teams.privacy import audience, reason
from charter.governance.labels import Label
from charter.runs import journal
from charter.runs.run import Step
from tests.running import RunningHost

HOME = "contoso"
COLLEAGUES = [Member(Account(f"29:{name}", name), HOME) for name in ("alice", "bob", "dora")]
SEEDS = range(400)


def _step(kind: Any, name: str, *, status: Any = "done", output: Any = None, label: Label | None = None) -> Step:
    return Step(
        "stp_1", 1, kind, name, status, None, None, output, (label or Label()).as_json(), None, None,
        datetime.now(UTC), datetime.now(UTC), None, None,
    )  # fmt: skip


def _passage(n: int, *readers: str) -> dict[str, Any]:
    return {"n": n, "document_id": f"doc_{n}", "text": "Words.", "integrity": "trusted", "readers": list(readers)}


def _found(*passages: Any, label: Label | None = None) -> Step:
    return _step("retrieval", "knowledge.search", output={"passages": list(passages)}, label=label)


ASKED = _step("message", "user")
TURN = _step("model", "scripted", output={"text": "So it is."})
PUBLIC = [ASKED, TURN, _found(_passage(1, "tenant"), _passage(2, "role:hr", "tenant")), TURN]


@pytest.mark.promise("teams.privacy")
def test_an_answer_from_what_the_whole_tenant_may_read_is_for_everyone_of_it() -> None:
    assert audience([PUBLIC], COLLEAGUES, HOME) == "everyone"
    assert audience([[ASKED, TURN]], COLLEAGUES, HOME) == "everyone"
    assert audience([[ASKED, TURN, _found(), TURN]], COLLEAGUES, HOME) == "everyone"


@pytest.mark.promise("teams.privacy")
@pytest.mark.parametrize("status", ["running", "done", "failed", "denied", "waiting", "unknown"])
@pytest.mark.parametrize("kind", ["function", "approval"])
def test_what_was_done_in_the_persons_name_is_theirs(kind: Any, status: Any) -> None:
    personal = _step(kind, "people.get_leave_balance", status=status, output={"remaining_days": 12})
    assert reason([[*PUBLIC, personal]], COLLEAGUES, HOME) == "personal"


@pytest.mark.promise("teams.privacy")
def test_an_earlier_answer_of_the_thread_that_was_theirs_makes_this_one_theirs() -> None:
    personal = [ASKED, TURN, _step("function", "people.get_leave_balance"), TURN]
    assert reason([PUBLIC, personal], COLLEAGUES, HOME) == "personal"


@pytest.mark.promise("teams.privacy")
@pytest.mark.parametrize(
    "restricted",
    [
        _found(_passage(1, "tenant"), _passage(2, "role:hr"), label=Label(readers=("role:hr",))),
        _found(_passage(1, "role:hr")),
        _found(_passage(1)),
        _found("words without a reader"),
        _found({"n": 1, "readers": "tenant"}),
        _step("retrieval", "crm.search", output={"passages": [_passage(1, "tenant")], "account": "Alice's"}),
        _step("retrieval", "crm.search", output={"hits": []}),
        _step("retrieval", "crm.search", output=None),
        _step("retrieval", "knowledge.search", status="failed", output={"error": "Not now."}),
        _step("retrieval", "knowledge.search", status="running", output={"passages": []}),
        replace(TURN, label={"integrity": "trusted"}),
        replace(TURN, label=Label(readers=("nobody",)).as_json()),
        replace(TURN, redacted=True),
    ],
)  # fmt: skip
def test_what_not_everybody_is_known_to_be_allowed_to_read_is_not_for_everyone(restricted: Step) -> None:
    assert reason([[ASKED, TURN, restricted, TURN]], COLLEAGUES, HOME) == "restricted"


@pytest.mark.promise("teams.privacy")
def test_what_the_person_has_sent_along_is_theirs() -> None:
    sent = replace(ASKED, output={"files": [{"name": "a.txt", "text": "A"}]})
    shown = replace(ASKED, label=Label("untrusted", (), ("an image of the request",)).as_json())
    for message in (sent, shown):
        assert reason([[message, TURN]], COLLEAGUES, HOME) == "personal"


@pytest.mark.promise("teams.privacy")
@pytest.mark.parametrize(
    "members",
    [
        None,
        [],
        [*COLLEAGUES, Member(Account("29:frank", "frank"), "fabrikam")],
        [*COLLEAGUES, Member(Account("29:guest", "guest"), HOME, guest=True)],
        [*COLLEAGUES, Member(Account("29:who"), "")],
    ],
)
def test_nothing_is_for_everyone_where_somebody_is_not_known_to_belong_to_the_tenant(members: Any) -> None:
    assert reason([PUBLIC], members, HOME) == "members"
    assert audience([PUBLIC], COLLEAGUES, "") == "asker"


def _scenario(draw: random.Random) -> tuple[list[list[Step]], list[Member], set[str]]:
    """Return runs and members, and what in them is not for everyone."""
    faults = set[str]()
    runs: list[list[Step]] = []
    for _ in range(draw.randint(1, 4)):
        steps = [ASKED, TURN]
        for _ in range(draw.randint(0, 6)):
            step, fault = _drawn(draw)
            steps.append(step)
            faults |= {fault} - {""}
        runs.append(steps)
    members = list(COLLEAGUES)
    for _ in range(draw.choice((0, 0, 0, 1, 2))):
        members.append(draw.choice((
            Member(Account("29:x", "x"), "fabrikam"), Member(Account("29:y", "y"), HOME, guest=True), Member(Account("29:z"), ""),
        )))  # fmt: skip
        faults.add("members")
    draw.shuffle(members)
    return runs, members, faults


def _drawn(draw: random.Random) -> tuple[Step, str]:
    roll = draw.random()
    if roll < 0.7:
        return draw.choice((TURN, _found(), _found(*(_passage(n, "tenant") for n in range(1, 4))))), ""
    if roll < 0.8:
        name = draw.choice(("people.get_leave_balance", "service_desk.list_tickets", "procurement.create_order"))
        return _step("function", name, status=draw.choice(("done", "failed", "denied"))), "personal"
    readers = draw.choice((("role:hr",), ("user:alice",), ("group:board", "role:hr")))
    passages = [_passage(1, "tenant"), _passage(2, *readers)]
    draw.shuffle(passages)
    label = Label(readers=tuple(sorted(readers))) if draw.random() < 0.5 else None
    return _found(*passages, label=label), "restricted"


@pytest.mark.promise("teams.privacy")
@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_happens_the_decision_is_everyone_exactly_where_nothing_speaks_against_it(seed: int) -> None:
    runs, members, faults = _scenario(random.Random(seed))
    told = audience(runs, members, HOME)
    assert told == ("asker" if faults else "everyone"), faults
    assert (reason(runs, members, HOME) in faults) == bool(faults)
    if told == "asker":
        # Nothing that comes in addition opens it again.
        assert audience([*runs, PUBLIC], [*members, *COLLEAGUES], HOME) == "asker"


def test_the_scenarios_are_of_both_kinds() -> None:
    drawn: Sequence[bool] = [bool(_scenario(random.Random(seed))[2]) for seed in SEEDS]
    assert 0.2 < sum(drawn) / len(drawn) < 0.95


@pytest.mark.promise("teams.privacy")
async def test_the_steps_of_real_runs_are_judged_by_what_they_did(host: RunningHost) -> None:
    await host.library_read()
    assert host.inner is not None
    service = host.inner.service
    told = {}
    for name, text in (
        ("alice", "What does the policy say about hotels?"),
        ("alice", "days of annual leave"),
        ("dora", "What does the policy say about salary bands?"),
    ):
        run = await host.ask(name, "employee_assistant", text)
        async with service.database.tenant_session("contoso") as session:
            told[text] = reason([await journal.steps(session, run["id"])], COLLEAGUES, HOME)
    assert list(told.values()) == ["", "personal", "restricted"]
