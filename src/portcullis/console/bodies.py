"""What a person sends: a decision in JSON, or a form. Read strictly: what is unclear is refused.

Arguments never come from here; a body that names any is refused with every other unknown key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from portcullis import strictjson
from portcullis.errors import StrictJsonError
from portcullis.gateway.deciding import Word
from portcullis.values import JsonValue

MAXIMUM_BYTES: Final = 16 * 1024
MAXIMUM_COMMENT: Final = 1000  # characters

_WORDS: Final = {word.value: word for word in Word}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One person's word."""

    word: Word
    comment: str = ""


def read_decision(body: bytes) -> Decision | None:
    """The decision in a JSON body, None where it is not exactly one."""
    try:
        tree = strictjson.parse(body, max_bytes=MAXIMUM_BYTES)
    except StrictJsonError:
        return None
    if not isinstance(tree, dict) or not {"decision"} <= set(tree) <= {"decision", "comment"}:
        return None
    return _decision(tree["decision"], tree.get("comment", ""))


def read_form(
    body: bytes, *, required: frozenset[str], optional: frozenset[str] = frozenset()
) -> Mapping[str, str] | None:
    """The fields of a form, None where it has others, lacks one or names one twice."""
    if len(body) > MAXIMUM_BYTES:
        return None
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=len(required) + len(optional),
        )
    except ValueError:  # UnicodeDecodeError is one
        return None
    fields = dict(pairs)
    is_whole = required <= set(fields) <= required | optional and len(fields) == len(pairs)
    return fields if is_whole else None


def form_decision(fields: Mapping[str, str]) -> Decision | None:
    """The decision in a form's fields; browsers send line breaks as CR LF (HTML, 4.10.21.8)."""
    return _decision(fields["word"], fields.get("comment", "").replace("\r\n", "\n"))


def _decision(word: JsonValue, comment: JsonValue) -> Decision | None:
    if not isinstance(word, str) or word not in _WORDS:
        return None
    if not isinstance(comment, str) or len(comment) > MAXIMUM_COMMENT:
        return None
    return Decision(word=_WORDS[word], comment=comment.strip())
