"""A minimal Entra ID and the little of Microsoft Graph that the host asks, for the fictional tenants; beside it the
machine and the cluster that vouch for managed and workload identities.

It verifies what it is given: signatures, audiences, times, client secrets and assertions, refresh tokens. What is of a twin only: a
person (or workload) may sign in by name alone, each ``api://<name>`` is a registered application whose roles are those of
``people.yaml``, and ``/_twin`` lets a test change the world.
"""

from charter.twins.entra.server import Lifetimes, app

__all__ = ["Lifetimes", "app"]
