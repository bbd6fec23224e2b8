"""What a tool's input schema says of one place in the arguments, as far as candidates need it.

Whether a value fits is asked of the gateway's own walk (`schema_check`). This module only leads
the way to a place: through references, choices, members and elements. Where it loses the way,
`is_plain` is False, and what does not fit there is not said to be impossible.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Final

from portcullis.policy.argument_names import spelling
from portcullis.policy.paths import Step
from portcullis.policy.schema_check import FaultFoundError, SchemaWalk

_DEEPEST: Final = 8  # references and choices in one another; a schema may refer to itself
_MOST_FORMS: Final = 100
_NOTES: Final = frozenset({"title", "description", "examples", "default", "deprecated"})
_TYPES: Final[Mapping[type, str]] = {list: "array", dict: "object"}


@dataclass(frozen=True)
class Shape:
    """The schema of one place, and the `root` that its references point into."""

    schema: Any
    root: Any
    is_lost: bool = False  # on the way to it

    def checked(self, value: Any) -> list[Any]:
        """The value as the tool would see it, with defaults; nothing where it does not fit."""
        try:
            return [SchemaWalk(self.root).check(self.schema, value, "args")]
        except FaultFoundError:
            return []

    @cached_property
    def forms(self) -> list[dict[str, Any]]:
        """The schemas without references and choices, of which the value has one."""
        return [form for form, _ in self._found]

    @cached_property
    def is_plain(self) -> bool:
        """Whether the forms say all."""
        return not self.is_lost and all(is_plain for _, is_plain in self._found)

    @cached_property
    def declared(self) -> list[Any]:
        """Values that are written in the schema; all there are of a form that lists them."""
        found: list[Any] = []
        for form in self.forms:
            choices = form.get("enum")
            found += choices if isinstance(choices, list) else []
            found += [form[key] for key in ("const", "default") if key in form]
        return found

    def takes(self, kind: type) -> bool:
        """Whether lists, or objects, may fit that are not written in the schema."""
        return any(_is_open(form, _TYPES[kind]) for form in self.forms)

    def at(self, step: Step) -> "Shape":
        """The shape of a member, or of the elements."""
        kind = "object" if isinstance(step, str) else "array"
        parts = [_part(form, step) for form in self.forms if _is_open(form, kind)]
        schemas = [one for one, _ in parts]
        schema: Any = schemas[0] if len(schemas) == 1 else {"anyOf": schemas} if schemas else False
        is_plain = self.is_plain and all(is_plain for _, is_plain in parts)
        return Shape(schema, self.root, is_lost=not is_plain)

    def absent(self, name: str) -> list[Any]:
        """What objects look like that a member was left out of: `{}`, its default, or nothing."""
        found: list[Any] = []
        for form in self.forms:
            if _is_open(form, "object"):
                named, required = form.get("properties"), form.get("required")
                alone = {
                    "properties": {name: named[name]}
                    if isinstance(named, dict) and name in named
                    else {},
                    "required": [name] if isinstance(required, list) and name in required else [],
                }
                found += Shape(alone, self.root).checked({})
        return found

    @cached_property
    def _found(self) -> list[tuple[dict[str, Any], bool]]:
        found = list(islice(_forms(self.schema, self.root, 0), _MOST_FORMS + 1))
        return found if len(found) <= _MOST_FORMS else [({}, False)]


ANYTHING: Final = Shape(schema=True, root={})


def _forms(schema: Any, root: Any, deep: int) -> Iterator[tuple[dict[str, Any], bool]]:
    if schema is False:
        return
    told = schema if isinstance(schema, dict) else {}
    choice = next((key for key in ("$ref", "anyOf", "oneOf", "allOf") if key in told), None)
    if choice is None:
        yield told, True
        return
    rest = {key: value for key, value in told.items() if key != choice}
    is_plain = deep < _DEEPEST and rest.keys() <= _NOTES | {"$defs", "definitions"}
    parts = _parts(choice, told[choice], root) if deep < _DEEPEST else []
    if not parts or (choice == "allOf" and len(parts) > 1):
        yield rest, False
        return
    for part in parts:
        for form, is_whole in _forms(part, root, deep + 1):
            yield {**form, **rest}, is_plain and is_whole


def _parts(choice: str, told: Any, root: Any) -> list[Any]:
    if choice != "$ref":
        return told if isinstance(told, list) else []
    try:
        return [SchemaWalk(root).resolved(told, "args")]
    except FaultFoundError:
        return []


def _is_open(form: dict[str, Any], kind: str) -> bool:
    told = form.get("type", kind)
    is_closed = "enum" in form or "const" in form
    return not is_closed and (told == kind or (isinstance(told, list) and kind in told))


def _part(form: dict[str, Any], step: Step) -> tuple[Any, bool]:
    """The schema of a step on, and whether it says all."""
    if not isinstance(step, str):
        return form.get("items", True), "prefixItems" not in form
    properties = form.get("properties")
    named = properties if isinstance(properties, dict) else {}
    if step in named:
        return named[step], True
    if any(spelling(step) == spelling(name) for name in named):
        return False, True  # refused as another spelling of a declared name
    return form.get("additionalProperties", True), "patternProperties" not in form
