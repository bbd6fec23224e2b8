"""Recorded calls, decided again: what `policy replay` and `policy diff --lines` think."""
