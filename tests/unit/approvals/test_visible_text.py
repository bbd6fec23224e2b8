"""Nothing in a text is hidden from who reads it, and nothing moves what stands around it."""

import unicodedata

import pytest

from portcullis.approvals.visible_text import Look, Piece, oddities, pieces_of, visible

SHOWN = {
    "plain": ("bob", "bob"),
    "empty": ("", ""),
    "a single space": ("a b", "a b"),
    "spaces at the ends": (" a ", "␣a␣"),
    "many spaces": ("a   b", "a␣␣␣b"),
    "only spaces": ("  ", "␣␣"),
    "the sign for a space": ("a␣b", "a\\u2423b"),
    "line break": ("a\nb", "a\\nb"),
    "carriage return": ("a\r\nb", "a\\r\\nb"),
    "tab": ("a\tb", "a\\tb"),
    "backslash": ("a\\nb", "a\\\\nb"),
    "an escape as text": ("\\u202e", "\\\\u202e"),
    "right to left": ("a\u202eb", "a\\u202eb"),
    "isolate": ("\u2066a\u2069", "\\u2066a\\u2069"),
    "zero width": ("b\u200bob", "b\\u200bob"),
    "joiner": ("a\u200db", "a\\u200db"),
    "byte order mark": ("\ufeffa", "\\ufeffa"),
    "ANSI": ("\x1b[2Kx", "\\u001b[2Kx"),
    "NUL": ("a\x00", "a\\u0000"),
    "delete": ("a\x7f", "a\\u007f"),
    "C1": ("a\x9b", "a\\u009b"),
    "no-break space": ("a\u00a0b", "a\\u00a0b"),
    "line separator": ("a\u2028b", "a\\u2028b"),
    "Hangul filler": ("a\u3164", "a\\u3164"),
    "Braille blank": ("a\u2800", "a\\u2800"),
    "variation selector": ("a\ufe0f", "a\\ufe0f"),
    "tag character": ("a\U000e0041", "a\\U000e0041"),
    "private use": ("a\ue000", "a\\ue000"),
    "unassigned": ("a\uffff", "a\\uffff"),
    "lone surrogate": ("a\ud800", "a\\ud800"),
    "emoji": ("🙂", "🙂"),
    "letters of others": ("größer 日本 имя", "größer 日本 имя"),
    "two accents": ("a\u0301\u0302", "a\u0301\u0302"),
    "a heap of accents": ("a" + "\u0301" * 4 + "b", "a\u0301\u0301\\u0301\\u0301b"),
    "accents on letters apart": ("é\u0301x\u0301", "é\u0301x\u0301"),
}


@pytest.mark.parametrize("text, shown", SHOWN.values(), ids=[f"N17-{name}" for name in SHOWN])
def test_what_does_not_show_itself_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert "".join(piece.text for piece in pieces_of(text)) == shown


def test_different_texts_are_never_shown_alike() -> None:
    texts = [text for text, _ in SHOWN.values()]
    assert len({visible(text) for text in texts}) == len(texts)


@pytest.mark.parametrize("category", ["Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Zs"])
def test_N17_no_character_without_a_shape_comes_through(category: str) -> None:
    found = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) == category]
    assert found
    loose = [one for one in found if one in visible(f"a{one}b") and one != " "]
    assert loose == []


def test_pieces_say_how_each_part_is_shown() -> None:
    assert pieces_of("a\n\n\u202eb") == (
        Piece(text="a"),
        Piece(text="\\n\\n", look=Look.LINES),
        Piece(text="\\u202e", look=Look.ESCAPE),
        Piece(text="b"),
    )
    assert pieces_of("") == ()


def test_in_json_the_backslashes_are_escapes_already() -> None:
    assert pieces_of('"a\\n\u202e"', is_json=True) == (
        Piece(text='"a\\n'),
        Piece(text="\\u202e", look=Look.ESCAPE),
        Piece(text='"'),
    )


ODD = {
    "hidden": ("b\u200bob", "cannot be seen", "\\u200b"),
    "turned": ("a\u202eb", "turn the text around", "\\u202e"),
    "mixed": ("\u0430dmin", "different alphabets", "\\u0430"),
    "disguised": ("\u0430\u0440\u0440\u04cf\u0435", "only look like others", "\\u0430"),
    "full width": ("\uff41", "unusual form", "\\uff41"),
    "bold": ("\U0001d41a", "unusual form", "\\U0001d41a"),
    "right to left": ("\u05d0\u05d1", "right to left", "\\u05d0"),
    "decomposed": ("e\u0301", "accents written apart", "\\u0301"),
}


@pytest.mark.parametrize("text, what, code", ODD.values(), ids=[f"N17-{name}" for name in ODD])
def test_letters_that_may_deceive_are_named(text: str, what: str, code: str) -> None:
    (found,) = (one for one in oddities(text) if what in one)
    assert code in found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bob",
        "a\nb\tc\r\n",
        "größer",
        "日本語カナ",
        "имя",
        "½ … ™",
        "a ␣ b",
        "naïve",
        "Hawai\u02bbi",
    ],
)
def test_text_as_people_write_it_is_not_odd(text: str) -> None:
    assert oddities(text) == ()


def test_many_odd_characters_are_counted_not_listed() -> None:
    (found,) = oddities("".join(map(chr, range(0x2066, 0x2070))))
    assert found.endswith("and 5 more)")
