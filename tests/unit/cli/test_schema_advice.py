"""Advice by the tools' schemas is given only where the schemas can carry it."""

from typing import Any

import pytest

from portcullis_cli.policy.schema_advice import advise_by_schemas

HEAD = 'version: "1"\ndefault: deny\n'


@pytest.mark.parametrize(
    "more",
    [
        {"additionalProperties": {"type": "object"}},
        {"patternProperties": {"^ord": {}}},
        {"$ref": "#/$defs/more", "$defs": {"more": {"properties": {"ordre": {}}}}},
        {"allOf": [{"properties": {"ordre": {}}}]},
    ],
)
def test_nothing_is_pointed_out_where_arguments_may_be_named_elsewhere(
    more: dict[str, Any],
) -> None:
    when = "{path: args.ordre, op: gt, value: 1}"
    text = HEAD + f"tools:\n  pay: {{action: deny, when: [{when}]}}\n"
    schema: dict[str, Any] = {"type": "object", "properties": {"order": {}}}
    (warning,) = advise_by_schemas(text.encode(), {"pay": {"inputSchema": schema}})
    assert "has an argument `ordre`" in warning.message
    assert advise_by_schemas(text.encode(), {"pay": {"inputSchema": {**schema, **more}}}) == []
