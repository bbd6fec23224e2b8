"""The kill switch's one object: who stopped what, and why. Read strictly, written plainly.

    {"stopped": true}                          everything is stopped
    {"servers": ["amazon-mq"]}                 these servers are
    {"stopped": false}                         nothing is, as if there were no object

Beside these it may hold the texts `reason`, `by` and `at`. Whatever else stands there counts as
everything stopped: a person in a hurry wrote it, and did not write it to let calls through.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

from portcullis import strictjson
from portcullis.errors import StrictJsonError
from portcullis.values import JsonObject, JsonValue

KEY: Final = "control/kill-switch.json"
MAXIMUM_BYTES: Final = 16_384
LONGEST_TEXT: Final = 500
_SERVER: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")  # as the deployment's settings name them
_TEXTS: Final = ("reason", "by", "at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the object says. `servers` are those that are stopped, where not `everything` is."""

    everything: bool = False
    servers: frozenset[str] = frozenset()
    reason: str = ""
    by: str = ""
    at: str = ""
    is_readable: bool = True

    def stops(self, server: str) -> bool:
        """Whether calls to a server are stopped."""
        return self.everything or server in self.servers


NOTHING_STOPPED: Final = Order()
UNREADABLE: Final = Order(everything=True, is_readable=False)


def read_order(body: bytes) -> Order:
    """Read the object's bytes; never raises."""
    try:
        tree = strictjson.parse(body, max_bytes=MAXIMUM_BYTES)
    except StrictJsonError:
        return UNREADABLE
    if not isinstance(tree, dict) or not _is_known(tree):
        return UNREADABLE
    texts = {name: tree.get(name, "") for name in _TEXTS}
    if not all(map(_is_text, texts.values())):
        return UNREADABLE
    stopped = _stopped(tree)
    if stopped is None:
        return UNREADABLE
    reason, by, at = (str(texts[name]) for name in _TEXTS)
    return replace(stopped, reason=reason, by=by, at=at)


def write_order(order: Order) -> bytes:
    """The object's bytes."""
    tree: JsonObject = {"stopped": order.everything}
    if order.servers and not order.everything:
        tree = {"servers": [*sorted(order.servers)]}
    said = (("reason", order.reason), ("by", order.by), ("at", order.at))
    return strictjson.dump({**tree, **{name: text for name, text in said if text}})


def is_server_name(name: str) -> bool:
    """Whether a server can have this name."""
    return _SERVER.fullmatch(name) is not None


def _is_known(tree: JsonObject) -> bool:
    """Exactly one of the two that say what is stopped, and nothing that nobody knows."""
    return len(tree.keys() - _TEXTS) == 1 and bool(tree.keys() & {"stopped", "servers"})


def _is_text(value: JsonValue) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_TEXT and value.isprintable()


def _stopped(tree: JsonObject) -> Order | None:
    """What is stopped; None where it is neither a flag nor a list of servers that can be."""
    if "stopped" in tree:
        said = tree["stopped"]
        return Order(everything=said) if isinstance(said, bool) else None
    listed = tree["servers"]
    if not isinstance(listed, list) or not listed:
        return None
    names = {name for name in listed if isinstance(name, str) and is_server_name(name)}
    return Order(servers=frozenset(names)) if len(names) == len(listed) else None
