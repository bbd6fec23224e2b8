"""A tool's definition as a server lists it, read with no trust in its shape."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from portcullis_cli.catalogue.wording import words_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What the classifier reads. `words`: the name without the server's own prefix."""

    name: str
    words: tuple[str, ...]
    description: str
    arguments: Mapping[str, Mapping[str, Any]]
    annotations: Mapping[str, Any]

    @property
    def is_read_only(self) -> bool | None:
        """What the server claims; None where it claims nothing."""
        value = self.annotations.get("readOnlyHint")
        return value if isinstance(value, bool) else None

    @property
    def is_destructive(self) -> bool:
        """Whether the server says so itself (the hint's default says nothing)."""
        return self.annotations.get("destructiveHint") is True

    def choices(self) -> Iterator[tuple[str, str]]:
        """Every argument with every text it may be chosen from."""
        for name, schema in self.arguments.items():
            options = schema.get("enum")
            for option in options if isinstance(options, list) else ():
                if isinstance(option, str):
                    yield name, option


def read_definition(tool: Mapping[str, Any], *, prefix: int) -> Definition:
    """Read one entry of `tools/list`; `prefix` words are the server's own."""
    name = str(tool.get("name", ""))
    words = words_of(name)
    schema = _object(tool.get("inputSchema"))
    description = tool.get("description")
    return Definition(
        name=name,
        words=tuple(words[prefix:] if len(words) > prefix else words),
        description=description if isinstance(description, str) else "",
        arguments={key: _object(value) for key, value in _object(schema.get("properties")).items()},
        annotations=_object(tool.get("annotations")),
    )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
