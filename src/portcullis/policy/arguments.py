"""Arguments: from what a client sent to what the tool would see, before any rule is asked.

Only the entry to the light check of arguments against a tool's JSON Schema may live here;
the walk is in `schema_check`. It answers one question: would the upstream read these
arguments as the rules do? So declared defaults are filled in, and whatever an upstream may
convert is refused: "yes" for true, 10.0 for an integer, a JSON text for an object,
`Amount` for `amount`. Ranges, formats and patterns are left to the upstream. A schema that
cannot be understood is a fault too, because it cannot be told what the tool would see.
Source: JSON Schema 2020-12; the MCP specification's tools page, "inputSchema".
"""

from dataclasses import dataclass

from portcullis.policy.schema_check import UNREADABLE, FaultFoundError, SchemaWalk
from portcullis.values import JsonObject, JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgumentFault:
    """What is wrong, and where (`args.a[0]`). Holds names and JSON types, never values."""

    path: str
    message: str


def normalise(schema: JsonValue, arguments: JsonObject) -> JsonObject | ArgumentFault:
    """Check arguments against a tool's input schema and fill in declared defaults.

    Defaults are filled in for the arguments themselves and for nested objects that are
    there. A default that does not fit its own schema is left out, as are the defaults of
    a choice (`anyOf`) that the value does not settle: rules about them are indeterminate.
    Unknown names pass where the schema is open, but never in another spelling of a
    declared name. A required argument that is missing is a fault.

    Returns:
        New arguments, or the first fault. Never raises; the inputs are not changed.
    """
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        return ArgumentFault(path="args", message=UNREADABLE)
    try:
        checked = SchemaWalk(schema).check(schema, arguments, "args")
    except FaultFoundError as found:
        return ArgumentFault(path=found.path, message=found.message)
    return checked if isinstance(checked, dict) else ArgumentFault(path="args", message=UNREADABLE)
