from tests.twins.running import http, signing_keys, twin

__all__ = ["http", "signing_keys", "twin"]
