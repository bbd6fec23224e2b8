"""Portcullis decides every MCP call before it reaches the server that would carry it out."""
