"""What an invocation of the executor can do next: evaluate, reserve, claim, send, store, finish.

It can die at every step, and a second delivery of the same invocation may run beside it.
"""

from model.approval_world import (
    UNDER_WAY,
    At,
    Cast,
    Delivery,
    Flow,
    Kept,
    Moves,
    Rules,
    Sent,
    Stop,
    World,
    remembered,
)
from model.checker import Move

NAMES = ("executor", "stray executor")
# What one delivery does here no one else can see, so nothing is lost if nobody moves between.
PRIVATE = frozenset((Stop.READ, Stop.PERMITTED, Stop.ANSWERED))


class Executor:
    """Two deliveries: the one the workflow waits for, and one that came from nowhere."""

    def __init__(self, cast: Cast, rules: Rules) -> None:
        self._cast = cast
        self._rules = rules
        self._claim = remembered(lambda one, now: rules.claim(one, now=now))
        self._refuse = remembered(lambda one, now: rules.refuse(one, note="", now=now))
        self._finish = remembered(lambda one, now: rules.finish(one, parts=1, now=now))
        self._lose = remembered(lambda one, now: rules.lose(one, note="", now=now))

    def private_moves(self, world: World) -> Moves:
        """Answer what a delivery does that concerns nobody else: it may come first."""
        for number, delivery in enumerate(world.deliveries):
            has_lost = delivery.base is not None and not self._is_as_read(world, delivery)
            if delivery.at in PRIVATE or (has_lost and delivery.at is not Stop.CLAIMED):
                yield from self._delivery_moves(world, number)
                return

    def moves(self, world: World) -> Moves:
        """Answer what each delivery can do."""
        if world.flow is Flow.RUNNING:
            yield from self._delivery_moves(world, 0)
        if self._cast.has_stray and world.flow is not Flow.ABSENT:
            yield from self._delivery_moves(world, 1)

    def _delivery_moves(self, world: World, number: int) -> Moves:
        delivery = world.deliveries[number]
        if delivery.at in UNDER_WAY and self._cast.dies:
            dead = Delivery(Stop.DEAD, has_claimed=delivery.has_claimed)
            yield self._move(world, number, "dies", dead)
        match delivery.at:
            case Stop.IDLE:
                yield self._read(world, number)
            case Stop.READ | Stop.PERMITTED | Stop.RESERVED:
                yield from self._before_the_claim(world, number, delivery)
            case Stop.DENIED:
                refused = self._refuse(_base(delivery), world.now)
                yield self._close(world, number, delivery, refused)
            case Stop.CLAIMING if delivery.changed is not None:
                yield self._write_claim(world, number, delivery, delivery.changed)
            case Stop.CLAIMED:
                yield from self._send(world, number, delivery)
            case _:
                yield from self._after_sending(world, number, delivery)

    def _read(self, world: World, number: int) -> Move[World]:
        if self._claim(world.kept, world.now) is None:
            return self._move(world, number, "has nothing to claim", Delivery(Stop.ENDED))
        return self._move(world, number, "reads", Delivery(Stop.READ, base=world.kept))

    def _before_the_claim(self, world: World, number: int, delivery: Delivery) -> Moves:
        if delivery.at is Stop.READ:
            yield from self._evaluate(world, number, delivery)
        elif delivery.at is Stop.PERMITTED:
            reserved = delivery._replace(at=Stop.RESERVED, holds_units=self._rules.reserves)
            yield self._move(world, number, "reserves the limits", reserved)
            refused = Delivery(Stop.REFUSED if number == 0 else Stop.ENDED)
            yield self._move(world, number, "is refused by a limit", refused)
        elif not self._rules.claims:
            yield from self._send(world, number, delivery)
        elif (claimed := self._claim(_base(delivery), world.now)) is None:
            yield self._end(world, number, "comes too late", self._given_back(delivery))
        else:
            claiming = delivery._replace(at=Stop.CLAIMING, changed=claimed)
            yield self._move(world, number, "decides to claim", claiming)

    def _evaluate(self, world: World, number: int, delivery: Delivery) -> Moves:
        permitted = delivery._replace(at=Stop.PERMITTED, is_permitted=self._rules.evaluates)
        yield self._move(world, number, "goes on under the policy", permitted)
        if self._rules.evaluates:
            denied = delivery._replace(at=Stop.DENIED)
            yield self._move(world, number, "finds that the policy denies it", denied)

    def _write_claim(
        self, world: World, number: int, delivery: Delivery, claimed: Kept
    ) -> Move[World]:
        if not self._is_as_read(world, delivery):
            return self._end(world, number, "loses the claim", self._given_back(delivery))
        after = delivery._replace(at=Stop.CLAIMED, base=claimed, changed=None, has_claimed=True)
        return self._move(world._replace(kept=claimed), number, "claims the call", after)

    def _send(self, world: World, number: int, delivery: Delivery) -> Moves:
        sent = Sent(
            people=self._people(world),
            is_permitted=delivery.is_permitted,
            holds_units=delivery.holds_units,
            claimed_at=_base(delivery).record.claimed_at,
        )
        after = world._replace(sends=(*world.sends, sent))
        answered = delivery._replace(at=Stop.ANSWERED, has_sent=True)
        yield self._move(after, number, "sends the call and is answered", answered)
        uncertain = delivery._replace(at=Stop.UNCERTAIN, has_sent=True)
        yield self._move(after, number, "sends the call and hears nothing", uncertain)
        unsent = delivery._replace(at=Stop.UNSENT)
        yield self._move(world, number, "cannot reach the server", unsent)

    def _after_sending(self, world: World, number: int, delivery: Delivery) -> Moves:
        base, rules = delivery.base, self._rules
        match delivery.at:
            case Stop.ANSWERED if rules.stores:
                stored = delivery._replace(at=Stop.STORED)
                yield self._move(world._replace(has_result=True), number, "stores it", stored)
            case Stop.ANSWERED | Stop.STORED if base is not None:
                yield self._close(world, number, delivery, self._finish(base, world.now))
            case Stop.UNSENT if base is not None:
                given_back = delivery._replace(holds_units=False)
                yield self._close(world, number, given_back, self._refuse(base, world.now))
            case Stop.UNCERTAIN if rules.sends_again_when_uncertain:
                yield from self._send(world, number, delivery)
            case Stop.UNCERTAIN if base is not None:
                gives_back = rules.gives_back_when_uncertain
                kept = delivery._replace(holds_units=delivery.holds_units and not gives_back)
                yield self._close(world, number, kept, self._lose(base, world.now))
            case _:
                return

    def _close(
        self, world: World, number: int, delivery: Delivery, changed: Kept | None
    ) -> Move[World]:
        if changed is None or not self._is_as_read(world, delivery):
            return self._end(world, number, "loses the write", delivery)
        written = world._replace(kept=changed)
        return self._end(written, number, f"writes {changed.state.value}", delivery)

    def _is_as_read(self, world: World, delivery: Delivery) -> bool:
        return self._rules.compares(world.kept.record, _base(delivery).record)

    def _people(self, world: World) -> frozenset[str]:
        """Whose yes was carried out, told from what people did and not from the record."""
        said = (
            actor.human
            for actor, hand in zip(self._cast.actors, world.hands, strict=True)
            if hand.at in (At.WAKING, At.GONE) and hand.word == "approve"
        )
        return frozenset(said) - {self._cast.requester}

    def _given_back(self, delivery: Delivery) -> Delivery:
        keeps = delivery.holds_units and not self._rules.gives_back_when_lost
        return delivery._replace(holds_units=keeps)

    def _end(self, world: World, number: int, text: str, delivery: Delivery) -> Move[World]:
        ended = Delivery(Stop.ENDED, holds_units=delivery.holds_units, has_sent=delivery.has_sent)
        return self._move(world, number, text, ended)

    def _move(self, world: World, number: int, text: str, after: Delivery) -> Move[World]:
        own, stray = world.deliveries
        both = (after, stray) if number == 0 else (own, after)
        changed = world._replace(deliveries=both)
        return Move(f"{NAMES[number]} {text}", changed, is_sure=number == 0)


def _base(delivery: Delivery) -> Kept:
    if delivery.base is None:
        raise AssertionError(delivery)
    return delivery.base
