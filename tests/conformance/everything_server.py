"""Serve the everything server on this machine: `python -m conformance.everything_server`.

Prints one JSON line `{"event":"ready","url":…}` when it accepts connections; `--port 0` takes
any free port. Ends on SIGTERM.
"""

import argparse
import json
import logging
import socket
import sys
import warnings
from typing import Final

import uvicorn
from mcp.shared.exceptions import MCPDeprecationWarning

from conformance.everything.server import build_app

HOST: Final = "127.0.0.1"
# A listen stream never ends by itself; waiting longer for it would only delay the tests.
SHUTDOWN_SECONDS: Final = 1


def listening_socket(port: int) -> socket.socket:
    """A socket that already accepts connections on the loopback address."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    listener.listen(128)
    return listener


def serve(listener: socket.socket) -> None:
    """Announce the URL and serve until told to stop."""
    config = uvicorn.Config(
        build_app(),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    url = f"http://{HOST}:{listener.getsockname()[1]}/mcp"
    sys.stdout.write(json.dumps({"event": "ready", "url": url}) + "\n")
    sys.stdout.flush()
    uvicorn.Server(config).run(sockets=[listener])


def main() -> None:
    """Read the port and serve."""
    parser = argparse.ArgumentParser(description="Serve the conformance fixture on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 takes a free one")
    # Sampling and logging are deprecated in 2026-07-28 but still part of what is measured.
    warnings.simplefilter("ignore", MCPDeprecationWarning)
    logging.basicConfig(level=logging.WARNING)
    serve(listening_socket(parser.parse_args().port))


if __name__ == "__main__":
    main()
