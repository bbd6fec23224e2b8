"""Tools that ask the client something inside an open request (handshake revisions only).

Each sends a server-to-client request on the stream of the call and waits for the answer,
which arrives in a second POST. These are the calls a buffered front door cannot carry.
"""

import json
from typing import Any, Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from conformance.everything import content
from conformance.everything.tools import FixtureTool, JsonSchema, ToolCall, ToolResult, failed, said

MAX_SAMPLED_TOKENS: Final = 100


def _object(properties: dict[str, Any], *, required: list[str] | None = None) -> JsonSchema:
    """An object schema; by default nothing is required."""
    schema: JsonSchema = {"type": "object", "properties": properties}
    return schema if required is None else {**schema, "required": required}


PROMPT_ARGUMENTS: Final = _object({"prompt": {"type": "string"}}, required=["prompt"])
MESSAGE_ARGUMENTS: Final = _object({"message": {"type": "string"}}, required=["message"])

USER_FORM: Final = _object(
    {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    },
    required=["username", "email"],
)

DEFAULTS_FORM: Final = _object(
    {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {
            "type": "string",
            "enum": ["active", "inactive", "pending"],
            "default": "active",
        },
        "verified": {"type": "boolean", "default": True},
    }
)

ENUMS_FORM: Final = _object(
    {
        "untitledSingle": {"type": "string", "enum": ["option1", "option2", "option3"]},
        "titledSingle": {
            "type": "string",
            "oneOf": [
                {"const": "value1", "title": "First Option"},
                {"const": "value2", "title": "Second Option"},
                {"const": "value3", "title": "Third Option"},
            ],
        },
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {
            "type": "array",
            "items": {"type": "string", "enum": ["option1", "option2", "option3"]},
        },
        "titledMulti": {
            "type": "array",
            "items": {
                "anyOf": [
                    {"const": "value1", "title": "First Choice"},
                    {"const": "value2", "title": "Second Choice"},
                    {"const": "value3", "title": "Third Choice"},
                ]
            },
        },
    }
)


def _declared(call: ToolCall) -> types.ClientCapabilities:
    """What the client said it can do; nothing when it said nothing.

    A server asks only for declared capabilities (2025-11-25, basic/lifecycle). Behind a gateway
    that strips the ones it cannot carry, the tools below therefore answer at once.
    """
    return call.context.session.client_capabilities or types.ClientCapabilities()


async def _sample(call: ToolCall) -> ToolResult:
    """Ask the client's model to answer the prompt."""
    if _declared(call).sampling is None:
        return failed("The client did not declare sampling.")
    question = content.text(str(call.arguments.get("prompt", "")))
    try:
        reply = await call.context.session.create_message(
            messages=[types.SamplingMessage(role="user", content=question)],
            max_tokens=MAX_SAMPLED_TOKENS,
            related_request_id=call.context.request_id,
        )
    except MCPError as error:
        return failed(f"Sampling failed: {error}")
    answer = reply.content.text if isinstance(reply.content, types.TextContent) else "(no text)"
    return said(f"LLM response: {answer}")


async def _ask_user(call: ToolCall, message: str, form: JsonSchema) -> ToolResult:
    """Show the client's user a form and repeat what came back."""
    if _declared(call).elicitation is None:
        return failed("The client did not declare elicitation.")
    try:
        reply = await call.context.session.elicit_form(
            message, form, related_request_id=call.context.request_id
        )
    except MCPError as error:
        return failed(f"Elicitation failed: {error}")
    filled = json.dumps(reply.content or {})
    return said(f"Elicitation completed: action={reply.action}, content={filled}")


async def _ask_for_details(call: ToolCall) -> ToolResult:
    """Ask with the message the caller passed."""
    return await _ask_user(call, str(call.arguments.get("message", "")), USER_FORM)


async def _ask_with_defaults(call: ToolCall) -> ToolResult:
    """Ask with a form that has a default of every primitive type."""
    return await _ask_user(call, "Please provide user information", DEFAULTS_FORM)


async def _ask_with_enums(call: ToolCall) -> ToolResult:
    """Ask with a form that has every kind of enumeration."""
    return await _ask_user(call, "Please select your options", ENUMS_FORM)


TOOLS: Final = [
    FixtureTool("test_sampling", "Asks the client's model", _sample, PROMPT_ARGUMENTS),
    FixtureTool("test_elicitation", "Asks the client's user", _ask_for_details, MESSAGE_ARGUMENTS),
    FixtureTool("test_elicitation_sep1034_defaults", "Asks with defaults", _ask_with_defaults),
    FixtureTool("test_elicitation_sep1330_enums", "Asks with enumerations", _ask_with_enums),
]
