"""The console: pages for people. Rendered on the server, alive with a little script, usable without it."""
