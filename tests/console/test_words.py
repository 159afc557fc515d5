"""Plain words, and Markdown that nobody need trust. Pure functions."""

import pytest

from charter.channels import wording
from charter.channels.console import level, markdown, words
from charter.channels.console.markdown import Cited


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"minor": 145000, "currency": "EUR"}, "EUR 1,450.00"),
        ({"minor": -5, "currency": "EUR"}, "EUR -0.05"),
        ({"minor": 1450, "currency": "JPY"}, "JPY 1,450"),
        ({"minor": 9007199254740993, "currency": "EUR"}, "EUR 90,071,992,547,409.93"),
        ("2026-12-01", "Tuesday, 1 December 2026"),
        ("2026-13-01", "2026-13-01"),
        ("2026-12-01T09:30:00Z", "1 Dec 2026, 09:30 UTC"),
        (True, "yes"),
        (None, "none"),
        ("", "(empty)"),
        (4711, "4711"),
        (["a", 2], "a, 2"),
        ([], "none"),
        ({"item_name": "desk", "count": 2}, "Item name: desk; Count: 2"),
        ("a\u202eb", "a⟨U+202E⟩b"),
    ],
)
def test_a_value_is_said_as_a_person_would(given: object, said: str) -> None:
    assert words.value(given) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.034, "34 ms"), (1.24, "1.2 s"), (59.94, "59.9 s"), (123, "2 min 3 s"), (270000, "3 d 3 h")]
)
def test_a_duration_is_short(seconds: float, said: str) -> None:
    end = f"2026-11-2{1 + int(seconds // 86400)}T{int(seconds % 86400 // 3600):02}:{int(seconds % 3600 // 60):02}:{seconds % 60:09.6f}+00:00"
    assert words.duration("2026-11-21T00:00:00+00:00", end) == said


def test_names_are_words() -> None:
    assert wording.title("employee_assistant") == "Employee assistant"
    assert wording.call_name("people.get_leave_balance") == ("Get leave balance", "People")
    assert wording.title("order_id") == "Order ID"
    assert words.listed(["bob", "mona", "anyone with the role buyer"]) == "bob, mona or anyone with the role buyer"
    assert words.approver("role:buyer") == "anyone with the role buyer"


@pytest.mark.parametrize(
    ("functions", "said"),
    [
        (["read", "write"], "Looks up 1 thing, changes 1"),
        (["write", "irreversible"], "Changes 2 things"),
        (["read"], "Looks up 1 thing"),
        ([], ""),
    ],
)
def test_abilities_are_counted(functions: list[str], said: str) -> None:
    assert words.abilities([{"effect": effect} for effect in functions]) == said


@pytest.mark.promise("console.escaped")
@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](vbscript:x)",
        "[x](/console/sign-out)",
        "![x](https://evil.example/pixel.png)",
        '[x](https://a.example "onmouseover=alert(1)")',
        '<https://a.example/"onclick=alert(1)>',
        "```<script>\n</script>\n```",
        "| <script> |\n|---|\n| <img src=x> |",
    ],
)
def test_markdown_makes_no_active_markup(hostile: str) -> None:
    html = str(markdown.answer(hostile, {}))
    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html.lower()
    assert 'href="data' not in html
    assert 'href="/' not in html
    assert " on" not in "".join(part.split(">")[0] for part in html.split("<")[1:] if '"' not in part)
    assert 'onmouseover="' not in html


def test_a_link_says_where_it_leads() -> None:
    html = str(markdown.answer("[our bank](https://evil.example/login)", {}))
    assert '<span class="host">(evil.example)</span>' in html
    assert 'rel="noopener noreferrer nofollow"' in html


@pytest.mark.promise("console.citations")
def test_numbers_become_chips_only_where_they_cite_something() -> None:
    cited = {1: Cited("/p/1", 'Policy "A"'), 2: Cited("/p/2", "B")}
    html = str(markdown.answer("Yes [1], [1, 2], [7], `[1]`, [1](https://a.example)", cited))
    assert html.count('class="chip"') == 4
    assert "[7]" in html
    assert "<code>[1]</code>" in html
    assert 'aria-label="Source 1: Policy &quot;A&quot;"' in html
    assert 'class="chip"' not in str(markdown.answer("[1]", {}))


def test_headings_of_an_answer_stand_below_those_of_the_page() -> None:
    assert "<h3>Title</h3>" in str(markdown.answer("# Title", {}))


@pytest.mark.promise("console.level")
@pytest.mark.parametrize(
    ("status", "label", "news"),
    [
        ({"level": "assistance", "state": "off"}, "Assistance only", ""),
        (
            {"level": "assistance", "state": "loading"},
            "Assistance only",
            "The embedded model has arrived and is being loaded.",
        ),
        (
            {"level": "assistance", "state": "failed", "detail": "No space."},
            "Assistance only",
            "The embedded model could not be had. No space.",
        ),
        ({"level": "embedded", "state": "serving", "name": "Qwen2.5-Coder-1.5B"}, "Embedded 1.5B + assistance", ""),
        ({"level": "embedded", "state": "serving", "name": "Qwen2.5-Coder-0.5B"}, "Embedded 0.5B + assistance", ""),
        ({"level": "yours", "state": "off"}, "Your model", ""),
    ],
)
def test_the_level_is_always_named(status: dict[str, str], label: str, news: str) -> None:
    shown = level.view(status)
    assert (shown["label"], shown["news"]) == (label, news)
