"""The kill switch, read from the bucket's `control/` off the decision path.

Only S3's own "there is no such key" means that nobody stopped anything (S3 API reference,
GetObject; without `s3:ListBucket` S3 says 403 instead, which is no answer).
"""

from botocore.exceptions import ClientError

from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.adapters.kill_switch_object import (
    KEY,
    MAXIMUM_BYTES,
    NOTHING_STOPPED,
    Order,
    read_order,
)
from portcullis.adapters.refreshing import Refreshing, Spawn, spawn_thread
from portcullis.errors import KillSwitchUnavailableError
from portcullis.gateway.ports import KillSwitch, Stop
from portcullis.policy.model import Instant


class S3KillSwitch(KillSwitch):
    """One refreshing order for all servers.

    A word older than `refresh_seconds` is never used without asking again, however long the
    environment stood still; while the bucket does not answer, the last word holds until
    `max_age_seconds`, and then nothing is forwarded.
    """

    def __init__(
        self,
        client: Client,
        bucket: str,
        *,
        refresh_seconds: float,
        max_age_seconds: float,
        spawn: Spawn = spawn_thread,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._order: Refreshing[Order] = Refreshing(
            lambda _last: self._load(),
            refresh_seconds=refresh_seconds,
            max_age_seconds=max_age_seconds,
            spawn=spawn,
        )

    def stop(self, server: str, *, now: Instant) -> Stop | None:
        """See `KillSwitch.stop`."""
        order = self._order.get(now)
        if not order.stops(server):
            return None
        return Stop(reason=order.reason, is_readable=order.is_readable)

    def _load(self) -> Order:
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=KEY)
            body = answer["Body"].read(MAXIMUM_BYTES + 1)
        except ClientError as error:
            if error_code(error) == "NoSuchKey":
                return NOTHING_STOPPED
            raise KillSwitchUnavailableError(_explain(error)) from error
        except AwsError as error:
            raise KillSwitchUnavailableError(_explain(error)) from error
        return read_order(body)


def _explain(error: BaseException) -> str:
    return f"the kill switch cannot be read: {error_code(error)}"
