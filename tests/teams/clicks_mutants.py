"""The guards of what people press, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_CLICKS = ("tests/teams/test_clicks.py::test_nobody_decides_by_a_button_on_a_card_that_did_not_ask_them",)

CLICKS = (
    Mutant(
        "anybody's card decides",
        "charter/channels/teams/clicks.py",
        'digest = _text(data, "digest") if ours else ""',
        'digest = _text(data, "digest")',
        _CLICKS,
    ),
)
