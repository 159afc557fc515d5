"""The host in the azure profile, started without the gate of that profile: the gate would refuse the twins of this machine.

It is given a managed identity in its environment, as Azure gives one to a container.
"""

import asyncio

import uvloop

import host
from charter import settings

if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(host.serve(settings.read()))
