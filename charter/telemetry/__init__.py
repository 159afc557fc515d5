"""Traces, logs and the names on them."""
