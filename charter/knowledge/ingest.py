"""Bring the index to what lies in the sources: read what is new or changed, forget what is gone, report what is bad."""

import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from charter.errors import CharterError, Conflict, NotFound, Unavailable
from charter.knowledge.acl import narrowed
from charter.knowledge.archive import Archive
from charter.knowledge.index import Document, Source
from charter.knowledge.ledger import Known, Ledger
from charter.knowledge.pace import Heard, Pace
from charter.knowledge.plan import Plan, Task, planned
from charter.knowledge.reading import File, document_of
from charter.knowledge.sources.source import Content, DocumentSource, Fault, SourceIncomplete
