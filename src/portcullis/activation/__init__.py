"""Activation: what becomes of an uploaded policy. Reads no files and makes no clients."""
