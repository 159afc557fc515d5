"""Numbered SQL files; see charter/store/migrate.py."""
