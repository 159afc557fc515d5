"""What Charter is compared with: the same work without it."""
