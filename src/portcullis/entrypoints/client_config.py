"""How clients of the stores wait: one place for the time-outs of every function."""

from typing import Any

from botocore.config import Config

from portcullis.adapters.aws_calls import Client

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


def of_account(s3: Client, owner: str) -> Client:
    """Let a client of S3 reach buckets of one account only; answers the client.

    Whoever makes a bucket of the expected name elsewhere is refused by S3 itself. Source: S3
    user guide, "Verifying bucket ownership with bucket owner condition".
    """

    def add_owner(params: dict[str, Any], **_more: object) -> dict[str, Any]:
        return {**params, "ExpectedBucketOwner": owner}

    s3.meta.events.register("provide-client-params.s3", add_owner)
    return s3
