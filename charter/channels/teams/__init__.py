"""Teams: employees hand tasks to agents where they work.

An activity is authenticated, written down once, and answered at once (``ingress``); it is worked on afterwards, by any
process (``work``). Whatever is said to somebody without their asking at that moment leaves through the outbox
(``outbox``, ``sending``). Only ``connector`` knows the Teams SDK.
"""
