"""Probes that look into the account: what is recorded, and whether a person can stop it all."""

from collections.abc import Callable
from typing import Final

from portcullis_cli.verifying.model import BrokenError, UndecidedError
from portcullis_cli.verifying.scene import Scene
from portcullis_cli.verifying.wire import LEGACY, MODERN, Reply

_LOOKS: Final = 45  # CloudWatch shows a line some seconds after it was written
_REFRESH_SECONDS: Final = 6  # `KillSwitchRefreshSeconds` of the template, and one more


def recorded(scene: Scene) -> None:
    """Each denial is in the log under the id that the caller was told; no argument is."""
    log = scene.reach.log
    if log is None:  # the runner has seen to it
        raise UndecidedError("no log can be read")
    ids, nonces = [], []
    for tool in ("canary_deny", "canary_undeclared", "canary_condition"):
        for era in (MODERN, LEGACY):
            nonces.append(scene.nonce())
            reply = scene.call(tool, nonces[-1], era=era)
            if reply.was_received:
                raise UndecidedError(f"a call of {tool}, {era}, is not denied")
            told = str(reply.decision.get("id") or "")
            scene.expect(told, f"a denied call of {tool}, {era}: the reply names no decision")
            ids.append(told)
    found = _awaited(scene, ids, log.holds)
    if not found:
        raise UndecidedError("no decision of this run is in the log group: is it the gateway's?")
    lost = len(set(ids) - found)
    scene.expect(not lost, f"{lost} of {len(ids)} denials are not in the log")
    for nonce in nonces:
        scene.expect(not log.holds(scene.mark(nonce)), "an argument of a call is in the log")


def _awaited(scene: Scene, ids: list[str], holds: Callable[[str], bool]) -> set[str]:
    found: set[str] = set()
    for _ in range(_LOOKS):
        found |= {one for one in ids if one not in found and holds(one)}
        if found == set(ids):
            break
        scene.times.sleep(2)
    return found


def stops(scene: Scene) -> None:
    """Once the canary is stopped nothing of it gets through; then it goes on."""
    switch = scene.reach.switch
    if switch is None:  # the runner has seen to it
        raise UndecidedError("the kill switch cannot be reached")
    scene.session()  # while one can still be opened
    switch.stop()
    try:
        _until(scene, _is_stopped, "it does not stop")
        scene.times.sleep(_REFRESH_SECONDS)  # every environment knows it by now
        tried = {}
        for tool in ("canary_allow", "canary_limit", "canary_approve"):
            for era in (MODERN, LEGACY):
                nonce = scene.nonce()
                tried[nonce] = f"a call of {tool} while the server is stopped, {era}"
                reply = scene.call(tool, nonce, era=era)
                scene.expect(_is_stopped(reply), f"{tried[nonce]}: {reply.shown()}")
    finally:
        switch.go_on()
    _until(scene, lambda reply: reply.was_received, "it does not go on")
    scene.times.sleep(_REFRESH_SECONDS)
    scene.expect_never(tried)


def _is_stopped(reply: Reply) -> bool:
    return reply.outcome == "stopped"


def _until(scene: Scene, holds: Callable[[Reply], bool], otherwise: str) -> None:
    for _ in range(_LOOKS):
        if holds(scene.call("canary_allow", scene.nonce())):
            scene.checks += 1
            return
        scene.times.sleep(2)
    raise BrokenError(f"{otherwise}, even after {2 * _LOOKS} seconds")
