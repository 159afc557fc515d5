"""Files of every usual format as one text with its passages."""
