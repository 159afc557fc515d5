"""An Azure AI Search service for the local profile: the REST surface that Azure's unchanged client uses for indexes, aliases,
documents and queries.

It refuses what it does not know, verifies tokens by their issuer's published keys, and lets in whoever has a key or a role.
Shapes and rules are those of the service's REST reference (learn.microsoft.com/rest/api/searchservice, 2026-04-01, and
2025-11-01-preview for permissions) and of ``azure-search-documents`` 12.0. What is of a twin only: nothing outlasts the
process, one number of the semantic ranker is a stand-in (see ``ranking``), and ``/_twin`` lets a test change the world.
"""

from charter.twins.ai_search.entering import CONTRIBUTOR, DATA, DATA_READER
from charter.twins.ai_search.server import app

__all__ = ["CONTRIBUTOR", "DATA", "DATA_READER", "app"]
