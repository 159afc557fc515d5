"""The guards of feedback, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

FEEDBACK = (
    Mutant(
        "feedback on another person's run",
        "charter/runs/feedback.py",
        'if run.principal["id"] != ctx.principal.id:',
        "if False:",
        ("tests/runs/test_feedback.py",),
    ),
    Mutant(
        "feedback before there is an answer",
        "charter/runs/feedback.py",
        "if not run.finished:",
        "if False:",
        ("tests/runs/test_feedback.py",),
    ),
    Mutant(
        "everybody's feedback for everybody",
        "charter/runs/feedback.py",
        "if not ctx.is_operator:",
        "if False:",
        ("tests/runs/test_feedback.py",),
    ),
    Mutant(
        "feedback with characters that hide",
        "charter/runs/feedback.py",
        'if char in "\\n\\t" or unicodedata.category(char) not in _HIDDEN',
        "",
        ("tests/runs/test_feedback.py",),
    ),
    Mutant(
        "feedback without a record",
        "charter/runs/feedback.py",
        '        await audit.record(session, asked, "feedback.given", detail=detail, trace_id=Trace.present().trace_id)\n',
        "",
        ("tests/runs/test_feedback.py",),
    ),
    Mutant(
        "feedback stays when its run goes",
        "charter/store/crossing.py",
        '"run_images", "run_feedback", ',
        '"run_images", ',
        ("tests/runs/test_feedback.py",),
    ),
)
