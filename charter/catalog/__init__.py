"""Agents and plugins, from folders on disk into validated specifications."""
