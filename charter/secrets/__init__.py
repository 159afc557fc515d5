"""Secrets: never written down in settings, looked up in a vault, and used as they are there now."""
