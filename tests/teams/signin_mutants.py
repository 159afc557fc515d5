"""The guards of people's authority in Teams, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_CALLERS = ("tests/teams/test_callers.py",)
_SIGNIN = ("tests/teams/test_signin.py",)
_CLICKS = ("tests/teams/test_signin_clicks.py",)
_ROOM = "charter/channels/teams/"

TEAMS_CALLERS = (
    Mutant(
        "another's token for who writes",
        f"{_ROOM}callers.py",
        'if ctx.principal.id != activity.sender.oid or ctx.principal.type == "workload":',
        'if ctx.principal.type == "workload":',
        _CALLERS,
    ),
    Mutant(
        "an application writes as a person",
        f"{_ROOM}callers.py",
        'if ctx.principal.id != activity.sender.oid or ctx.principal.type == "workload":',
        "if ctx.principal.id != activity.sender.oid:",
        _CALLERS,
    ),
    Mutant(
        "a token of another organisation for who writes",
        f"{_ROOM}callers.py",
        "if (caller.tid, ctx.tenant) != (activity.tid, tenant):",
        "if False:",
        _CALLERS,
    ),
    Mutant(
        "a customer writes as one of the tenant",
        f"{_ROOM}callers.py",
        "if (caller.tid, ctx.tenant) != (activity.tid, tenant):",
        "if ctx.tenant != tenant:",
        _CALLERS,
    ),
    Mutant(
        "a guest of an unknown organisation asked to sign in for ever",
        f"{_ROOM}callers.py",
        'if _claim(token, "tid") not in ("", activity.tid):',
        "if False:",
        _CALLERS,
    ),
    Mutant(
        "another's token stays at the token service",
        f"{_ROOM}callers.py",
        "if isinstance(fault, WrongAccount | Guest):",
        "if False:",
        _CALLERS,
    ),
    Mutant(
        "who signed out comes in by what is kept",
        f"{_ROOM}callers.py",
        "if stands.signed_out or not activity.sender.oid:",
        "if not activity.sender.oid:",
        (*_CALLERS, *_SIGNIN),
    ),
    Mutant(
        "another process remembers who signed out",
        f"{_ROOM}standing.py",
        "sign_outs = sign_outs + 1, ",
        "",
        _CALLERS,
    ),
    Mutant(
        "somebody remembered for an hour",
        f"{_ROOM}callers.py",
        "_REMEMBERED_SECONDS = 300",
        "_REMEMBERED_SECONDS = 3600",
        _CALLERS,
    ),
    Mutant(
        "somebody remembered longer than their token",
        f"{_ROOM}callers.py",
        "min(_ends(token) - _MARGIN_SECONDS, self._clock() + _REMEMBERED_SECONDS)",
        "self._clock() + _REMEMBERED_SECONDS",
        _CALLERS,
    ),
    Mutant(
        "the token service asked for each message at once",
        f"{_ROOM}callers.py",
        "await self._flights.run((*who, activity.sender.id), lambda: self._asked(who, activity))",
        "await self._asked(who, activity)",
        _CALLERS,
    ),
    Mutant(
        "the roles of the first token for ever",
        f"{_ROOM}standing.py",
        "(roles <> $3 or ($4 and",
        "(roles = '{}' or ($4 and",
        _CALLERS,
    ),
)
TEAMS_SIGN_IN = (
    Mutant(
        "each client's exchange done",
        f"{_ROOM}exchanges.py",
        "    if not first:\n        return await _others(database, tenant, identifier, person)\n",
        "",
        _SIGNIN,
    ),
    Mutant(
        "another's exchange taken for one's own",
        f"{_ROOM}exchanges.py",
        'if row["person"] != person:',
        "if False:",
        _SIGNIN,
    ),
    Mutant(
        "an exchange that was left behind lost",
        f"{_ROOM}exchanges.py",
        "interval '20 seconds'",
        "interval '1 day'",
        _SIGNIN,
    ),
    Mutant(
        "a refused exchange counts as done",
        f"{_ROOM}exchanges.py",
        'return "done" if granted else "refused"',
        'return "done"',
        _SIGNIN,
    ),
    Mutant(
        "an exchange for any connection",
        f"{_ROOM}signin.py",
        "if not self._ours(connection) or not 0 < len(identifier) <= _LONGEST_ID or not token:",
        "if not 0 < len(identifier) <= _LONGEST_ID or not token:",
        _SIGNIN,
    ),
    Mutant(
        "a sign-in card for each message",
        f"{_ROOM}signin.py",
        "            if not again:",
        "            if True:",
        _SIGNIN,
    ),
    Mutant(
        "a sign-in card that everybody sees",
        f"{_ROOM}signin.py",
        'alone = activity.sender.id if activity.place.scope != "personal" else ""',
        'alone = ""',
        _SIGNIN,
    ),
    Mutant(
        "what begins to wait behind the sign-in waits for ever",
        f"{_ROOM}signin.py",
        "if await self._callers.present(tenant, activity, fresh=True):\n            self.resumed(tenant)",
        "pass",
        _SIGNIN,
    ),
    Mutant(
        "what begins to wait during the sign-in waits for ever",
        f"{_ROOM}signin.py",
        "            await people.seen(session, tenant, activity)\n",
        "",
        _SIGNIN,
    ),
    Mutant(
        "what waited for a sign-in does not go on",
        f"{_ROOM}callers.py",
        "            await pending.resume(session, who[1])\n",
        "",
        _SIGNIN,
    ),
    Mutant(
        "no new card after a sign-in that failed",
        f"{_ROOM}signin.py",
        "            await standing.failed(session, tenant, activity.sender.oid)\n",
        "",
        _SIGNIN,
    ),
    Mutant("any text taken for a code", f"{_ROOM}signin.py", "if not _CODE.fullmatch(code):", "if not code:", _SIGNIN),
    Mutant(
        "each failure of a client told",
        f"{_ROOM}signin.py",
        "if code not in _BUTTON_HELPS:",
        "if True:",
        _SIGNIN,
    ),
    Mutant(
        "a sign-in that was under way undoes a sign-out",
        f"{_ROOM}callers.py",
        "if signed_in and (await standing.read(session, who[0], who[1])).sign_outs != who[2]:",
        "if False:",
        _SIGNIN,
    ),
    Mutant(
        "a sign-out keeps the authority",
        f"{_ROOM}signin.py",
        '        await self._grants.forget(Context(tenant, Principal(person, "user", person)))\n',
        "",
        _SIGNIN,
    ),
    Mutant(
        "a kept grant outlives who forgets it",
        "charter/identity/grants.py",
        "        self._forget(ctx)\n        async with self._database.session(ctx) as session:\n"
        "            await session.execute(_DELETE, ctx.tenant, ctx.principal.id)\n",
        "        self._forget(ctx)\n",
        _SIGNIN,
    ),
    Mutant(
        "a press counts for who was signed in before",
        f"{_ROOM}signin.py",
        "if caller := await self._callers.present(tenant, activity, fresh=True):\n            return caller",
        "if caller := await self._callers.present(tenant, activity):\n            return caller",
        _CLICKS,
    ),
    Mutant(
        "a press signs in by any connection",
        f"{_ROOM}signin.py",
        'token = _text(offered, "token") if self._ours(_text(offered, "connectionName")) else ""',
        'token = _text(offered, "token")',
        _CLICKS,
    ),
)
