"""The guards of sources and their syncs, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_LIBRARY = ("tests/knowledge/test_sources_sharepoint.py",)
_BLOB = ("tests/knowledge/test_sources_blob.py",)
_KILLED = ("tests/knowledge/test_sync_killed.py",)

SOURCES = (
    Mutant(
        "what nobody knows the origin of forgotten while a source is silent",
        "charter/knowledge/plan.py",
        "if (known is not None and known.origin in seen) or not plan.incomplete:",
        "if True:",
        (*_LIBRARY, "tests/knowledge/test_sync.py"),
    ),
    Mutant(
        "documents of a silent source forgotten or displaced",
        "charter/knowledge/plan.py",
        "if known.origin in plan.incomplete}",
        "if False}",
        _LIBRARY,
    ),
    Mutant(
        "only the first page of a library",
        "charter/knowledge/sources/graph.py",
        'url = self._own(following) if following else ""',
        'url = ""',
        _LIBRARY,
    ),
    Mutant(
        "a link for anybody opens to the tenant",
        "charter/knowledge/sources/sharing.py",
        'if scope == "organization" and',
        'if scope in ("organization", "anonymous") and',
        _LIBRARY,
    ),
    Mutant(
        "ended permissions count",
        "charter/knowledge/sources/sharing.py",
        "return not until or _lasts(str(until), now)",
        "return True",
        ("tests/knowledge/test_sources_sharing.py",),
    ),
    Mutant(
        "numbers of a site taken for groups of the directory",
        "charter/knowledge/sources/sharing.py",
        'for kind in ("user", "group"):',
        'for kind in ("user", "group", "siteUser", "siteGroup"):',
        ("tests/knowledge/test_sources_sharing.py",),
    ),
    Mutant(
        "a document's own readers widen its permissions",
        "charter/knowledge/ingest.py",
        "readers = narrowed(document.readers, item.readers)",
        "readers = document.readers",
        _LIBRARY,
    ),
    Mutant(
        "a customer's role within an organisation's link",
        "charter/knowledge/acl.py",
        "return tuple(word for word in own if _PERSONAL.fullmatch(word))",
        "return own",
        _LIBRARY,
    ),
    Mutant(
        "a document's own word on its integrity",
        "charter/knowledge/ingest.py",
        'integrity = "untrusted" if origin.terms.integrity == "untrusted" else document.integrity',
        "integrity = document.integrity",
        (*_LIBRARY, *_BLOB),
    ),
    Mutant(
        "a sidecar that counts for no version",
        "charter/knowledge/sources/arranging.py",
        "beside = [entry, *(each for each in (sidecar, common) if each)]",
        "beside = [entry]",
        _BLOB,
    ),
    Mutant(
        "new readers that are no new version",
        "charter/knowledge/plan.py",
        "return digested(item.version, item.url, *said(source, item))",
        "return digested(item.version, item.url)",
        _LIBRARY,
    ),
    Mutant(
        "a note taken for the document",
        "charter/knowledge/plan.py",
        "elif stored and known == Known(origin.name, version, stored):",
        "elif known is not None and known.version == version:",
        _KILLED,
    ),
    Mutant(
        "two syncs of a tenant at once",
        "charter/knowledge/ledger.py",
        "is False:",
        "is None:",
        _KILLED,
    ),
    Mutant(
        "a killed sync that still reads",
        "charter/knowledge/ledger.py",
        'state = "cut short" if reading and not held else row["state"]',
        'state = row["state"]',
        _KILLED,
    ),
    Mutant(
        "rights taken away only after all that is new",
        "charter/knowledge/plan.py",
        "plan.tasks.sort(key=lambda task: not task.known)",
        "",
        _LIBRARY,
    ),
    Mutant(
        "the host's token at any address that Graph names",
        "charter/knowledge/sources/graph.py",
        "if urlsplit(url)[:2] != urlsplit(self._base)[:2]:",
        "if False:",
        ("tests/knowledge/test_sources_graph.py",),
    ),
    Mutant(
        "tokens in clear to a storage account",
        "charter/knowledge/sources/blob.py",
        'if not self._plain and not client.url.startswith("https://"):',
        "if False:",
        _BLOB,
    ),
    Mutant(
        "search in every collection",
        "charter/runs/service.py",
        "if collection is not None and collection not in several:",
        "if False:",
        ("tests/knowledge/test_commands.py",),
    ),
    Mutant(
        "no row-level security for what a sync knows",
        "charter/store/migrations/0008_knowledge.sql",
        "execute format('alter table %I force row level security', t);",
        "execute format('alter table %I disable row level security', t);",
        _KILLED,
    ),
)
