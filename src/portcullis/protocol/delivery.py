"""What the front door can carry back to a client."""

from typing import Final

from portcullis import strictjson

# A function's answer holds at most 6 291 556 bytes (Lambda quotas), and the body stands in it
# as a JSON string; the rest is for status and headers.
MAX_DELIVERED_BYTES: Final = 6_285_000
_LARGEST_ESCAPE: Final = 6  # bytes of `\u0000`


def is_deliverable(body: bytes) -> bool:
    """Tell whether the front door can carry a body; else no word of it reaches the client."""
    if len(body) * _LARGEST_ESCAPE <= MAX_DELIVERED_BYTES:
        return True
    return len(strictjson.dump(body.decode("utf-8"))) <= MAX_DELIVERED_BYTES
