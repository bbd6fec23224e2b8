"""The policies in force, read from the bucket's `active/` and from nowhere else.

What the activator wrote is validated again here: the gateway trusts nothing it did not
check. Reads are conditional on the ETag (S3 API reference, GetObject, If-None-Match).
"""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.adapters.refreshing import Refreshing, Spawn, spawn_thread
from portcullis.errors import PolicyError, PolicyUnavailableError, StrictJsonError
from portcullis.gateway.ports import PolicyStore
from portcullis.policy.document import parse_document
from portcullis.policy.model import Instant, Policy
from portcullis.strictjson import parse

MAXIMUM_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Loaded:
    etag: str
    policy: Policy


class S3PolicyStore(PolicyStore):
    """One refreshing policy a server."""

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
        self._ages = (refresh_seconds, max_age_seconds)
        self._spawn = spawn
        self._servers: dict[str, Refreshing[_Loaded]] = {}

    def current(self, server: str, *, now: Instant) -> Policy:
        """See `PolicyStore.current`."""
        return self._servers.setdefault(server, self._refreshing(server)).get(now).policy

    def age_seconds(self, server: str, *, now: Instant) -> int:
        """See `PolicyStore.age_seconds`."""
        return self._servers[server].age_seconds(now)

    def _refreshing(self, server: str) -> Refreshing[_Loaded]:
        refresh, max_age = self._ages
        return Refreshing(
            lambda last: self._load(server, last),
            refresh_seconds=refresh,
            max_age_seconds=max_age,
            spawn=self._spawn,
        )

    def _load(self, server: str, last: _Loaded | None) -> _Loaded:
        key = active_key(server)
        condition = {} if last is None else {"IfNoneMatch": last.etag}
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key, **condition)
            body = answer["Body"].read(MAXIMUM_BYTES + 1)
        except ClientError as error:
            if last is not None and error_code(error) in {"304", "NotModified"}:
                return last
            raise PolicyUnavailableError(_explain(server, error)) from error
        except AwsError as error:
            raise PolicyUnavailableError(_explain(server, error)) from error
        return _Loaded(answer["ETag"], _compile(server, body))


def active_key(server: str) -> str:
    """Where the policy in force for `server` lies in the bucket."""
    return f"active/policies/{server}.json"


def _explain(server: str, error: BaseException) -> str:
    code = error_code(error)
    if code in {"NoSuchKey", "404"}:
        return f"no policy is active for `{server}`: upload incoming/policies/{server}.yaml"
    return f"the policy of `{server}` cannot be read: {code}"


def _compile(server: str, body: bytes) -> Policy:
    try:
        envelope = parse(body, max_bytes=MAXIMUM_BYTES)
        if not isinstance(envelope, dict) or envelope.get("server") != server:
            raise PolicyUnavailableError(f"the active policy is not one for `{server}`")
        policy = parse_document(envelope.get("document")).policy
    except (StrictJsonError, PolicyError) as error:
        raise PolicyUnavailableError(f"the active policy of `{server}` is not valid") from error
    if policy.revision != envelope.get("revision"):
        raise PolicyUnavailableError(f"the active policy of `{server}` is not what was activated")
    return policy
