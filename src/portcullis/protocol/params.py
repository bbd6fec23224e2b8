"""The `params` of each method: shapes checked, unknown keys dropped, the subject found.

One shape per key, whatever the method: a key means the same everywhere. What is not in
the method's row of the table is dropped here and so never forwarded.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from portcullis.protocol.frame import is_request_id
from portcullis.protocol.known_keys import KnownKeys
from portcullis.protocol.messages import Subject
from portcullis.protocol.methods import Method, MethodKind, SubjectKind
from portcullis.protocol.resource_uris import is_normal
from portcullis.protocol.versions import Era
from portcullis.values import JsonObject, JsonValue

LOG_LEVELS: Final = frozenset(
    ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
)
MAX_PROMPT_NAME_LENGTH: Final = 256
MAX_URI_LENGTH: Final = 8192

_TOOL_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_TASK_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_ARGUMENT: Final = frozenset(("name", "value"))
_REFERENCE: Final = KnownKeys(("type", "name", "uri"))
_REFERENCE_KINDS: Final[Mapping[JsonValue, tuple[SubjectKind, str]]] = MappingProxyType(
    {
        "ref/prompt": (SubjectKind.PROMPT, "name"),
        "ref/resource": (SubjectKind.RESOURCE, "uri"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedParams:
    """Params that may be forwarded, and what they name."""

    params: JsonObject
    subject: Subject | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamsFault:
    """Why the params are invalid; never quotes a value."""

    message: str


def _is_string(value: JsonValue) -> bool:
    return isinstance(value, str)


def _is_object(value: JsonValue) -> bool:
    return isinstance(value, dict)


def _is_level(value: JsonValue) -> bool:
    return isinstance(value, str) and value in LOG_LEVELS


_STRING: Final = (_is_string, "a string")
_OBJECT: Final = (_is_object, "an object")

SHAPES: Final[Mapping[str, tuple[Callable[[JsonValue], bool], str]]] = MappingProxyType(
    {
        "_meta": _OBJECT,
        "argument": _OBJECT,
        "arguments": _OBJECT,
        "capabilities": _OBJECT,
        "clientInfo": _OBJECT,
        "context": _OBJECT,
        "cursor": _STRING,
        "inputResponses": _OBJECT,
        "level": (_is_level, "a log level"),
        "name": _STRING,
        "protocolVersion": _STRING,
        "reason": _STRING,
        "ref": _OBJECT,
        "requestId": (is_request_id, "a string or an integer"),
        "requestState": _STRING,
        "taskId": _STRING,
        "uri": _STRING,
    }
)


def read_params(method: Method, era: Era, params: JsonObject) -> CheckedParams | ParamsFault:
    """Check the params of a request and keep what may be forwarded.

    A tools/call without `arguments` gets an empty object: what is evaluated is what goes on.
    """
    missing = method.required.difference(params)
    if missing:
        return ParamsFault(message=f"`params.{min(missing)}` is missing")
    kept = keep(params, method.allowed(era))
    if isinstance(kept, ParamsFault):
        return kept
    if method.kind is MethodKind.TOOL_CALL:
        kept.setdefault("arguments", {})
    if method.kind is MethodKind.COMPLETE:
        return _completion(kept)
    if method.subject is None or method.subject_key is None:
        return CheckedParams(params=kept, subject=None)
    subject = Subject(kind=method.subject, name=str(kept[method.subject_key]))
    is_twin = subject.kind is SubjectKind.RESOURCE and not is_normal(subject.name)
    if is_twin or not is_subject_name(subject):
        return ParamsFault(message=f"`params.{method.subject_key}` is not a usable name")
    return CheckedParams(params=kept, subject=subject)


def keep(params: JsonObject, allowed: frozenset[str]) -> JsonObject | ParamsFault:
    """Answer a copy holding the allowed keys and `_meta`, each of its shape."""
    kept: JsonObject = {}
    for key, value in params.items():
        if key not in allowed and key != "_meta":
            continue
        has_shape, words = SHAPES[key]
        if not has_shape(value):
            return ParamsFault(message=f"`params.{key}` must be {words}")
        kept[key] = value
    return kept


def is_subject_name(subject: Subject) -> bool:
    """Tell whether a name can be one: nothing invisible, bounded, for tools and tasks ASCII.

    Tool names are held to the characters of 2026-07-28 server/tools, Tool Names: no two
    of them look alike or fold together with anything outside the set.
    """
    name = subject.name
    if subject.kind is SubjectKind.TOOL:
        return _TOOL_NAME.fullmatch(name) is not None
    if subject.kind is SubjectKind.TASK:
        return _TASK_ID.fullmatch(name) is not None
    limit = MAX_URI_LENGTH if subject.kind is SubjectKind.RESOURCE else MAX_PROMPT_NAME_LENGTH
    return 0 < len(name) <= limit and name.isprintable()


def _completion(kept: JsonObject) -> CheckedParams | ParamsFault:
    """Name what a completion refers to; nothing is forwarded beside what is judged."""
    reference = kept["ref"]
    if not isinstance(reference, dict) or _REFERENCE.has_lookalike(reference):
        return ParamsFault(message="`params.ref` has a key that could be read as another")
    type_ = reference.get("type")
    kind, key = _REFERENCE_KINDS.get(type_ if isinstance(type_, str) else None, (None, ""))
    name = reference.get(key)
    if kind is None or not isinstance(name, str):
        return ParamsFault(message="`params.ref` names neither a prompt nor a resource")
    subject = Subject(kind=kind, name=name)
    if not is_subject_name(subject):
        return ParamsFault(message=f"`params.ref.{key}` is not a usable name")
    said = _said_of_arguments(kept)
    if isinstance(said, ParamsFault):
        return said
    return CheckedParams(
        params={**kept, **said, "ref": {"type": type_, key: name}}, subject=subject
    )


def _said_of_arguments(kept: JsonObject) -> JsonObject | ParamsFault:
    """The members of a completion that speak of arguments, rebuilt from their known keys.

    Of the argument that is being completed only the value so far is kept.
    """
    argument = {key: value for key, value in _object(kept, "argument") if key in _ARGUMENT}
    if not all(isinstance(text, str) for text in argument.values()):
        return ParamsFault(message="`params.argument` must have texts")
    if "context" not in kept:
        return {"argument": argument}
    context = dict(_object(kept, "context"))
    if "arguments" not in context:
        return {"argument": argument, "context": {}}
    given = context["arguments"]
    if not isinstance(given, dict):
        return ParamsFault(message="`params.context.arguments` must be an object")
    others: JsonObject = {key: value for key, value in given.items() if key != argument.get("name")}
    return {"argument": argument, "context": {"arguments": others}}


def _object(kept: JsonObject, key: str) -> Iterable[tuple[str, JsonValue]]:
    value = kept[key]
    return value.items() if isinstance(value, dict) else ()
