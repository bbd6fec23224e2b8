"""Whether a set-up is right: what can be reached, what fits together, and what is dangerous."""
