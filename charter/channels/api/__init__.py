"""Runs and approvals over REST and server-sent events."""
