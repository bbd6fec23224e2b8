"""Which groups the people of a try-out belong to: all that its policies ask.

The policies are read leniently here. Whether one is sound is the activator's word; a group
that only an unsound one names does no harm.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

USUAL_GROUPS = ("approvers", "platform")  # what a policy that is written later will name
_PREFIX = "group:"


def named_groups(
    folder: Path, servers: Iterable[str], *, besides: Iterable[str] = ()
) -> tuple[str, ...]:
    """Answer the usual groups, and those that policies or `besides` name as approvers, sorted."""
    named = [*besides]
    for server in servers:
        named += _approvers(_read(folder / f"{server}.yaml"))
    groups = {one.removeprefix(_PREFIX) for one in named if one.startswith(_PREFIX)}
    return tuple(sorted({*USUAL_GROUPS, *groups} - {""}))


def _read(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None


def _approvers(tree: Any) -> Iterator[str]:
    """Every text in a list of approvers, at any depth. What aliases repeat is seen once."""
    seen: set[int] = set()
    rest = [tree]
    while rest:
        node = rest.pop()
        if not isinstance(node, dict | list) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, list):
            rest.extend(node)
            continue
        rest.extend(node.values())
        listed = node.get("approvers")
        if isinstance(listed, list):
            yield from (approver for approver in listed if isinstance(approver, str))
