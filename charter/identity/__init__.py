"""Who comes in (token verification) and as whom we go out (on-behalf-of)."""
