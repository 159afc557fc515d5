"""The guards of what goes out to Teams, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_CONNECTOR = "charter/channels/teams/connector"
_LINK = f"{_CONNECTOR}/link.py"
_WIRE = f"{_CONNECTOR}/wire.py"
_STREAMS = f"{_CONNECTOR}/streams.py"
_OUTBOX = "charter/channels/teams/outbox.py"
_DELIVERY = "charter/channels/teams/delivery.py"
_SENDING = "charter/channels/teams/sending.py"
_SENT = "tests/teams/test_sending.py::test_"
_KILLED = "tests/teams/test_sending_killed.py::test_"
_SHOWN = "tests/teams/test_streams.py::test_"
_SAID = "tests/teams/test_link.py::test_"
_ROWS = "tests/teams/test_outbox_rows.py"

SENDING = (
    Mutant(
        "a token for whoever asks",
        _WIRE,
        "if url.startswith(self._named):",
        "if True:",
        (f"{_SAID}the_playground_of_this_machine_hears_words_but_gets_no_token",),
    ),
    Mutant(
        "redirections are followed",
        _WIRE,
        "follow_redirects=False",
        "follow_redirects=True",
        (f"{_SAID}a_redirection_is_not_followed",),
    ),
    Mutant(
        "ids lead anywhere",
        _WIRE,
        "or _BREAKS.search(identifier):",
        "or False:",
        (f"{_SAID}an_id_that_leads_elsewhere_is_refused",),
    ),
    Mutant(
        "the SDK reads a file of settings",
        f"{_CONNECTOR}/loading.py",
        "    quiet_dotenv()\n",
        "",
        (f"{_SAID}a_file_of_settings_in_the_folder_is_not_read",),
    ),
    Mutant(
        "an answer of the token service is told",
        f"{_CONNECTOR}/token_service.py",
        'raise Unavailable("The token service\'s answer cannot be read.") from None',
        "raise",
        (f"{_SAID}an_answer_that_is_none_tells_no_token",),
    ),
    Mutant(
        "private words are everybody's",
        _LINK,
        'if private_to and place.scope != "personal":',
        "if False:",
        (f"{_SAID}what_is_private_names_who_alone_sees_it",),
    ),
    Mutant(
        "nobody there is taken for a fault of ours",
        _LINK,
        "if fault.answered == 400 else fault)",
        "if False else fault)",
        ("tests/teams/test_spoken.py",),
    ),
    Mutant(
        "a refusal is tried for ever",
        f"{_CONNECTOR}/faults.py",
        'fate: Fate = "refused"',
        'fate: Fate = "busy"',
        (f"{_SAID}each_refusal_says_whether_another_try_helps",),
    ),
    Mutant(
        "the end follows too soon",
        _STREAMS,
        "await asyncio.sleep(self.wait)",
        "pass",
        (f"{_SHOWN}text_is_shown_at_most_every_second_and_a_half_however_fast_it_comes",),
    ),
    Mutant(
        "a throttled end is not repeated",
        _STREAMS,
        'if piece or undelivered(fault).fate != "busy" or self.wait > CLOSE_SECONDS:',
        "if True:",
        (f"{_SHOWN}a_piece_that_is_throttled_comes_with_the_next_and_a_throttled_end_is_repeated",),
    ),
    Mutant(
        "an end waits as long as the connector wants",
        _STREAMS,
        " or self.wait > CLOSE_SECONDS:",
        ":",
        (f"{_SHOWN}an_end_that_finds_no_room_for_long_is_to_be_said_plainly",),
    ),
    Mutant(
        "a stream that is not allowed goes on",
        _STREAMS,
        '            self.lost = True\n            _log.warning("an answer cannot',
        '            _log.warning("an answer cannot',
        (f"{_SHOWN}where_streams_are_not_allowed_the_caller_knows_at_once",),
    ),
    Mutant(
        "an end that says something else",
        _STREAMS,
        "fits = bool(whole.strip()) and whole.startswith(shown)",
        "fits = bool(whole.strip())",
        (f"{_SHOWN}an_end_that_does_not_go_on_from_what_was_shown_is_to_be_said_plainly",),
    ),
    Mutant(
        "the end of a stream has no time limit",
        _STREAMS,
        "async with asyncio.timeout(CLOSE_SECONDS):",
        "async with asyncio.timeout(None):",
        (f"{_SHOWN}an_end_that_nobody_answers_is_given_up_in_time",),
    ),
    Mutant(
        "two answers grow at once",
        _LINK,
        "or (other is not None and other.live):",
        "or False:",
        (f"{_SHOWN}a_conversation_has_one_stream_at_a_time",),
    ),
    Mutant(
        "streams where many read",
        _LINK,
        'if place.scope != "personal" or (',
        "if (",
        (f"{_SHOWN}only_personal_chats_see_streams",),
    ),
    Mutant(
        "Stop is not heard",
        _STREAMS,
        "        if self._inner is not None and self._inner.canceled:\n            raise Stopped\n",
        "        return\n",
        (f"{_SHOWN}who_presses_stop_is_heard_at_the_next_word",),
    ),
    Mutant(
        "no order in a conversation",
        _OUTBOX,
        'and f.key = o.key "',
        '"',
        (f"{_SENT}what_is_being_sent_when_the_host_goes_is_said_once",),
    ),
    Mutant(
        "what was put off is overtaken",
        _OUTBOX,
        "(f.due_at <= clock_timestamp() or f.attempts > 0)",
        "f.due_at <= clock_timestamp()",
        (f"{_SENT}a_busy_connector_gets_it_later_and_nothing_overtakes",),
    ),
    Mutant(
        "old edits leave too",
        _OUTBOX,
        "    await session.execute(_OVERTAKEN, tenant)\n",
        "",
        (f"{_SENT}of_edits_that_wait_only_the_newest_leaves",),
    ),
    Mutant(
        "what another process has is taken",
        _OUTBOX,
        '_FREE = "(o.taken_until is null or o.taken_until < clock_timestamp())"',
        '_FREE = "true"',
        (_ROWS,),
    ),
    Mutant(
        "a lost lease still sends",
        _OUTBOX,
        "and taken_until = $3 and state in ('waiting', 'sending') \"\n    \"returning",
        "and $3::timestamptz is not null and state in ('waiting', 'sending') \"\n    \"returning",
        (_ROWS,),
    ),
    Mutant(
        "words stay after they were said",
        _OUTBOX,
        "activity = $3, place = $4, body = null,",
        "activity = $3, place = $4,",
        (f"{_SENT}what_is_put_is_said_in_order_and_its_words_are_forgotten",),
    ),
    Mutant(
        "no pace in a conversation",
        "charter/channels/teams/pace.py",
        "fits = max(fits, self.moments[-most] + seconds + _MARGIN)",
        "pass",
        (f"{_SENT}a_conversation_hears_no_more_than_teams_allows",),
    ),
    Mutant(
        "what the connector asked for is forgotten",
        _DELIVERY,
        "self._pace.hold(destination.place.conversation, asked)",
        "pass",
        (f"{_SENT}a_connector_that_names_its_time_gets_it",),
    ),
    Mutant(
        "a try without an end",
        _DELIVERY,
        'if fault.fate != "busy" or begun.age > self._patience:',
        'if fault.fate != "busy":',
        (f"{_SENT}what_nobody_takes_for_a_day_is_given_up_with_the_reason",),
    ),
    Mutant(
        "what was said again is not counted",
        _DELIVERY,
        "self.repeated += 1",
        "pass",
        (f"{_KILLED}a_message_is_never_lost_and_said_again_only_where_nobody_knows",),
    ),
    Mutant(
        "a day-old doubt is said again",
        _DELIVERY,
        "        if begun.age > self._patience:\n            return False\n",
        "",
        (f"{_KILLED}what_may_have_been_said_and_is_a_day_old_is_left_alone",),
    ),
    Mutant(
        "nobody hears who cannot be reached",
        _DELIVERY,
        "await self._unreachable(session, begun)",
        "pass",
        (f"{_SENT}who_cannot_be_reached_is_told_of_in_the_same_breath",),
    ),
    Mutant(
        "a request dies with its host",
        _DELIVERY,
        "await asyncio.shield(sending)",
        "await sending",
        (f"{_SENT}what_is_being_sent_when_the_host_goes_is_said_once",),
    ),
    Mutant(
        "suspended tenants speak",
        _SENDING,
        "if self._tenants.served(tenant):",
        "if True:",
        (f"{_SENT}nothing_is_said_for_a_suspended_tenant",),
    ),
    Mutant(
        "one tenant takes every place",
        _SENDING,
        "max(1, self._at_once - self._at_once // 4) - own)",
        "free)",
        (f"{_SENT}a_tenant_with_much_to_say_does_not_silence_another",),
    ),
    Mutant(
        "what waits is forgotten",
        "charter/channels/teams/forgetting.py",
        "\"state in ('sent', 'given_up')\"",
        '"true"',
        ("tests/teams/test_remembered.py",),
    ),
)
