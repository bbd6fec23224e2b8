"""Lambda handlers, settings and bootstrap: the only readers of the environment and makers of clients."""
