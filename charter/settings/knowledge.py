"""Where documents come from, and which store their passages are kept in."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

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


Reader = Annotated[str, Field(pattern=r"^(?:tenant|(?:user|group|role|workload):\S+)$")]


class Place(Section):
    """Where documents of a tenant lie, beside folders. They are those of ``collection``; where it is empty, each folder at
    the top is a collection by its name.

    ``readers`` counts for what names none itself. ``integrity`` untrusted: whatever a document says of itself, it is.
    """

    collection: str = Field(default="", pattern=r"^(?:[\w-][\w.-]{0,99})?$")
    readers: tuple[Reader, ...] = ()
    integrity: Literal["trusted", "untrusted"] = "untrusted"


class Blob(Place):
    """A container of Azure Blob Storage, or what begins with ``prefix`` in it. ``url`` is the account's address.

    ``secret`` is a connection string, or a shared access signature for ``url``; without one the host's identity at Azure
    is used.
    """

    kind: Literal["blob"] = "blob"
    url: str = ""
    container: str = Field(pattern=r"^[a-z0-9$][a-z0-9-]{1,62}$")
    prefix: str = ""
    secret: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _addressed(self) -> "Blob":
        if not self.url and not self.secret.get_secret_value():
            raise ValueError("needs the url of the account, such as https://NAME.blob.core.windows.net")
        return self


class SharePoint(Place):
    """A document library of SharePoint, or a OneDrive: the id of its ``drive`` in Microsoft Graph, read as the host itself.
    ``folder`` is a path within it.

    Who may read a document there may read it here. Readers that it names itself, or ``readers``, only narrow that.
    """

    kind: Literal["sharepoint"] = "sharepoint"
    drive: str = Field(pattern=r"^[\w!.-]{1,200}$")
    folder: str = ""


Origin = Annotated[Blob | SharePoint, Field(discriminator="kind")]


class Knowledge(Section):
    """``store`` is where passages are kept and searched. ``folders`` of documents, by tenant, stand beside those that
    plugins bring; ``sources`` are elsewhere, and looked through again every ``every_seconds``. ``at_start`` false: only
    ``charter knowledge sync`` reads them all. ``graph`` is where document libraries are asked for; empty: the directory's
    own address.
    """

    store: Store = "pgvector"
    azure_ai_search: AzureAISearch = AzureAISearch()
    qdrant: Qdrant = Qdrant()
    at_start: bool = True
    folders: dict[str, tuple[Path, ...]] = {}
    sources: dict[str, tuple[Origin, ...]] = {}
    graph: str = ""
    every_seconds: float = Field(default=900, ge=1, le=86_400)
    top: int = 4
