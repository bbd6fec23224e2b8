"""Probes that look into the account: what is recorded, and whether a person can stop it all."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from portcullis_cli.errors import CommandError, ExitCode
from portcullis_cli.verifying.model import BrokenError, UndecidedError
from portcullis_cli.verifying.scene import Scene, Switch
from portcullis_cli.verifying.wire import LEGACY, MODERN, Reply

_LOOKS: Final = 45  # CloudWatch shows a line some seconds after it was written
_REFRESH_SECONDS: Final = 6  # `KillSwitchRefreshSeconds` of the template, and one more
_LOOK: Final = "; the canary may be stopped: see `portcullis kill-switch status`"
_ERAS: Final = (MODERN, LEGACY)
LONGEST_REFRESH_SECONDS: Final = 61  # the same, as long as the template allows


def recorded(scene: Scene) -> None:
    """Each denial is in the log under the id that the caller was told; no argument is."""
    log = scene.reach.log
    if log is None:  # the runner has seen to it
        raise UndecidedError("no log can be read")
    ids: list[str] = []
    nonces = [scene.nonce(), scene.nonce()]  # of calls that are allowed; those before the others
    for nonce, era in zip(nonces, _ERAS, strict=True):
        scene.require_received(scene.call("canary_allow", nonce, era=era), f"a call, {era}")
    for tool in ("canary_deny", "canary_undeclared", "canary_condition"):
        for era in _ERAS:
            nonces.append(scene.nonce())
            reply = scene.call(tool, nonces[-1], era=era)
            if reply.was_received:
                raise UndecidedError(f"a call of {tool}, {era}, is not denied")
            told = str(reply.decision.get("id") or "")
            what = f"a denied call of {tool}, {era}"
            scene.expect(told, f"{what}: the reply names no decision")
            scene.expect(told not in ids, f"{what}: the reply names the decision of another")
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
    tried: dict[str, str] = {}
    with _stopping(switch):
        ends = scene.times.clock() + LONGEST_REFRESH_SECONDS
        _until(scene, _is_stopped, "it does not stop")
        scene.times.sleep(_REFRESH_SECONDS)
        seen = _passed(scene, tried)
        if seen:  # not every environment knows it by now
            scene.times.sleep(max(0, ends - scene.times.clock()))
            seen = _passed(scene, tried)
        scene.expect(not seen, seen)
    for _ in range(2):
        _until(scene, lambda reply: reply.was_received, "it does not go on")
        scene.times.sleep(_REFRESH_SECONDS)
    scene.expect_never(tried)


@contextmanager
def _stopping(switch: Switch) -> Iterator[None]:
    """Stop the canary, and let it go on whatever comes; what was seen is not lost by that."""
    seen = ""
    try:
        switch.stop()
    except CommandError as error:
        is_untold = error.exit_code is ExitCode.UNAVAILABLE
        raise UndecidedError(f"{error}{_LOOK if is_untold else ''}") from error
    try:
        yield
    except BrokenError as error:
        seen = f"{error}; then: "
        raise
    finally:
        try:
            switch.go_on()
        except CommandError as error:
            left = f"{seen}{error}{_LOOK}"
            raise (BrokenError if seen else UndecidedError)(left) from error


def _passed(scene: Scene, tried: dict[str, str]) -> str:
    """What gets through while the server is stopped, "" where nothing does; adds what does not."""
    for tool in ("canary_allow", "canary_limit", "canary_approve"):
        for era in _ERAS:
            nonce = scene.nonce()
            what = f"a call of {tool} while the server is stopped, {era}"
            reply = scene.call(tool, nonce, era=era)
            if not _is_stopped(reply):
                return f"{what}: {reply.shown()}"
            scene.checks += 1
            tried[nonce] = what
    return ""


def _is_stopped(reply: Reply) -> bool:
    return reply.outcome == "stopped"


def _until(scene: Scene, holds: Callable[[Reply], bool], otherwise: str) -> None:
    for _ in range(_LOOKS):
        if holds(scene.call("canary_allow", scene.nonce())):
            scene.checks += 1
            return
        scene.times.sleep(2)
    raise BrokenError(f"{otherwise}, even after {2 * _LOOKS} seconds")
