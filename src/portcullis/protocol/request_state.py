"""The gateway's own `requestState`: which approval a retried call speaks of.

Attacker-controlled text, as 2026-07-28 basic/patterns/mrtr (Server Requirements, Basic
Workflow) says: sealed, bound to the principal and to the very call, short-lived. It opens
nothing by itself: what it names is looked up, judged and used up on the server. Pure: the
key and the time come in as arguments.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from portcullis.protocol import sealing
from portcullis.protocol.sealing import number_of, text_of
from portcullis.values import JsonObject

MAX_STATE_LENGTH: Final = 2048

# The official SDKs give up on a call that was told to wait more often than this.
MAX_ROUNDS: Final = 10
LAST_ROUND: Final = MAX_ROUNDS - 1  # counted from 0: by this one a call gets its answer

_PREFIX: Final = "pcs1"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateClaims:
    """What a sealed state says.

    Attributes:
        approval: the id of the approval that is waited for.
        server: the server that was called.
        principal: digest of the principal who called.
        tool: the tool that was called.
        arguments: digest of the arguments.
        issued_at: epoch seconds.
        expires_at: epoch seconds; from then on the state is void.
        round: how many states of this call went before.
    """

    approval: str
    server: str
    principal: str
    tool: str
    arguments: str
    issued_at: int
    expires_at: int
    round: int


def seal_state(claims: StateClaims, key: bytes) -> str:
    """Write claims as a state."""
    payload: JsonObject = {
        "approval": claims.approval,
        "server": claims.server,
        "principal": claims.principal,
        "tool": claims.tool,
        "arguments": claims.arguments,
        "iat": claims.issued_at,
        "exp": claims.expires_at,
        "round": claims.round,
    }
    return sealing.seal(_PREFIX, payload, key)


def unseal_state(  # noqa: PLR0913 - each thing that a state is bound to, by its name
    text: str,
    keys: Sequence[bytes],
    *,
    now_seconds: int,
    principal: str,
    server: str,
    tool: str,
    arguments: str,
) -> StateClaims | None:
    """Answer the claims of a state that holds for this call now, else None; never raises."""
    payload = sealing.unseal(_PREFIX, text, keys, max_length=MAX_STATE_LENGTH)
    claims = None if payload is None else _claims(payload)
    if claims is None or claims.expires_at <= now_seconds:
        return None
    bound = (claims.principal, claims.server, claims.tool, claims.arguments)
    return claims if bound == (principal, server, tool, arguments) else None


def is_own_state(text: str) -> bool:
    """Tell whether a `requestState` claims to be the gateway's and so never goes upstream."""
    return text.startswith(f"{_PREFIX}.")


def _claims(payload: JsonObject) -> StateClaims | None:
    try:
        return StateClaims(
            approval=text_of(payload, "approval"),
            server=text_of(payload, "server"),
            principal=text_of(payload, "principal"),
            tool=text_of(payload, "tool"),
            arguments=text_of(payload, "arguments"),
            issued_at=number_of(payload, "iat"),
            expires_at=number_of(payload, "exp"),
            round=number_of(payload, "round"),
        )
    except LookupError:
        return None
