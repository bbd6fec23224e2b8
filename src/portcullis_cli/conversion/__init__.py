"""Policies of other products, read strictly, and said again in this language."""
