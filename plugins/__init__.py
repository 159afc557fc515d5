"""Plugins of this installation; each folder is a guest and knows only charter.plugin."""
