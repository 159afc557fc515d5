"""Adaptive Cards (1.5): what Charter shows in Teams. Pure functions of what is shown and a language.

A value (an argument, a name, a comment) was written by a model or a stranger. It stands in text runs only, which know no
markup; what is marked up (headings, hints) has no value in it. See ``element``.
"""
