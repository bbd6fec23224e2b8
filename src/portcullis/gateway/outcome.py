"""Sending a claimed call, once, and keeping what comes back for its requester."""

from portcullis import strictjson
from portcullis.approvals.record import ApprovalRecord
from portcullis.errors import (
    ApprovalUnavailableError,
    UpstreamNotSentError,
    UpstreamUncertainError,
)
from portcullis.gateway.approval_ports import RESULT, ApprovalStore, Vault
from portcullis.gateway.exchange import Exchange
from portcullis.gateway.own_calls import Conversation, open_conversation
from portcullis.gateway.readiness import Ready
from portcullis.gateway.work import Carried
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject

MAXIMUM_BYTES = 8 << 20
PART_BYTES = 256 * 1024
NOT_KEPT = "it was executed, but its result could not be kept"
WANTS_INPUT = "the server asked for input, which nobody could give"


class Carrier:
    """Makes the upstream call of a claimed record."""

    def __init__(self, store: ApprovalStore, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def carry(self, record: ApprovalRecord, ready: Ready, exchange: Exchange) -> Carried:
        """Send the stored call and keep the answer. Never raises for what comes back."""
        began = exchange.clock()
        try:
            message = self._sent(record, ready)
        except UpstreamNotSentError as error:
            exchange.upstream_outcome = f"not sent: {error}"
            return Carried(was_sent=False, note="the server could not be reached")
        except UpstreamUncertainError as error:
            exchange.upstream_outcome = f"uncertain: {error}"
            return Carried(was_sent=True, note="the server gave no usable answer")
        finally:
            exchange.timed("upstream", began)
        exchange.upstream_outcome = "answered"
        if _wants_input(message):
            return Carried(was_sent=True, note=WANTS_INPUT)
        return self._kept(record, message)

    def _sent(self, record: ApprovalRecord, ready: Ready) -> JsonObject:
        conversation = Conversation(
            ready.target.upstream,
            scope=record.scope,
            timeout_seconds=ready.target.timeout_seconds,
            maximum_bytes=MAXIMUM_BYTES,
        )
        open_conversation(conversation, Era(record.era))
        params: JsonObject = {"name": record.binding.tool, "arguments": ready.arguments}
        return conversation.ask("tools/call", params, input_schema=ready.input_schema)

    def _kept(self, record: ApprovalRecord, message: JsonObject) -> Carried:
        content = strictjson.dump(message)
        pieces = [content[at : at + PART_BYTES] for at in range(0, len(content), PART_BYTES)]
        try:
            sealed = [self._vault.seal(record.id, RESULT, piece) for piece in pieces]
            self._store.put_result(record, sealed)
        except ApprovalUnavailableError:
            return Carried(was_sent=True, note=NOT_KEPT)
        return Carried(was_sent=True, parts=len(pieces))


def _wants_input(message: JsonObject) -> bool:
    result = message.get("result")
    return isinstance(result, dict) and result.get("resultType") == "input_required"
