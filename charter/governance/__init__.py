"""The gate and what it decides with."""
