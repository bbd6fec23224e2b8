"""What the workflow can do next. Its writes ask for the state only, as the definition does."""

from model.approval_world import Delivery, Flow, Kept, Moves, Rules, Stop, World, remembered
from model.checker import Move
from portcullis.approvals.states import TERMINAL, State


class Workflow:
    """A loop around one look at the stored record."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._expire = remembered(lambda one, now: rules.expire(one, now=now))
        self._mark = remembered(lambda one, now: rules.mark(one, note="", now=now))

    def moves(self, world: World) -> Moves:
        """Answer its next step, if it can take one."""
        match world.flow:
            case Flow.LOOKING:
                yield self._look(world)
            case Flow.ASKING:
                yield _ask_to_be_woken(world)
            case Flow.WAITING if self._rules.looks_again:
                yield _to(world, Flow.LOOKING, "looks again", is_rest=True)
            case Flow.RESTING:
                yield _to(world, Flow.LOOKING, "has rested", is_rest=True)
            case Flow.RUNNING:
                yield from self._executor_returned(world)
            case Flow.EXPIRING | Flow.MARKING:
                change = self._expire if world.flow is Flow.EXPIRING else self._mark
                yield _write(world, change(world.kept, world.now))
            case _:
                return

    def _look(self, world: World) -> Move[World]:
        state = world.kept.state
        if state in TERMINAL:
            return _to(world, Flow.ENDED, "has nothing more to do")
        if self._rules.seen_state(world.kept.record, now=world.now) is State.EXPIRED:
            return _to(world, Flow.EXPIRING, "sees that it is over")
        if state in self._rules.runs:
            invoked = world._replace(deliveries=(Delivery(), world.deliveries[1]))
            return _to(invoked, Flow.RUNNING, f"sees {state.value} and runs the executor")
        if state is State.PENDING:
            return _to(world, Flow.ASKING, "sees PENDING")
        return _to(world, Flow.MARKING, f"sees {state.value} and waits for no executor")

    def _executor_returned(self, world: World) -> Moves:
        match world.deliveries[0].at:
            case Stop.ENDED:
                yield _to(world, Flow.LOOKING, "hears that the executor has ended")
            case Stop.REFUSED:
                after = Flow.RESTING if self._rules.rests else Flow.LOOKING
                yield _to(world, after, "hears that it cannot run yet")
            case Stop.DEAD:
                yield _to(world, Flow.RESTING, "hears that the executor died")
            case _:
                return


def _ask_to_be_woken(world: World) -> Move[World]:
    if world.kept.state is State.PENDING:
        return _to(world._replace(has_handle=True), Flow.WAITING, "leaves its handle")
    return _to(world, Flow.LOOKING, "need not wait")


def _write(world: World, changed: Kept | None) -> Move[World]:
    if changed is None:
        return _to(world, Flow.LOOKING, "finds that it has moved on")
    written = world._replace(kept=changed)
    return _to(written, Flow.LOOKING, f"writes {changed.state.value}")


def _to(world: World, flow: Flow, text: str, *, is_rest: bool = False) -> Move[World]:
    return Move(f"workflow {text}", world._replace(flow=flow), is_sure=True, is_rest=is_rest)
