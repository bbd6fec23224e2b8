"""Time and chance: where the instants and the ids of a function come from."""

import secrets
import time

from portcullis.policy.model import Instant


def clock() -> Instant:
    """The instant now."""
    return Instant(micros=time.time_ns() // 1000)


def new_id() -> str:
    """128 random bits, as 32 hexadecimal digits."""
    return secrets.token_hex(16)
