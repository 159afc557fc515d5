"""What every store of passages promises, proved on each of them by the same tests."""
