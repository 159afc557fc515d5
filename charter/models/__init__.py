"""Models: our words for a chat turn, clients for every maker, and the twins that follow a script."""
