"""How well passages are found: a set of questions over public documents, its metrics, and their table."""
