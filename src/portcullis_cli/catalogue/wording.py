"""Names and texts as lists of words: `putUserPolicy` and `put-user-policy` alike."""

import re
from collections.abc import Container, Sequence
from itertools import takewhile

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_SENTENCE = re.compile(r"[.!?:\n]")
_ENDINGS = (("ies", "y"), ("ches", "ch"), ("shes", "sh"), ("sses", "ss"), ("es", "e"), ("s", ""))
_MOST_PREFIX = 3


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


def common_prefix(names: Sequence[str], verbs: Container[str]) -> int:
    """How many words most of a server's tool names begin with alike, its namespace.

    Two thirds of the names decide, so that one odd name does not hide the namespace. A verb is
    none: a server that mostly lists has many names that begin with `list`.
    """
    split = [words_of(name) for name in names]
    if len(split) < 4:
        return 0

    def is_shared(place: int) -> bool:
        found = [tuple(words[: place + 1]) for words in split if len(words) > place + 1]
        most = max(set(found), key=found.count, default=())
        return bool(most) and most[-1] not in verbs and found.count(most) * 3 >= len(split) * 2

    return sum(1 for _ in takewhile(is_shared, range(_MOST_PREFIX)))


def contains(words: Sequence[str], sequence: Sequence[str]) -> bool:
    """Whether some words stand in a row in a name."""
    length = len(sequence)
    return any(
        list(words[at : at + length]) == list(sequence) for at in range(len(words) - length + 1)
    )
