"""The words in the name of an argument: `DBMasterPassword`, `db_master-password` say the same.

Only the splitting of names may live here; which words matter is for tables elsewhere.
"""

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_]+")


@lru_cache(maxsize=256)
def words_of(name: str) -> tuple[str, ...]:
    """The words of a name, lower case, in order."""
    plain = unicodedata.normalize("NFKC", name)
    return tuple(word.lower() for word in _WORD.findall(plain))
