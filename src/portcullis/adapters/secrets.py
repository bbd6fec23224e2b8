"""Secrets Manager: the session key and the credentials of upstreams, kept for five minutes."""

import hashlib
from collections.abc import Callable
from functools import cache

from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.adapters.refreshing import Refreshing
from portcullis.errors import CredentialError
from portcullis.policy.model import Instant

REFRESH_SECONDS = 300
MAXIMUM_AGE_SECONDS = 3600


class Secrets:
    """Reads secret strings by ARN, each at most once in five minutes.

    `make_client` is asked once, for the first secret: most calls need none.
    """

    def __init__(self, make_client: Callable[[], Client], clock: Callable[[], Instant]) -> None:
        self._client = cache(make_client)
        self._clock = clock
        self._held: dict[str, Refreshing[str]] = {}

    def read(self, arn: str) -> str:
        """Answer the secret's string, never an empty one.

        Raises:
            CredentialError: it cannot be read.
        """
        held = self._held.get(arn)
        if held is None:
            held = self._held[arn] = Refreshing(
                lambda _last: self._load(arn),
                refresh_seconds=REFRESH_SECONDS,
                max_age_seconds=MAXIMUM_AGE_SECONDS,
            )
        return held.get(self._clock())

    def keys(self, use: bytes, arn: str) -> Callable[[], tuple[bytes, ...]]:
        """Keys for one use, made of a secret that several keys are made of.

        What is answered raises `CredentialError` as `read` does.
        """

        def made() -> tuple[bytes, ...]:
            return (hashlib.sha256(use + b"\0" + self.read(arn).encode()).digest(),)

        return made

    def _load(self, arn: str) -> str:
        try:
            value = self._client().get_secret_value(SecretId=arn).get("SecretString")
        except AwsError as error:
            raise CredentialError(f"a secret cannot be read: {error_code(error)}") from error
        if not isinstance(value, str) or not value:
            raise CredentialError("a secret is empty")
        return value
