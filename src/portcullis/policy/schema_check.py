"""The walk over a JSON Schema and a value beside it.

Only what `arguments.normalise` needs of JSON Schema may live here: types, enum, const,
properties, items, defaults and the ways schemas are put together. Keywords that are not
listed are the upstream's business. Strictness is in one direction: a value that some
server might convert does not fit.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

from portcullis.policy.argument_names import place, spelling
from portcullis.policy.compile_error import PatternError
from portcullis.policy.json_types import TRUE, JsonType, equality, json_type
from portcullis.policy.regexes import compile_fullmatch
from portcullis.values import JsonObject, JsonValue

MAX_DEPTH = 100
MAX_CHECKS = 50_000

UNREADABLE = "cannot be checked: the tool's input schema is not understood here"


def _is_double(value: JsonValue) -> bool:
    """Whether a value is a number that a binary double gives back as it is.

    A server reads a `number` as a double: 0.30000000000000000001 is 0.3 to it, and no rule
    about 0.3 would have seen it.
    """
    if json_type(value) is not JsonType.NUMBER or not isinstance(value, int | Decimal):
        return False
    return Decimal(repr(float(Decimal(value)))) == value


_TYPES: Mapping[str, Callable[[JsonValue], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": _is_double,
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
_OBJECT_KEYWORDS = frozenset(
    {"properties", "required", "additionalProperties", "patternProperties"}
)
_LIST_KEYWORDS = frozenset({"items", "prefixItems"})


class FaultFoundError(Exception):
    """A fault on its way out of the walk, or out of one branch of a choice."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


class BudgetSpentError(FaultFoundError):
    """The walk has gone too far; no other branch is tried."""


class SchemaWalk:
    """One walk, within a bound of depth and a budget of checks."""

    def __init__(self, root: JsonObject) -> None:
        self._root = root
        self._checks_left = MAX_CHECKS
        self._depth = 0

    def check(self, schema: JsonValue, value: JsonValue, path: str) -> JsonValue:
        """Answer the value with defaults filled in, as new lists and objects.

        Raises:
            FaultFoundError: it does not fit, or it cannot be told whether it does.
        """
        self._checks_left -= 1
        if self._checks_left < 0 or self._depth >= MAX_DEPTH:
            raise BudgetSpentError(path, "is too large or too deep to be checked")
        if schema is True:
            return value
        if not isinstance(schema, dict):
            raise FaultFoundError(path, "is not allowed" if schema is False else UNREADABLE)
        self._depth += 1
        try:
            return _applied(self, schema, value, path)
        finally:
            self._depth -= 1

    def resolved(self, reference: JsonValue, path: str) -> JsonValue:
        """The schema a local reference (`#`, `#/$defs/Name`) points to."""
        if reference == "#":
            return self._root
        if not isinstance(reference, str) or not reference.startswith("#/"):
            raise FaultFoundError(path, UNREADABLE)
        target: JsonValue = self._root
        for part in reference[2:].split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(target, dict) or key not in target:
                raise FaultFoundError(path, UNREADABLE)
            target = target[key]
        return target


def _applied(walk: SchemaWalk, schema: JsonObject, value: JsonValue, path: str) -> JsonValue:
    for keyword, require in _ASSERTIONS.items():
        if keyword in schema:
            require(schema[keyword], value, path)
    for keyword, apply in _APPLICATORS.items():
        if keyword in schema:
            value = apply(walk, schema[keyword], value, path)
    if isinstance(value, dict) and not _OBJECT_KEYWORDS.isdisjoint(schema):
        return _ObjectWalk(walk, schema, path).check(value)
    if isinstance(value, list) and not _LIST_KEYWORDS.isdisjoint(schema):
        return _list(walk, schema, value, path)
    return value


def _type(wanted: JsonValue, value: JsonValue, path: str) -> None:
    if isinstance(wanted, str) and wanted in _TYPES and _TYPES[wanted](value):
        return  # nearly always
    names = wanted if isinstance(wanted, list) else [wanted]
    known = [name for name in names if isinstance(name, str) and name in _TYPES]
    if len(known) != len(names) or not known:
        raise FaultFoundError(path, UNREADABLE)
    if not any(_TYPES[name](value) for name in known):
        raise FaultFoundError(path, f"must be {' or '.join(known)}, is {_named(value)}")


def _enum(allowed: JsonValue, value: JsonValue, path: str) -> None:
    if not isinstance(allowed, list):
        raise FaultFoundError(path, UNREADABLE)
    if not any(equality(value, one) is TRUE for one in allowed):
        raise FaultFoundError(path, "is none of the values the tool declares")


def _const(only: JsonValue, value: JsonValue, path: str) -> None:
    _enum([only], value, path)


def _ref(walk: SchemaWalk, reference: JsonValue, value: JsonValue, path: str) -> JsonValue:
    return walk.check(walk.resolved(reference, path), value, path)


def _all_of(walk: SchemaWalk, schemas: JsonValue, value: JsonValue, path: str) -> JsonValue:
    for schema in _schemas(schemas, path):
        value = walk.check(schema, value, path)
    return value


def _any_of(walk: SchemaWalk, schemas: JsonValue, value: JsonValue, path: str) -> JsonValue:
    """Fit one branch; where several fit and differ in their defaults, fill in none."""
    fits: list[JsonValue] = []
    fault: FaultFoundError | None = None
    for schema in _schemas(schemas, path):
        try:
            fits.append(walk.check(schema, value, path))
        except BudgetSpentError:
            raise
        except FaultFoundError as found:
            fault = fault or found
    if not fits:
        raise _no_fit(fault, value, path)
    return fits[0] if all(equality(fit, fits[0]) is TRUE for fit in fits[1:]) else value


class _ObjectWalk:
    """The part of a walk at one object and its schema."""

    def __init__(self, walk: SchemaWalk, schema: JsonObject, path: str) -> None:
        properties = schema.get("properties", {})
        if not isinstance(properties, dict):
            raise FaultFoundError(path, UNREADABLE)
        self._walk = walk
        self._schema = schema
        self._path = path
        self._properties = properties

    def check(self, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Check every member, fill in defaults, then ask for what is required."""
        if len(value) > MAX_CHECKS:
            raise BudgetSpentError(self._path, "has too many members to be checked")
        if not value.keys() <= self._properties.keys():
            self._refuse_twins(value)
        checked: dict[str, JsonValue] = {}
        for name, member in value.items():
            if name in self._properties:
                where = place(self._path, name)
                checked[name] = self._walk.check(self._properties[name], member, where)
            else:
                checked[name] = self._undeclared(name, member)
        for name, schema in self._properties.items():
            if name not in checked:
                self._fill_in(checked, name, schema)
        _require_names(self._schema, checked, self._path)
        return checked

    def _refuse_twins(self, value: dict[str, JsonValue]) -> None:
        declared = {spelling(name): name for name in self._properties}
        for name in value:
            twin = None if name in self._properties else declared.get(spelling(name))
            if twin is not None:
                where = place(self._path, name)
                raise FaultFoundError(where, f"is another spelling of the declared `{twin}`")

    def _undeclared(self, name: str, member: JsonValue) -> JsonValue:
        where = place(self._path, name)
        patterns = _matching_patterns(self._schema, name, self._path)
        for pattern_schema in patterns:
            member = self._walk.check(pattern_schema, member, where)
        more = self._schema.get("additionalProperties", True)
        if more is False and not patterns:
            raise FaultFoundError(where, "is an argument the tool does not declare")
        return member if patterns else self._walk.check(more, member, where)

    def _fill_in(self, checked: dict[str, JsonValue], name: str, schema: JsonValue) -> None:
        """Add a declared default, unless it does not fit its own schema."""
        where = place(self._path, name)
        holder = schema
        if isinstance(schema, dict) and "default" not in schema and "$ref" in schema:
            holder = self._walk.resolved(schema["$ref"], where)
        if not isinstance(holder, dict) or "default" not in holder:
            return
        try:
            checked[name] = self._walk.check(schema, holder["default"], where)
        except BudgetSpentError:
            raise
        except FaultFoundError:
            return


def _list(
    walk: SchemaWalk, schema: JsonObject, value: list[JsonValue], path: str
) -> list[JsonValue]:
    prefix = schema.get("prefixItems", [])
    rest = schema.get("items", True)
    if not isinstance(prefix, list):
        raise FaultFoundError(path, UNREADABLE)
    return [
        walk.check(prefix[at] if at < len(prefix) else rest, element, f"{path}[{at}]")
        for at, element in enumerate(value)
    ]


def _named(value: JsonValue) -> str:
    if json_type(value) is JsonType.NUMBER and not _is_double(value):
        return "a number of more digits than every reader keeps"
    return "a number that is not an integer" if _is_fraction(value) else json_type(value).value


def _is_fraction(value: JsonValue) -> bool:
    return json_type(value) is JsonType.NUMBER and not isinstance(value, int)


def _schemas(schemas: JsonValue, path: str) -> list[JsonValue]:
    if isinstance(schemas, list) and schemas:
        return schemas
    raise FaultFoundError(path, UNREADABLE)


def _no_fit(fault: FaultFoundError | None, value: JsonValue, path: str) -> FaultFoundError:
    """The fault of a deeper place says more than "none of the forms"."""
    if fault is not None and fault.path != path:
        return fault
    return FaultFoundError(path, f"is {_named(value)}, which is none of the declared forms")


def _require_names(schema: JsonObject, members: Mapping[str, JsonValue], path: str) -> None:
    required = schema.get("required", [])
    if not isinstance(required, list):
        raise FaultFoundError(path, UNREADABLE)
    for name in required:
        if not isinstance(name, str):
            raise FaultFoundError(path, UNREADABLE)
        if name not in members:
            raise FaultFoundError(place(path, name), "is required")


def _matching_patterns(schema: JsonObject, name: str, path: str) -> list[JsonValue]:
    """The schemas of `patternProperties` for a name; a pattern need not match all of it."""
    patterns = schema.get("patternProperties", {})
    if not isinstance(patterns, dict):
        raise FaultFoundError(path, UNREADABLE)
    matching: list[JsonValue] = []
    for pattern, pattern_schema in patterns.items():
        try:
            matches = compile_fullmatch(f".*(?:{pattern}).*")(name)
        except PatternError as cause:
            raise FaultFoundError(path, UNREADABLE) from cause
        if matches is None:
            raise FaultFoundError(path, UNREADABLE)
        if matches:
            matching.append(pattern_schema)
    return matching


_ASSERTIONS: Mapping[str, Callable[[JsonValue, JsonValue, str], None]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
}
_APPLICATORS: Mapping[str, Callable[[SchemaWalk, JsonValue, JsonValue, str], JsonValue]] = {
    "$ref": _ref,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _any_of,
}
