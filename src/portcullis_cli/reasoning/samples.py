"""Values that a tool's schema takes, to complete a call that conditions say little about."""

from typing import Any, Final

from portcullis.policy.arguments import ArgumentFault, normalise

_DEEPEST: Final = 8  # objects in objects; a schema may refer to itself
_OF_TYPE: Final = {
    "string": "text", "integer": 1, "number": 1, "boolean": True, "array": [], "null": None,
}  # fmt: skip


def sample(declared: Any, schema: Any) -> Any:
    """Some value that an argument may have; None where none of those tried fits.

    `declared` is its part of the tool's input `schema` (JSON Schema 2020-12).
    """
    told = declared if isinstance(declared, dict) else {}
    choices = told.get("enum")
    usual = [*(choices if isinstance(choices, list) else []), "text", 1, True, [], {}]
    alone = {**schema, "properties": {"x": told}, "required": ["x"]}
    for value in (*usual, made(told, schema)):
        if not isinstance(normalise(alone, {"x": value}), ArgumentFault):
            return value
    return None


def made(declared: Any, schema: Any, deep: int = 0) -> Any:
    """The smallest value that a schema describes, with every required member of objects."""
    told = _meant(declared, schema)
    if "const" in told or told.get("enum"):
        return told["const"] if "const" in told else told["enum"][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if isinstance(told.get(choice), list) and told[choice] and deep < _DEEPEST:
            return made(told[choice][0], schema, deep + 1)
    properties = told.get("properties")
    if not isinstance(properties, dict) or deep == _DEEPEST:
        return _OF_TYPE.get(str(told.get("type")), {})
    required = told.get("required")
    names = required if isinstance(required, list) else []
    return {name: made(properties.get(name), schema, deep + 1) for name in names}


def filled(value: Any, declared: Any, schema: Any) -> Any:
    """An object with the required members that it lacks; what is none stays as it is."""
    rest = made(declared, schema)
    return {**rest, **value} if isinstance(value, dict) and isinstance(rest, dict) else value


def _meant(declared: Any, schema: Any) -> dict[str, Any]:
    """The schema itself, where another place of the document is referred to."""
    for _ in range(_DEEPEST):
        reference = declared.get("$ref") if isinstance(declared, dict) else None
        if not isinstance(reference, str) or not reference.startswith("#/"):
            break
        declared = schema
        for step in reference[2:].split("/"):
            declared = declared.get(step) if isinstance(declared, dict) else None
    return declared if isinstance(declared, dict) else {}
