"""The local profile: everything a laptop needs, started and stopped with the host."""
