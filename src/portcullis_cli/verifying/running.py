"""Runs guarantees: the control first, then each probe, and at the end one look for what came late.

A probe that cannot run, or looked at nothing, never counts as holding.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Final

from portcullis_cli.errors import CommandError
from portcullis_cli.verifying.model import (
    BrokenError,
    Guarantee,
    Need,
    Result,
    State,
    UndecidedError,
)
from portcullis_cli.verifying.scene import Scene

Progress = Callable[[str], None]
_ANOTHER_THAN: Final = {
    False: "another policy than the canary's is in force: use --install",
    True: "the gateway decides by another policy than the one that is said to be in force: "
    "it may not know it yet (--settle), or --bucket is another deployment's",
}


def verify(
    scene: Scene, guarantees: Sequence[Guarantee], *, lacking: str, progress: Progress
) -> list[Result]:
    """Try every guarantee; answers a result for each, in their order.

    `lacking` is what the control (`control`) says: "" where the witness can be believed.
    """
    results = []
    owners: dict[str, str] = {}
    for guarantee in guarantees:
        progress(f"trying {guarantee.id}")
        results.append(_tried(scene, guarantee, lacking))
        owners |= {nonce: guarantee.id for nonce in scene.forbidden if nonce not in owners}
    return results if lacking else [*_after(scene, results, owners)]


def control(scene: Scene, revision: str, *, is_in_force: bool) -> str:
    """Whether the witness can be believed: "" or what is amiss.

    An allowed call leaves one receipt, one that was never made leaves none, and the policy in
    force is the canary's, whose `revision` it is; `is_in_force`: somebody else says so,
    which counts where the gateway itself does not tell.
    """
    try:
        sent, never = scene.nonce(), scene.nonce()
        reply = scene.call("canary_allow", sent)
        if reply.status in {401, 403}:
            return f"the token does not open the canary: {reply.shown()}"
        if reply.status == 404:
            return "there is no canary at this address: deploy with CanaryServer=true"
        if reply.outcome == "policy_unavailable":
            return "no policy of the canary is in force: use --install"
        if not reply.was_received:
            return f"an allowed call does not reach the canary: {reply.shown()}"
        calls, _ = scene.receipts()
        if calls.get(sent) != 1 or never in calls:
            return "the canary's receipts are not what was sent: it is no witness"
        return _policy(scene, revision, is_in_force=is_in_force)
    except UndecidedError as error:
        return str(error)


def _policy(scene: Scene, revision: str, *, is_in_force: bool) -> str:
    """The revision is told with each denial; a gate that denies nothing at all tells none."""
    for tool in ("canary_deny", "canary_undeclared", "canary_condition"):
        told = scene.call(tool, scene.nonce()).decision.get("revision")
        if told is not None:
            return "" if told == revision else _ANOTHER_THAN[is_in_force]
    if is_in_force:
        return ""
    return "no call is denied at all: which policy is in force has to be read with --bucket"


def _tried(scene: Scene, guarantee: Guarantee, lacking: str) -> Result:
    missing = _missing(scene, guarantee.needs, lacking)
    if missing:
        return Result(guarantee=guarantee, state=State.UNKNOWN, detail=missing)
    before = scene.checks
    state, detail = State.HOLDS, ""
    try:
        guarantee.probe(scene)
    except BrokenError as error:
        state, detail = State.BROKEN, str(error)
    except (UndecidedError, CommandError) as error:
        state, detail = State.UNKNOWN, str(error)
    checks = scene.checks - before
    if state is State.HOLDS and not checks:
        state, detail = State.UNKNOWN, "nothing was looked at"
    return Result(guarantee=guarantee, state=state, detail=detail, checks=checks)


def _missing(scene: Scene, needs: Collection[Need], lacking: str) -> str:
    people = scene.people
    there = {
        Need.WITNESS: not lacking,
        Need.SECOND: people.second,
        Need.APPROVER: people.approver,
        Need.TABLE: people.registrar,
        Need.LOG: scene.reach.log,
        Need.SWITCH: scene.reach.switch,
        Need.HTTPS: scene.place.url.startswith("https:"),
    }
    for need in needs:
        if not there[need]:
            return lacking if need is Need.WITNESS else f"it needs {need.value}"
    return ""


def _after(scene: Scene, results: Sequence[Result], owners: dict[str, str]) -> Iterator[Result]:
    """A call that arrived only after it was looked for arrived all the same."""
    try:
        calls, _ = scene.receipts()
    except UndecidedError as error:
        detail = f"what reached the server in the end is not known: {error}"
        for one in results:
            is_open = one.state is State.HOLDS and one.guarantee.id in owners.values()
            yield replace(one, state=State.UNKNOWN, detail=detail) if is_open else one
        return
    late = {owners[one]: scene.forbidden[one] for one in owners if one in calls}
    for one in results:
        if one.state is not State.BROKEN and one.guarantee.id in late:
            seen = f"{late[one.guarantee.id]}: it reached the server"
            yield replace(one, state=State.BROKEN, detail=seen)
        else:
            yield one
