"""A package with one mistake in it: each is refused with its place and its sentence."""

from collections.abc import Callable
from typing import Any

import pytest

from charter.channels.teams.package import archive, packing
from tests.teams import packages
from tests.teams.packages import OTHER, Content, picture

Break = Callable[[Content], object]

TITLE = "bots[0].commandLists[0].commands[0].title"


def manifest(**changes: Any) -> Break:
    return lambda found: found.manifest.update(changes)


def inside(section: str, **changes: Any) -> Break:
    return lambda found: found.manifest[section].update(changes)


def bot(**changes: Any) -> Break:
    return lambda found: found.bot.update(changes)


def command(place: int, index: int = 0, **changes: Any) -> Break:
    return lambda found: found.commands(index)[place].update(changes)


def listed(index: int, **changes: Any) -> Break:
    return lambda found: found.bot["commandLists"][index].update(changes)


def file(name: str, content: bytes | None) -> Break:
    def change(found: Content) -> None:
        found.files.pop(name, None)
        if content is not None:
            found.files[name] = content

    return change


def german(**changes: Any) -> Break:
    return lambda found: found.language("de.json", lambda told: told.update(changes))


def untranslated(key: str) -> Break:
    return lambda found: found.language("de.json", lambda told: told.pop(key))


SAME_LANGUAGE = [{"languageTag": "de", "file": "de.json"}, {"languageTag": "de", "file": "fr.json"}]

BROKEN: tuple[tuple[str, Break, str, str], ...] = (
    ("a section too many", manifest(authorization={}), "/", "must not have authorization"),
    ("a tab", manifest(staticTabs=[]), "/", "must not have staticTabs"),
    ("no version", lambda found: found.manifest.pop("version"), "/", "must have version"),
    ("a version with a word", manifest(version="1.2.0-beta"), "/version", "three numbers such as 1.2.0"),
    ("a version of two", manifest(version="1.2"), "/version", "three numbers such as 1.2.0"),
    ("a newer manifest than needed", manifest(manifestVersion="1.30"), "/manifestVersion", "must be 1.29"),
    ("an older manifest than needed", manifest(manifestVersion="1.27"), "/manifestVersion", "must be 1.29"),
    ("another schema", manifest(**{"$schema": "https://schema.contoso.com"}), "/$schema", "Microsoft's schema"),
    ("an id of no application", manifest(id="charter"), "/id", "the application's client id"),
    (
        "the id of nobody",
        bot(botId="00000000-0000-0000-0000-000000000000"),
        "/bots/0/botId",
        "the application's client id",
    ),
    ("another application", inside("webApplicationInfo", id=OTHER), "/webApplicationInfo/id", "must be the bot's id"),
    (
        "another application's resource",
        inside("webApplicationInfo", resource=f"api://botid-{OTHER}"),
        "/webApplicationInfo/resource",
        "must be api://botid-",
    ),
    (
        "a resource of the web",
        inside("webApplicationInfo", resource=f"https://botid-{packages.BOT}"),
        "/webApplicationInfo/resource",
        "must be api://botid-",
    ),
    ("no sign-in", manifest(validDomains=["charter.contoso.com"]), "/validDomains", "must have token.botframework.com"),
    (
        "a scheme in a domain",
        manifest(validDomains=["token.botframework.com", "https://charter.contoso.com"]),
        "/validDomains/1",
        "without a scheme",
    ),
    (
        "a wildcard",
        manifest(validDomains=["token.botframework.com", "*.contoso.com"]),
        "/validDomains/1",
        "no wildcard",
    ),
    (
        "a port in a domain",
        manifest(validDomains=["token.botframework.com", "charter.contoso.com:3978"]),
        "/validDomains/1",
        "without port or path",
    ),
    (
        "a path in a domain",
        manifest(validDomains=["token.botframework.com", "charter.contoso.com/x"]),
        "/validDomains/1",
        "without port or path",
    ),
    (
        "a number for a domain",
        manifest(validDomains=["token.botframework.com", "127.0.0.1"]),
        "/validDomains/1",
        "the name of a host",
    ),
    (
        "this machine",
        manifest(validDomains=["token.botframework.com", "localhost"]),
        "/validDomains/1",
        "the name of a host",
    ),
    (
        "an example's domain",
        manifest(validDomains=["token.botframework.com", "charter.contoso.example"]),
        "/validDomains/1",
        "an example",
    ),
    ("the same domain twice", manifest(validDomains=["token.botframework.com"] * 2), "/validDomains", "the same twice"),
    (
        "a page without TLS",
        inside("developer", privacyUrl="http://contoso.com/privacy"),
        "/developer/privacyUrl",
        "must be an https:// address",
    ),
    (
        "a page of an example",
        inside("developer", termsOfUseUrl="https://www.example.com/terms"),
        "/developer/termsOfUseUrl",
        "an address of examples",
    ),
    (
        "a page with a password",
        inside("developer", websiteUrl="https://me:word@contoso.com"),
        "/developer/websiteUrl",
        "must be an https:// address",
    ),
    (
        "a page that is none",
        inside("developer", websiteUrl="https://[contoso"),
        "/developer/websiteUrl",
        "must be an https:// address",
    ),
    ("no developer's name", inside("developer", name=" "), "/developer/name", "a text of one line"),
    (
        "a long developer's name",
        inside("developer", name="x" * 33),
        "/developer/name",
        "at most 32 characters, and has 33",
    ),
    ("a long name", inside("name", short="x" * 31), "/name/short", "at most 30 characters"),
    ("a long description", inside("description", short="x" * 81), "/description/short", "at most 80 characters"),
    ("a colour by name", manifest(accentColor="green"), "/accentColor", "a colour such as #0d6350"),
    (
        "more rights",
        manifest(permissions=["identity", "readEverything"]),
        "/permissions/1",
        "must be one of identity, messageTeamMembers",
    ),
    ("two bots", lambda found: found.manifest["bots"].append(found.bot), "/bots", "at most 1"),
    ("a scope that is none", bot(scopes=["personal", "meeting"]), "/bots/0/scopes/1", "must be one of personal"),
    ("no personal chat", bot(scopes=["team", "groupChat"]), "/bots/0/scopes", "must have personal"),
    (
        "copilot half",
        bot(scopes=["personal", "team", "groupChat", "copilot"]),
        "/bots/0/scopes",
        "where there are copilotAgents",
    ),
    (
        "another agent for copilot",
        manifest(copilotAgents={"customEngineAgents": [{"id": OTHER, "type": "bot"}]}),
        "/copilotAgents/customEngineAgents/0/id",
        "must be the bot's id",
    ),
    (
        "commands where the bot is not",
        listed(1, scopes=["team", "copilot"]),
        "/bots/0/commandLists/1/scopes",
        "has copilot, where the bot is not",
    ),
    (
        "two lists for one scope",
        listed(1, scopes=["personal", "team"]),
        "/bots/0/commandLists/1/scopes",
        "which another list has, too",
    ),
    (
        "thirteen commands",
        lambda found: found.commands().append({"title": "One", "type": "prompt", "prompt": "One"}),
        "/bots/0/commandLists/0/commands",
        "at most 12, and has 13",
    ),
    (
        "a prompt without words",
        lambda found: found.commands()[6].pop("prompt"),
        "/bots/0/commandLists/0/commands/6",
        "must have a prompt",
    ),
    ("a prompt of blanks", command(6, prompt="   "), "/bots/0/commandLists/0/commands/6/prompt", "a text of one line"),
    (
        "a prompt too long",
        command(6, prompt="x" * 4001),
        "/bots/0/commandLists/0/commands/6/prompt",
        "at most 4000 characters",
    ),
    (
        "a title too long",
        command(6, title="x" * 129),
        "/bots/0/commandLists/0/commands/6/title",
        "at most 128 characters",
    ),
    (
        "a prompt that is a command",
        command(6, prompt="/signout"),
        "/bots/0/commandLists/0/commands/6",
        "must not be a prompt",
    ),
    (
        "words for a plain command",
        command(0, prompt="Help me"),
        "/bots/0/commandLists/0/commands/0",
        "must be of the type prompt",
    ),
    (
        "a command without a description",
        lambda found: found.commands()[1].pop("description"),
        "/bots/0/commandLists/0/commands/1",
        "must have a description",
    ),
    (
        "a command that nobody handles",
        command(2, title="/dance"),
        "/bots/0/commandLists/0/commands/2/title",
        "which the door does not know",
    ),
    (
        "a command without its slash",
        command(2, title="status"),
        "/bots/0/commandLists/0/commands/2/title",
        "which the door does not know",
    ),
    ("a command twice", command(1, title="/Help"), "/bots/0/commandLists/0/commands/1/title", "a second time"),
    ("a command forgotten", lambda found: found.commands(1).pop(), "/bots/0/commandLists/1/commands", "lacks signout"),
    (
        "slash without private messages",
        bot(supportsTargetedMessages=False),
        "/bots/0/commandLists/1/triggers",
        "needs supportsTargetedMessages",
    ),
    (
        "slash in personal chats",
        listed(0, triggers=["slash"]),
        "/bots/0/commandLists/0/triggers",
        "channels and group chats only",
    ),
    (
        "a trigger that is none",
        listed(1, triggers=["wave"]),
        "/bots/0/commandLists/1/triggers/0",
        "must be one of mention, slash",
    ),
    (
        "installed where the bot is not",
        manifest(defaultInstallScope="copilot"),
        "/defaultInstallScope",
        "one of the bot's scopes",
    ),
    ("no icon", file("color.png", None), "/color.png", "is not in the package"),
    ("an icon that is none", file("color.png", b"GIF89a"), "/color.png", "is no PNG"),
    ("half an icon", file("color.png", picture(192, 192)[:100]), "/color.png", "is a broken PNG"),
    ("a small icon", file("color.png", picture(96, 96)), "/color.png", "must be 192 x 192, and is 96 x 96"),
    ("a large outline", file("outline.png", picture(64, 64, around=b"\0\0\0\0")), "/outline.png", "must be 32 x 32"),
    ("an outline on a ground", file("outline.png", picture(32, 32)), "/outline.png", "must be transparent"),
    (
        "an outline in colour",
        file("outline.png", picture(32, 32, b"\x0d\x63\x50\xff", around=b"\0\0\0\0")),
        "/outline.png",
        "must be white",
    ),
    ("an outline of nothing", file("outline.png", picture(32, 32, b"\0\0\0\0")), "/outline.png", "shows nothing"),
    ("an icon in a folder", inside("icons", color="icons/color.png"), "/icons/color", "a file beside the manifest"),
    ("a file too many", file("notes.txt", b"remember"), "/notes.txt", "is named nowhere"),
    ("no file of a language", file("fr.json", None), "/fr.json", "is not in the package"),
    ("a language that is no JSON", file("fr.json", b"{"), "/fr.json", "is no JSON object"),
    (
        "a language twice",
        inside("localizationInfo", additionalLanguages=SAME_LANGUAGE),
        "/localizationInfo/additionalLanguages",
        "has de twice",
    ),
    (
        "the default language again",
        inside("localizationInfo", defaultLanguageTag="de"),
        "/localizationInfo/additionalLanguages",
        "the default language",
    ),
    ("a name untranslated", untranslated("name.short"), "/de.json", "must have name.short"),
    ("a command untranslated", untranslated(TITLE), "/de.json", "another language than the rest"),
    ("a text for nothing", german(**{"tabs[0].name": "Hallo"}), "/de.json/tabs[0].name", "translates nothing"),
    (
        "a text for no command",
        german(**{"bots[0].commandLists[0].commands[99].title": "/hilfe"}),
        "/de.json/bots[0].commandLists[0].commands[99].title",
        "translates nothing",
    ),
    (
        "a long translation",
        german(**{"description.short": "x" * 81}),
        "/de.json/description.short",
        "at most 80 characters",
    ),
    ("a blank translation", german(**{"name.short": " "}), "/de.json/name.short", "must be a text"),
    ("a translation nobody handles", german(**{TITLE: "/tanzen"}), f"/de.json/{TITLE}", "does not take for /help"),
    (
        "a translation of another command",
        german(**{TITLE: "/abmelden"}),
        f"/de.json/{TITLE}",
        "does not take for /help",
    ),
)


@pytest.fixture(scope="module")
def whole() -> packing.Package:
    return packages.packed()


@pytest.mark.promise("teams.package-refused")
@pytest.mark.parametrize(("name", "broken", "place", "sentence"), BROKEN, ids=[name for name, *_ in BROKEN])
def test_a_mistake_is_refused_with_its_sentence(
    whole: packing.Package, name: str, broken: Break, place: str, sentence: str
) -> None:
    found = packages.content(whole)
    assert packing.faults(found.manifest, found.files, production=True) == [], name
    broken(found)
    faults = packing.faults(found.manifest, found.files, production=True)
    assert [fault for fault in faults if fault.pointer == place and sentence in fault.detail], faults


@pytest.mark.promise("teams.package-refused")
def test_what_is_no_manifest_at_all_is_refused() -> None:
    for nothing in ({}, [], None, "manifest"):
        assert packing.faults(nothing, {}, production=True)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="is no zip file"):
        archive.unpacked(b"PK\x03\x04 and no more")
