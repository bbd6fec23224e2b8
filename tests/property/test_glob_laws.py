"""Every way in which some short text matches globs is found, and the text matches so."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portcullis.policy.names import compile_glob
from portcullis_cli.reasoning.globs import Among, glob_of, ways_to_match

pytestmark = pytest.mark.property

GLOBS = st.lists(st.text("ab*?", min_size=1, max_size=4), max_size=3)
NAMED = st.lists(st.text("ab", max_size=3), max_size=4)


@settings(deadline=None, max_examples=150)
@given(GLOBS, NAMED, st.integers(0, 1))
def test_no_way_to_match_is_forgotten(patterns: list[str], named: list[str], least: int) -> None:
    tests = [compile_glob(one) for one in patterns]
    ways, is_whole = ways_to_match([glob_of(one) for one in patterns], named, Among(least=least))
    assert is_whole
    found = {way: text for text, way in ways}
    for way, text in found.items():
        assert text not in named
        assert len(text) >= least
        assert tuple(test(text) for test in tests) == way
    for length in range(least, 6):
        for signs in product("abc", repeat=length):
            text = "".join(signs)
            assert text in named or tuple(test(text) for test in tests) in found, text
