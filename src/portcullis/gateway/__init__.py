"""The enforcement point: intercepts every method, asks, carries out. Talks to ports only."""
