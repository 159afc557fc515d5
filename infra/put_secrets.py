"""Put the secrets that Charter makes for itself into its Key Vault. No template, file or command line ever holds a value.

usage: put_secrets.py --vault ID [--rotate NAME] [--dry-run]

What is there stays, unless ``--rotate`` names it. The vault has no public network: the secret goes in through Azure
Resource Manager, which needs the role Key Vault Contributor on the vault and never gives a value back.
"""

import argparse
import base64
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence

from rest import Refused, Rest

TOKEN = "az account get-access-token --resource-type arm --query accessToken --output tsv"  # noqa: S105
VERSION = "2024-11-01"


def _fernet() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


MADE: Mapping[str, Callable[[], str]] = {"charter-session-key": _fernet}
"""Secrets by name, and how each is made. Those of business systems are put by whoever has them."""


def put(manager: Rest, vault: str, rotated: Sequence[str]) -> list[str]:
    """Put what is missing or to be rotated, and return a sentence for each secret.

    Raises:
        Refused: Azure does not answer or refuses, or a name is none of ours.
    """
    if unknown := [name for name in rotated if name not in MADE]:
        raise Refused(f"{unknown[0]} is not made here. Known are: {', '.join(MADE)}.")
    told: list[str] = []
    for name, made in MADE.items():
        path = f"{vault}/secrets/{name}?api-version={VERSION}"
        known = manager.get(path) is not None
        if known and name not in rotated:
            told.append(f"{name} is there and stays.")
            continue
        lost = " What the old one sealed is lost: people must sign in again." if known else ""
        body = {"properties": {"value": made(), "contentType": "text/plain"}}
        manager.change("PUT", path, body, hidden=("properties", "value"))
        done = "would be" if manager.dry else "is"
        told.append(f"{name} {done} {'rotated' if known else 'put'}.{lost}")
    return told


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the arguments and put the secrets."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--vault", required=True, help="Resource id of the vault.")
    parser.add_argument(
        "--rotate",
        action="append",
        default=[],
        metavar="NAME",
        help="Make this one anew, where it is compromised: what it sealed is lost, and people must sign in again.",
    )
    parser.add_argument("--dry-run", action="store_true", help="Print what would change, and change nothing.")
    parser.add_argument("--manager", default="https://management.azure.com", help="Resource Manager of another cloud.")
    parser.add_argument("--token-command", default=TOKEN, help="What prints a token for Azure Resource Manager.")
    told = parser.parse_args(arguments)
    try:
        if not told.vault.startswith("/subscriptions/"):
            raise Refused(
                "--vault is the vault's resource id, /subscriptions/...; azd env get-value AZURE_KEY_VAULT_ID."
            )
        sentences = put(Rest(told.manager.rstrip("/"), told.token_command, dry=told.dry_run), told.vault, told.rotate)
    except Refused as fault:
        sys.stderr.write(f"put_secrets: {fault}\n")
        return 1
    sys.stdout.writelines(f"{sentence}\n" for sentence in sentences)
    return 0


if __name__ == "__main__":
    sys.exit(main())
