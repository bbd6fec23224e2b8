"""Probes of approvals: nothing runs before a person agrees, and then exactly that, once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from portcullis_cli.verifying.model import UndecidedError
from portcullis_cli.verifying.scene import Scene
from portcullis_cli.verifying.wire import Reply, require_sound

_TOOL: Final = "canary_approve"
_LOOKS: Final = 45
_AT_ONCE: Final = 4


class _Asked:
    """The requests that a probe opened; those that still wait are denied when it ends."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._open: set[str] = set()

    def call(self, nonce: str, *, token: str | None = None, public: bool = True) -> Reply:
        """Make the call; remember the request that it opened."""
        arguments = {"public": public}
        reply = self._scene.call(_TOOL, nonce, token=token, arguments=arguments)
        if reply.outcome == "approval_required":
            self._open.add(id_of(reply))
        return reply

    def decide(self, approval: str, word: str, *, token: str) -> Reply:
        """Say a word at the console."""
        body = json.dumps({"decision": word, "comment": "portcullis verify"}).encode()
        headers = [
            ("accept", "application/json"),
            ("content-type", "application/json"),
            ("authorization", f"Bearer {token}"),
        ]
        url = f"{self._scene.place.console_url}/{approval}"
        reply = require_sound(self._scene.exchange("POST", url, body, headers), "the console")
        if reply.status == 200 and word == "approve":
            self._open.discard(approval)
        return reply

    def close(self) -> None:
        """Deny what waits; a request that stays ends by itself five minutes later."""
        for approval in self._open:
            try:
                self.decide(approval, "deny", token=self._scene.people.approver)
            except UndecidedError:
                return


@contextmanager
def _asking(scene: Scene) -> Iterator[_Asked]:
    asked = _Asked(scene)
    try:
        yield asked
    finally:
        asked.close()


def id_of(reply: Reply) -> str:
    """The id of the request that a call opened, "" where it names none."""
    approval = reply.decision.get("approval")
    return str(approval.get("id") or "") if isinstance(approval, dict) else ""


def waits(scene: Scene) -> None:
    """Not executed, and a request of its own for every other caller and every other argument."""
    with _asking(scene) as asked:
        nonce, other = scene.nonce(), scene.nonce()
        rows = (
            ("a call that needs an approval", asked.call(nonce)),
            ("the same call of another agent", asked.call(nonce, token=scene.people.second)),
            ("the call with another argument", asked.call(nonce, public=False)),
            ("the call with another text", asked.call(other)),
        )
        seen: set[str] = set()
        for what, reply in rows:
            scene.expect(reply.outcome == "approval_required", f"{what}: {reply.shown()}")
            scene.expect(id_of(reply) not in seen, f"{what}: it shares another call's request")
            seen.add(id_of(reply))
        scene.expect_never({nonce: "a call that nobody approved", other: "another one"})


def once(scene: Scene) -> None:
    """Approved by a person who may, executed once; nobody and nothing else rides on it."""
    with _asking(scene) as asked:
        nonce = scene.nonce()
        approval = id_of(asked.call(nonce))
        if not approval:
            raise UndecidedError("a call that needs an approval opened no request")
        for token in (scene.people.first, scene.people.second):
            by_agent = asked.decide(approval, "approve", token=token)
            scene.expect_refused(by_agent, "an agent approves by its own token")
        scene.expect_never({nonce: "a call that only agents approved"})
        del scene.forbidden[nonce]
        said = asked.decide(approval, "approve", token=scene.people.approver)
        if said.status != 200:
            raise UndecidedError(f"the approver may not approve: {said.shown()}")
        _await_execution(scene, asked, nonce)
        scene.at_once([partial(asked.call, nonce) for _ in range(_AT_ONCE)])
        asked.call(nonce, token=scene.people.second)
        changed = asked.call(nonce, public=False)
        scene.expect(not changed.was_received, f"with another argument: {changed.shown()}")
        calls, _ = scene.receipts()
        found = calls.get(nonce, 0)
        scene.expect(found == 1, f"an approved call: it was executed {found} times")


def _await_execution(scene: Scene, asked: _Asked, nonce: str) -> None:
    """Ask for the result until the call is over."""
    for _ in range(_LOOKS):
        reply = asked.call(nonce)
        if reply.was_received or reply.outcome not in {"approval_required", "approval_running"}:
            return
        scene.times.sleep(1)
    raise UndecidedError("an approved call was not executed in time")
