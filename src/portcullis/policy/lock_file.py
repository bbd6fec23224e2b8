"""The lock file of a server: its tools as somebody looked at them, with a category for each.

Only its form may live here. It holds whole definitions, so that people see what changed; what
comes into force are the digests. They are written into it for people and other programs, and
computed again when it is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from portcullis.errors import StrictJsonError
from portcullis.policy.drift import pin_of
from portcullis.policy.faults import Fault, Findings, PolicyFaults, quoted
from portcullis.policy.lock_text import MAXIMUM_LOCKED, lock_document, pin_document
from portcullis.policy.model import Kind, Pin
from portcullis.policy.names import is_name
from portcullis.policy.nodes import Node, has_keys, read_mapping, read_members, read_word
from portcullis.policy.words import CATEGORIES, CATEGORY_HINTS, LOCK_HINTS, VERSION
from portcullis.strictjson import parse
from portcullis.values import JsonMapping, JsonObject

MAXIMUM_BYTES = 4 << 20

_KEYS = ("version", "server", "tools")
_TOOL_KEYS = ("category", "digests", "definition")
_AGAIN = "make the lock again with `portcullis lock`"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedTool:
    """A tool of a lock: its definition as the server listed it, and its category."""

    category: str
    definition: JsonMapping

    @property
    def pin(self) -> Pin:
        """What calls of it are held against."""
        return pin_of(self.definition, self.category)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFile:
    """The lock of one server; its tools by name."""

    server: str
    tools: Mapping[str, LockedTool]

    def document(self) -> JsonObject:
        """The `lock` of a policy's document: its pins."""
        return lock_document({name: tool.pin for name, tool in self.tools.items()})

    def tree(self) -> JsonObject:
        """The file, as values."""
        tools: JsonObject = {
            name: {
                "category": tool.category,
                "digests": {
                    key: value for key, value in pin_document(tool.pin).items() if key != "category"
                },
                "definition": {**tool.definition},
            }
            for name, tool in sorted(self.tools.items())
        }
        return {"version": VERSION, "server": self.server, "tools": tools}


def read_lock_file(body: bytes, *, server: str | None = None) -> LockFile:
    """Read a lock file.

    Args:
        body: its bytes, JSON.
        server: whose lock it has to be; None: anybody's.

    Raises:
        PolicyFaults: it cannot be used; the paths begin with `lock`.
    """
    try:
        tree = parse(body, max_bytes=MAXIMUM_BYTES)
    except StrictJsonError as error:
        fault = Fault(path="lock", message=f"it is no JSON: {error}", suggestion=_AGAIN)
        raise PolicyFaults([fault]) from error
    findings = Findings()
    found = _read(Node(tree, ("lock",), findings), server)
    findings.raise_faults()
    return found


def _read(node: Node, server: str | None) -> LockFile:
    members = read_mapping(node, "a lock file", _KEYS, LOCK_HINTS)
    if members is None or not has_keys(node, members, _KEYS):
        return LockFile(server="", tools={})
    if members["version"].value != VERSION:
        members["version"].fault(f"the version is not the text {quoted(VERSION)}", _AGAIN)
    name = members["server"].value
    if not isinstance(name, str) or not name or (server is not None and name != server):
        wanted = "a server's name" if server is None else quoted(server)
        members["server"].fault(f"it is not {wanted}", "each server has a lock of its own")
    entries = read_members(members["tools"], "a mapping of tools") or {}
    if len(entries) > MAXIMUM_LOCKED:
        members["tools"].fault(f"more than {MAXIMUM_LOCKED} tools are locked")
        entries = {}
    tools = {key: _read_tool(entry, key) for key, entry in entries.items()}
    sound = {key: tool for key, tool in tools.items() if tool is not None}
    return LockFile(server=str(name), tools=sound)


def _read_tool(node: Node, name: str) -> LockedTool | None:
    members = read_mapping(node, "a locked tool", _TOOL_KEYS, LOCK_HINTS)
    if members is None or not has_keys(node, members, _TOOL_KEYS):
        return None
    category = read_word(members["category"], CATEGORIES, CATEGORY_HINTS)
    definition = members["definition"].value
    if category is None:
        return None
    if not is_name(Kind.TOOL, name) or not isinstance(definition, dict):
        node.fault("it is no definition of a tool", _AGAIN)
        return None
    if definition.get("name") != name:
        members["definition"].fault("it is the definition of another tool", _AGAIN)
        return None
    tool = LockedTool(category=category, definition=definition)
    if members["digests"].value != {
        key: value for key, value in pin_document(tool.pin).items() if key != "category"
    }:
        message = "the digests are not those of the definition: somebody edited it"
        members["digests"].fault(message, _AGAIN)
        return None
    return tool
