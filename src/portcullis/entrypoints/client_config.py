"""How clients of the stores wait: one place for the time-outs of every function."""

from botocore.config import Config

# botocore puts its own together anew for each call, which is a tenth of a call's CPU time.
USER_AGENT = "portcullis"


def store_config(timeout_seconds: int, *, attempts: int = 1) -> Config:
    """The configuration of a client that asks a store.

    One try a call by default: whoever waits for the answer decides whether to ask again, and a
    denial is better than a caller that hangs.
    """
    return Config(
        connect_timeout=1,
        read_timeout=timeout_seconds,
        retries={"total_max_attempts": attempts},
        tcp_keepalive=True,
        user_agent=USER_AGENT,
    )
