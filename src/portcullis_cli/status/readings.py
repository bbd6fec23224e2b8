"""What `status` looks at, as values: each part is what was read, or why it could not be."""

from dataclasses import dataclass

from portcullis.adapters.kill_switch_object import Order
from portcullis_cli.servers.facts import Server
from portcullis_cli.untold import Untold


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Requests for an approval that wait. `is_whole`: there are no more than `count`."""

    count: int
    oldest_seconds: int = 0
    is_whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The CloudFormation stack. `wait_seconds`: when a request has waited too long."""

    status: str
    wait_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A resource of the stack by its name in the template. `state` "" where it is gone."""

    name: str
    state: str
    is_muted: bool = False  # an alarm that tells nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """Everything that was read, at the second `now`. Numbers of `gateway` are HTTP statuses."""

    now: int
    gateway: int | Untold
    console: int | Untold
    kill_switch: Order | Untold
    servers: tuple[Server, ...] | Untold
    approvals: Waiting | Untold
    stack: Stack | Untold
    dead_letters: int | Untold
    alarms: tuple[Part, ...] | Untold
    secrets: tuple[Part, ...] | Untold
    keys: tuple[Part, ...] | Untold
