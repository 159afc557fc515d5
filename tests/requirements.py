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
    # knowledge
    # governance
    # runs
    # channels
    # console
    # the house
}
