"""A Key Vault for the local profile: the REST surface that Azure's unchanged client uses for secrets.

It verifies tokens by their issuer's published keys, lets in whoever has a role, and refuses what the service refuses. What
is of a twin only: the roles are those it was started with, and ``/_twin`` lets a test change the world.
"""

from charter.twins.key_vault.entering import OFFICER, USER
from charter.twins.key_vault.server import app

__all__ = ["OFFICER", "USER", "app"]
