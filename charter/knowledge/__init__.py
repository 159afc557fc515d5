"""Documents people may read, found and cited."""
