"""Measures the gateway: `make bench`. What it measures and how is in docs/benchmark.md."""
