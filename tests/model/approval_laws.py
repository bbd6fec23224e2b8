"""What holds of one approval, whatever happens in whatever order."""

from collections.abc import Callable, Sequence

from model.approval_world import At, Cast, Flow, Moves, Role, Rules, Stop, World
from model.checker import Breach, Graph, Law, Move, endless, explore, hopeless, stuck
from model.executor_moves import Executor
from model.people_moves import People
from model.workflow_moves import Workflow
from portcullis.approvals.identity import folded
from portcullis.approvals.life import seen_state
from portcullis.approvals.states import TERMINAL, State

ONCE = "the call is sent at most once"
BACKED = "the call is sent only when enough people other than the requester have said yes"
PERMITTED = "the call is sent only where the policy in force permits it"
IN_TIME = "the call is sent only when it was claimed before the deadline"
COUNTED = "the call is sent only when its units are reserved"
UNSENT = "what was denied, expired, cancelled or failed was not sent"
STORED = "what is done was sent, and its result stored"
HANDED_ONCE = "the outcome is handed over at most once"
UNITS = "an executor that ends keeps its units where it sent, and gives them back where not"
WORD_KEPT = "what a person said is on record, and a no is final"
DECIDED_IN_TIME = "what was decided was decided before the deadline"
ONE_REQUEST = "no second request is opened while the first can run"
ENDS = "where nothing goes on by itself, the request has ended"
UNKNOWN = "an executor that died after its claim leaves UNKNOWN"
REACHABLE = "from everywhere an end can be reached"
ONLY_WAITING = "only waiting repeats"
NOTHING_LATE = "after the deadline nothing repeats"

ALL_LAWS = frozenset(
    (
        *(ONCE, BACKED, PERMITTED, IN_TIME, COUNTED, UNSENT, STORED, HANDED_ONCE, UNITS),
        *(WORD_KEPT, DECIDED_IN_TIME, ONE_REQUEST, ENDS, UNKNOWN, REACHABLE),
        *(ONLY_WAITING, NOTHING_LATE),
    )
)
_NEVER_SENT = frozenset((State.DENIED, State.EXPIRED, State.CANCELLED, State.FAILED))


def check(
    cast: Cast, rules: Rules, *, only: str | None = None, reduced: bool = True
) -> Graph[World] | Breach[World]:
    """Hold every world that a cast can come to against the laws, or against one of them.

    `reduced` leaves out the orders of moves between which nobody could tell a difference.
    """

    def wanted(laws: Sequence[Law[World]]) -> list[Law[World]]:
        return [law for law in laws if only in (None, law.name)]

    graph = explore(cast.start, moves_in(cast, rules, reduced=reduced), wanted(always(cast)))
    if isinstance(graph, Breach):
        return graph
    breaches = [stuck(graph, law) for law in wanted(at_the_end())]
    breaches += [hopeless(graph, law) for law in wanted([Law(name=REACHABLE, holds=_has_ended)])]
    for name, counts in ((ONLY_WAITING, _is_no_rest), (NOTHING_LATE, _is_late)):
        if only in (None, name):
            breaches.append(endless(graph, name, counts))
    return next((breach for breach in breaches if breach is not None), graph)


def moves_in(cast: Cast, rules: Rules, *, reduced: bool) -> Callable[[World], Moves]:
    """Answer the function from a world to everything that can happen in it."""
    people, workflow, executor = People(cast, rules), Workflow(rules), Executor(cast, rules)

    def moves(world: World) -> Moves:
        if reduced:
            private = [*executor.private_moves(world)] or [*people.private_moves(world)]
            if private:
                yield from (move._replace(is_sure=True) for move in private)  # nothing waits
                return
        if not world.is_late:
            late = world._replace(is_late=True)
            yield Move("clock comes to the deadline", late, is_sure=True)
        yield from people.moves(world)
        yield from workflow.moves(world)
        yield from executor.moves(world)

    return moves


def always(cast: Cast) -> list[Law[World]]:
    """What holds in every world."""
    needed = cast.record.terms.min_approvals
    expires = cast.record.expires_at

    def was_claimed_in_time(world: World) -> bool:
        claims = [sent.claimed_at for sent in world.sends]
        return all(claim is not None and claim < expires for claim in claims)

    laws: dict[str, Callable[[World], bool]] = {
        ONCE: lambda world: len(world.sends) <= 1,
        BACKED: lambda world: all(len(sent.people) >= needed for sent in world.sends),
        PERMITTED: lambda world: all(sent.is_permitted for sent in world.sends),
        IN_TIME: was_claimed_in_time,
        COUNTED: lambda world: all(sent.holds_units for sent in world.sends),
        UNSENT: lambda world: not (world.sends and world.kept.state in _NEVER_SENT),
        STORED: _what_is_done_is_stored,
        HANDED_ONCE: lambda world: world.handed <= 1,
        UNITS: _units_are_accounted_for,
        WORD_KEPT: lambda world: _words_are_kept(cast, world),
        DECIDED_IN_TIME: _was_decided_in_time,
        ONE_REQUEST: lambda world: not world.was_asked_anew,
    }
    return [Law(name=name, holds=holds) for name, holds in laws.items()]


def at_the_end() -> list[Law[World]]:
    """What holds when everybody has stopped who can."""
    return [Law(name=ENDS, holds=_has_ended), Law(name=UNKNOWN, holds=_no_claim_is_forgotten)]


def _has_ended(world: World) -> bool:
    if world.flow is Flow.ABSENT:  # nothing will write it down, but everybody sees it so
        return seen_state(world.kept.record, now=world.now) in TERMINAL
    return world.kept.state in TERMINAL


def _what_is_done_is_stored(world: World) -> bool:
    if world.kept.state is not State.DONE:
        return True
    record = world.kept.record
    can_be_read = record.result_parts > 0 or record.delivered_at is not None
    return world.has_result and bool(world.sends) and can_be_read


def _units_are_accounted_for(world: World) -> bool:
    ended = [one for one in world.deliveries if one.at in (Stop.ENDED, Stop.REFUSED)]
    return all(one.holds_units == one.has_sent for one in ended)


def _words_are_kept(cast: Cast, world: World) -> bool:
    record = world.kept.record
    on_record = {folded(vote.person) for vote in record.approvals}
    for actor, hand in zip(cast.actors, world.hands, strict=True):
        if actor.role is not Role.APPROVER or hand.at is not At.GONE:
            continue
        if hand.word == "approve" and actor.human not in on_record:
            return False
        if hand.word == "deny" and record.state is not State.DENIED:
            return False
    return True


def _was_decided_in_time(world: World) -> bool:
    """After the deadline a request can only expire, or come to the end of a call in progress."""
    record = world.kept.record
    instants = [vote.at for vote in record.approvals]
    if record.claimed_at is None and record.state is not State.EXPIRED:
        instants += [] if record.ended_at is None else [record.ended_at]
    return all(instant < record.expires_at for instant in instants)


def _no_claim_is_forgotten(world: World) -> bool:
    died = any(one.at is Stop.DEAD and one.has_claimed for one in world.deliveries)
    return not died or world.kept.state is State.UNKNOWN


def _is_no_rest(_: World, move: Move[World]) -> bool:
    return not move.is_rest


def _is_late(world: World, _: Move[World]) -> bool:
    return world.is_late
