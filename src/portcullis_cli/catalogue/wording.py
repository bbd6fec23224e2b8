"""Names and texts as lists of words: `putUserPolicy` and `put-user-policy` alike."""

import re
from collections import Counter
from collections.abc import Container, Sequence

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_SENTENCE = re.compile(r"[.!?:\n]")
_ENDINGS = (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("sses", "ss"), ("es", "e"), ("s", ""))
_MOST_PREFIX = 3
_FEWEST_NAMES = 4


def words_of(name: str) -> list[str]:
    """The words of an identifier, in lower case."""
    return [word.lower() for word in _BOUNDARY.split(name) if word]


def first_words(description: str) -> list[str]:
    """The words of a description's first sentence."""
    sentences = (part.strip() for part in _SENTENCE.split(description))
    return words_of(next((part for part in sentences if part), ""))[:12]


def base_forms(word: str) -> list[str]:
    """A word, and what it is the third person or plural of ("deletes" → "delete")."""
    forms = [word]
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending) + 2:
            forms.append(word.removesuffix(ending) + instead)
    return forms


def common_prefix(names: Sequence[str], verbs: Container[str]) -> tuple[str, ...]:
    """The words that most of a server's tool names begin with, its namespace.

    Two thirds of the names decide, so that one odd name does not hide the namespace. A verb is
    none: a server that mostly lists has many names that begin with `list`.
    """
    split = [words_of(name) for name in names]
    shared: tuple[str, ...] = ()
    if len(split) < _FEWEST_NAMES:
        return shared
    for length in range(1, _MOST_PREFIX + 1):
        found = Counter(tuple(words[:length]) for words in split if len(words) > length)
        prefix, times = max(found.items(), key=lambda one: one[1], default=((), 0))
        if times * 3 < len(split) * 2 or prefix[-1] in verbs:
            break
        shared = prefix
    return shared


def without_prefix(words: Sequence[str], prefix: Sequence[str]) -> tuple[str, ...]:
    """The words of a name that has the prefix, after it; all words of any other name."""
    has_it = len(words) > len(prefix) and [*words[: len(prefix)]] == [*prefix]
    return tuple(words[len(prefix) :] if has_it else words)


def contains(words: Sequence[str], sequence: Sequence[str]) -> bool:
    """Whether some words stand in a row in a name."""
    length = len(sequence)
    return any(
        list(words[at : at + length]) == list(sequence) for at in range(len(words) - length + 1)
    )


def is_one_of(words: Sequence[str], sequences: Sequence[Sequence[str]]) -> bool:
    """An argument's last words are what it is: `policy_name` is no policy."""
    return any(contains(words, one) and not _names_it(words, one) for one in sequences)


def _names_it(words: Sequence[str], sequence: Sequence[str]) -> bool:
    return len(words) > len(sequence) and words[-1] in {"id", "ids", "name", "names", "prefix"}
