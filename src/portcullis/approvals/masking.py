"""Secrets in arguments, masked before a person sees them, wherever they are shown.

Only what finds secrets, and the copy of the arguments without them, may live here. A secret is
told by the name it stands under or by its shape inside a text; a text that is JSON is looked
into. A masked value says that it is masked and how long it is, roughly: never a part of it.
What runs, and the digest, are untouched.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from portcullis import strictjson
from portcullis.approvals.key_words import words_of
from portcullis.errors import StrictJsonError
from portcullis.values import JsonMapping, JsonObject, JsonScalar, JsonValue

MAXIMUM_READINGS: Final = 3  # JSON in a text in JSON in a text; beyond, shapes must do

# Anywhere in a name written without its gaps (`dbpassword`, `X-Api-Key`).
SECRET_PARTS: Final = (
    "accesskey", "apikey", "apitoken", "authorization", "connectionstring", "credential",
    "passcode", "passphrase", "passwd", "password", "privatekey", "secret", "signingkey",
)  # fmt: skip
# As a word of its own, or at its end (`authtoken`).
SECRET_WORDS: Final = ("bearer", "cookie", "cookies", "jwt", "otp", "pwd", "token", "tokens")
# A name that begins or ends so speaks about a secret and holds none: `max_tokens`, `secret_arn`.
ABOUT_A_SECRET: Final = frozenset(
    {
        "arn", "count", "enabled", "length", "limit", "max", "min", "name", "policy", "required",
        "rotation", "type",
    }
)  # fmt: skip

# A condition key of an IAM policy, `secretsmanager:SecretId`: it says who may do what.
_CONDITION_KEY = re.compile(r"[A-Za-z0-9-]+:[A-Za-z/-]+")

# `[{"name": "DB_PASSWORD", "value": "…"}]`: one member names what another one holds.
_NAMING = frozenset({"key", "name", "parameterkey", "parametername", "variable"})
_HOLDING = frozenset({"parametervalue", "value", "values"})

_ASSIGNED = (
    r"(?:pass(?:word|wd|phrase|code)|pwd|secret|token|(?:api|access|private|signing)[_-]?key"
    r"|credentials?|connection[_-]?string)(?:[_-]?(?:access[_-]?)?key)?"
)
_VALUE = (
    r"""(?:"(?P<quoted>(?:[^"\\]|\\.)*+)|\\++"(?P<escaped>[^"\\]*+)|'(?P<single>[^']*+)"""
    r"""|(?P<bare>[^\s"'\\,;&}\])]++))"""
)

# Each has the secret in a named group, or is one as a whole. The time of each is linear in the
# text, whatever the text: an agent chooses it.
SHAPES: Final[Mapping[str, re.Pattern[str]]] = {
    "AWS access key": re.compile(r"(?<![A-Za-z0-9])(?:AKIA|ASIA)[A-Z0-9]{12,}+"),
    "AWS secret key": re.compile(
        r"(?<![A-Za-z0-9/+=])(?=[a-z0-9/+]*+[A-Z])(?=[A-Z0-9/+]*+[a-z])(?=[A-Za-z/+]*+[0-9])"
        r"[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])"
    ),
    "JSON web token": re.compile(
        r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}+(?:\.[A-Za-z0-9_-]*+){1,4}+"
    ),
    "PEM block": re.compile(
        r"-----BEGIN [A-Z0-9 ]{1,64}-----(?:(?!-----END ).)*+(?:-----END [A-Z0-9 ]{1,64}-----)?+",
        re.DOTALL,
    ),
    "password in a URL": re.compile(
        r"://[^\s/?#:@\"'<>]{0,256}+:(?P<password>[^\s/?#\"'<>]{1,256})@"
    ),
    "assignment": re.compile(
        rf"(?<!:)(?i:{_ASSIGNED})[\"'\\]{{0,32}}+\s{{0,8}}+[:=]>?\s{{0,8}}+{_VALUE}"
    ),
    "option of a command": re.compile(
        rf"(?<![\w-])--?[a-z-]{{0,32}}?(?i:{_ASSIGNED})(?:=|\s{{1,8}}+){_VALUE}"
    ),
    "authorization header": re.compile(
        r"(?i:authorization)[\"'\\]{0,32}+\s{0,8}+[:=]\s{0,8}+[\"'\\]{0,32}+"
        r"(?P<header>(?:[A-Za-z]{1,16}\s{1,8}+)?[^\s\"'\\,;]++)"
    ),
    "cookie header": re.compile(
        r"(?i:\bcookie)[\"'\\]{0,32}+\s{0,8}+[:=]\s{0,8}+[\"'\\]{0,32}+(?P<cookies>[^\r\n\"'\\]++)"
    ),
    "bearer token": re.compile(r"(?i:\bbearer)\s{1,8}+(?P<token>[A-Za-z0-9._~+/=-]{12,}+)"),
    "vendor token": re.compile(
        r"(?<![A-Za-z0-9])(?:gh[oprsu]_[A-Za-z0-9]{20,}+|github_pat_\w{20,}+|glpat-[\w-]{16,}+"
        r"|xox[abeprs]-[A-Za-z0-9-]{10,}+|sk-[\w-]{20,}+|[rs]k_(?:live|test)_[A-Za-z0-9]{16,}+"
        r"|AIza[\w-]{30,}+|npm_[A-Za-z0-9]{30,}+|hv[bs]\.[\w-]{20,}+|pcl_[\w-]{20,}+)"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mask:
    """What stands in the place of a secret."""

    length: int

    @property
    def label(self) -> str:
        """What a person reads: that it is masked, and how long it is, roughly."""
        if self.length == 0:
            return "[masked: empty]"
        for low, high in ((1, 8), (9, 16), (17, 32), (33, 64), (65, 256)):
            if self.length <= high:
                return f"[masked: {low} to {high} characters]"
        return "[masked: more than 256 characters]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One value that holds no other (or an empty list or object), and the way to it."""

    steps: tuple[str | int, ...]
    value: JsonValue
    is_secret: bool


Masked: TypeAlias = str | Mask


def is_secret_name(name: str) -> bool:
    """Whether what stands under a name is a secret."""
    words = words_of(name)
    if not words or {words[0], words[-1]} & ABOUT_A_SECRET or _CONDITION_KEY.fullmatch(name):
        return False
    if any(part in "".join(words) for part in SECRET_PARTS):
        return True
    return any(word.endswith(SECRET_WORDS) for word in words)


def secret_members(members: JsonMapping) -> frozenset[str]:
    """The keys of an object whose values are secrets, by their own name or one beside them."""
    found = {name for name in members if is_secret_name(name)}
    names_one = any(
        "".join(words_of(name)) in _NAMING and isinstance(value, str) and is_secret_name(value)
        for name, value in members.items()
    )
    if names_one:
        found |= {name for name in members if "".join(words_of(name)) in _HOLDING}
    return frozenset(found)


def split(text: str) -> tuple[Masked, ...]:
    """A text as its plain parts and the secrets that their shape tells."""
    parts: list[Masked] = []
    end = 0
    for start, stop in _merged(sorted(_secret_spans(text))):
        if start > end:
            parts.append(text[end:start])
        parts.append(Mask(length=stop - start))
        end = stop
    if end < len(text) or not parts:
        parts.append(text[end:])
    return tuple(parts)


def read_json(text: str) -> JsonObject | list[JsonValue] | None:
    """The object or list that a text is in strict JSON; None where it is something else."""
    if not text.lstrip(" \t\r\n").startswith(("{", "[")):
        return None
    try:
        value = strictjson.parse(text.encode("utf-8"))
    except (StrictJsonError, UnicodeEncodeError):
        return None
    return value if isinstance(value, dict | list) else None


def leaves(value: JsonValue) -> Iterator[Leaf]:
    """Every value without a value inside, in order, with what its names say of it."""
    return _leaves(value, (), is_secret=False)


def masked(arguments: JsonMapping) -> JsonObject:
    """The arguments without their secrets: the same shape, masked values in their place."""
    return _masked_object(arguments, is_secret=False, readings=0)


def masked_value(value: JsonValue) -> JsonValue:
    """The same for any JSON value."""
    return _masked(value, is_secret=False, readings=0)


def _leaves(value: JsonValue, steps: tuple[str | int, ...], *, is_secret: bool) -> Iterator[Leaf]:
    if isinstance(value, dict) and value:
        secrets = secret_members(value)
        for name, member in value.items():
            yield from _leaves(member, (*steps, name), is_secret=is_secret or name in secrets)
    elif isinstance(value, list) and value:
        for index, element in enumerate(value):
            yield from _leaves(element, (*steps, index), is_secret=is_secret)
    else:
        yield Leaf(steps=steps, value=value, is_secret=is_secret and not _says_nothing(value))


def _masked(value: JsonValue, *, is_secret: bool, readings: int) -> JsonValue:
    if isinstance(value, dict):
        return _masked_object(value, is_secret=is_secret, readings=readings)
    if isinstance(value, list):
        return [_masked(one, is_secret=is_secret, readings=readings) for one in value]
    if is_secret:
        return value if _says_nothing(value) else Mask(length=_length(value)).label
    return _masked_text(value, readings) if isinstance(value, str) else value


def _masked_object(members: JsonMapping, *, is_secret: bool, readings: int) -> JsonObject:
    secrets = secret_members(members)
    found: JsonObject = {}
    for name, member in members.items():
        shown = _joined(split(name))
        while shown in found:  # two keys that are secrets themselves
            shown += "'"
        found[shown] = _masked(member, is_secret=is_secret or name in secrets, readings=readings)
    return found


def _masked_text(text: str, readings: int) -> str:
    read = read_json(text) if readings < MAXIMUM_READINGS else None
    if read is not None:
        inside = _masked(read, is_secret=False, readings=readings + 1)
        if inside != read:
            return strictjson.dump(inside).decode("utf-8")
    return _joined(split(text))


def _joined(parts: Sequence[Masked]) -> str:
    return "".join(part if isinstance(part, str) else part.label for part in parts)


def _says_nothing(value: JsonValue) -> bool:
    """Whether a value is none that a secret can be: yes, no, nothing, an empty list."""
    return value is None or isinstance(value, bool | list | dict)


def _length(value: JsonScalar) -> int:
    return len(value) if isinstance(value, str) else len(str(value))


def _secret_spans(text: str) -> Iterator[tuple[int, int]]:
    for shape in SHAPES.values():
        for found in shape.finditer(text):
            group = found.lastgroup or 0
            if found[group]:
                yield found.span(group)


def _merged(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    current: tuple[int, int] | None = None
    for start, stop in spans:
        if current is None or start > current[1]:
            if current is not None:
                yield current
            current = (start, stop)
        else:
            current = (current[0], max(current[1], stop))
    if current is not None:
        yield current
