"""Liveness, readiness and the description of the doors."""
