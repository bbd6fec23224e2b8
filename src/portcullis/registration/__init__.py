"""Registrations: which MCP servers there are, where they live and with which credential.

Pure: text and values in, values out. What is reached with them, and when they are read, is
for the adapters.
"""
