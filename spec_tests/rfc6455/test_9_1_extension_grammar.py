"""Grammar of Sec-WebSocket-Extensions (RFC 6455 §9.1, §4.3) and of lists of tokens."""

from __future__ import annotations

import pytest

from wsref.protocol.handshake import Asked, check_request, check_response
from wsref.protocol.headers import (
    Extension,
    is_token,
    parse_extensions,
    parse_tokens,
    serialize_extensions,
    shown,
)
from wsref.protocol.http import Request, Response
from wsref.protocol.violations import Violation

KEY = "dGhlIHNhbXBsZSBub25jZQ=="

REQUEST = Request(
    "GET",
    "/",
    "HTTP/1.1",
    (
        ("Host", "example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", "13"),
    ),
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
)

BROKEN = [
    "",
    " ",
    ",",
    ", ,",
    ";",
    ";;,",
    "; a",
    "a b",
    "a;",
    "a; ",
    "a;;b",
    "a; =1",
    "a; b=",
    "a; b= ",
    "a; b=,",
    "a; b c",
    "a; b=1 2",
    "a; b=1; ",
    "a; b==1",
    "a=1",
    "a/b",
    "a; b/c",
    "a; b=c/d",
    '"a"',
    'a; "b"',
    'a; b="c',
    'a; b="c\\',
    'a; b="c\\"',
    'a; b="c"d',
    'a; b="c" "d"',
    'a; b=c"d"',
    "a\x00",
    "a; b=\x7f",
    "caf\u00e9",
    "a, b; c=(d)",
]

UNQUOTED_NO_TOKEN = [
    'a; b=""',
    'a; b="1 5"',
    'a; b=" 15"',
    'a; b="c,d"',
    'a; b="c;d"',
    'a; b="c=d"',
    'a; b="\\""',
    'a; b="\\\\"',
    'a; b="\u00e9"',
    'a; b="\t"',
]


def test_names_and_parameters_are_read_in_order() -> None:
    """An element is a name and parameters, with or without values."""
    assert parse_extensions(["permessage-deflate; client_max_window_bits; x=1, other"]) == (
        Extension("permessage-deflate", (("client_max_window_bits", None), ("x", "1"))),
        Extension("other"),
    )


def test_no_header_is_no_extension() -> None:
    """Only a header that is there has to name one."""
    assert parse_extensions([]) == ()


@pytest.mark.parametrize(
    "value", ["a;b=1,c", " a ; b = 1 , c ", "\ta\t;\tb\t=\t1\t,\tc\t", ",,a;b=1,, ,c,"]
)
def test_space_around_separators_and_empty_elements_mean_nothing(value: str) -> None:
    """HTTP allows white space between the parts and commas with nothing between them."""
    assert parse_extensions([value]) == (Extension("a", (("b", "1"),)), Extension("c"))


@pytest.mark.rfc("RFC6455-9.1-03", "RFC6455-9.1-04", "RFC6455-11.3.2-01", "RFC6455-11.3.2-02")
def test_header_may_be_split_over_several_fields() -> None:
    """Several fields are one list, in order; an empty one among them is an empty element."""
    assert parse_extensions(["a; b", "", "c, d"]) == parse_extensions(["a; b,, c, d"])


@pytest.mark.rfc("RFC6455-9.1-02", "RFC7692-7-12")
@pytest.mark.parametrize("value", ['"10"', '"\\1\\0"', '"1\\0"', ' "10" '])
def test_quoted_value_is_the_same_as_the_unquoted_one(value: str) -> None:
    """Quotes and backslashes are ways to write a value, not part of it."""
    assert parse_extensions([f"a; b={value}; c"]) == parse_extensions(["a; b=10; c"])


@pytest.mark.rfc("RFC6455-9.1-01", "RFC6455-4.3-02")
@pytest.mark.parametrize("value", BROKEN)
def test_what_breaks_the_grammar_fails_the_handshake(value: str) -> None:
    """Empty names and values, stray characters and open quotes are violations, for both roles."""
    with pytest.raises(Violation) as caught:
        parse_extensions([value])
    assert caught.value.clause == "RFC6455-9.1-01"
    with pytest.raises(Violation) as caught:
        check_request(
            REQUEST._replace(headers=(*REQUEST.headers, ("Sec-WebSocket-Extensions", value)))
        )
    assert caught.value.clause == "RFC6455-9.1-01"
    field = f"Sec-WebSocket-Extensions: {value}\r\n\r\n".encode("latin-1")
    with pytest.raises(Violation) as caught:
        check_response(Response(RESPONSE + field), Asked(KEY, (), ()))
    assert caught.value.clause == "RFC6455-9.1-01"


@pytest.mark.rfc("RFC6455-4.3-01", "RFC6455-9.1-02")
@pytest.mark.parametrize("value", UNQUOTED_NO_TOKEN)
def test_quoted_value_has_to_be_a_token_once_unescaped(value: str) -> None:
    """Quotes do not let anything in that could not stand without them."""
    with pytest.raises(Violation) as caught:
        parse_extensions([value])
    assert caught.value.clause == "RFC6455-4.3-01"


@pytest.mark.rfc("RFC6455-9.1-11")
def test_unknown_extensions_and_repeated_parameters_are_no_matter_of_grammar() -> None:
    """What they mean is for the extension to say, and an unknown one is passed over."""
    value = "x-unknown; a=1; a=2; A, permessage-deflate"
    headers = (*REQUEST.headers, ("Sec-WebSocket-Extensions", value))
    check_request(REQUEST._replace(headers=headers))
    assert parse_extensions([value])[0] == Extension(
        "x-unknown", (("a", "1"), ("a", "2"), ("A", None))
    )


def test_long_headers_are_read_in_linear_work() -> None:
    """A header of a million characters is parsed like any other, nested quotes or not."""
    count = 100_000
    assert len(parse_extensions(["," * count + "a; b" * 1])) == 1
    assert len(parse_extensions([", ".join(["a; b=c"] * count)])) == count
    with pytest.raises(Violation) as caught:
        parse_extensions(['a; b="' + "\\" * count])
    assert len(str(caught.value)) < 400


def test_extensions_are_written_as_they_are_read() -> None:
    """One header holds them all, without quotes."""
    extensions = (Extension("a", (("b", None), ("c", "1"))), Extension("d"))
    assert serialize_extensions(extensions) == "a; b; c=1, d"


@pytest.mark.rfc("RFC6455-4.2.2-15")
def test_header_without_an_extension_is_not_written() -> None:
    """No extension is said by leaving the header out."""
    with pytest.raises(ValueError, match="at least one"):
        serialize_extensions([])


@pytest.mark.rfc("RFC6455-11.4-01")
@pytest.mark.parametrize(
    "extension",
    [
        Extension(""),
        Extension("a b"),
        Extension("a\r\nX: y"),
        Extension("a", (("", None),)),
        Extension("a", (("b;c", None),)),
        Extension("a", (("b", ""),)),
        Extension("a", (("b", "1 5"),)),
        Extension("a", (("b", '"1"'),)),
    ],
)
def test_what_is_no_token_is_not_written(extension: Extension) -> None:
    """Names and values are tokens."""
    with pytest.raises(ValueError, match="is not a token"):
        serialize_extensions([extension])


@pytest.mark.rfc("RFC6455-4.1-33", "RFC6455-11.5-01")
@pytest.mark.parametrize("character", [chr(code) for code in range(0x100)])
def test_token_is_visible_ascii_without_separators(character: str) -> None:
    """RFC 2616 §2.2 lists the separators."""
    is_separator = character in '()<>@,;:\\"/[]?={} \t'
    assert is_token(character) is ("!" <= character <= "~" and not is_separator)
    assert not is_token("")


def test_lists_of_tokens_are_read_over_several_fields() -> None:
    """Space and empty elements do not count, case and order are kept."""
    assert parse_tokens(["a, B ,,\tc", "", "d"]) == ("a", "B", "c", "d")
    assert parse_tokens([]) == parse_tokens(["", ","]) == ()


@pytest.mark.rfc("RFC6455-4.3-06")
@pytest.mark.parametrize("value", ["a b", "a/b", 'a, "b"', "caf\u00e9", "a;b", "a\x00"])
def test_list_of_anything_but_tokens_is_a_violation(value: str) -> None:
    """The clause is that of the header in question."""
    with pytest.raises(Violation) as caught:
        parse_tokens([value])
    assert caught.value.clause == "RFC6455-4.3-06"
    with pytest.raises(Violation) as caught:
        parse_tokens([value], "RFC6455-4.2.1-18")
    assert caught.value.clause == "RFC6455-4.2.1-18"


def test_text_of_a_peer_is_shown_escaped_and_cut() -> None:
    """Messages can be logged whatever a peer sent."""
    assert shown("a\x1b[1m\r\n") == r"'a\x1b[1m\r\n'"
    assert shown("x" * 10_000, 3) == "'xxx'..."


def test_a_peers_text_is_shown_up_to_64_characters() -> None:
    """What is longer is cut, and says so."""
    assert shown("x" * 64) == repr("x" * 64)
    assert shown("x" * 65) == repr("x" * 64) + "..."
