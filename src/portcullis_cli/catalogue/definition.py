"""A tool's definition as a server lists it, read with no trust in its shape."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portcullis_cli.catalogue.wording import without_prefix, words_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What the classifier reads. `words`: the name without the server's own prefix."""

    name: str
    words: tuple[str, ...]
    description: str
    arguments: Mapping[str, Mapping[str, Any]]
    choices: tuple[tuple[str, str], ...]  # each argument with each text it may be chosen from
    annotations: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """SHA-256 in hexadecimal of name, description and names of arguments.

        Not of the schema's details, nor of how a description is indented: both change with the
        library and the Python that run a server.
        """
        told = json.dumps([self.name, " ".join(self.description.split()), sorted(self.arguments)])
        return hashlib.sha256(told.encode("ascii")).hexdigest()

    @property
    def is_read_only(self) -> bool | None:
        """What the server claims; None where it claims nothing."""
        value = self.annotations.get("readOnlyHint")
        return value if isinstance(value, bool) else None

    @property
    def is_destructive(self) -> bool:
        """Whether the server says so itself (the hint's default says nothing)."""
        return self.annotations.get("destructiveHint") is True


def read_definition(tool: Mapping[str, Any], *, prefix: Sequence[str]) -> Definition:
    """Read one entry of `tools/list`; `prefix` words are the server's own."""
    name = str(tool.get("name", ""))
    schema = _object(tool.get("inputSchema"))
    description = tool.get("description")
    return Definition(
        name=name,
        words=without_prefix(words_of(name), prefix),
        description=description if isinstance(description, str) else "",
        arguments={key: _object(value) for key, value in _object(schema.get("properties")).items()},
        choices=tuple(_choices(schema)),
        annotations=_object(tool.get("annotations")),
    )


def _choices(root: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every argument, of whatever depth, with every text it may be chosen from."""
    todo, seen = [("", root)], set()
    while todo:
        name, schema = todo.pop()
        reference = schema.get("$ref")
        target = _at(root, reference)
        yield from ((name, one) for one in (*_texts(schema), *_texts(target)))
        todo += _inside(name, schema)
        if target and reference not in seen:
            seen.add(reference)
            todo += _inside(name, target)


def _texts(schema: Mapping[str, Any]) -> list[str]:
    options = schema.get("enum")
    listed = options if isinstance(options, list) else []
    return [one for one in (*listed, schema.get("const")) if isinstance(one, str)]


def _inside(name: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key in ("anyOf", "oneOf", "allOf"):
        members = schema.get(key)
        yield from ((name, _object(one)) for one in (members if isinstance(members, list) else ()))
    if "items" in schema:
        yield name, _object(schema["items"])
    for key, value in _object(schema.get("properties")).items():
        yield str(key), _object(value)


def _at(root: Mapping[str, Any], reference: Any) -> Mapping[str, Any]:
    """The part of a schema that a reference within it names, empty where there is none."""
    steps = reference.split("/") if isinstance(reference, str) else [""]
    found = root if steps[0] == "#" else {}
    for step in steps[1:]:
        found = _object(found.get(step.replace("~1", "/").replace("~0", "~")))
    return found


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
