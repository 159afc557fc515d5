"""``python -m charter.cli``."""

from charter.cli.main import main

main()
