"""Runs: durable, journaled, followed."""
