"""Real small servers on loopback that stand for cloud parts on a laptop and in tests."""
