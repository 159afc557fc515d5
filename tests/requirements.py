"""What the house promises: each promise has an id and a sentence, and at least one test marked with it.

``tests/test_promises.py`` holds both directions: a promise without a test fails, and so does a test that names no promise.
"""

PROMISES: dict[str, str] = {
    # store
    "store.tenant": "A session of one tenant neither reads nor writes another tenant's rows, even with SQL that forgets the tenant.",
    "store.role": "The host's database role is neither superuser nor allowed to bypass row-level security.",
    # identity and twins
    # catalog, plugins, agents
    # models
    "models.wire": "A model of ours answers the stock OpenAI client plain and streamed alike, with calls, counts and who really answered.",
    "models.scripted": "A scripted model calls, speaks and fails exactly as its script says, the way a real endpoint would.",
    "models.deployments": "A deployment in the settings becomes a client of its maker; one that lacks something refuses the start.",
    # knowledge
    # governance
    # runs
    # channels
    # console
    # the house
    "house.sizes": "Files and functions stay small enough to read in one go.",
    "house.names": "Nothing is called utils, helpers, common, manager or base.",
    "house.floors": "A module imports only from floors beneath its own.",
    "house.migrations": "Migrations are numbered without a gap.",
    "house.lock": "Every dependency is pinned by hash, and no lock names a registry.",
    "house.readme": "The READMEs are there, and the commands they show exist.",
}
