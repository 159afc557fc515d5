"""What the rooms of this door share: the parts that they were given, and a few sentences' worth of addressing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from charter.channels.teams import known, outbox
from charter.channels.teams.callers import Callers
from charter.channels.teams.incoming import Activity, Json
from charter.channels.teams.outbox import Said
from charter.channels.teams.ports import Connector
from charter.channels.teams.sending import Sender
from charter.channels.teams.signin import SignIn
from charter.channels.teams.states import States
from charter.runs.run import Run
from charter.runs.service import RunService
from charter.settings import Teams
from charter.store.database import Database
from charter.store.tenants import Tenants


@dataclass(slots=True)
class Desk:
    """The parts, joined once for a process (``room``). ``public_url`` is known once the host listens."""

    settings: Teams
    database: Database
    service: RunService
    tenants: Tenants
    connector: Connector
    callers: Callers
    sign_in: SignIn
    sender: Sender
    states: States
    public_url: str = ""

    def url_of(self, citation: Mapping[str, Any]) -> str:
        """Return where a cited passage opens for who may read it."""
        document, passage = (quote(str(citation[name]), safe="") for name in ("document_id", "passage_id"))
        return f"{self.public_url}/console/documents/{document}/passages/{passage}"

    def run_url(self, run_id: str) -> str:
        return f"{self.public_url}/console/runs/{quote(run_id, safe='')}"

    def approval_url(self, approval_id: str) -> str:
        return f"{self.public_url}/console/approvals/{quote(approval_id, safe='')}"

    async def name_of(self, run: Run) -> str:
        """Return what the one is called who asked for a run; who looks at it may be somebody else."""
        async with self.database.tenant_session(run.tenant) as session:
            return await known.name(session, run.principal["id"])

    async def say(self, tenant: str, *said: Said) -> None:
        """Write down what is to be said, and let it leave."""
        async with self.database.tenant_session(tenant) as session:
            for each in said:
                await outbox.put(session, tenant, each)
        self.sender.wake(tenant)


def reply(activity: Activity, what: str, body: Json, *, private: bool = False) -> Said:
    """Return an answer to an activity, where it was written; ``private``: for its sender alone."""
    hidden = private and activity.place.scope != "personal"
    return Said(
        f"{what}:{activity.place.conversation}:{activity.id}",
        body,
        conversation=activity.place.conversation,
        root=root_of(activity),
        reply_to=activity.id,
        private_to=activity.sender.id if hidden else "",
    )


def root_of(activity: Activity) -> str:
    """Return the message that a thread hangs on; in a channel a message that begins one is its own."""
    return activity.thread
