"""A request with everything a decision about it rests on."""

from dataclasses import dataclass

from portcullis.gateway.exchange import Exchange
from portcullis.gateway.sessions import Session
from portcullis.policy.model import Call, Policy
from portcullis.protocol.messages import Request
from portcullis.protocol.reply import Rewrite
from portcullis.values import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Governed:
    """`definition` is the called tool as its server lists it, None for what is no tool."""

    request: Request
    call: Call
    policy: Policy
    session: Session
    exchange: Exchange
    params: JsonObject  # what is forwarded if the call is allowed
    definition: JsonObject | None = None
    rewrite: Rewrite | None = None

    @property
    def input_schema(self) -> JsonObject | None:
        """The schema the call's arguments were read by."""
        return None if self.definition is None else input_schema(self.definition)


def input_schema(definition: JsonObject) -> JsonObject:
    """The input schema of a tool's definition, empty where it has none."""
    schema = definition.get("inputSchema")
    return schema if isinstance(schema, dict) else {}
