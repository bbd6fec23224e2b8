"""The tool list of each server: fetched by the gateway, kept in the bucket's `snapshots/`.

A new environment reads what another one stored; whoever finds it older than the refresh
interval asks the server again and stores the answer. A list that was read under another
registration is not the list of this server.
"""

from collections.abc import Callable

from portcullis.adapters.aws_calls import AwsError, Client, error_code
from portcullis.adapters.refreshing import Refreshing, Spawn, spawn_thread
from portcullis.errors import SnapshotUnavailableError, StrictJsonError, UpstreamError
from portcullis.gateway.ports import Registered, Snapshot, SnapshotStore
from portcullis.policy.model import Instant
from portcullis.strictjson import dump, parse
from portcullis.values import JsonObject

Fetch = Callable[[Registered], dict[str, JsonObject]]  # its tools; raises UpstreamError

MAXIMUM_BYTES = 8 << 20


class S3SnapshotStore(SnapshotStore):
    """One refreshing snapshot a server."""

    def __init__(  # noqa: PLR0913 - one keyword for each thing it is made of
        self,
        client: Client,
        bucket: str,
        *,
        fetch: Fetch,
        clock: Callable[[], Instant],
        refresh_seconds: float,
        max_age_seconds: float,
        notice: Callable[[str], None],
        spawn: Spawn = spawn_thread,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._fetch = fetch
        self._clock = clock
        self._notice = notice
        self._refresh_seconds = refresh_seconds
        self._max_age_seconds = max_age_seconds
        self._spawn = spawn
        self._servers: dict[str, tuple[str, Refreshing[Snapshot]]] = {}

    def current(self, registered: Registered, *, now: Instant) -> Snapshot:
        """See `SnapshotStore.current`. A list that was stored keeps the age it was stored with."""
        snapshot = self._held(registered).get(now)
        if now.micros // 1_000_000 - snapshot.taken_at > self._max_age_seconds:
            raise SnapshotUnavailableError(f"the tool list of `{registered.server}` is too old")
        return snapshot

    def _held(self, registered: Registered) -> Refreshing[Snapshot]:
        held = self._servers.get(registered.server)
        if held is None or held[0] != registered.digest:
            held = (registered.digest, self._refreshing(registered))
            self._servers[registered.server] = held
        return held[1]

    def _refreshing(self, registered: Registered) -> Refreshing[Snapshot]:
        return Refreshing(
            lambda last: self._load(registered, last),
            refresh_seconds=self._refresh_seconds,
            max_age_seconds=self._max_age_seconds,
            spawn=self._spawn,
        )

    def _load(self, registered: Registered, last: Snapshot | None) -> Snapshot:
        now_seconds = self._clock().micros // 1_000_000
        stored = self._read(registered) if last is None else None
        if stored is not None and now_seconds - stored.taken_at < self._refresh_seconds:
            return stored
        try:
            tools = self._fetch(registered)
        except UpstreamError as error:
            if stored is not None and now_seconds - stored.taken_at < self._max_age_seconds:
                return stored
            message = f"the tool list of `{registered.server}` cannot be read"
            raise SnapshotUnavailableError(message) from error
        snapshot = Snapshot(
            server=registered.server,
            registration=registered.digest,
            taken_at=now_seconds,
            tools=tools,
        )
        self._write(snapshot)
        return snapshot

    def _read(self, registered: Registered) -> Snapshot | None:
        """The stored snapshot, or None: without one the server itself is asked."""
        key = snapshot_key(registered.server)
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            stored = read_snapshot(answer["Body"].read(MAXIMUM_BYTES + 1))
        except (*AwsError, StrictJsonError, SnapshotUnavailableError):
            return None
        return stored if stored.registration == registered.digest else None

    def _write(self, snapshot: Snapshot) -> None:
        """Keep it for other environments; one that is not kept is fetched again by them."""
        body = dump(
            {
                "server": snapshot.server,
                "registration": snapshot.registration,
                "taken_at": snapshot.taken_at,
                "tools": dict(snapshot.tools),
            }
        )
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=snapshot_key(snapshot.server),
                Body=body,
                ContentType="application/json",
            )
        except AwsError as error:
            self._notice(f"a snapshot was not stored: {error_code(error)}")


def snapshot_key(server: str) -> str:
    """Where the snapshot of `server` lies in the bucket."""
    return f"snapshots/{server}.json"


def read_snapshot(body: bytes) -> Snapshot:
    """Parse a stored snapshot.

    Raises:
        StrictJsonError: the bytes are not strict JSON.
        SnapshotUnavailableError: they are no snapshot.
    """
    tree = parse(body, max_bytes=MAXIMUM_BYTES)
    if not isinstance(tree, dict):
        raise SnapshotUnavailableError("a stored snapshot has an unexpected shape")
    server, registration = tree.get("server"), tree.get("registration")
    taken_at, tools = tree.get("taken_at"), tree.get("tools")
    if not isinstance(server, str) or not isinstance(registration, str):
        raise SnapshotUnavailableError("a stored snapshot has an unexpected shape")
    if type(taken_at) is not int or not isinstance(tools, dict):
        raise SnapshotUnavailableError("a stored snapshot has an unexpected shape")
    definitions = {name: tool for name, tool in tools.items() if isinstance(tool, dict)}
    return Snapshot(server=server, registration=registration, taken_at=taken_at, tools=definitions)
