"""The registered servers, read from the bucket's `active/servers/` and from nowhere else.

What the activator wrote is validated again here: the gateway trusts nothing it did not check,
and sends nothing to what the deployment does not permit. Servers that the deployment brings
itself are never looked up in the bucket. A name that nobody registered is remembered like one
that somebody did, so that asking for it costs a read only now and then; of such names a bounded
number is held.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.adapters.refreshing import Refreshing, Spawn, spawn_thread
from portcullis.errors import PolicyError, RegistrationUnavailableError, StrictJsonError
from portcullis.gateway.ports import Registered, Upstreams
from portcullis.policy.model import Instant
from portcullis.registration.document import parse_registration
from portcullis.registration.model import Permits, Registration
from portcullis.registration.words import SERVER_NAME
from portcullis.strictjson import parse

MAXIMUM_BYTES = 1 << 20
MAXIMUM_UNKNOWN = 256
_ABSENT = frozenset({"NoSuchKey", "404"})

Make = Callable[[str, Registration], Registered]


@dataclass(frozen=True, slots=True)
class _Loaded:
    etag: str | None
    registered: Registered | None


class S3Upstreams(Upstreams):
    """The deployment's own servers, and one refreshing registration for each other name."""

    def __init__(  # noqa: PLR0913 - one keyword for each thing it is made of
        self,
        client: Client,
        bucket: str,
        *,
        own: Iterable[Registered],
        permits: Permits,
        make: Make,
        refresh_seconds: float,
        max_age_seconds: float,
        spawn: Spawn = spawn_thread,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._own = {one.server: one for one in own}
        self._permits = permits
        self._make = make
        self._ages = (refresh_seconds, max_age_seconds)
        self._spawn = spawn
        self._known: dict[str, Refreshing[_Loaded]] = {}
        self._unknown: dict[str, Refreshing[_Loaded]] = {}

    def find(self, server: str, *, now: Instant) -> Registered | None:
        """See `Upstreams.find`."""
        own = self._own.get(server)
        if own is not None:
            return own
        known = self._known.get(server)
        if known is not None:
            return known.get(now).registered
        return self._look_for(server, now) if SERVER_NAME.fullmatch(server) else None

    def _look_for(self, server: str, now: Instant) -> Registered | None:
        """Look for a name that had no server so far; the oldest such name makes room."""
        held = self._unknown.get(server)
        if held is None:
            while len(self._unknown) >= MAXIMUM_UNKNOWN:
                self._unknown.pop(next(iter(self._unknown)), None)
            held = self._unknown[server] = self._refreshing(server)
        found = held.get(now).registered
        if found is not None:
            self._known[server] = held
            self._unknown.pop(server, None)
        return found

    def _refreshing(self, server: str) -> Refreshing[_Loaded]:
        refresh, max_age = self._ages
        return Refreshing(
            lambda last: self._load(server, last),
            refresh_seconds=refresh,
            max_age_seconds=max_age,
            spawn=self._spawn,
        )

    def _load(self, server: str, last: _Loaded | None) -> _Loaded:
        etag = None if last is None else last.etag
        condition = {} if etag is None else {"IfNoneMatch": etag}
        try:
            answer = self._client.get_object(
                Bucket=self._bucket, Key=active_server_key(server), **condition
            )
            body = answer["Body"].read(MAXIMUM_BYTES + 1)
        except ClientError as error:
            code = error_code(error)
            if last is not None and code in {"304", "NotModified"}:
                return last
            if code in _ABSENT:
                return _Loaded(None, None)
            raise _unavailable(server, error) from error
        except AwsError as error:
            raise _unavailable(server, error) from error
        registration = read_registration(server, body, permits=self._permits)
        registered = None if registration.is_removed else self._make(server, registration)
        return _Loaded(answer["ETag"], registered)


def active_server_key(server: str) -> str:
    """Where the registration in force of `server` lies in the bucket."""
    return f"active/servers/{server}.json"


def read_registration(server: str, body: bytes, *, permits: Permits) -> Registration:
    """Read what the activator stored.

    Raises:
        RegistrationUnavailableError: it is not what an activator stores, or not permitted.
    """
    try:
        envelope = parse(body, max_bytes=MAXIMUM_BYTES)
        if not isinstance(envelope, dict) or envelope.get("server") != server:
            raise RegistrationUnavailableError(f"the registration is not one of `{server}`")
        document = envelope.get("document")
        registration = parse_registration(document, server=server, permits=permits)
    except (StrictJsonError, PolicyError) as error:
        message = f"the registration of `{server}` is not valid"
        raise RegistrationUnavailableError(message) from error
    if registration.revision != envelope.get("revision"):
        message = f"the registration of `{server}` is not what was activated"
        raise RegistrationUnavailableError(message)
    return registration


def _unavailable(server: str, error: BaseException) -> RegistrationUnavailableError:
    message = f"the registration of `{server}` cannot be read: {error_code(error)}"
    return RegistrationUnavailableError(message)
