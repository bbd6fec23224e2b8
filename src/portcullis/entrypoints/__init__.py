"""Lambda handlers, settings, bootstrap: the only readers of the environment."""
