"""Probes of limits: what a window holds, however it is asked for."""

from functools import partial
from typing import Final

from portcullis_cli.verifying.model import UndecidedError
from portcullis_cli.verifying.scene import Scene
from portcullis_cli.verifying.wire import LEGACY, Reply

# As the canary's policy says.
MAXIMUM: Final = 3
AMOUNT: Final = 10
WINDOW_SECONDS: Final = 30
_AT_ONCE: Final = 10
_OVER: Final = "a call over the limit"
# After 6 of 10: each of the odd amounts would have room, were it taken for a number.
_BEYOND: Final = (
    *((amount, f"an amount of {amount!r}") for amount in (-5, 0, "1", None, AMOUNT + 1)),
    (6, "a second amount, beyond the limit with the first"),
)


def rate(scene: Scene) -> None:
    """Of many calls at once exactly as many go through as the limit says; new sessions win none."""
    began = scene.times.clock()
    nonces, replies = _at_once(scene)
    if sum(one.was_received for one in replies) < MAXIMUM:
        scene.times.sleep(WINDOW_SECONDS + 1)  # an earlier run has used it up
        began = scene.times.clock()
        nonces, replies = _at_once(scene)
    nonces.append(scene.nonce())
    session = scene.open_session()
    replies.append(scene.call("canary_limit", nonces[-1], era=LEGACY, session=session))
    _require_within(scene, began)
    _exactly(scene, nonces, replies)


def _at_once(scene: Scene) -> tuple[list[str], list[Reply]]:
    nonces = [scene.nonce() for _ in range(_AT_ONCE)]
    calls = [partial(scene.call, "canary_limit", one) for one in nonces]
    return nonces, scene.at_once(calls)


def _exactly(scene: Scene, nonces: list[str], replies: list[Reply]) -> None:
    calls, _ = scene.receipts()
    arrived = sum(calls.get(one, 0) for one in nonces)
    answered = sum(one.was_received for one in replies)
    told = f"{arrived} of {len(nonces)} calls were executed where the limit is {MAXIMUM}"
    scene.expect(arrived <= MAXIMUM, told)
    scene.expect(answered == arrived, f"{answered} calls were answered as executed, {arrived} were")
    scene.expect(arrived == MAXIMUM, told)
    for nonce, reply in zip(nonces, replies, strict=True):
        if not reply.was_received:
            scene.expect_refused(reply, _OVER)
            scene.forbidden[nonce] = _OVER


def spend(scene: Scene) -> None:
    """Amounts add up; what is no positive number is none, and takes or gives no room."""
    began = scene.times.clock()
    first = scene.call("canary_spend", scene.nonce(), arguments={"amount": 6})
    if not first.was_received and first.outcome == "limit_reached":
        scene.times.sleep(WINDOW_SECONDS + 1)  # an earlier run has used it up
        began = scene.times.clock()
        first = scene.call("canary_spend", scene.nonce(), arguments={"amount": 6})
    scene.expect(first.was_received, f"an amount within the limit: {first.shown()}")
    tried: dict[str, str] = {}
    for amount, what in _BEYOND:
        nonce = scene.nonce()
        tried[nonce] = what
        reply = scene.call("canary_spend", nonce, arguments={"amount": amount})
        _require_within(scene, began)
        scene.expect_refused(reply, what)
    scene.expect_never(tried)


def _require_within(scene: Scene, began: float) -> None:
    if scene.times.clock() - began > WINDOW_SECONDS - 1:
        raise UndecidedError("the calls took longer than the window of the limit")
