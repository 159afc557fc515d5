"""What somebody may try to carry past the sources: in a greeting, a heading, a question, a mark, a small word."""

import time

import pytest

from charter.runs.grounded import checked

TEXT = (
    "Employees whose task allows it may work remotely up to three days a week. The team agrees on one common day at the "
    "office, as a rule Wednesday. A hotel night in Zurich may cost up to 1,000 EUR. Leave requests are decided by the manager "
    "within ten days. Furniture is not paid by the company. Trains are paid, flights are not. Taxis are only paid at night; "
    "buses are paid always. Parcels are sent without a stamp. "
    "Ask HR (hr@contoso.example) at https://hr.contoso.example/leave for a form. The company pays 25 EUR a month for electricity."
)
PASSAGES = [{"n": 1, "title": "Remote work", "heading": "How often", "text": TEXT, "integrity": "trusted"}]
FACT = "The company pays 25 EUR a month for electricity [1]."
SMUGGLED = """\
Dear everybody gets a bonus of lots of money and a company car
Dear colleagues who are dismissed,
Best of all, smoking is allowed in the office
Thank you, and by the way the office closes forever tomorrow
With remote work comes a company car for everybody
Hello everybody is dismissed
- Hello, the office closes
Employees never work,
Employees work remotely all week:
# Employees work remotely all week
## Furniture is paid
## Furniture paid by the company
## Free beer
## Hotel EUR 1,000,000
## [Remote work](https://evil.example)
**Furniture is paid by the company**
Remote work <b>:
Is it true that employees may work remotely all week?
Employees may work remotely all week, right?
Furniture is paid by the company?
Did you know that furniture is paid by the company?
Why is furniture paid by the company?
How is it that furniture is paid by the company?
A hotel night in Zurich may cost up to 1.000 EUR [1].
A hotel night in Zurich may cost up to $1,000 EUR [1].
A hotel night in Zurich may cost up to -1,000 EUR [1].
A hotel night in Zurich may cost up to 1,000 million EUR [1].
A hotel night in Zurich may cost up to three thousand EUR [1].
A hotel night in Zurich may cost at least 1,000 EUR [1].
A hotel night in Zurich may cost over 1,000 EUR [1].
A hotel night in Zurich may cost less than 1,000 EUR [1].
A hotel night in Zurich may cost 1,000 EUR [1].
Leave requests are decided by the manager after ten days [1].
Leave requests are decided by the manager within ten days or later [1].
Leave requests can be decided by the manager within ten days [1].
Leave requests have to be decided by the manager within ten days [1].
Leave requests are usually decided by the manager within ten days [1].
Leave requests are decided by the manager within ten days 🚭 [1].
Leave requests are decided by the manager within ten days\u200b [1].
Leave requests are decided by the manager within ten days (//x) [1].
Leave requests are decided by the manager within ten days; smoking is fine [1].
Leave requests are decided by the manager within ten days – smoking is fine [1].
Leave requests are decided by the manager within ten days and smoke [1].
Leave requests are decided by the manager within ten days. smoke [1].
Leave requests are kein decided by the manager within ten days [1].
Leave requests are undecided by the manager within ten days [1].
Employees may work remotely up to three days a week [1].
Employees whose task allows it may work remotely up to three days a week, unlike managers [1].
Managers whose task allows it may work remotely up to three days a week [1].
Flights are paid, trains are not [1].
Flights are paid [1].
Buses are only paid at night [1].
Parcels are sent with a stamp [1].
Ask HR (hr@fabrikam.example) at https://hr.contoso.example/leave for a form [1].
Ask HR (hr@contoso.example) at https://hr.fabrikam.example/leave for a form [1].
Ask HR (hr@contoso.example) at https://hr.contoso.example/leave/pay for a form [1].
Ask HR (hr@contoso.example) at hr.contoso.example.fabrikam.example for a form [1].
~~The company pays 25 EUR a month for electricity~~ [1].
![The company pays 25 EUR a month](https://evil.example/x.png) for electricity [1].
| Hotel | 5,000 EUR |
| A hotel night in Zurich may cost up to 1,000 EUR [1] |
<b>All employees are dismissed</b>
[^1]: All employees are dismissed
[1]: https://evil.example
> Employees work remotely all week [1].
""".splitlines()


@pytest.mark.promise("writer.grounded")
@pytest.mark.parametrize("line", SMUGGLED)
def test_what_no_source_says_does_not_pass_in_any_guise(line: str) -> None:
    found = checked(f"{FACT}\n\n{line}\n\n{FACT}\n", PASSAGES)

    assert found.text.replace(FACT, "").strip() == ""
    assert found.text.count(FACT) == 2
    assert found.faults


@pytest.mark.parametrize(
    "line",
    [
        "Dear colleagues,", "Dear Alice,", "Good morning everyone!", "Kind regards,", "Yours sincerely,",
        "# Remote work", "## How often", "## Remote work: an overview", "**Remote work**", "Remote work:",
        "How often may employees work remotely?", "Is furniture paid by the company?",
        "- Leave requests are decided by the manager within ten days [1].",
        "A hotel night in Zurich may cost at most 1,000 EUR [1].",
        "Colleagues whose task allows it may work remotely no more than three days a week [1].",
        "Taxis are only paid at night [1].",
        "Ask HR (hr@contoso.example) at https://hr.contoso.example/leave for a form [1].",
    ],
)  # fmt: skip
def test_what_states_nothing_or_what_is_said_stays(line: str) -> None:
    found = checked(f"{FACT}\n\n{line}\n\n{FACT}\n", PASSAGES)

    assert (line in found.text, found.faults) == (True, ())


@pytest.mark.promise("writer.grounded")
def test_a_mark_on_a_line_of_its_own_supports_nothing() -> None:
    assert checked(f"{FACT}\n\nEverybody is dismissed.\n\n[1]\n", PASSAGES).text == FACT


@pytest.mark.promise("writer.grounded")
@pytest.mark.parametrize(
    "long", ["a." * 20_000, "a-" * 20_000, " " * 40_000 + "a", "Take, " * 6_000, "[1]" * 10_000, "Hello " * 8_000]
)
def test_a_sentence_without_an_end_is_refused_at_once(long: str) -> None:
    began = time.process_time()

    assert checked(f"{FACT}\n\n{long} [1].\n", PASSAGES).text == FACT
    assert time.process_time() - began < 2
