"""Which characters may stand in the text of a policy."""

import pytest

from portcullis.policy.characters import first_refused

REFUSED = {
    "\x00": "a NUL character (U+0000)",
    "\x07": "the character U+0007",
    "\t": "a tab (U+0009)",
    "\r": "a carriage return without a line feed (U+000D)",
    "\x7f": "the character U+007F",
    "\x85": "an invisible line break (U+0085)",
    "\u2028": "an invisible line break (U+2028)",
    "\u2029": "an invisible line break (U+2029)",
    "\u200b": "an invisible character (U+200B)",
    "\u200f": "a mark that changes the direction of the text (U+200F)",
    "\u202e": "a mark that changes the direction of the text (U+202E)",
    "\u2066": "a mark that changes the direction of the text (U+2066)",
    "\ufeff": "a byte order mark (U+FEFF)",
    "\ufffe": "the character U+FFFE",
    "\ud800": "the character U+D800",
}


@pytest.mark.parametrize("character", REFUSED, ids=lambda one: f"U+{ord(one):04X}")
def test_O09_a_character_that_hides_something_is_found_where_it_stands(character: str) -> None:
    refused = first_refused(f"ab{character}c")
    assert refused is not None
    assert refused.offset == 2
    assert refused.message == f"{REFUSED[character]} is not allowed"
    assert refused.suggestion


@pytest.mark.parametrize("text", ["", "plain", "a\nb", "a\r\nb", "größer", "日本", "🙂"])
def test_text_as_people_write_it_passes(text: str) -> None:
    assert first_refused(text) is None


def test_what_is_allowed_in_a_value_is_skipped() -> None:
    refused = first_refused("a\tb\r\x00", allowed="\t\r")
    assert refused is not None
    assert refused.offset == 4
