"""Scan the templates with checkov, and fail also where it has looked at nothing.

usage: scan.py (with the Python of an environment that has ``scan-requirements.txt`` installed; ``make infra-scan``)
"""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

SKIPPED = {
    "CKV_AZURE_139": "azd builds within the registry, over the public network; nobody gets in without Entra.",
    "CKV_AZURE_166": "Images are scanned and signed by the company's own pipeline.",
    "CKV_AZURE_208": "Three replicas where zoneRedundant is set; the scanner does not read conditions.",
    "CKV_AZURE_238": "The account calls nobody, so it needs no identity of its own.",
}
"""Rules that are left out, each with the reason."""

KNOWN = {"/modules/models.bicep", "/modules/network.bicep", "/modules/registry.bicep", "/modules/vault.bicep"}
"""Templates that checkov has rules for. Of the others it says nothing, which is no praise."""


def main() -> int:
    """Scan; 1 where a rule is broken, a file cannot be read or a known one was not looked at."""
    command = [
        str(Path(sys.executable).parent / "checkov"),
        "--directory",
        str(HERE),
        "--framework",
        "bicep",
        "dockerfile",
    ]
    command += ["--skip-download", "--output", "json", "--skip-check", ",".join(SKIPPED)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - the scanner beside this Python
    reports: list[dict[str, Any]] = json.loads(told.stdout)
    failed = [c for report in reports for c in report["results"]["failed_checks"]]
    passed = Counter(c["file_path"] for report in reports for c in report["results"]["passed_checks"])
    unread = [f for report in reports for f in report["results"]["parsing_errors"]]
    for check in failed:
        sys.stdout.write(f"{check['file_path']}: {check['resource']}: {check['check_id']} {check['check_name']}\n")
    for file in unread:
        sys.stdout.write(f"{file}: checkov cannot read it\n")
    for file in sorted((KNOWN | {"/Dockerfile"}) - set(passed)):
        sys.stdout.write(f"{file}: checkov looked at nothing\n")
    sys.stdout.write(
        f"{sum(passed.values())} checks passed in {len(passed)} files, {len(failed)} failed, {len(SKIPPED)} left out\n"
    )
    return int(bool(failed or unread or (KNOWN | {"/Dockerfile"}) - set(passed)))


if __name__ == "__main__":
    sys.exit(main())
