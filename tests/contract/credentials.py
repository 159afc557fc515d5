"""A program that asks for tokens with Microsoft's own clients, unchanged, in the environment that it was started in.

usage: python -m tests.contract.credentials < jobs.json

A job is ``{"credential": "ClientSecretCredential", "scope": "...", "options": {...}}``; ``assertion`` among the options
is what a callback for assertions returns. Each job is done with the plain client and with the one for asyncio; the answer
is one line of JSON, a list with a pair for each job.
"""

import asyncio
import json
import sys
from typing import Any

from azure import identity
from azure.core.exceptions import AzureError
from azure.identity import aio

_CALLBACKS = {"ClientAssertionCredential": "func", "OnBehalfOfCredential": "client_assertion_func"}


def main() -> int:
    jobs = json.load(sys.stdin)
    print(json.dumps([(plain(job), asyncio.run(asynchronous(job))) for job in jobs]))
    return 0


def plain(job: dict[str, Any]) -> dict[str, Any]:
    try:
        with getattr(identity, job["credential"])(**_options(job)) as credential:
            return {"token": credential.get_token(job["scope"]).token}
    except (AzureError, ValueError) as fault:
        return _told(fault)


async def asynchronous(job: dict[str, Any]) -> dict[str, Any]:
    try:
        async with getattr(aio, job["credential"])(**_options(job)) as credential:
            return {"token": (await credential.get_token(job["scope"])).token}
    except (AzureError, ValueError) as fault:
        return _told(fault)


def _options(job: dict[str, Any]) -> dict[str, Any]:
    options = dict(job.get("options", {}))
    assertion = options.pop("assertion", None)
    return options if assertion is None else {**options, _CALLBACKS[job["credential"]]: lambda: assertion}


def _told(fault: Exception) -> dict[str, Any]:
    response = getattr(fault, "response", None)
    try:
        body = json.loads(response.text()) if response is not None else None
    except ValueError:
        body = None
    return {"fault": type(fault).__name__, "message": str(fault), "body": body}


if __name__ == "__main__":
    sys.exit(main())
