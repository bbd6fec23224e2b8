"""A DynamoDB that answers and keeps nothing: `python -m bench.store_stub PORT`.

What a call costs on it is what the gateway and the AWS client spend on a counter themselves,
so it does as little as can be done: it finds where a request ends, and says yes.
"""

import asyncio
import re
import sys

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END_OF_HEAD = b"\r\n\r\n"
_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: 2\r\n\r\n{}"
)


class Connection(asyncio.Protocol):
    """One connection, kept alive. Every write succeeds; no item that is read exists."""

    def __init__(self) -> None:
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport to answer on."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP server's
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._unread += data
        while (size := request_size(self._unread)) <= len(self._unread):
            self._unread = self._unread[size:]
            self._transport.write(_ANSWER)


def request_size(data: bytes) -> int:
    """The bytes of the first request in `data`; more than there are where it is not whole."""
    end = data.find(_END_OF_HEAD)
    if end < 0:
        return len(data) + 1
    stated = _LENGTH.search(data, 0, end)
    return end + len(_END_OF_HEAD) + (int(stated[1]) if stated else 0)


async def main(port: int) -> None:
    """Serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
