"""Passages in Qdrant: a server, or embedded in this process for a small library."""
