"""The guards of how well passages are found, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

QUALITY = (
    Mutant(
        "order by full text alone",
        "charter/knowledge/ranking.py",
        "candidate.similarity + fit.words * share",
        "share",
        ("tests/knowledge/test_quality.py",),
    ),
    Mutant(
        "what no document answers is answered",
        "charter/knowledge/ranking.py",
        "    if not any(_answers(question, each, fit) for each in weighed):\n        return []\n",
        "    if not weighed:\n        return []\n",
        ("tests/knowledge/test_quality.py",),
    ),
    Mutant(
        "likeness answers without a word in common",
        "charter/knowledge/ranking.py",
        "similarity >= fit.enough and each.share >= fit.some",
        "similarity >= fit.enough",
        ("tests/knowledge/test_ranking.py",),
    ),
    Mutant(
        "a code that stands nowhere is answered",
        "charter/knowledge/ranking.py",
        "    if question.terms:\n        return False\n",
        "",
        ("tests/knowledge/test_ranking.py",),
    ),
    Mutant(
        "names of settings are not sought letter by letter",
        "charter/knowledge/terms.py",
        r'    r"|[A-Za-z][A-Za-z.]*_[\w.]*\w(?:\(\))?|(?:/[A-Za-z][\w-]*)+/)(?![\w-])"',
        r'    r")(?![\w-])"',
        ("tests/knowledge/test_ranking.py",),
    ),
    Mutant(
        "a worse choice is not seen",
        "charter/knowledge/evaluation/scores.py",
        "        line(half, CHOSEN, those).ndcg.value >= max(line(half, part, those).ndcg.value for part in SINGLE)\n",
        "        True\n",
        ("tests/knowledge/test_quality.py",),
    ),
    Mutant(
        "the documents of an evaluation not compared with their pin",
        "charter/knowledge/evaluation/documents.py",
        " or sha256(found[0].read_bytes()).hexdigest() != package.digest",
        "",
        ("tests/knowledge/test_documents.py",),
    ),
    Mutant(
        "follow-ups are not made to stand alone",
        "charter/models/embedded/assistance.py",
        "return self._followed(talk, functions, plan, today) or plan",
        "return plan",
        ("tests/models/test_followup.py",),
    ),
    Mutant(
        "an old topic carried into a new one",
        "charter/models/embedded/followup.py",
        "    if not before or not leans(said):\n        return said\n",
        "    if not before:\n        return said\n",
        ("tests/models/test_followup.py",),
    ),
    Mutant(
        "a sentence counts as supported whatever it cites",
        "charter/knowledge/evaluation/answers.py",
        'return _keeps_to(said, "\\n".join(sources)) and await',
        "return await",
        ("tests/knowledge/test_answers.py",),
    ),
)
