"""What people and the agent can do next: read, decide, write, wake.

Nobody has to go on: a hand may stay where it is for ever, as after a crash.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from model.approval_world import (
    Actor,
    At,
    Cast,
    Flow,
    Hand,
    Kept,
    Moves,
    Role,
    Rules,
    World,
    keep,
    remembered,
)
from model.checker import Move
from portcullis.approvals import life
from portcullis.approvals.states import TERMINAL, State

EVER = 10**9  # seconds


class People:
    """Approvers, and the agent that asks again, takes back, and picks up."""

    def __init__(self, cast: Cast, rules: Rules) -> None:
        self._cast = cast
        self._rules = rules
        self._decisions = [_decisions(actor, rules) for actor in cast.actors]

    def private_moves(self, world: World) -> Moves:
        """Answer what someone does that cannot concern anybody else any more.

        Versions only grow: what was read and has changed since never comes back. A request
        that has ended and leaves somebody nothing to do never will leave them anything.
        """
        for number, hand in enumerate(world.hands):
            if hand.read is not None and not self._is_as_read(world, hand.read):
                yield self._lose(world, number)
                return
            if hand.at is At.AWAY and world.kept.state in TERMINAL and self._is_idle(world, number):
                yield self._move(world, number, "reads, and can do nothing", Hand(At.GONE))
                return

    def moves(self, world: World) -> Moves:
        """Answer what each of them can do."""
        for number, hand in enumerate(world.hands):
            match hand.at:
                case At.AWAY:
                    yield from self._begin(world, number)
                case At.READING if hand.read is not None:
                    yield from self._decide(world, number, hand.read)
                case At.WRITING if hand.read is not None and hand.changed is not None:
                    if self._is_as_read(world, hand.read):
                        yield from self._write(world, number, hand.word, hand.changed)
                    else:
                        yield self._lose(world, number)
                case _:
                    pass

    def _begin(self, world: World, number: int) -> Moves:
        match self._cast.actors[number].role:
            case Role.STARTER:
                started = world._replace(flow=Flow.LOOKING)
                created = Hand(At.READING, read=keep(self._cast.record))
                yield self._move(started, number, "starts the workflow", created)
            case Role.PICKER if world.kept.state not in TERMINAL:
                yield from self._ask_again(world, number)
            case _ if self._is_idle(world, number):
                yield self._move(world, number, "reads, and can do nothing", Hand(At.GONE))
            case _:
                yield self._move(world, number, "reads", Hand(At.READING, read=world.kept))

    def _ask_again(self, world: World, number: int) -> Moves:
        record, now, rules = world.kept.record, world.now, self._rules
        speaks = rules.still_speaks(record, record.binding, now=now, cooldown_seconds=EVER)
        if not speaks and rules.seen_state(record, now=now) not in TERMINAL:
            anew = world._replace(was_asked_anew=True)
            yield self._move(anew, number, "opens a second request", Hand(At.GONE))

    def _decide(self, world: World, number: int, read: Kept) -> Moves:
        for word, decision in self._decisions[number].items():
            changed = decision(read, world.now)
            if changed is None:
                yield self._move(world, number, f"cannot {word}", Hand(At.GONE))
            else:
                decided = Hand(At.WRITING, word, read, changed)
                yield self._move(world, number, f"decides to {word}", decided)

    def _write(self, world: World, number: int, word: str, changed: Kept) -> Moves:
        """Write, and wake the workflow.

        Between the two only the workflow could move, and then there is nobody to wake.
        """
        written = world._replace(kept=changed)
        role = self._cast.actors[number].role
        if role is Role.PICKER:
            written = written._replace(handed=world.handed + 1)
        after = Hand(At.GONE, word if word in ("approve", "deny") else "")
        yield self._move(written, number, f"writes: {word}", after)
        wakes = role in (Role.APPROVER, Role.CANCELLER) and changed.state is not State.PENDING
        if wakes and world.has_handle and world.flow is Flow.WAITING:
            woken = written._replace(flow=Flow.LOOKING)
            yield self._move(woken, number, f"writes: {word}, and wakes the workflow", after)

    def _lose(self, world: World, number: int) -> Move[World]:
        is_starter = self._cast.actors[number].role is Role.STARTER  # it writes a courtesy
        after = Hand(At.GONE if is_starter else At.AWAY)
        return self._move(world, number, "was overtaken", after)

    def _is_idle(self, world: World, number: int) -> bool:
        decisions = self._decisions[number].values()
        return all(decision(world.kept, world.now) is None for decision in decisions)

    def _is_as_read(self, world: World, read: Kept) -> bool:
        return self._rules.compares(world.kept.record, read.record)

    def _move(self, world: World, number: int, text: str, after: Hand) -> Move[World]:
        hands = (*world.hands[:number], after, *world.hands[number + 1 :])
        return Move(f"{self._cast.actors[number].name} {text}", world._replace(hands=hands))


def _decisions(actor: Actor, rules: Rules) -> Mapping[str, Callable[[Kept, int], Kept | None]]:
    match actor.role:
        case Role.APPROVER:
            return {
                "approve": remembered(
                    lambda one, now: rules.approve(one, replace(actor.vote, at=now), now=now)
                ),
                "deny": remembered(
                    lambda one, now: rules.deny(one, replace(actor.vote, at=now), now=now)
                ),
            }
        case Role.CANCELLER:
            return {"cancel": remembered(lambda one, now: rules.cancel(one, note="", now=now))}
        case Role.PICKER:
            return {"take it": remembered(lambda one, now: rules.deliver(one, now=now))}
        case Role.STARTER:
            return {"say it started": remembered(lambda one, _: life.started(one))}
