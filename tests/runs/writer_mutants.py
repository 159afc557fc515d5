"""The guards of what a writer may say, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

GROUNDED, FORMED, GROUNDING = "charter/runs/grounded.py", "charter/runs/formed.py", "charter/knowledge/grounding.py"
RULES = ("tests/runs/test_grounded.py",)
GUISES = ("tests/runs/test_smuggled.py",)
JOURNEY = ("tests/journeys/test_writer.py",)

WRITER = (
    Mutant("unapproved passages support", GROUNDED, ' if p.get("integrity") == "trusted"}', "}", RULES),
    Mutant("a sentence without a source stands", GROUNDED, 'return "it cites no passage"', 'return ""', RULES),
    Mutant(
        "a heading may say anything", GROUNDED, "strange = not beside(body, sources.values())", "strange = False", RULES
    ),
    Mutant(
        "numbers not compared",
        GROUNDING,
        "if missing := _counted(sentence) - _counted(said):",
        "if missing := set():",
        RULES,
    ),
    Mutant(
        "names not compared",
        GROUNDING,
        "if missing := _names(sentence) -",
        "if missing := set() and _names(sentence) -",
        RULES,
    ),
    Mutant(
        "denials not compared",
        GROUNDING,
        "if _elsewhere(DENIES, sentence, said):",
        "if False:",
        RULES,
    ),
    Mutant("denials compared in the whole only", GROUNDING, "if nearest and any(", "if False and any(", GUISES),
    Mutant(
        "bounds and conditions not compared",
        GROUNDING,
        "if turning := qualifiers.turned(sentence, said, window.lent):",
        'if turning := "":',
        GUISES,
    ),
    Mutant(
        "links and symbols let through",
        GROUNDING,
        "if missing := qualifiers.marks(sentence) - qualifiers.marks(said):",
        "if missing := set():",
        GUISES,
    ),
    Mutant(
        "a clause of its own let through", GROUNDING, " or _strays(sentence, window) else None", " else None", GUISES
    ),
    Mutant("a heading may state", GROUNDING, "    if _states(asked):", "    if False:", GUISES),
    Mutant(
        "a greeting may go on", "charter/runs/grounded.py", "_GREETING.fullmatch(body)", "_GREETING.match(body)", GUISES
    ),
    Mutant(
        "an answer not held against its sources",
        FORMED,
        'if agent.grounding == "strict" and not reply.calls:',
        "if False:",
        JOURNEY,
    ),
    Mutant("what is unsupported shown live", FORMED, ' and agent.grounding == "free"', "", JOURNEY),
    Mutant(
        "never asked once more", FORMED, "if found.faults and approved and not again", "if False and not again", JOURNEY
    ),
)
