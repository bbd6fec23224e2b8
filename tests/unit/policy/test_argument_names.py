"""The two ways to reduce a name agree."""

import unicodedata

from portcullis.policy.argument_names import spelling


def test_ascii_names_are_reduced_as_all_others_are() -> None:
    for code in range(128):
        sign = chr(code)
        is_kept = unicodedata.category(sign)[0] in "LMNS"
        assert spelling(sign) == (sign.casefold() if is_kept else "")
        assert spelling(f"{sign}É") == spelling(sign) + "é"
