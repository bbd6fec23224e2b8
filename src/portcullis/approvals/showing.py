"""How the arguments of a request are shown to people, by its kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from portcullis.approvals.kinds import RequestKind
from portcullis.approvals.masking import masked
from portcullis.approvals.policy_change import present_policy
from portcullis.approvals.presentation import Presentation, present
from portcullis.policy.model import Path
from portcullis.values import JsonMapping, JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """`present`: the rows of a page, from the arguments and those named; `tell`: for programs."""

    present: Callable[[JsonMapping, Sequence[Path]], Presentation]
    tell: Callable[[JsonMapping], JsonObject]


SHOWINGS: Final[Mapping[RequestKind, Showing]] = {
    RequestKind.CALL: Showing(present=present, tell=masked),
    # A policy holds no secrets; what looked like one would be hidden from its approvers.
    RequestKind.POLICY: Showing(present=present_policy, tell=dict),
}
