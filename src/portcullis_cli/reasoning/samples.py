"""Values that a tool's schema takes, to complete a call that conditions say little about."""

from typing import Any, Final

from portcullis_cli.reasoning.shapes import Shape

_DEEPEST: Final = 8  # objects in objects; a schema may refer to itself
_OF_TYPE: Final = {
    "string": "text", "integer": 1, "number": 1, "boolean": True, "array": [], "null": None,
}  # fmt: skip


def sample(shape: Shape) -> list[Any]:
    """Some value of a shape, as the tool would see it; nothing where none of those tried fits."""
    for value in (*shape.declared, "text", 1, True, None, [], {}):
        fitting = fitted(value, shape)
        if fitting:
            return fitting
    return []


def fitted(value: Any, shape: Shape) -> list[Any]:
    """The value as the tool would see it, with what objects lack; nothing where it fits no way."""
    fitting = shape.checked(value)
    if fitting or not isinstance(value, dict):
        return fitting
    for form in shape.forms:
        made = _made(Shape(form, shape.root), 0)
        fitting = shape.checked({**made, **value}) if isinstance(made, dict) else []
        if fitting:
            return fitting
    return []


def _made(shape: Shape, deep: int) -> Any:
    """The smallest value of a shape, with every required member of objects."""
    form = next(iter(shape.forms), {})
    if shape.declared and ("const" in form or "enum" in form):
        return shape.declared[0]
    required = form.get("required")
    if not isinstance(required, list) or deep == _DEEPEST:
        return _OF_TYPE.get(str(form.get("type")), {})
    names = [name for name in required if isinstance(name, str)]
    one = Shape(form, shape.root)
    return {name: _made(one.at(name), deep + 1) for name in names}
