"""Warnings that only the tools' schemas can give: of arguments there are none of, and the like.

It reads the author's tree, so that a warning stands at the condition it speaks of.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from portcullis.policy.faults import Fault, Findings, NodePath, closest, quoted
from portcullis.policy.model import Path
from portcullis.policy.names import compile_glob, is_pattern
from portcullis.policy.paths import compile_path
from portcullis.policy.words import COMBINATION_KEYS
from portcullis.policy.yaml_text import parse_text
from portcullis.values import JsonMapping

# What an operator can judge, by the JSON types a value may have; others judge every type.
_JUDGES: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(("lt", "lte", "gt", "gte"), frozenset({"integer", "number"})),
    **dict.fromkeys(
        ("regex", "starts_with", "ends_with", "matches_glob", "cidr"), frozenset({"string"})
    ),
    "contains": frozenset({"string", "array"}),
    "length": frozenset({"string", "array", "object"}),
}
# Keywords of JSON Schema (2020-12) that may name properties beside `properties`.
_NAMES_ELSEWHERE = frozenset({
    "$dynamicRef", "$recursiveRef", "$ref", "allOf", "anyOf", "dependentSchemas", "else", "if",
    "oneOf", "patternProperties", "then", "unevaluatedProperties",
})  # fmt: skip


def advise_by_schemas(text: bytes, tools: Mapping[str, JsonMapping]) -> list[Fault]:
    """Answer the warnings for a sound policy's text."""
    read = parse_text(text)
    findings = Findings(read.positions)
    tree: Any = read.tree
    entries = tree.get("tools") or {}
    for key, entry in entries.items():
        meant = [tools[name] for name in tools if _is_meant(key, name)]
        schemas = [_schema(tool) for tool in meant]
        if schemas:
            for path, comparison in _comparisons(entry, ("tools", key)):
                _advise(path, comparison, schemas, findings)
    every = [_schema(tool) for tool in tools.values()]
    for index, listed in enumerate(tree.get("redact") or ()):
        _having(("redact", index), compile_path(listed), every, findings)
    return findings.warnings


def _is_meant(key: str, name: str) -> bool:
    return compile_glob(key)(name) if is_pattern(key) else key == name


def _schema(tool: JsonMapping) -> Mapping[str, Any]:
    schema = tool.get("inputSchema")
    return schema if isinstance(schema, dict) else {}


def _comparisons(node: Any, path: NodePath) -> Iterator[tuple[NodePath, Mapping[str, Any]]]:
    """Every comparison in an entry, with where it stands."""
    if isinstance(node, list):
        for index, element in enumerate(node):
            yield from _comparisons(element, (*path, index))
    elif isinstance(node, dict):
        if "op" in node and "path" in node:
            yield path, node
            return
        for key in ("rules", "when", *COMBINATION_KEYS):
            if key in node:
                yield from _comparisons(node[key], (*path, key))


def _advise(
    path: NodePath,
    comparison: Mapping[str, Any],
    schemas: list[Mapping[str, Any]],
    findings: Findings,
) -> None:
    parsed = compile_path(comparison["path"])
    having = _having(path, parsed, schemas, findings)
    if having and len(parsed.steps) == 1:
        first = str(parsed.steps[0])
        message = _impossible(comparison, [_properties(one)[first] for one in having])
        if message is not None:
            findings.warn(path, message)


def _having(
    path: NodePath, wanted: Path, schemas: list[Mapping[str, Any]], findings: Findings
) -> list[Mapping[str, Any]]:
    """The schemas that have an argument; a warning where none has, and none is open."""
    first = wanted.steps[0] if wanted.steps else None
    if wanted.root != "args" or not isinstance(first, str):
        return []
    having = [one for one in schemas if first in _properties(one)]
    if not having and not any(map(_is_open, schemas)):
        names = sorted({name for one in schemas for name in _properties(one)})
        nearest = closest(first, names)
        hint = f"did you mean `args.{nearest}`" if nearest else None
        findings.warn(path, f"no tool it is for has an argument {quoted(first)}", hint)
    return having


def _is_open(schema: Mapping[str, Any]) -> bool:
    """Whether it may have arguments that its `properties` do not name."""
    elsewhere = not _NAMES_ELSEWHERE.isdisjoint(schema)
    return elsewhere or schema.get("additionalProperties", False) is not False


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def _impossible(comparison: Mapping[str, Any], declared: list[Any]) -> str | None:
    """Why a comparison can never be true or false, whatever the argument is."""
    types = [_types(one) for one in declared]
    judged = _JUDGES.get(comparison["op"])
    if judged is not None and all(one and not one & judged for one in types):
        named = ", ".join(sorted(set().union(*types)))
        return f"it can never be judged: the argument is of type {named}"
    if comparison["op"] == "eq" and _none_offers(comparison.get("value"), declared):
        return "it can never be met: the argument is one of others"
    return None


def _types(declared: Any) -> frozenset[str]:
    """The types an argument is declared to have; empty where it may have any."""
    told = declared.get("type") if isinstance(declared, dict) else None
    if isinstance(told, str):
        return frozenset({told})
    if isinstance(told, list):
        return frozenset(one for one in told if isinstance(one, str))
    options = declared.get("anyOf") if isinstance(declared, dict) else None
    found = [_types(one) for one in options] if isinstance(options, list) else []
    return frozenset().union(*found) if found and all(found) else frozenset()


def _none_offers(value: Any, declared: list[Any]) -> bool:
    choices = [one.get("enum") for one in declared if isinstance(one, dict)]
    return all(isinstance(one, list) and value not in one for one in choices)
