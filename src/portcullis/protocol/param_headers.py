"""Arguments mirrored into `Mcp-Param-*` headers by a tool's `x-mcp-header` annotations.

Which headers a schema declares, whether a request's headers say what its arguments say,
and what the upstream must be told. Source: 2026-07-28 streamable-http, Server Behavior
for Custom Headers and Server Validation.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, TypeAlias

from portcullis.protocol import header_codec
from portcullis.protocol.codes import Code, status_for
from portcullis.protocol.ladder import PARAM_HEADER_PREFIX
from portcullis.protocol.messages import Rejection, Request
from portcullis.protocol.methods import MethodKind
from portcullis.protocol.versions import Era
from portcullis.values import JsonMapping, JsonObject, JsonValue

_ANNOTATION: Final = "x-mcp-header"
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_PLAIN_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_TYPES: Final = frozenset(("string", "integer", "boolean"))

# Keywords of JSON Schema 2020-12 whose values hold schemas, by the shape of the value.
_ONE_SCHEMA: Final = frozenset(
    (
        "additionalProperties",
        "contains",
        "contentSchema",
        "else",
        "if",
        "items",
        "not",
        "propertyNames",
        "then",
        "unevaluatedItems",
        "unevaluatedProperties",
    )
)
_MANY_SCHEMAS: Final = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
_NAMED_SCHEMAS: Final = frozenset(("$defs", "definitions", "dependentSchemas", "patternProperties"))
_WITH_SCHEMAS: Final = _ONE_SCHEMA | _MANY_SCHEMAS | _NAMED_SCHEMAS

_Chain: TypeAlias = tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamHeader:
    """One declared header: its full lower-case name, and where its argument is."""

    name: str
    path: tuple[str, ...]
    type: str


def declared_headers(input_schema: JsonValue) -> tuple[ParamHeader, ...]:
    """Answer the headers a schema declares; none when any annotation is invalid.

    Conforming clients drop a tool with an invalid annotation and so send no headers for it.
    """
    found: list[ParamHeader] = []
    for path, schema in _schemas(input_schema):
        if _ANNOTATION not in schema:
            continue
        token, type_ = schema[_ANNOTATION], schema.get("type")
        if not path or not isinstance(token, str) or not _TOKEN.fullmatch(token):
            return ()
        if not isinstance(type_, str) or type_ not in _TYPES:
            return ()
        found.append(ParamHeader(name=PARAM_HEADER_PREFIX + token.lower(), path=path, type=type_))
    is_unique = len({header.name for header in found}) == len(found)
    return tuple(found) if is_unique else ()


def check_param_headers(
    request: Request, input_schema: JsonValue, arguments: JsonMapping
) -> Rejection | None:
    """Refuse a modern tools/call whose headers say something else than its arguments (A2.13).

    Args:
        request: the request as classified.
        input_schema: the schema of the tool it calls.
        arguments: the arguments as the client sent them, before defaults are filled in.
    """
    if request.era is not Era.MODERN or request.method.kind is not MethodKind.TOOL_CALL:
        return None
    for header in declared_headers(input_schema):
        values = request.param_headers.get(header.name, ())
        if not _agrees(header, values, _argument(arguments, header.path)):
            return Rejection(
                status=status_for(Code.HEADER_MISMATCH, Era.MODERN),
                code=Code.HEADER_MISMATCH,
                message=f"header `{header.name}` differs from the argument it mirrors",
                id=request.id,
            )
    return None


def param_headers(input_schema: JsonValue, arguments: JsonMapping) -> tuple[tuple[str, str], ...]:
    """Answer the headers that mirror these arguments, encoded."""
    headers = []
    for header in declared_headers(input_schema):
        text = _render(_argument(arguments, header.path))
        if text is not None:
            headers.append((header.name, header_codec.encode(text)))
    return tuple(headers)


def _agrees(header: ParamHeader, values: tuple[str, ...], argument: JsonValue) -> bool:
    text = _render(argument)
    if text is None or not values:
        return text is None and not values
    stated = header_codec.decode(values[0]) if len(values) == 1 else None
    if stated is None:
        return False
    if header.type == "integer" and _is_number(argument) and _PLAIN_NUMBER.fullmatch(stated):
        return Decimal(stated) == argument
    return stated == text


def _render(argument: JsonValue) -> str | None:
    """Write an argument for a header; None where nothing can mirror it."""
    if isinstance(argument, bool):
        return "true" if argument else "false"
    if isinstance(argument, str):
        return argument
    if isinstance(argument, int):
        return str(argument)
    if isinstance(argument, Decimal) and argument == argument.to_integral_value():
        return str(int(argument))
    return None


def _is_number(argument: JsonValue) -> bool:
    return isinstance(argument, int | Decimal) and not isinstance(argument, bool)


def _argument(arguments: JsonMapping, path: tuple[str, ...]) -> JsonValue:
    node: JsonValue = dict(arguments)
    for key in path:
        if not isinstance(node, dict):
            return None
        node = node.get(key)
    return node


def _schemas(root: JsonValue) -> Iterator[tuple[_Chain, JsonObject]]:
    """Walk every schema with its chain of `properties` keys, in no particular order.

    The chain is None once another keyword was crossed. Data (`default`, `enum`, …) and
    references are not entered, so the walk ends on every value.
    """
    pending: list[tuple[_Chain, JsonValue]] = [((), root)]
    while pending:
        chain, schema = pending.pop()
        if not isinstance(schema, dict):
            continue
        yield chain, schema
        for keyword, value in schema.items():
            if keyword == "properties" and isinstance(value, dict):
                pending.extend(
                    (None if chain is None else (*chain, name), member)
                    for name, member in value.items()
                )
            elif keyword in _WITH_SCHEMAS:
                pending.extend((None, member) for member in _members(keyword, value))


def _members(keyword: str, value: JsonValue) -> Iterable[JsonValue]:
    if keyword in _ONE_SCHEMA:
        return (value,)
    if keyword in _MANY_SCHEMAS:
        return value if isinstance(value, list) else ()
    return value.values() if isinstance(value, dict) else ()
