"""One text of every class that some conditions on texts can tell apart.

Which combinations of prefixes, parts, patterns and lengths exist at all is a question about
regular languages: z3 answers it. What the text found really does is asked of the
conditions' own tests afterwards, so a wrong translation can make an answer incomplete, and
says so, but never wrong.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from re import _constants as codes  # type: ignore[attr-defined]  # the parser's own names
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import z3

from portcullis.policy.model import Comparison, Path, Truth
from portcullis.policy.regexes import MAX_TEXT_LENGTH

MOST_CLASSES = 128
_MILLISECONDS = 2000
_SPACE = "\t\n\f\r "
_LONG = MAX_TEXT_LENGTH + 1


_ESCAPE = re.compile(r"\\u\{([0-9a-fA-F]+)\}")


class UntranslatableError(Exception):
    """A pattern that has no translation here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Texts that stand for their classes; `is_whole` False: there may be further classes."""

    texts: tuple[str, ...]
    is_whole: bool


def texts_for(comparisons: Sequence[Comparison]) -> Texts:
    """Answer a text of each class that the comparisons tell apart, and those they name."""
    named = list(dict.fromkeys(_named(comparisons)))
    open_ended = [one for one in comparisons if one.operator in _PREDICATES]
    addresses = [one for one in comparisons if one.operator == "cidr"]
    found = _found(open_ended, named, None)
    texts = [*named, *found.texts, *_addresses(addresses), *_long(open_ended)]
    is_whole = found.is_whole and not (addresses and open_ended)
    return Texts(texts=tuple(dict.fromkeys(texts)), is_whole=is_whole)


def names_for(patterns: Sequence[str], named: Sequence[str]) -> Texts:
    """Answer the names, and a further one for each way to match some patterns of tool names."""
    tests = [
        Comparison(path=_NAME, operator="matches_glob", operand=one, test=_never)
        for one in patterns
    ]
    found = _found(tests, named, z3.Loop(_SIGNS, 1, 128))
    return Texts(texts=(*named, *found.texts), is_whole=found.is_whole)


def _named(comparisons: Sequence[Comparison]) -> Iterator[str]:
    for one in comparisons:
        operands = one.operand if isinstance(one.operand, list) else [one.operand]
        if one.operator in ("eq", "neq", "in", "not_in"):
            yield from (operand for operand in operands if isinstance(operand, str))


def _found(comparisons: Sequence[Comparison], named: Sequence[str], among: Any) -> Texts:
    """Every combination of what the comparisons can say of a text that is none of the named."""
    text = z3.String("text")
    solver = z3.Solver()
    if among is not None:
        solver.add(z3.InRe(text, among))
    solver.set("timeout", _MILLISECONDS)
    solver.add(*(text != z3.StringVal(one) for one in named))
    says: list[Any] = []
    is_whole = True
    for one in comparisons:
        try:
            says.append(_PREDICATES[one.operator](text, one.operand))
        except UntranslatableError:
            is_whole = False
    found: list[str] = []
    while len(found) < MOST_CLASSES:
        outcome = solver.check()
        if outcome != z3.sat:
            return Texts(texts=tuple(found), is_whole=is_whole and outcome == z3.unsat)
        model = solver.model()
        found.append(_python_text(model.eval(text, model_completion=True)))
        if not says:
            return Texts(texts=tuple(found), is_whole=is_whole)
        solver.add(z3.Or(*(one != model.eval(one, model_completion=True) for one in says)))
    return Texts(texts=tuple(found), is_whole=False)


def _python_text(value: Any) -> str:
    r"""A text out of z3's spelling, which writes `\u{1f}` for what is no plain ASCII."""
    spelled: str = value.as_string()
    return _ESCAPE.sub(lambda one: chr(int(one[1], 16)), spelled)


def _addresses(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Addresses in, at the ends of, and just outside every network; and a text that is none."""
    for one in comparisons:
        for network in one.operand if isinstance(one.operand, list) else [one.operand]:
            known = ip_network(str(network), strict=False)
            first, last = int(known.network_address), int(known.broadcast_address)
            kind = type(known.network_address)
            for number in (first, last, (first + last) // 2, first - 1, last + 1):
                if 0 <= number < 1 << known.max_prefixlen:
                    yield str(kind(number))
            yield str(known)
    if comparisons:
        yield "no address"


def _long(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """A text too long for a pattern to be tried on."""
    if any(one.operator in ("regex", "matches_glob") for one in comparisons):
        yield "x" * _LONG


def _regex(text: Any, operand: Any) -> Any:
    return z3.InRe(text, regular(str(operand)))


def _glob(text: Any, operand: Any) -> Any:
    return z3.InRe(text, glob(str(operand)))


def _length(text: Any, operand: Any) -> Any:
    bounds = operand if isinstance(operand, dict) else {"min": operand, "max": operand}
    size = z3.Length(text)
    most = [size <= int(bounds["max"])] if "max" in bounds else []
    return z3.And(size >= int(bounds.get("min", 0)), *most)


def _contains(text: Any, operand: Any) -> Any:
    if not isinstance(operand, str):
        return z3.BoolVal(val=False)
    return z3.Contains(text, z3.StringVal(operand))


_PREDICATES: Mapping[str, Callable[[Any, Any], Any]] = {
    "regex": _regex,
    "matches_glob": _glob,
    "length": _length,
    "contains": _contains,
    "starts_with": lambda text, operand: z3.PrefixOf(z3.StringVal(str(operand)), text),
    "ends_with": lambda text, operand: z3.SuffixOf(z3.StringVal(str(operand)), text),
}
_ANY = z3.AllChar(z3.ReSort(z3.StringSort()))


def glob(pattern: str) -> Any:
    """A pattern of `*` and `?` as a regular language."""
    parts = [
        z3.Star(_ANY) if sign == "*" else _ANY if sign == "?" else z3.Re(sign) for sign in pattern
    ]
    return _joined(parts)


def regular(pattern: str) -> Any:
    """An RE2 pattern over a whole text as a regular language.

    Read by the standard library's parser, whose syntax RE2's is nearly a part of.

    Raises:
        UntranslatableError: it holds something that is not translated.
    """
    try:
        tree = parser.parse(pattern, re.DOTALL | re.ASCII)
    except (re.error, RecursionError, OverflowError) as error:
        raise UntranslatableError from error
    if tree.state.flags & re.IGNORECASE:
        raise UntranslatableError
    items = list(tree)
    while items and items[0][0] is codes.AT and items[0][1] in (
        codes.AT_BEGINNING, codes.AT_BEGINNING_STRING,
    ):  # fmt: skip
        items.pop(0)
    while items and items[-1][0] is codes.AT and items[-1][1] in (
        codes.AT_END, codes.AT_END_STRING,
    ):  # fmt: skip
        items.pop()
    return _sequence(items)


def _sequence(items: Any) -> Any:
    return _joined([_item(*one) for one in items])


def _item(code: Any, argument: Any) -> Any:
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
        return _repeated(*argument)
    if code is codes.SUBPATTERN and not argument[1] and not argument[2]:
        return _sequence(argument[3])
    translate = _ITEMS.get(code)
    if translate is None:
        raise UntranslatableError
    return translate(argument)


def _repeated(least: int, most: Any, inner: Any) -> Any:
    repeated = _sequence(inner)
    if most is codes.MAXREPEAT:
        first = [z3.Loop(repeated, least, least)] if least else []
        return _joined([*first, z3.Star(repeated)])
    return z3.Loop(repeated, least, most) if most else z3.Re("")


def _class(members: Any) -> Any:
    is_negated = bool(members) and members[0][0] is codes.NEGATE
    found = _either([_member(*one) for one in members if one[0] is not codes.NEGATE])
    return z3.Intersect(_ANY, z3.Complement(found)) if is_negated else found


def _member(code: Any, argument: Any) -> Any:
    if code is codes.LITERAL:
        return z3.Re(chr(argument))
    if code is codes.RANGE:
        return z3.Range(chr(argument[0]), chr(argument[1]))
    if code is codes.CATEGORY and argument in _CATEGORIES:
        return _CATEGORIES[argument]
    raise UntranslatableError


def _either(languages: Sequence[Any]) -> Any:
    return z3.Union(*languages) if len(languages) > 1 else languages[0]


def _joined(languages: Sequence[Any]) -> Any:
    if not languages:
        return z3.Re("")
    return z3.Concat(*languages) if len(languages) > 1 else languages[0]


def _never(_value: object) -> Truth:
    return Truth.INDETERMINATE


_NAME = Path(text="tool", root="tool")
_DIGITS = z3.Range("0", "9")
_WORD = z3.Union(_DIGITS, z3.Range("a", "z"), z3.Range("A", "Z"), z3.Re("_"))
_SIGNS = z3.Union(_WORD, z3.Re("."), z3.Re("-"))  # of tool names
_SPACES = z3.Union(*(z3.Re(sign) for sign in _SPACE))
_CATEGORIES = {
    codes.CATEGORY_DIGIT: _DIGITS,
    codes.CATEGORY_NOT_DIGIT: z3.Intersect(_ANY, z3.Complement(_DIGITS)),
    codes.CATEGORY_WORD: _WORD,
    codes.CATEGORY_NOT_WORD: z3.Intersect(_ANY, z3.Complement(_WORD)),
    codes.CATEGORY_SPACE: _SPACES,
    codes.CATEGORY_NOT_SPACE: z3.Intersect(_ANY, z3.Complement(_SPACES)),
}
_ITEMS: Mapping[Any, Callable[[Any], Any]] = {
    codes.LITERAL: lambda sign: z3.Re(chr(sign)),
    codes.NOT_LITERAL: lambda sign: z3.Intersect(_ANY, z3.Complement(z3.Re(chr(sign)))),
    codes.ANY: lambda _: _ANY,
    codes.IN: _class,
    codes.BRANCH: lambda branches: _either([_sequence(one) for one in branches[1]]),
}
