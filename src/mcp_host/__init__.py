"""Runs an unmodified Python MCP server in-process inside its own Lambda function."""
