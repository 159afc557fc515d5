"""Document libraries for the local profile: the little of Microsoft Graph's drives that a reader of documents asks.

``<folder>/<tenant>/<drive>`` is a library of that tenant, a real folder that people put files into. Who may read them stands
in ``.permissions.yaml`` at its top: paths (``/`` is the whole library) to lists of ``user:ID``, ``group:ID``,
``sitegroup:NAME``, ``link:organization``, ``link:anonymous``, ``link:user:ID``; the nearest path above a file counts. Tokens are
believed as Graph would: of the Entra twin, for Graph, with a role that lets an application read sites. What is of a twin
only: ``/_twin`` lets a test change the world.
"""

from charter.twins.drive.server import app

__all__ = ["app"]
