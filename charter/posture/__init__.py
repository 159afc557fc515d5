"""Whether an installation is what a company may trust: what settings declare, and what really answers."""
