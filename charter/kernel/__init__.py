"""The one door to Semantic Kernel."""
