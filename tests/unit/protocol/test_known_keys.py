"""The two ways to fold a key agree."""

from portcullis.protocol.known_keys import fold


def test_ascii_keys_are_folded_as_all_others_are() -> None:
    for code in range(128):
        sign = chr(code)
        assert fold(f"{sign}É") == fold(sign) + "é"
        assert fold(sign) == ("" if code < 32 or code == 127 else sign.lower())
