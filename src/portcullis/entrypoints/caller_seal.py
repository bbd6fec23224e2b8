"""What the authorizer tells the gateway of a caller, under a seal that nobody else can make.

`requestContext.authorizer` alone proves nothing: whoever may invoke the gateway's function can
write any event. So the authorizer seals what it says, for one request of one stage of one API
and for a minute, and the gateway reads nothing that is not sealed so. Source: API Gateway
developer guide, "Output from a Lambda authorizer" (values of the context are strings).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from portcullis.adapters.principal_json import NAMES, principal_of, principal_tree
from portcullis.adapters.stored_objects import StoredObject
from portcullis.policy.model import Principal
from portcullis.protocol.sealing import seal, unseal
from portcullis.values import JsonObject

USE: Final = b"caller"  # of the secret that several keys are made of
MEMBER: Final = "caller"  # of the authorizer's context
SECONDS: Final = 60  # longer than API Gateway takes from the authorizer to the function
MAXIMUM_LENGTH: Final = 6144  # characters; an authorizer's whole answer has 8 KB

_PREFIX: Final = "pcc1"
_SEALED: Final = ("request", "api", "stage", "expires", "server", "principal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """The one request that an authorizer speaks of, as API Gateway names it."""

    request: str
    api: str
    stage: str

    @classmethod
    def of(cls, event: Mapping[str, object]) -> "Occasion | None":
        """The occasion of an event of API Gateway; None where it does not say all."""
        context = event.get("requestContext")
        if not isinstance(context, Mapping):
            return None
        request, api, stage = (context.get(name) for name in ("requestId", "apiId", "stage"))
        if not (isinstance(request, str) and isinstance(api, str) and isinstance(stage, str)):
            return None
        return cls(request=request, api=api, stage=stage) if request and api and stage else None


def seal_caller(
    principal: Principal, server: str, *, occasion: Occasion, key: bytes, now_seconds: int
) -> str | None:
    """Say who calls which server, on this occasion only; None where that is too long to say."""
    payload: JsonObject = {
        "request": occasion.request,
        "api": occasion.api,
        "stage": occasion.stage,
        "expires": now_seconds + SECONDS,
        "server": server,
        "principal": principal_tree(principal),
    }
    sealed = seal(_PREFIX, payload, key)
    return sealed if len(sealed) <= MAXIMUM_LENGTH else None


def open_caller(
    sealed: str, server: str, *, occasion: Occasion, keys: Sequence[bytes], now_seconds: int
) -> Principal | None:
    """Answer who calls, where the seal holds for this server on this occasion; else None."""
    payload = unseal(_PREFIX, sealed, keys, max_length=MAXIMUM_LENGTH)
    try:
        told = StoredObject(payload, _SEALED)
        said = Occasion(
            request=told.text("request"), api=told.text("api"), stage=told.text("stage")
        )
        principal = principal_of(told.object("principal", NAMES))
        is_for_now = now_seconds < told.whole("expires")
        is_for_here = said == occasion and told.text("server") == server
    except ValueError:
        return None
    return principal if is_for_now and is_for_here and principal.subject else None
