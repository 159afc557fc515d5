"""The guards of the door of activities, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_TOKENS = ("tests/teams/test_tokens.py",)
_INGRESS = ("tests/teams/test_ingress.py",)
_INVOKES = ("tests/teams/test_invokes.py",)
_BOTS = "charter/identity/bot_framework.py"
_DOOR = "charter/channels/teams/ingress.py"
_ADDRESSES = "charter/channels/teams/addresses.py"
_CONVERSATIONS = "charter/channels/teams/conversations.py"
_INBOX = "charter/channels/teams/inbox.py"

TEAMS_TOKENS = (
    Mutant("a channel's token of any issuer", _BOTS, "issuer=self._metadata.name,", "issuer=None,", _TOKENS),
    Mutant("a channel's token for any bot", _BOTS, '"strict_aud": True', '"verify_aud": False', _TOKENS),
    Mutant("a channel's token for several bots", _BOTS, '"strict_aud": True', '"strict_aud": False', _TOKENS),
    Mutant("a channel's token without end", _BOTS, '"exp", "nbf", "serviceurl"', '"nbf", "serviceurl"', _TOKENS),
    Mutant("a channel's token without beginning", _BOTS, '"exp", "nbf", "serviceurl"', '"exp", "serviceurl"', _TOKENS),
    Mutant(
        "a channel's token of no service",
        _BOTS,
        'if not isinstance(claims["serviceurl"], str):',
        "if False:",
        _TOKENS,
    ),
    Mutant(
        "a channel's token for any service",
        _BOTS,
        'if self.service_url.rstrip("/") != service_url.rstrip("/"):',
        "if False:",
        _TOKENS,
    ),
    Mutant(
        "a channel's token compared by its host alone",
        _BOTS,
        'if self.service_url.rstrip("/") != service_url.rstrip("/"):',
        "if urlsplit(self.service_url).hostname != urlsplit(service_url).hostname:",
        _TOKENS,
    ),
    Mutant("a key for any channel", _BOTS, "if channel not in self.channels:", "if False:", _TOKENS),
    Mutant(
        "a channel's token believed to its end",
        _BOTS,
        'min(float(claims["exp"]), self._clock() + _BELIEVED_SECONDS)',
        'float(claims["exp"])',
        _TOKENS,
    ),
    Mutant(
        "a channel's keys from anywhere",
        _BOTS,
        "or not _trusted(place, beside=self.url)",
        "",
        _TOKENS,
    ),
    Mutant(
        "a channel's keys in the clear",
        _BOTS,
        "local = parts.hostname in _LOOPBACK and other.hostname in _LOOPBACK",
        "local = True",
        _TOKENS,
    ),
    Mutant("another issuer's metadata", _BOTS, 'or answer.field("issuer") != self.name', "", _TOKENS),
    Mutant("endorsements of nobody's reading", "charter/identity/keys.py", "if isinstance(each, str))", "if False)", _TOKENS),
    Mutant("two tokens, one believed by a channel's door", _DOOR, "if len(headers) > 1:", "if False:", _TOKENS),
    Mutant("activities without a token", _DOOR, "if not headers and self._anonymous and", "if not headers and", _TOKENS),
    Mutant("activities without a token from anywhere", _DOOR, "return request.remote in _LOOPBACK and", "return", _TOKENS),
    Mutant(
        "activities without a token through a tunnel",
        _DOOR,
        " and not any(name in request.headers for name in _FORWARDED)",
        "",
        _TOKENS,
    ),
    Mutant("any channel's word for who writes", _DOOR, "if activity.channel != _CHANNEL:", "if False:", _TOKENS),
    Mutant(
        "activities without a token for anybody's service",
        _DOOR,
        "or (vouched is None and not on_this_machine(url))",
        "",
        _TOKENS,
    ),
    Mutant("a body that is read for anybody", _DOOR, "vouched = await self._vouched(request)\n        activity = await _read(request)",
           "activity = await _read(request)\n        vouched = await self._vouched(request)", _TOKENS),
    Mutant(
        "every door of a channel's path let through",
        "charter/channels/middleware.py",
        "if request.match_info.handler in self_guarded:",
        'if self_guarded and request.path.startswith("/api"):',
        ("tests/doors/test_paths.py",),
    ),
)  # fmt: skip
INGRESS = (
    Mutant("a service that nobody allowed", _DOOR, "if not self._addresses.allowed(url) or", "if", _INGRESS),
    Mutant("a beginning within a part", _ADDRESSES, "f\"{each.rstrip('/')}/\"", "each.rstrip('/')", _INGRESS),
    Mutant("addresses of any form", _ADDRESSES, "        if not _well_formed(url):\n", "        if False:\n", _INGRESS),
    Mutant("addresses that lead upwards", _ADDRESSES, 'and not {".", ".."} & set(url.split("/"))', "", _INGRESS),
    Mutant(
        "a tenant by what it calls itself",
        _DOOR,
        "self._tenants.of_directory(activity.tid)",
        "self._tenants.of_directory(activity.tid) or activity.tid",
        _INGRESS,
    ),
    Mutant("activities of a suspended tenant", _DOOR, "if not self._tenants.served(tenant):", "if False:", _INGRESS),
    Mutant("messages of nobody", _DOOR, "if activity.type in _PEOPLES and not activity.sender.oid:", "if False:", _INGRESS),
    Mutant("any media at the door of activities", _DOOR, 'if request.content_type != "application/json":', "if False:", _INGRESS),
    Mutant("a duplicate told of again", _DOOR, "            return new\n", "            return True\n", _INGRESS),
    Mutant("a duplicate refused", _INBOX, '"on conflict do nothing"', '""', _INGRESS),
    Mutant("an inbox without end", _INBOX, "count(*) < $6 and", "count(*) < 1000000 + $6 and", _INGRESS),
    Mutant("a duplicate refused when the inbox is full", _INBOX, "if await session.fetchval(_KNOWN, *key):", "if False:", _INGRESS),
    Mutant("a full inbox is silent", _INBOX, "raise full(", "return False\n    raise full(", _INGRESS),
    Mutant("what people say to each other kept", _DOOR, "or activity.mentioned or activity.value is not None", "or True", _INGRESS),
    Mutant("an id without end", _DOOR, "if not least <= len(value) <= _LONGEST_ID:", "if not least <= len(value):", _INGRESS),
    Mutant("a fault after the row told as one of the activity", _DOOR,
           "        try:\n            self._arrived(tenant, activity)\n",
           "        self._arrived(tenant, activity)\n        try:\n            pass\n", _INGRESS),
    Mutant("a slow database waited for", _DOOR, "asyncio.timeout(self._keep_seconds)", "asyncio.timeout(None)", _INGRESS),
    Mutant("no time to come again told", _DOOR, "fault.retry_after = fault.retry_after or _AGAIN_SECONDS", "pass", _INGRESS),
    Mutant(
        "a personal chat that changes hands",
        _CONVERSATIONS,
        "case when c.person = '' then excluded.person else c.person end",
        "excluded.person",
        _INGRESS,
    ),
    Mutant("many people's chat as a personal one", _CONVERSATIONS,
           'activity.sender.oid if place.scope == "personal" else ""', "activity.sender.oid", _INGRESS),
    Mutant("spoken to where the bot was removed", _CONVERSATIONS, "where tenant = $1 and installed ", "where tenant = $1 ", _INGRESS),
    Mutant("a removal by members overlooked", _CONVERSATIONS, 'return gone or (', "return gone or (False and ", _INGRESS),
    Mutant("an invoke waited for without end", _DOOR, "asyncio.timeout(self._invoke_seconds)", "asyncio.timeout(None)", _INVOKES),
    Mutant("a handler's fault as a fault of the door", _DOOR,
           "        except Exception:  # noqa: BLE001 - logged with its trace\n", "        except ZeroDivisionError:\n", _INVOKES),
    Mutant("a card that is told its fault by status alone", _DOOR, "if activity.name != _CARD:", "if True:", _INVOKES),
)  # fmt: skip
