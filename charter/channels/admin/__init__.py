"""Tenants over REST, for operators."""
