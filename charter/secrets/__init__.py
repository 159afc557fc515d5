"""References to secrets, never values."""
