"""Signals of risk in a definition: words that give them away, defaults that widen, odd texts."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, Final

from portcullis_cli.catalogue.definition import Definition
from portcullis_cli.catalogue.model import Category, Found
from portcullis_cli.catalogue.tables import Signal, signals
from portcullis_cli.catalogue.wording import contains, is_one_of, words_of

MANY_ARGUMENTS: Final = 10
WIDENING: Final = "widening_default"
POISONED: Final = "poisoned_description"
CONTRADICTED: Final = "contradicted_annotation"
MANY: Final = "many_arguments"
# What the code below finds; all other signals are rows of data/signals.yaml.
COMPUTED: Final = {
    WIDENING: "a default, where the argument is left out, opens or forces something",
    POISONED: "the description speaks to the model in a way that a description should not",
    CONTRADICTED: "the server calls it read-only, and its name says otherwise",
    MANY: f"takes {MANY_ARGUMENTS} arguments or more: hard to look through",
}
_OPENS = frozenset(
    {"public", "publicly", "open", "force", "insecure", "unsafe", "skip", "overwrite", "recursive"}
)
_EVERYTHING = frozenset({"*", "0.0.0.0/0", "::/0", "all", "public-read", "public"})
_HIDDEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs"})  # controls, formats, no characters at all
_COMMANDS = re.compile(
    r"<\s*(important|system|instructions?|secret)\b|\bignore (all|any|the|previous|prior)\b"
    r"|\b(do not|don't|never) (tell|mention|inform|show)\b"
    r"|\bbefore (using|calling) (this|any) tool\b"
    r"|\byou (must|should) (first|always) (read|call|send|include)\b",
    re.IGNORECASE,
)


def risks_of(tool: Definition, category: Category) -> tuple[Found, ...]:
    """Every signal of a tool of this category, in the order of the tables."""
    found = [_by_words(tool, one) for one in signals().values() if category in one.categories]
    return (*(one for one in found if one is not None), *_computed(tool, category))


def widening_defaults(tool: Definition) -> Iterator[tuple[str, Any]]:
    """Arguments whose default opens something, each with that default."""
    for name, schema in tool.arguments.items():
        default = schema.get("default")
        is_open = default is True and bool(_OPENS & set(words_of(name)))
        if is_open or (isinstance(default, str) and default in _EVERYTHING):
            yield name, default


def _by_words(tool: Definition, signal: Signal) -> Found | None:
    if any(contains(tool.words, one) for one in signal.unless):
        return None
    for argument in tool.arguments:
        words = words_of(argument)
        if is_one_of(words, signal.in_arguments) and not _is_a_page(words):
            return Found(signal=signal.name, says=signal.says, quote=argument)
    if is_one_of(tool.words, signal.in_name):
        return Found(signal=signal.name, says=signal.says, quote=tool.name)
    return None


def _is_a_page(words: Sequence[str]) -> bool:
    return words[-1:] == ["token"] and bool({"next", "page", "continuation"} & set(words))


def _computed(tool: Definition, category: Category) -> Iterator[Found]:
    for name, default in widening_defaults(tool):
        yield _found(WIDENING, f"{name}: {default}")
    told = _COMMANDS.search(tool.description)
    if told:
        yield _found(POISONED, told.group())
    elif any(_is_hidden(character) for character in tool.description):
        yield _found(POISONED, "characters that cannot be seen")
    if tool.is_read_only and category is not Category.READ:
        yield _found(CONTRADICTED, "readOnlyHint: true")
    if len(tool.arguments) >= MANY_ARGUMENTS:
        yield _found(MANY, f"{len(tool.arguments)} arguments")


def _is_hidden(character: str) -> bool:
    return character not in "\n\r\t" and unicodedata.category(character) in _HIDDEN


def _found(signal: str, quote: str) -> Found:
    return Found(signal=signal, says=COMPUTED[signal], quote=quote)
