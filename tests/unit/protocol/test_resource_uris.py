"""Which URIs are in their normal form, and that no URL parser writes those in another way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AnyUrl, TypeAdapter, ValidationError

from portcullis.protocol.resource_uris import is_normal

URL = TypeAdapter(AnyUrl)

NORMAL = (
    "doc://a",
    "doc://Account/b",
    "doc:///x//y/",
    "doc://a?q=../x#f",
    "doc:opaque/part",
    "urn:isbn:0451450523",
    "postgres://user@host:5432/db/schema",
    "test://template/123/data",
    "file:///public/a%20b.txt",
    "file:///C:/x",
    "file://share/x",
    "http://host/",
    "https://docs.example:8443/a?b=c",
    "http://127.0.0.1:8080/",
    "name-without-scheme",
)
TWINS = (
    "DOC://a",
    "Doc:a",
    "doc://b/../a",
    "doc://b/./a",
    "doc://a/..",
    "doc://b/..?q",
    "doc://b/%2e%2e/a",
    "doc://b/%2E%2E/a",
    "doc://b/..%2Fa",
    "doc://b/..%5Ca",
    "doc://b\\..\\a",
    "doc://%61",
    "doc://a/%c3%a9",
    "doc://a/é",
    "doc://a/b c",
    "doc://a/%zz",
    " doc://a",
    "doc://a ",
    "doc://a:/x",
    "doc://a:080/x",
    "doc://@a/x",
    "doc://:@a/x",
    "doc://u;v@a/x",
    "doc://[0:0::1]/x",
    "public/../a",
    "FILE:///a",
    "file:/a",
    "file:a",
    "file://localhost/a",
    "file:///b/../a",
    "http://host",
    "http://HOST/",
    "http://host:80/",
    "https://host:443/",
    "ftp://host:21/",
    "http:host/",
    "http:///host/",
    "http://user@host/",
    "http://0x7f.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://[::1]/",
    "http://host/?q='",
    "",
)


@pytest.mark.parametrize("uri", NORMAL)
def test_a_uri_in_its_normal_form_is_one(uri: str) -> None:
    assert is_normal(uri)


@pytest.mark.parametrize("uri", TWINS)
def test_another_spelling_of_a_uri_is_none(uri: str) -> None:
    assert not is_normal(uri)


_PIECES = st.sampled_from(
    (
        *"aA./:@?#%[];='&0 \\é",
        *("//", "..", "%2E", "%41", "%2F", "doc:", "file:", "http:", "https:"),
        *("host", "localhost", ":80", ":443", ":08", "user@", "127.1", "0x7f"),
    )
)


@given(st.lists(_PIECES, min_size=1, max_size=9).map("".join) | st.sampled_from(NORMAL))
def test_no_url_parser_writes_a_normal_uri_in_another_way(uri: str) -> None:
    if not is_normal(uri):
        return
    try:
        written = str(URL.validate_python(uri))
    except ValidationError:
        return
    assert written == uri
