"""The list `redact`: arguments that no recording of a call may hold, whatever tool is called.

Only its reading and its canonical form may live here. It stands at the top and under no rule:
what is a secret does not hang on which rule a call meets, and is not forgotten with an entry.
"""

from portcullis.policy.compile_error import PathError
from portcullis.policy.model import Path
from portcullis.policy.nodes import Node, read_elements, read_text
from portcullis.policy.paths import compile_path
from portcullis.values import JsonObject, JsonValue

MAXIMUM_PATHS = 200
MAXIMUM_PATH = 500


def read_redact(node: Node) -> tuple[Path, ...] | None:
    """Read the list; None where any of it is faulty."""
    elements = read_elements(node, "the list of arguments to redact", MAXIMUM_PATHS)
    if elements is None:
        return None
    read = [_read_path(element) for element in elements]
    paths = tuple(path for path in read if path is not None)
    return paths if len(paths) == len(read) else None


def redact_document(paths: tuple[Path, ...]) -> JsonObject:
    """The part of the canonical form: sorted, each once."""
    texts: list[JsonValue] = [*sorted({path.text for path in paths})]
    return {"redact": texts} if texts else {}


def _read_path(node: Node) -> Path | None:
    text = read_text(node, MAXIMUM_PATH)
    if text is None:
        return None
    try:
        path = compile_path(text)
    except PathError as error:
        node.fault(error.message, error.suggestion)
        return None
    if path.root != "args" or not path.steps or not isinstance(path.steps[0], str):
        node.fault("only arguments are redacted, each by its name", "write `args.name`")
        return None
    return path
