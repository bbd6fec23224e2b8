"""Requests a result may carry to the client, and how to read the answers.

Only constructors of input requests and readers of input responses may live here.
"""

from typing import Final, TypeAlias

import mcp_types as types

from conformance.everything import content
from conformance.everything.tools import JsonSchema

Answer: TypeAlias = (
    types.CreateMessageResult
    | types.CreateMessageResultWithTools
    | types.ListRootsResult
    | types.ElicitResult
)


def text_form(name: str) -> JsonSchema:
    """A form with one required text field."""
    return {"type": "object", "properties": {name: {"type": "string"}}, "required": [name]}


NAME_FORM: Final = text_form("name")
CONFIRM_FORM: Final[JsonSchema] = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
}


def ask_user(message: str, form: JsonSchema) -> types.ElicitRequest:
    """A form for the client's user."""
    params = types.ElicitRequestFormParams(message=message, requested_schema=form)
    return types.ElicitRequest(params=params)


def ask_model(question: str, max_tokens: int) -> types.CreateMessageRequest:
    """A question for the client's model."""
    message = types.SamplingMessage(role="user", content=content.text(question))
    params = types.CreateMessageRequestParams(messages=[message], max_tokens=max_tokens)
    return types.CreateMessageRequest(params=params)


def ask_for_roots() -> types.ListRootsRequest:
    """A request for the client's roots."""
    return types.ListRootsRequest()


def field_of(answer: Answer | None, name: str) -> str | None:
    """The text field `name` of an accepted form; None for anything else."""
    if not isinstance(answer, types.ElicitResult) or answer.content is None:
        return None
    value = answer.content.get(name)
    return value if isinstance(value, str) else None
