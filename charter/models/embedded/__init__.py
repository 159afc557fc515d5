"""The embedded model: deterministic assistance that serves at once, and small weights inside it once they have come."""
