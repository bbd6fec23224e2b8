"""An HTTP CONNECT proxy that stands in for the network between a host and its brokers.

It joins the names it is told to loopback ports and refuses every other name.
"""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Route = Callable[[str], int | None]
_BUFFER_BYTES = 65_536


class ConnectProxy(socketserver.ThreadingTCPServer):
    """The proxy; `reached` lists the names it joined, in order."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, route: Route) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.route = route
        self.reached: list[str] = []

    @property
    def url(self) -> str:
        """What HTTPS_PROXY is set to."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def running_proxy(route: Route) -> Iterator[ConnectProxy]:
    """A proxy that answers until the block ends."""
    proxy = ConnectProxy(route)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()


class _Connection(socketserver.StreamRequestHandler):
    server: ConnectProxy
    rbufsize = 0  # bytes after the request belong to the tunnel

    def handle(self) -> None:
        host = self._requested_host()
        port = self.server.route(host)
        if port is None:
            self.wfile.write(b"HTTP/1.1 403 Forbidden\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", port)) as upstream:
            self.server.reached.append(host)
            self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
            back = threading.Thread(target=_pump, args=(upstream, self.connection), daemon=True)
            back.start()
            _pump(self.connection, upstream)
            back.join()

    def _requested_host(self) -> str:
        words = self.rfile.readline().decode("latin-1").split(" ")
        while self.rfile.readline().strip():
            pass
        return words[1].rpartition(":")[0] if words[0] == "CONNECT" and len(words) == 3 else ""


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_BUFFER_BYTES):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
