"""Ways to write a call so that two readers take it for two different calls.

Each row holds a call that the policy denies, or one that no reader may be sure of. None of them
may reach a server, under any name: the canary looks for the mark in the bytes.
"""

import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from portcullis_cli.verifying.wire import LEGACY, MODERN, Headers, call_message, headers_of

_DENIED: Final = "canary_deny"
_ALLOWED: Final = "canary_allow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """One request; `body` is made of a mark, `headers` replace or (None) take away."""

    case: str
    what: str
    body: Callable[[str], bytes]
    era: str = LEGACY
    named: str = _DENIED  # what the routing headers say, where the era has them
    headers: tuple[tuple[str, str | None], ...] = ()
    more: Headers = ()

    def all_headers(self, session: str) -> Headers:
        """The headers to send it with."""
        message = call_message(self.named, {}, era=self.era)
        replaced = dict(self.headers)
        kept = [
            (name, replaced.get(name, value))
            for name, value in headers_of(message, era=self.era, session=session)
        ]
        return [*((name, value) for name, value in kept if value is not None), *self.more]


def _text(template: str) -> Callable[[str], bytes]:
    """A body whose `@` is the mark."""
    return lambda mark: template.replace("@", mark).encode()


def _params(text: str) -> Callable[[str], bytes]:
    return _text('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{' + text + "}}")


def _named(name: object) -> Callable[[str], bytes]:
    return _params(f'"name":{json.dumps(name)},"arguments":{{"nonce":"@"}}')


def _arguments(text: str, tool: str = _ALLOWED) -> Callable[[str], bytes]:
    return _params(f'"name":"{tool}","arguments":{text}')


_PLAIN: Final = _named(_DENIED)
_MODERN_META: Final = json.dumps(call_message(_DENIED, {})["params"]["_meta"])


def _modern(name: str) -> Callable[[str], bytes]:
    return _params(f'"name":"{name}","arguments":{{"nonce":"@"}},"_meta":{_MODERN_META}')


def _within(before: bytes, after: bytes = b"") -> Callable[[str], bytes]:
    return lambda mark: before + _PLAIN(mark) + after


def _rows() -> Iterator[Spelling]:
    nonce = '{"nonce":"@"}'
    for case, what, body in (
        ("A01", "two names, the last allowed", f'"name":"{_DENIED}","name":"{_ALLOWED}"'),
        ("A01", "two names, the first allowed", f'"name":"{_ALLOWED}","name":"{_DENIED}"'),
        ("A02", "a second name behind an escape", f'"name":"{_ALLOWED}","n\\u0061me":"{_DENIED}"'),
        ("A04", "names whose keys differ in case", f'"name":"{_ALLOWED}","Name":"{_DENIED}"'),
        ("A06", "a key with a NUL", f'"name":"{_DENIED}","name\\u0000":"{_ALLOWED}"'),
    ):
        yield Spelling(case=case, what=what, body=_params(f'{body},"arguments":{nonce}'))
    twice = '{"public":false,"public":true,"nonce":"@"}'
    yield Spelling(case="A07", what="an argument twice", body=_arguments(twice, "canary_condition"))
    yield Spelling(
        case="A03",
        what="two methods",
        body=_text(
            '{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":'
            f'{{"name":"{_DENIED}","arguments":{nonce}}}}}'
        ),
    )
    for case, what, text in (
        ("A08", "NaN as an argument", '{"amount":NaN,"nonce":"@"}'),
        ("A08", "Infinity as an argument", '{"amount":-Infinity,"nonce":"@"}'),
        ("A16", "a lone surrogate", '{"x":"\\ud800","nonce":"@"}'),
        ("B13", "arguments in a list", '["@"]'),
        ("B13", "arguments in a string", '"{\\"nonce\\":\\"@\\"}"'),
    ):
        yield Spelling(case=case, what=what, body=_arguments(text))
    for case, what, whole in (
        ("A13", "a byte order mark before it", _within(b"\xef\xbb\xbf")),
        ("A14", "in UTF-16", lambda mark: _PLAIN(mark).decode().encode("utf-16")),
        ("A15", "bytes that are no UTF-8", _within(b"", b" \xff")),
        ("A18", "a second value after it", _within(b"", b"{}")),
        ("A19", "a comment in it", _within(b"/**/")),
        ("A20", "white space that JSON lacks", _within(b"\xc2\xa0")),
        ("B01", "in a batch", _within(b"[", b"]")),
        ("B03", "as a notification", lambda mark: _PLAIN(mark).replace(b'"id":1,', b"")),
        ("B09", "of JSON-RPC 1.0", lambda mark: _PLAIN(mark).replace(b'"2.0"', b'"1.0"')),
    ):
        yield Spelling(case=case, what=what, body=whole)
    for case, what, name in (
        ("C01", "the name in capitals", _DENIED.upper()),
        ("C02", "blanks around the name", f" {_DENIED} "),
        ("C03", "a NUL after the name", f"{_DENIED}\0"),
        ("C04", "a look-alike letter", _DENIED.replace("e", "\u0435", 1)),
        ("C06", "an invisible character", f"{_DENIED}\u200b"),
        ("C07", "a path before the name", f"canary/{_DENIED}"),
        ("C08", "the name in a list", [_DENIED]),
    ):
        yield Spelling(case=case, what=what, body=_named(name))
    for case, what, named, headers in (
        ("D01", "a header that names another tool", _ALLOWED, ()),
        ("D03", "a header that names another method", _DENIED, (("mcp-method", "tools/list"),)),
        ("D04", "no header that names the tool", _DENIED, (("mcp-name", None),)),
        ("D11", "a header of an older revision", _DENIED, (("mcp-protocol-version", LEGACY),)),
        ("D12", "a revision of the future", _DENIED, (("mcp-protocol-version", "2099-01-01"),)),
        ("D14", "as plain text", _DENIED, (("content-type", "text/plain"),)),
    ):
        yield Spelling(
            case=case, what=what, body=_modern(_DENIED), era=MODERN, named=named, headers=headers
        )
    yield Spelling(
        case="D02",
        what="a body that names another tool than the header",
        body=_modern(_ALLOWED),
        era=MODERN,
    )
    yield Spelling(
        case="D09",
        what="two headers that name a tool",
        body=_modern(_DENIED),
        era=MODERN,
        more=(("mcp-name", _ALLOWED),),
    )
    yield Spelling(
        case="D15",
        what="compressed",
        body=lambda mark: gzip.compress(_modern(_DENIED)(mark)),
        era=MODERN,
        more=(("content-encoding", "gzip"),),
    )


PLAIN: Final = (
    Spelling(case="", what="an allowed call", body=_named(_ALLOWED)),
    Spelling(case="", what="an allowed call", body=_modern(_ALLOWED), era=MODERN, named=_ALLOWED),
)
"""What is written as it should be, in the same way: it has to go through."""

SPELLINGS: Final[Sequence[Spelling]] = tuple(_rows())
CASES: Final = tuple(sorted({one.case for one in SPELLINGS}))
