"""The guarantees of a running gateway, and the probes that try to break each of them."""
