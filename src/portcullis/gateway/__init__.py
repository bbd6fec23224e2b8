"""The enforcement point: intercepts every method, asks the decision point, carries out. Ports only."""
