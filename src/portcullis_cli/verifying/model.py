"""What a guarantee is, and the three things that can come of trying to break it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from portcullis_cli.verifying.scene import Scene


class Need(Enum):
    """What a probe cannot do without; the value says how to give it."""

    WITNESS = "the canary"
    SECOND = "a second agent: --table, or --second-token-file"
    APPROVER = "an approver: --table, or --approver-token-file"
    TABLE = "grants that can be made and revoked: --table"
    LOG = "the gateway's log: --log-group"
    SWITCH = "leave to stop the canary for half a minute: --bucket and --disruptive"
    HTTPS = "an https address"


class State(Enum):
    """What is known of a guarantee after its probe."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNKNOWN = "could not tell"


class BrokenError(Exception):
    """The guarantee does not hold; the text says what was seen, without anybody's values."""


class UndecidedError(Exception):
    """Whether it holds cannot be told; the text says why."""


class NoAnswerError(UndecidedError):
    """Nobody answered a request."""


Probe: TypeAlias = Callable[["Scene"], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """One sentence that has to hold of a gateway, and the probe that tries to break it.

    `cases` are the ids of threat cases (docs/threat-model.md) whose rows it tries.
    """

    id: str
    sentence: str
    probe: Probe
    cases: tuple[str, ...] = ()
    needs: tuple[Need, ...] = (Need.WITNESS,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one guarantee; `checks` is how many things were looked at."""

    guarantee: Guarantee
    state: State
    detail: str = ""
    checks: int = 0
