"""Where documents come from, and which store their passages are kept in."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from charter.settings.section import Section

Store = Literal["pgvector", "azure_ai_search", "qdrant"]


_FIELD = r"^[A-Za-z][A-Za-z0-9_]{0,127}$"


class ExistingIndex(Section):
    """An index that another program keeps; the host only reads it, for ``tenant``, as its collection ``collection``.

    The others name its fields: ``id`` (its key), ``text``, and where there are such ``title``, ``url`` and ``readers`` (ids
    of people and groups). ``ranker`` is its semantic configuration.
    """

    tenant: str
    collection: str
    id: str = Field(default="id", pattern=_FIELD)
    text: str = Field(default="content", pattern=_FIELD)
    title: str = Field(default="", pattern=f"^$|{_FIELD}")
    url: str = Field(default="", pattern=f"^$|{_FIELD}")
    readers: str = Field(default="", pattern=f"^$|{_FIELD}")
    ranker: str = ""


class AzureAISearch(Section):
    """``endpoint`` is the service's address, ``index`` the name that is asked: an alias of the host's own, or the index
    that ``existing`` describes. Without an ``api_key`` the host's identity at Azure is used. ``semantic``: the service's
    own ranker orders what was found. ``permissions``: the index holds permissions of its own, so each question carries the
    person's token, too.
    """

    endpoint: str = ""
    api_key: SecretStr = SecretStr("")
    index: str = Field(default="charter", pattern=r"^[a-z0-9](?:[a-z0-9-]{0,98}[a-z0-9])?$")
    semantic: bool = False
    permissions: bool = False
    existing: ExistingIndex | None = None


class Qdrant(Section):
    """``url`` is the server's address; empty: embedded, in the data folder, for one process alone."""

    url: str = ""
    api_key: SecretStr = SecretStr("")
    collection: str = Field(default="charter", pattern=r"^[\w-]{1,100}$")


class Knowledge(Section):
    """``store`` is where passages are kept and searched. ``folders`` of documents, by tenant, stand beside those that
    plugins bring. ``at_start`` false: only ``charter knowledge sync`` reads them.
    """

    store: Store = "pgvector"
    azure_ai_search: AzureAISearch = AzureAISearch()
    qdrant: Qdrant = Qdrant()
    at_start: bool = True
    folders: dict[str, tuple[Path, ...]] = {}
    top: int = 4
