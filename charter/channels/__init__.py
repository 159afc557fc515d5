"""Ways in. Each is parse, routes, render; none knows another."""
