"""The one layout of policy files."""
