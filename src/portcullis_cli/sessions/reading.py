"""What commands read of sessions and counters, with the operator's own AWS credentials."""

from collections.abc import Sequence
from dataclasses import dataclass

from portcullis.adapters.counter_items import item_key
from portcullis.adapters.dynamodb_calls import DynamoDBTable, Item
from portcullis.adapters.dynamodb_counters import jittered_pause
from portcullis.adapters.kept_sessions import Partition, read_partition
from portcullis.errors import CounterStoreError
from portcullis.policy.model import Instant, Principal
from portcullis_cli.errors import unavailable
from portcullis_cli.kept_grants import aws_answers
from portcullis_cli.servers.bucket import ServersBucket
from portcullis_cli.servers.facts import InForce, Server, Tools, names_of, server_of
from portcullis_cli.sessions.limits import Counter, Use, counters_of, unlisted, use_in
from portcullis_cli.surroundings import Surroundings
from portcullis_cli.untold import Untold, told_or_not


@dataclass(frozen=True, slots=True, kw_only=True)
class AtServer:
    """What a principal has at one server: sessions, and how much of each limit is used.

    `untold`: the limits that are left out of `uses`, and why.
    """

    server: str
    kept: Partition
    uses: tuple[Use, ...] | Untold = ()
    untold: tuple[str, ...] = ()


class Sessions:
    """Looks at the sessions of one deployment."""

    def __init__(self, around: Surroundings, *, bucket: str, table: str) -> None:
        with aws_answers():
            self._dynamodb = around.dynamodb()
            self._servers = ServersBucket(around.s3(), bucket)
        self._table = table
        self._now = around.now()

    def servers(self) -> list[str]:
        """The servers that the gateway may have.

        Raises:
            CommandError: the bucket does not answer.
        """
        return names_of(self._servers.names())

    def kept(self, principal: Principal, server: str) -> Partition:
        """A principal's sessions at a server.

        Raises:
            CommandError: the table does not answer.
        """
        with aws_answers():
            return read_partition(
                self._dynamodb, self._table, principal_key=principal.key, server=server
            )

    def at(self, principal: Principal, server: str, *, slot: int | None = None) -> AtServer:
        """What a principal has at a server, of one slot's counters or of all.

        Raises:
            CommandError: the table or the bucket does not answer.
        """
        kept = self.kept(principal, server)
        slots = {0, *range(len(kept.slots)), *(one.slot for one in kept.sessions)}
        chosen = slots if slot is None else {slot}
        known = server_of(self._servers.kept(server, self._servers.names()))
        uses = told_or_not(lambda: self._uses(principal, known, sorted(chosen)))
        return AtServer(server=server, kept=kept, uses=uses, untold=_unlisted(known))

    def _uses(self, principal: Principal, known: Server, slots: Sequence[int]) -> tuple[Use, ...]:
        policy, server = _policy(known), known.name
        if policy is None:
            return ()
        tools = known.tools.snapshot.tools if isinstance(known.tools, Tools) else {}
        counters = counters_of(policy.policy, [*tools], principal_key=principal.key, slots=slots)
        items = self._items(counters, server)
        now = Instant(micros=self._now * 1_000_000)
        try:
            return tuple(
                use_in(items[repr(item_key(one.take, server))], one, now=now) for one in counters
            )
        except (ValueError, ArithmeticError) as error:
            raise unavailable(f"a counter of {server} is not usable: {error}") from error

    def _items(self, counters: Sequence[Counter], server: str) -> dict[str, Item]:
        """The items that hold the counters, each read once."""
        keys = {repr(key): key for one in counters for key in [item_key(one.take, server)]}
        table = DynamoDBTable(self._dynamodb, self._table, CounterStoreError)
        with aws_answers():
            found = table.read_all([*keys.values()], pause=jittered_pause) if keys else []
        return dict(zip(keys, found, strict=True))


def _unlisted(server: Server) -> tuple[str, ...]:
    if not isinstance(server.policy, InForce):
        return ()
    has_tools = isinstance(server.tools, Tools)
    return tuple(
        f"the limits of `{label}` at {server.name}: no list says what they are counted for"
        for label in unlisted(server.policy.policy, has_tools=has_tools)
    )


def _policy(server: Server) -> InForce | None:
    """The policy in force, None where there is none.

    Raises:
        CommandError: it cannot be told.
    """
    if isinstance(server.policy, Untold):
        raise unavailable(server.policy.why)
    return server.policy
