"""The calendar's words in English and German, as pieces of regular expressions."""

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januar jänner", "february feb februar", "march mar märz", "april apr", "may mai",
            "june jun juni", "july jul juli", "august aug", "september sep sept", "october oct oktober okt",
            "november nov", "december dec dezember dez",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday montag", "tuesday tues dienstag", "wednesday mittwoch", "thursday thurs donnerstag",
            "friday freitag", "saturday samstag sonnabend", "sunday sonntag",
        )
    )
    for name in names.split()
}  # fmt: skip
NUMBERS = {
    name: number
    for number, names in (
        (1, "a an one ein eine einen einem einer"), (2, "two zwei couple"), (3, "three drei"), (4, "four vier"),
        (5, "five fünf"), (6, "six sechs"), (7, "seven sieben"), (8, "eight acht"), (9, "nine neun"), (10, "ten zehn"),
        (11, "eleven elf"), (12, "twelve zwölf"), (14, "fourteen vierzehn"), (15, "fifteen fünfzehn"),
        (20, "twenty zwanzig"),
    )
    for name in names.split()
}  # fmt: skip
FEASTS = {
    "christmas eve": (12, 24), "heiligabend": (12, 24), "christmas day": (12, 25), "christmas": (12, 25),
    "weihnachten": (12, 25), "boxing day": (12, 26), "new year's eve": (12, 31), "silvester": (12, 31),
    "new year's day": (1, 1), "neujahr": (1, 1),
}  # fmt: skip
DAY_WORDS = {
    "day after tomorrow": 2, "übermorgen": 2, "day before yesterday": -2, "vorgestern": -2, "today": 0, "tonight": 0,
    "heute": 0, "tomorrow": 1, "morgen": 1, "yesterday": -1, "gestern": -1,
}  # fmt: skip


def choice(names: dict[str, int] | dict[str, tuple[int, int]]) -> str:
    """Return an alternative of all names, longest first."""
    return "|".join(sorted(names, key=len, reverse=True))


MONTH = rf"(?:{choice(MONTHS)})"
WEEKDAY = rf"(?:{choice(WEEKDAYS)})s?"
COUNT = rf"(?:\d+|{choice(NUMBERS)})"
DAY = r"(?:[0-3]?\d)(?:st|nd|rd|th|\.)?"
YEAR = r"20\d\d"
NEXT = r"(?:next|the coming|coming|following|nächste[nrms]?|kommende[nrms]?)"
THIS = r"(?:this|diese[rnms]?)"
LAST = r"(?:last|past|letzte[nrms]?|vergangene[nrms]?)"
WEEK = r"(?:week|woche)"
TO = r"\s*(?:-|–|—|to|till?|until|through|thru|up to|and|und|bis(?: zum)?)\s*(?:and including |einschließlich )?(?:the |den |on |am )?"

VOCABULARY = (
    *(name for name in (*MONTHS, *WEEKDAYS, *NUMBERS, *DAY_WORDS) if len(name) > 3),
    "next", "this", "last", "from", "until", "till", "between", "week", "weeks", "days", "month", "starting", "after",
    "nächste", "nächsten", "nächster", "diese", "woche", "wochen", "tage", "zwischen",
)  # fmt: skip
