"""The guards of files that come with messages, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_TEAMS = ("tests/teams/test_files.py",)
_RUNS = ("tests/runs/test_files.py",)

FILES = (
    Mutant(
        "a file is fetched from anywhere",
        "charter/channels/teams/fetching.py",
        "if not self._is_store(url):",
        "if False:",
        _TEAMS,
    ),
    Mutant(
        "a store of files is known by its letters",
        "charter/channels/teams/fetching.py",
        'host.endswith(f".{store}")',
        "host.endswith(store)",
        _TEAMS,
    ),
    Mutant(
        "the bot's token for any address",
        "charter/channels/teams/fetching.py",
        "if not any(_within(url, service) for service in self._services) or not",
        "if not",
        _TEAMS,
    ),
    Mutant(
        "the bot's token for anything at the connector",
        "charter/channels/teams/fetching.py",
        " or not _ATTACHMENT.fullmatch(url.raw_path)",
        "",
        _TEAMS,
    ),
    Mutant(
        "the connector is known by its letters",
        "charter/channels/teams/fetching.py",
        'url.raw_path.startswith(service.raw_path.rstrip("/") + "/")',
        "url.raw_path.startswith(service.raw_path)",
        _TEAMS,
    ),
    Mutant(
        "redirects followed by the client",
        "charter/channels/teams/fetching.py",
        "allow_redirects=False",
        "allow_redirects=True",
        _TEAMS,
    ),
    Mutant(
        "files of any size",
        "charter/channels/teams/fetching.py",
        "                if len(found) > self._most:\n",
        "                if False:\n",
        _TEAMS,
    ),
    Mutant(
        "what is packed is unpacked",
        "charter/channels/teams/fetching.py",
        ' or response.headers.get("Content-Encoding", "identity") != "identity"',
        "",
        _TEAMS,
    ),
    Mutant(
        "files fetched for ever",
        "charter/channels/teams/fetching.py",
        "async with asyncio.timeout(self._seconds):",
        "async with asyncio.timeout(None):",
        _TEAMS,
    ),
    Mutant(
        "any number of files",
        "charter/channels/teams/files.py",
        "for each in sent[:MOST]",
        "for each in sent",
        _TEAMS,
    ),
    Mutant(
        "a file is trusted",
        "charter/runs/loop.py",
        ".joined(files.label_of(claim.files))",
        "",
        _RUNS,
    ),
    Mutant(
        "files are not shown",
        "charter/runs/loop.py",
        "files.shown(await files.of_run(db, claim.run_id)) if claim.files else []",
        "list[Message]()",
        _RUNS,
    ),
    Mutant(
        "a replay without the files' label",
        "charter/runs/replaying.py",
        ".joined(files.label_of(run.files))",
        "",
        _RUNS,
    ),
    Mutant(
        "another file is the same request",
        "charter/runs/admission.py",
        "        body.append(files.digest(request.files))\n",
        "        pass\n",
        _RUNS,
    ),
    Mutant(
        "a mark that files can write",
        "charter/models/conversation.py",
        'mark = hashlib.sha256("\\0".join(part for file in files for part in file).encode()).hexdigest()[:16]',
        'mark = hashlib.sha256(b"file").hexdigest()[:16]',
        _RUNS,
    ),
    Mutant(
        "files taken for the person's words",
        "charter/models/conversation.py",
        "        if _encloses(message):\n            continue\n",
        "",
        _RUNS,
    ),
)
