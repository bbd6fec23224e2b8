"""What differs between a lock and what its server lists now."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from portcullis.policy.drift import changed_parts, pin_of
from portcullis.policy.lock_file import LockedTool, LockFile
from portcullis.values import JsonMapping, JsonObject
from portcullis_cli.json_text import for_people
from portcullis_cli.rendering import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedTool:
    """One tool that is not as it was locked; `parts` are the names of what changed."""

    name: str
    parts: tuple[str, ...]
    before: LockedTool
    after: JsonMapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """All that differs, by the names of tools."""

    added: Mapping[str, JsonMapping]
    removed: Mapping[str, LockedTool]
    changed: tuple[ChangedTool, ...]

    @property
    def names(self) -> set[str]:
        """Every tool that differs."""
        return {*self.added, *self.removed, *(one.name for one in self.changed)}


def differences(lock: LockFile, tools: Mapping[str, JsonMapping]) -> Differences:
    """Hold a server's tools against its lock."""
    changed = []
    for name in sorted(set(lock.tools) & set(tools)):
        before, after = lock.tools[name].pin, pin_of(tools[name], lock.tools[name].category)
        if before != after:
            parts = changed_parts(before, after)
            changed.append(
                ChangedTool(name=name, parts=parts, before=lock.tools[name], after=tools[name])
            )
    return Differences(
        added={name: tools[name] for name in sorted(set(tools) - set(lock.tools))},
        removed={name: lock.tools[name] for name in sorted(set(lock.tools) - set(tools))},
        changed=tuple(changed),
    )


def lines(found: Differences) -> Iterator[str]:
    """The differences line by line; what does not show itself is written out."""
    for name, tool in found.added.items():
        yield f"{plain(name)}: added"
        yield from _diff({}, tool)
    for name in found.removed:
        yield f"{plain(name)}: removed"
    for one in found.changed:
        yield f"{plain(one.name)}: changed: {', '.join(one.parts)}"
        yield from _diff(one.before.definition, one.after)


def for_json(server: str, found: Differences) -> JsonObject:
    """The same for programs."""
    return {
        "server": server,
        "drift": bool(found.names),
        "added": [{"tool": name, "after": {**tool}} for name, tool in found.added.items()],
        "removed": [*found.removed],
        "changed": [
            {
                "tool": one.name,
                "parts": list(one.parts),
                "before": {**one.before.definition},
                "after": {**one.after},
            }
            for one in found.changed
        ],
    }


def _diff(before: JsonMapping, after: JsonMapping) -> Iterator[str]:
    for key in sorted({*before, *after}):
        old, new = _text(before, key), _text(after, key)
        if old != new:
            yield f"  {plain(key)}"
            yield from (
                f"    {line}"
                for line in difflib.unified_diff(old, new, lineterm="", n=1)
                if not line.startswith(("---", "+++", "@@"))
            )


def _text(tool: JsonMapping, key: str) -> list[str]:
    return for_people(tool[key]).splitlines() if key in tool else []
