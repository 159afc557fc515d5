"""Small servers that speak the public wire of a model's maker."""
