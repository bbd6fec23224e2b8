"""JSON-RPC, MCP, HTTP and SSE messages as values. Pure."""
