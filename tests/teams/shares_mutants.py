"""The guards of everybody's share of the host, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_DOOR = "charter/channels/teams/"
_SHARES = ("tests/teams/test_shares.py::test_who_writes_much_while_something_of_theirs_is_slow_keeps_nobody_waiting",)
_UNREADABLE = ("tests/teams/test_shares.py::test_what_cannot_be_read_any_more_keeps_nothing_else_from_being_found",)
_INGRESS = ("tests/teams/test_ingress.py::test_one_person_fills_no_more_of_the_inbox_than_their_part",)
_FILES = ("tests/teams/test_files.py",)

SHARES = (
    Mutant(
        "one person's messages fill all places", f"{_DOOR}work.py",
        "if (turn := self._turns.get(who)) is not None and turn.locked():", "if False:", _SHARES,
    ),
    Mutant(
        "one person's messages are all taken at once", f"{_DOOR}pending.py",
        "select distinct on (conversation, person) conversation, activity ", "select conversation, activity ", _SHARES,
    ),
    Mutant(
        "one person fills the inbox of a tenant", f"{_DOOR}inbox.py",
        "count(*) filter (where o.person = $4 and $4 <> '') < $7 ", "$7 > 0 and $4 is not null ", _INGRESS,
    ),
    Mutant(
        "a person's full part shuts the door for all", f"{_DOOR}ingress.py",
        'who = person if isinstance(fault, inbox.PartFull) else ""', 'who = ""', _INGRESS,
    ),
    Mutant(
        "what cannot be read stops who looks", f"{_DOOR}pending.py",
        "    except InvalidRequest as fault:\n", "    except ZeroDivisionError as fault:\n", _UNREADABLE,
    ),
    Mutant(
        "files are read in the threads of the whole host", f"{_DOOR}files.py",
        "loop.run_in_executor(self._reader,", "loop.run_in_executor(None,", _FILES,
    ),
    Mutant("files are waited for as long as it takes", f"{_DOOR}files.py", "asyncio.timeout(self._seconds), turn", "turn", _FILES),
    Mutant(
        "a message's files are all read before another's", f"{_DOOR}files.py",
        "asyncio.timeout(self._seconds), turn", "asyncio.timeout(self._seconds)", _FILES,
    ),
)  # fmt: skip
