"""The guards of what is said in Teams, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

CARDS = ("tests/teams/test_cards.py",)
MESSAGES = ("tests/teams/test_messages.py",)

SAID_IN_TEAMS = (
    Mutant(
        "hidden characters left hidden",
        "charter/channels/wording.py",
        "return _STRANGE.sub(_shown, text)",
        "return text",
        CARDS,
    ),
    Mutant(
        "blank letters not seen",
        "charter/channels/wording.py",
        "return category in _HIDING or char in _BLANK",
        "return category in _HIDING",
        CARDS,
    ),
    Mutant(
        "a value's braces left together",
        "charter/channels/teams/cards/element.py",
        '_BRACE.sub("{\\0", visible(text).replace("\\t", " ")).split("\\0")',
        'visible(text).replace("\\t", " ").split("\\0")',
        CARDS,
    ),
    Mutant(
        "foreign text in a text block",
        "charter/channels/teams/cards/element.py",
        'return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": part, **style} for part in parts(text)]}',
        "return _block(visible(text))",
        CARDS,
    ),
    Mutant(
        "a call that was cut may be approved",
        "charter/channels/teams/cards/approval.py",
        "return [*([yes] if whole else []), no] if offered else []",
        "return [yes, no] if offered else []",
        CARDS,
    ),
    Mutant(
        "a card of any size",
        "charter/channels/teams/cards/element.py",
        "return size(made) <= LIMIT",
        "return True",
        CARDS,
    ),
    Mutant(
        "tried again after a change",
        "charter/channels/teams/cards/failure.py",
        'return bool(problem.get("retryable")) and not _changed(run)',
        'return bool(problem.get("retryable"))',
        CARDS,
    ),
    Mutant(
        "links to anything in a card",
        "charter/channels/teams/cards/element.py",
        'return url.startswith(("https://", "http://"))',
        "return bool(url)",
        CARDS,
    ),
    Mutant(
        "what is not in the text cited",
        "charter/channels/teams/messages.py",
        'if citation["n"] in cited and len(claims) < CITED:',
        "if len(claims) < CITED:",
        MESSAGES,
    ),
    Mutant(
        "an answer of any length",
        "charter/channels/teams/messages.py",
        "if size(body) <= LIMIT:",
        "if True:",
        MESSAGES,
    ),
    Mutant(
        "markup not escaped",
        "charter/channels/teams/messages.py",
        'return char if char.isspace() else f"&#{ord(char)};"',
        "return char",
        MESSAGES,
    ),
    Mutant(
        "a model's pictures fetched",
        "charter/channels/teams/messages.py",
        'return _TAMED.sub(r"\\g<0> ", text)',
        "return text",
        MESSAGES,
    ),
    Mutant(
        "no word of who may read it",
        "charter/channels/teams/messages.py",
        "if sensitivity.readers:",
        "if False:",
        MESSAGES,
    ),
)
