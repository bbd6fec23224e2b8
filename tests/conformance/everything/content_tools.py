"""Tools whose answer depends on nothing: one for each kind of content and each schema keyword."""

from typing import Final

from conformance.everything import content
from conformance.everything.tools import (
    FixtureTool,
    JsonSchema,
    ToolCall,
    ToolResult,
    answering,
    failed,
    said,
)

MIXED_RESOURCE_URI: Final = "test://mixed-content-resource"
EMBEDDED_RESOURCE_URI: Final = "test://embedded-resource"

# The keywords of JSON Schema 2020-12 that scenario `json-schema-2020-12` looks for.
DIALECT_SCHEMA: Final[JsonSchema] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        },
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}

# One string argument mirrored into the header `Mcp-Param-Region`.
MIRRORED_SCHEMA: Final[JsonSchema] = {
    "type": "object",
    "properties": {"region": {"type": "string", "x-mcp-header": "Region"}},
}


async def _fail(_: ToolCall) -> ToolResult:
    """Report a tool error the way a tool should: a result the model can read."""
    return failed("This tool intentionally returns an error for testing")


async def _echo_region(call: ToolCall) -> ToolResult:
    """Say which region came in, so a lost or altered argument shows."""
    return said(f"region={call.arguments.get('region', '(none)')}")


TOOLS: Final = [
    FixtureTool(
        "test_simple_text",
        "Returns one text block",
        answering(content.text("This is a simple text response for testing.")),
    ),
    FixtureTool("test_image_content", "Returns one image block", answering(content.image())),
    FixtureTool("test_audio_content", "Returns one audio block", answering(content.audio())),
    FixtureTool(
        "test_embedded_resource",
        "Returns one embedded resource",
        answering(
            content.embedded(
                EMBEDDED_RESOURCE_URI, "text/plain", "This is an embedded resource content."
            )
        ),
    ),
    FixtureTool(
        "test_multiple_content_types",
        "Returns text, an image and a resource in this order",
        answering(
            content.text("Multiple content types test:"),
            content.image(),
            content.embedded(MIXED_RESOURCE_URI, "application/json", '{"test":"data","value":123}'),
        ),
    ),
    FixtureTool("test_error_handling", "Always reports a tool error", _fail),
    FixtureTool(
        "json_schema_2020_12_tool",
        "Declares its arguments with JSON Schema 2020-12 keywords",
        answering(content.text("json_schema_2020_12_tool")),
        DIALECT_SCHEMA,
    ),
    FixtureTool(
        "test_x_mcp_header",
        "Mirrors its argument into a request header",
        _echo_region,
        MIRRORED_SCHEMA,
    ),
]
