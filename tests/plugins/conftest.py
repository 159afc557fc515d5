from tests.plugins.calling import systems
from tests.twins.running import http, signing_keys, twin

__all__ = ["http", "signing_keys", "systems", "twin"]
