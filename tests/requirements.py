"""What the house promises: each promise has an id and a sentence, and at least one test marked with it.

``tests/test_promises.py`` holds both directions: a promise without a test fails, and so does a test that names no promise.
"""

PROMISES: dict[str, str] = {
    # store
    "store.tenant": "A session of one tenant neither reads nor writes another tenant's rows, even with SQL that forgets the tenant.",
    "store.role": "The host's database role is neither superuser nor allowed to bypass row-level security.",
    # identity and twins
    "identity.inbound": "Only an RS256 token of a configured tenant's issuer, for this host and in its time, lets anybody in.",
    "identity.keys": "Signing keys follow their issuer, and neither invented key ids nor a hanging key server does harm.",
    "identity.principal": "The verified token alone says who comes, as what, and whether they may come in at all.",
    "identity.groups": "Groups too many for a token are read from the directory, or the person is refused.",
    "identity.grant": "A person's authority outlasts their token, and what goes out is their own.",
    "identity.sealed": "A kept authority can be read only with the host's key, and only for its own principal.",
    "identity.rotation": "Rotating a refresh token in many processes at once, or for a caller who leaves, loses nothing.",
    "identity.lost": "What the identity provider no longer grants, this host no longer uses.",
    "identity.outage": "An identity provider that fails is no refusal: nobody's authority ends by it.",
    "identity.renewal": "After a wait only the roles and groups of then and now count.",
    "identity.manager": "A manager is whom the directory names in the same tenant; when it fails, nobody is.",
    "identity.cost": "A token that was verified or fetched before costs microseconds.",
    "twins.entra": "The Entra twin issues and refuses tokens as Entra does, and verifies what it is given.",
    "twins.obo": "The Entra twin exchanges only a person's good token for the very client that presents it.",
    "twins.refresh": "The Entra twin rotates refresh tokens and ends a family on reuse.",
    "twins.graph": "The Graph twin answers tokens for Graph only, with the permission, within the tenant.",
    "twins.restart": "Tokens and sessions of the Entra twin survive its restart.",
    "twins.runner": "The twins say in one line where they listen, and end with the host.",
    "twins.port": "A port in use is said in one sentence that names it.",
    # catalog, plugins, agents
    # models
    "models.wire": "A model of ours answers the stock OpenAI client plain and streamed alike, with calls, counts and who really answered.",
    "models.scripted": "A scripted model calls, speaks and fails exactly as its script says, the way a real endpoint would.",
    "models.deployments": "A deployment in the settings becomes a client of its maker; one that lacks something refuses the start.",
    # knowledge
    # governance
    "governance.default": "Nothing is permitted by default, and a permit opens only what it names.",
    "governance.errors": "A policy that cannot be evaluated denies the call, whatever else permits it.",
    "governance.strictest": "The questions of all determining permits count, and the strictest wins.",
    "governance.unknown_ask": "A question to somebody this host does not know denies the call.",
    "governance.untrusted": "After untrusted content an effect is put to a person, and what cannot be undone is refused.",
    "governance.embedded": "What a small model would write is first confirmed by the person who asked.",
    "governance.typed": "Arguments reach policies typed; what a policy cannot hold is refused in plain words.",
    "governance.load": "A policy that does not say what it means stops the start.",
    "governance.arguments": "Arguments that the function's schema does not name or fit are refused.",
    "governance.scope": "An agent calls only its own functions, and the catalog says what they do.",
    "governance.labels": "A result is trusted by checked types only; what is not declared is untrusted.",
    "governance.manager": "Where a manager must approve and there is none, the call is denied.",
    "governance.approval": "An approval counts for the gate only while it is approved and by those who are asked now.",
    "governance.digest": "An approval is given for one exact call; any difference is another call.",
    "governance.self_approval": "Nobody approves their own request, with whatever role.",
    "governance.approvers": "Only people who are asked decide: not operators, agents or workloads.",
    "governance.second_click": "A second click changes nothing, and of different decisions the first counts.",
    "governance.expiry": "After its time an approval can no longer be decided.",
    "governance.tenant": "Another tenant's approval is not found.",
    "governance.audit": "No audit record, no effect; and no record can be altered.",
    "governance.closed": "Whatever fails inside the gate, the answer is no.",
    # runs
    "journey.balance": "An employee's question is answered from the business system, which sees that employee as its caller.",
    "journey.order": "An order above the limit is placed once, as the person who asked, after the manager approved it.",
    "journey.rejected": "A rejected call is not made, and the person hears why.",
    "approval.not-self": "Nobody approves their own request.",
    "approval.approver": "Only those who are asked can decide.",
    "approval.digest": "A decision counts for the exact call it names, and for no other.",
    "labels.untrusted-asks": "An effect whose turn has seen untrusted content asks a person.",
    "runs.accepted": "A run is accepted at once and can be followed to its end.",
    "runs.events": "A follower that comes back misses no identified event and gets none twice.",
    "runs.idempotency": "The same Idempotency-Key is the same run; another request under it is a conflict.",
    "runs.private": "A run is seen by its owner and by operators of its tenant only.",
    # channels
    "problems": "Bad input gets a problem document with a code, a sentence and what to do.",
    # console
    # the house
    "house.sizes": "Files and functions stay small enough to read in one go.",
    "house.names": "Nothing is called utils, helpers, common, manager or base.",
    "house.floors": "A module imports only from floors beneath its own.",
    "house.migrations": "Migrations are numbered without a gap.",
    "house.lock": "Every dependency is pinned by hash, and no lock names a registry.",
    "house.readme": "The READMEs are there, and the commands they show exist.",
}
