"""One text of every class that some conditions on texts can tell apart.

Which combinations of prefixes, parts, patterns and lengths exist at all is a question about
regular languages: z3 answers it. What the text found really does is asked of the
conditions' own tests: where one says otherwise than z3, the translation was wrong, and the
texts are said not to be whole.
"""

import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from re import _constants as codes  # type: ignore[attr-defined]  # the parser's own names
from re import _parser as parser  # type: ignore[attr-defined]
from string import ascii_letters, digits
from typing import Any

import z3

from portcullis.policy.json_types import truth
from portcullis.policy.model import Comparison, Path, Truth
from portcullis.policy.names import compile_glob, is_tool_name
from portcullis.policy.regexes import MAX_TEXT_LENGTH
from portcullis_cli.reasoning.globs import MANY, Among, Glob, glob_of, ways_to_match
from portcullis_cli.reasoning.places import bounds_of

MOST_CLASSES = 128
_MILLISECONDS = 2000
_SPACE = "\t\n\f\r "
_LONG = MAX_TEXT_LENGTH + 1
_LAST_SIGN = 0x2FFFF  # of z3's alphabet
_MOST_NAMED = 50  # texts that are looked for among addresses

_OF_TOOLS = Among(signs=frozenset(f"{ascii_letters}{digits}_.-"), least=1, most=128)
_OF_OTHERS = Among(least=1)
_AS_GLOB: Mapping[str, Callable[[str], Glob]] = {
    "matches_glob": glob_of,
    "starts_with": lambda text: (*text, MANY),
    "ends_with": lambda text: (MANY, *text),
    "contains": lambda text: (MANY, *text, MANY),
}
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
    named = list(dict.fromkeys(named_by(comparisons)))
    open_ended = [one for one in comparisons if _is_open_ended(one)]
    addresses = [one for one in comparisons if one.operator == "cidr"]
    found = _classes(open_ended, named, Among())
    short = [*named, *found.texts]
    texts = [*short, *_addresses(addresses, len(named)), *_long(open_ended, short)]
    is_whole = found.is_whole and not (addresses and (open_ended or len(named) > _MOST_NAMED))
    return Texts(texts=tuple(dict.fromkeys(texts)), is_whole=is_whole and _is_short(open_ended))


def names_for(
    patterns: Sequence[str], named: Sequence[str], conditions: Sequence[Comparison], *, tools: bool
) -> Texts:
    """Answer the names, and a further one for each way to match patterns and conditions.

    `tools`: they are names of tools, which hold only some signs, 128 at the most.
    """
    tests = [*map(_pattern_test, patterns), *filter(_is_open_ended, conditions)]
    found = _classes(tests, named, _OF_TOOLS if tools else _OF_OTHERS)
    texts = [one for one in found.texts if is_tool_name(one) or not tools]
    has_addresses = any(one.operator == "cidr" for one in conditions)
    return Texts(texts=(*named, *texts), is_whole=found.is_whole and not has_addresses)


def _pattern_test(pattern: str) -> Comparison:
    matches = compile_glob(pattern)
    return Comparison(
        path=_NAME,
        operator="matches_glob",
        operand=pattern,
        test=lambda name: truth(matches(str(name))),
    )


def _classes(comparisons: Sequence[Comparison], named: Sequence[str], among: Among) -> Texts:
    """A text of every class among those that are not named."""
    if not all(one.operator in _AS_GLOB for one in comparisons):
        return _found(comparisons, named, among)
    globs = [_AS_GLOB[one.operator](str(one.operand)) for one in comparisons]
    ways, is_whole = ways_to_match(globs, named, among)
    is_told = all(
        one.test(text) is truth(matches)
        for text, way in ways
        for one, matches in zip(comparisons, way, strict=True)
    )
    texts = tuple(text for text, _ in ways[:MOST_CLASSES])
    return Texts(texts=texts, is_whole=is_whole and is_told and len(ways) <= MOST_CLASSES)


def _is_open_ended(one: Comparison) -> bool:
    """Whether a condition holds for texts that it does not name; of lists it is not asked here."""
    return one.operator in _PREDICATES and (one.operator != "contains" or type(one.operand) is str)


def named_by(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """The texts that conditions name."""
    for one in comparisons:
        operands = one.operand if isinstance(one.operand, list) else [one.operand]
        if one.operator in ("eq", "neq", "in", "not_in"):
            yield from (operand for operand in operands if isinstance(operand, str))


def _found(comparisons: Sequence[Comparison], named: Sequence[str], among: Among) -> Texts:
    """Every combination of what the comparisons can say of a text that is none of the named."""
    text = z3.String("text")
    solver = z3.Solver()
    solver.set("timeout", _MILLISECONDS)
    solver.add(*_bounded(text, among))
    solver.add(*(text != _literal(one) for one in named if _is_spelled(one)))
    says = [(one, said) for one in comparisons if (said := _said(text, one)) is not None]
    is_whole = len(says) == len(comparisons)
    found: list[str] = []
    while len(found) < MOST_CLASSES:
        outcome = solver.check()
        if outcome != z3.sat:
            return Texts(texts=tuple(found), is_whole=is_whole and outcome == z3.unsat)
        model = solver.model()
        value = _python_text(model.eval(text, model_completion=True))
        found.append(value)
        said = [(one, test, model.eval(test, model_completion=True)) for one, test in says]
        is_whole &= all(one.test(value) is truth(z3.is_true(told)) for one, _, told in said)
        if not says:
            return Texts(texts=tuple(found), is_whole=is_whole)
        solver.add(z3.Or(*(test != told for _, test, told in said)))
    return Texts(texts=tuple(found), is_whole=False)


def _bounded(text: Any, among: Among) -> Iterator[Any]:
    yield z3.Length(text) >= among.least
    if among.most is not None:
        yield z3.Length(text) <= among.most
    if among.signs is not None:
        yield z3.InRe(text, z3.Star(_either([z3.Re(one) for one in sorted(among.signs)])))


def _said(text: Any, one: Comparison) -> Any:
    """What a comparison says of a text, for z3; None where it has no translation."""
    try:
        return _PREDICATES[one.operator](text, one.operand)
    except UntranslatableError:
        return None


def _python_text(value: Any) -> str:
    r"""A text out of z3's spelling, which writes `\u{1f}` for what is no plain ASCII."""
    spelled: str = value.as_string()
    return _ESCAPE.sub(lambda one: chr(int(one[1], 16)), spelled)


def _literal(text: str) -> Any:
    r"""A text as z3 spells it, which reads `\u{1f}` as one sign."""
    if not _is_spelled(text):
        raise UntranslatableError
    return z3.StringVal(text.replace("\\", "\\u{5c}"))


def _is_spelled(text: str) -> bool:
    return all(ord(sign) <= _LAST_SIGN for sign in text)


def _addresses(comparisons: Sequence[Comparison], more: int) -> Iterator[str]:
    """Addresses at both sides of the ends of every network, `more` of them; networks; and others.

    So many that one of each stretch is left where as many are named.
    """
    for one in comparisons:
        for network in one.operand if isinstance(one.operand, list) else [one.operand]:
            known = ip_network(str(network), strict=False)
            kind = type(known.network_address)
            for end in (int(known.network_address), int(known.broadcast_address) + 1):
                for number in range(end - more - 1, end + more + 1):
                    if 0 <= number < 1 << known.max_prefixlen:
                        yield str(kind(number))
            yield str(known)
    if comparisons:
        yield from ("0.0.0.0/0", "::/0", "no address")


def _long(comparisons: Sequence[Comparison], short: Sequence[str]) -> Iterator[str]:
    """Texts too long for a pattern to be tried on, one for each way to begin, to end and to hold.

    Two times the same text around a sign that no condition names: it begins, ends and holds
    what the text does.
    """
    if not any(one.operator in ("regex", "matches_glob") for one in comparisons):
        return
    others = [one for one in comparisons if one.operator not in ("regex", "matches_glob", "length")]
    operands = "".join(str(one.operand) for one in others)
    sign = next(one for one in map(chr, range(0x78, _LAST_SIGN)) if one not in operands)
    seen: set[tuple[Truth, ...]] = set()
    for text in ("", *short):
        long = f"{text}{sign * _LONG}{text}"
        said = tuple(one.test(long) for one in others)
        if said not in seen:
            seen.add(said)
            yield long


def _is_short(comparisons: Sequence[Comparison]) -> bool:
    """Whether no length is asked for that a pattern cannot be tried on."""
    has_patterns = any(one.operator in ("regex", "matches_glob") for one in comparisons)
    return not has_patterns or max(bounds_of(comparisons), default=0) <= MAX_TEXT_LENGTH


def _regex(text: Any, operand: Any) -> Any:
    return z3.InRe(text, regular(str(operand)))


def _glob(text: Any, operand: Any) -> Any:
    return z3.InRe(text, glob(str(operand)))


def _length(text: Any, operand: Any) -> Any:
    bounds = operand if isinstance(operand, dict) else {"min": operand, "max": operand}
    size = z3.Length(text)
    most = [size <= int(bounds["max"])] if "max" in bounds else []
    return z3.And(size >= int(bounds.get("min", 0)), *most)


_PREDICATES: Mapping[str, Callable[[Any, Any], Any]] = {
    "regex": _regex,
    "matches_glob": _glob,
    "length": _length,
    "contains": lambda text, operand: z3.Contains(text, _literal(str(operand))),
    "starts_with": lambda text, operand: z3.PrefixOf(_literal(str(operand)), text),
    "ends_with": lambda text, operand: z3.SuffixOf(_literal(str(operand)), text),
}
_ANY = z3.AllChar(z3.ReSort(z3.StringSort()))


def glob(pattern: str) -> Any:
    """A pattern of `*` and `?` as a regular language."""
    parts = [
        z3.Star(_ANY) if sign == "*" else _ANY if sign == "?" else _sign(sign) for sign in pattern
    ]
    return _joined(parts)


def regular(pattern: str) -> Any:
    """An RE2 pattern over a whole text as a regular language.

    Read by the standard library's parser, whose syntax RE2's is nearly a part of.

    Raises:
        UntranslatableError: it holds something that is not translated.
    """
    if "{," in pattern:  # a text to RE2
        raise UntranslatableError
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of what only looks like one, as `[[:alpha:]]`
            tree = parser.parse(pattern, re.DOTALL | re.ASCII)
    except (re.error, RecursionError, OverflowError, Warning) as error:
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
        return _sign(chr(argument))
    if code is codes.RANGE and argument[1] <= _LAST_SIGN:
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


def _sign(sign: str) -> Any:
    return z3.Re(_literal(sign))


_NAME = Path(text="tool", root="tool")
_DIGITS = z3.Range("0", "9")
_WORD = z3.Union(_DIGITS, z3.Range("a", "z"), z3.Range("A", "Z"), z3.Re("_"))
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
    codes.LITERAL: lambda sign: _sign(chr(sign)),
    codes.NOT_LITERAL: lambda sign: z3.Intersect(_ANY, z3.Complement(_sign(chr(sign)))),
    codes.ANY: lambda _: _ANY,
    codes.IN: _class,
    codes.BRANCH: lambda branches: _either([_sequence(one) for one in branches[1]]),
}
