"""One suite for each service that a twin stands for: it runs against the twin, and against the real one where asked.

``CHARTER_CONTRACT_AZURE=1`` asks for the real one; what it needs then is in ``services.py``.
"""
