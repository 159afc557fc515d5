"""The app package of Teams: what an administrator uploads so that people find the bot. It is made and checked offline."""
