"""The guards of the app package, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_FAULTS, _COMMAND = "tests/teams/test_package_faults.py", "tests/teams/test_package.py"
_RULES = "charter/channels/teams/package/rules.py"
_FILES = "charter/channels/teams/package/files.py"

PACKAGE = (
    Mutant(
        "an app package written with its faults",
        "charter/channels/teams/package/packing.py",
        "if found := faults(body, beside, production=production):",
        "if found := []:",
        (_COMMAND,),
    ),
    Mutant(
        "a bot that is not the application", _RULES, 'if application["id"] != bot:', "if False:", (_FAULTS,)
    ),
    Mutant(
        "a command in the package that nobody handles",
        _RULES,
        "if known is None or known.rest:",
        "if False:",
        (_FAULTS,),
    ),
    Mutant("a wildcard among the domains", _RULES, 'elif "*" in domain:', "elif False:", (_FAULTS,)),
    Mutant(
        "pages of examples in production",
        _RULES,
        "elif production and _EXAMPLE.search(host):",
        "elif False:",
        (_FAULTS, _COMMAND),
    ),
    Mutant("a prompt that says nothing", _RULES, 'if "prompt" not in command:', "if False:", (_FAULTS,)),
    Mutant(
        "an outline in colour", _FILES, "any(point[:3] != (255, 255, 255) for point in seen)", "False", (_FAULTS,)
    ),
    Mutant(
        "a translated command that means another",
        _FILES,
        "if meant is None or meant.rest or meant.command is not known.command:",
        "if False:",
        (_FAULTS,),
    ),
    Mutant(
        "an app package of the day",
        "charter/channels/teams/package/archive.py",
        "entry = zipfile.ZipInfo(name, _DAY)",
        "entry = zipfile.ZipInfo(name, __import__('time').localtime()[:6])",
        (_COMMAND,),
    ),
    Mutant(
        "a changed package under the same version",
        "charter/cli/teams.py",
        'if not other and old >= _numbers(made.manifest["version"]):',
        "if False:",
        (_COMMAND,),
    ),
    Mutant(
        "a higher manifest version than needed",
        "charter/channels/teams/package/versions.py",
        "yield 1, 27",
        "yield 1, 30",
        (_COMMAND,),
    ),
)  # fmt: skip
