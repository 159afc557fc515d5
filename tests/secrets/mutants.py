"""The guards of secrets, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

SECRETS = (
    Mutant(
        "a lease that never ends",
        "charter/secrets/leases.py",
        "elif age >= self._seconds:",
        "elif False:",
        ("tests/secrets/test_leases.py",),
    ),
    Mutant(
        "a silent vault is waited for",
        "charter/secrets/leases.py",
        "if look is not None and idle:",
        "if look is not None:",
        ("tests/secrets/test_leases.py",),
    ),
    Mutant(
        "a withdrawn secret goes on",
        "charter/secrets/leases.py",
        "kept.secret, kept.fault = None, fault",
        "kept.fault = fault",
        ("tests/secrets/test_leases.py",),
    ),
    Mutant(
        "a secret that shows itself",
        "charter/secrets/store.py",
        "value: str = field(repr=False)",
        "value: str",
        ("tests/secrets/test_leases.py",),
    ),
    Mutant(
        "an expired secret is used",
        "charter/secrets/store.py",
        "if expires is not None and now >= expires:",
        "if False:",
        ("tests/contract/test_key_vault.py",),
    ),
    Mutant(
        "a token for whoever says it is the vault",
        "charter/secrets/key_vault.py",
        "verify_challenge_resource=not twin",
        "verify_challenge_resource=False",
        ("tests/secrets/test_credential.py",),
    ),
    Mutant(
        "a client secret is never renewed",
        "charter/identity/token_endpoint.py",
        'if answer.field("error") == "invalid_client":',
        "if False:",
        ("tests/secrets/test_credential.py",),
    ),
    Mutant(
        "a model's key is never renewed",
        "charter/models/key.py",
        "if response.status_code == 401 and",
        "if False and",
        ("tests/models/test_deployments.py",),
    ),
    Mutant(
        "a system shows its key to the model",
        "charter/kernel/connection.py",
        "raw = raw.replace(token.encode(), MASKED.encode())",
        "pass",
        ("tests/kernel/test_connection.py", "tests/secrets/test_canaries.py"),
    ),
    Mutant(
        "a key in clear in a plugin's file",
        "charter/catalog/plugin.schema.yaml",
        'pattern: "^keyvault:[0-9A-Za-z-]{1,127}(/[0-9A-Za-z]{1,64})?$"',
        'pattern: "."',
        ("tests/catalog/test_check.py",),
    ),
    Mutant(
        "a person opens the vault",
        "charter/twins/key_vault/entering.py",
        'if claims.get("idtyp") == "app" else None',
        "if True else None",
        ("tests/twins/test_key_vault.py",),
    ),
    Mutant(
        "another tenant opens the vault",
        "charter/twins/key_vault/entering.py",
        'if claims["iss"] != f"{self._authority}/v2.0":',
        "if False:",
        ("tests/twins/test_key_vault.py",),
    ),
    Mutant(
        "logs are not masked",
        "charter/telemetry/logs.py",
        "return mask.clean(str(line))",
        "return str(line)",
        ("tests/telemetry/test_masking.py",),
    ),
    Mutant(
        "a database is given no token",
        "charter/runs/segments.py",
        'options["password"] = login.latest()',
        "pass",
        ("tests/store/test_login.py",),
    ),
)
