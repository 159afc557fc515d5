"""Words that ask for something to be done, in English and German, whatever the thing is."""

from charter.models.embedded.words import LITTLE, stem, table

SPELLED = table(
    """
    order buy purchase get open create raise log file report submit send show list display find search look check cancel
    withdraw close reset book request apply reserve announce add note write record pay settle approve claim reimburse tell
    give help track deliver bring change update set arrange organise organize schedule register sign put mark remind offer
    cost costs fetch see view ask call post enter comment delete remove return take go leave works work
    bestelle kaufe besorge öffne erstelle lege leg anlegen melde anmelden abmelden zeige zeig suche such finde find storniere
    schließe buche beantrage reserviere ergänze bezahle zahle trag eintragen nimm nehmen gib schick kostet brauchen liste prüfe
    """
)
VERBS = frozenset(stem(word) for word in SPELLED)

VAGUE = table(
    """
    something anything thing things stuff someone somebody etwas irgendwas sachen new another neue neuen neues
    """
)
"""Words that name nothing: who says only these has not said what."""

QUESTION = table(
    """
    what which who whom whose where when why how was welche welcher welches welchen wer wem wen wo wann warum wie
    wieviel gibt is are does did has have were do ist sind hat habe haben wird
    """
)
"""First words of a question that wants to know, not to have something done."""

ARTICLES = table("a an the one some my our ein eine einen einem einer der die das den dem mein meine meinen")


def is_verb(word: str) -> bool:
    return stem(word) in VERBS


def is_little(word: str) -> bool:
    return word.casefold() in LITTLE


def asks_something(word: str) -> bool:
    """Tell whether a word carries a request: a command, a question word, or somebody who wants or has something."""
    low = word.casefold()
    return is_verb(word) or low in QUESTION or low in _SPEAKING


_SPEAKING = table("i ich we wir tell zeig zeige gib need want brauche möchte")
