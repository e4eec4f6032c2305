"""What a client's opening handshake may be, and what it must not be (RFC 6455 §4.2.1).

Each clause about the request is taken literally, in both directions: what it allows has to be
accepted in every form that HTTP gives it, and what it forbids has to be refused.  The answers
that accept are judged by :mod:`..oracle`, so the many keys sent here are all checked to
be answered rightly (§4.2.2).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from ...protocol.http import Headers
from ...protocol.opcode import CONTINUATION, is_reserved
from ..catalogue import Case, Facts, Judge, case
from ..conversation import Await, Open, Probe, Send, close, ping, text
from ..judgements import answer_of, goes_on, messages_of
from ..opening import (
    Change,
    Opening,
    adding,
    repeating,
    replacing,
    sending_headers,
    with_method,
    with_raw,
    with_target,
    with_version,
    without,
)
from ..record import Record
from ..verdicts import Finding, fail, info, warn
from .handshakes import (
    accepting,
    bearing,
    does_either,
    opened_by,
    refused_properly,
    refuses_request,
    refusing,
    works,
)

__all__ = ["CASES"]

_BY_RULE: Final = "RFC6455-4.2.1-01"
_HTTP: Final = "RFC6455-4.2.1-18"
_VALID: Final = "RFC6455-4.2.2-01"

_KEY: Final = "Sec-WebSocket-Key"


# Methods and versions of HTTP

_METHODS: Final = (
    *(
        refusing(
            f"4.2.1/method-{name}",
            ("RFC6455-4.2.1-02", _BY_RULE),
            f"A handshake with the method {method} is refused.",
            with_method(method),
            page=True,
        )
        for name, method in (
            ("post", "POST"),
            ("put", "PUT"),
            ("head", "HEAD"),
            ("delete", "DELETE"),
            ("patch", "PATCH"),
            ("options", "OPTIONS"),
            ("trace", "TRACE"),
            ("lower-case", "get"),
            ("capitalised", "Get"),
            ("longer", "GETS"),
            ("unknown", "WSREF"),
        )
    ),
)

_HTTP_VERSIONS: Final = (
    *(
        refusing(
            f"4.2.1/http-{version}",
            ("RFC6455-4.2.1-03", _BY_RULE),
            f"A handshake by HTTP/{version} is refused: 1.1 is the least.",
            with_version(f"HTTP/{version}"),
            page=True,
        )
        for version in ("1.0", "0.9", "0.0")
    ),
    refusing(
        "4.2.1/http-1.0-kept-alive",
        ("RFC6455-4.2.1-03", _BY_RULE),
        "A handshake by HTTP/1.0 is refused, though its connection is to be kept alive.",
        with_version("HTTP/1.0"),
        replacing("Connection", "keep-alive, Upgrade"),
        page=True,
    ),
    *(
        refusing(
            f"4.2.1/http-version-{name}",
            (_HTTP, "RFC6455-4.2.1-03", _BY_RULE),
            f"A handshake whose request line ends in {version!r} is refused.",
            with_version(version),
            may_wait=True,
        )
        for name, version in (
            ("without-minor", "HTTP/1"),
            ("without-dot", "HTTP/11"),
            ("without-name", "1.1"),
            ("not-a-number", "HTTP/x.y"),
            ("in-lower-case", "http/1.1"),
            ("of-another-protocol", "WS/1.3"),
            ("followed-by-more", "HTTP/1.1 x"),
        )
    ),
    *(
        bearing(
            f"4.2.1/http-{version}",
            "RFC6455-4.2.1-03",
            f"A handshake that says HTTP/{version}, which is higher than 1.1, may be accepted.",
            with_version(f"HTTP/{version}"),
            gravity=info,
            may_wait=True,
        )
        for version in ("1.2", "1.10", "2.0")
    ),
)


# The request line


def _first_line(rewrite: Callable[[bytes], bytes]) -> Change:
    """Send what *rewrite* makes of the request line."""

    def change(request: bytes) -> bytes:
        line, end, rest = request.partition(b"\r\n")
        return rewrite(line) + end + rest

    return with_raw(change)


def _absolute(scheme: str, authority: Callable[[str], str] = str) -> Change:
    return with_target(lambda draft: f"{scheme}://{authority(draft.get('Host'))}{draft.target}")


def _is_absolute(scheme: str) -> Judge:
    """Want an absolute target to be accepted.

    HTTP wants one with ``https`` to be refused where there is no TLS (RFC 9110 §7.4).
    """
    strict, lenient = works("RFC6455-4.2.1-16"), does_either("RFC6455-4.2.1-16", gravity=info)

    def judge(record: Record, facts: Facts) -> Iterable[Finding]:
        misdirected = scheme.lower() == "https" and not facts.is_secure
        return (lenient if misdirected else strict)(record, facts)

    return judge


_REQUEST_LINES: Final = (
    *(
        accepting(
            f"4.2.1/absolute-{scheme.lower()}-target{name}",
            "RFC6455-4.2.1-16",
            f"The request target may be an absolute URI ({scheme}).",
            _absolute(scheme),
            judge=_is_absolute(scheme),
        )
        for scheme, name in (("http", ""), ("https", ""), ("HTTP", "-in-capitals"))
    ),
    bearing(
        "4.2.1/query-in-target",
        ("RFC6455-4.2.2-08", "RFC6455-4.2.1-16"),
        "The request target may have a query.",
        with_target(lambda draft: f"{draft.target}{_joint(draft.target)}wsref=check&x=%20"),
        gravity=info,
    ),
    refusing(
        "4.2.1/no-target",
        (_HTTP, _BY_RULE),
        "A request line without a target is refused.",
        _first_line(lambda line: b"GET " + line.rpartition(b" ")[2]),
        may_wait=True,
    ),
    refusing(
        "4.2.1/empty-target",
        (_HTTP, _BY_RULE),
        "A request line with nothing between two spaces is refused.",
        with_target(lambda _draft: ""),
        may_wait=True,
    ),
    refusing(
        "4.2.1/no-http-version",
        (_HTTP, "RFC6455-4.2.1-03", _BY_RULE),
        "A request line without a version of HTTP is refused.",
        _first_line(lambda line: line.rpartition(b" ")[0]),
        may_wait=True,
    ),
    refusing(
        "4.2.1/only-a-method",
        (_HTTP, _BY_RULE),
        "A request line of nothing but a method is refused.",
        _first_line(lambda _line: b"GET"),
        may_wait=True,
    ),
    refusing(
        "4.2.1/space-in-target",
        (_HTTP, _BY_RULE),
        "A request line of four words is refused.",
        with_target(lambda draft: f"{draft.target} x"),
        may_wait=True,
    ),
    refusing(
        "4.2.1/no-request-line",
        (_HTTP, _BY_RULE),
        "A request that begins with its headers is refused.",
        with_raw(lambda request: request.partition(b"\r\n")[2]),
        may_wait=True,
    ),
    refusing(
        "4.2.1/relative-target",
        (_HTTP, _BY_RULE),
        "A request target that is neither a path nor a URI is refused.",
        with_target(lambda draft: f"wsref{draft.target}"),
        gravity=warn,
    ),
    *(
        bearing(
            f"4.2.1/{name}",
            _HTTP,
            f"A request line with {what} may be refused.",
            change,
            may_wait=True,
        )
        for name, what, change in (
            ("two-spaces", "two spaces", _first_line(lambda line: line.replace(b" ", b"  "))),
            ("tabs", "tabs for spaces", _first_line(lambda line: line.replace(b" ", b"\t"))),
            ("trailing-space", "a space at its end", _first_line(lambda line: line + b" ")),
            (
                "empty-line-first",
                "an empty line before it",
                _first_line(lambda line: b"\r\n" + line),
            ),
        )
    ),
    bearing(
        "4.2.1/fragment-in-target",
        _HTTP,
        "A request target with a fragment may be refused.",
        with_target(lambda draft: f"{draft.target}#wsref"),
    ),
)


def _joint(target: str) -> str:
    return "&" if "?" in target else "?"


def _tells_of_resource(record: Record, facts: Facts) -> Iterator[Finding]:
    """Say what became of a request for what is not there."""
    clause = "RFC6455-4.2.2-08"
    if record.is_open:
        yield info(clause, "any path is served")
        yield from works(clause, gravity=info)(record, facts)
    else:
        findings = list(refused_properly(record))
        said = record.status is not None and 300 <= record.status <= 599
        yield from findings or ([] if said else [info(clause, answer_of(record))])


_RESOURCES: Final = (
    case(
        "4.2.2/unknown-resource",
        "RFC6455-4.2.2-08",
        "A request for what is not there is answered by an HTTP error such as 404.",
        opened_by(with_target(lambda _draft: "/wsref/check/no/such/resource/7f3a")),
        _tells_of_resource,
        opens=False,
    ),
)


# HTTP syntax of the headers


def _last_line(line: bytes) -> Change:
    """Put a line, as it is, behind the headers."""
    return with_raw(lambda request: request[:-2] + line + b"\r\n\r\n")


def _in_line(name: str, rewrite: Callable[[bytes], bytes]) -> Change:
    """Send what *rewrite* makes of the line of a header."""

    def change(request: bytes) -> bytes:
        lines = request.split(b"\r\n")
        start = f"{name}:".lower().encode("ascii")
        return b"\r\n".join(
            rewrite(line) if line.lower().startswith(start) else line for line in lines
        )

    return with_raw(change)


def _around_colons(before: bytes, behind: bytes, at_end: bytes = b"") -> Change:
    """Change the white space in all header lines."""

    def change(request: bytes) -> bytes:
        start, *lines = request[:-4].split(b"\r\n")
        fields = [line.split(b": ", 1) for line in lines]
        written = [name + before + b":" + behind + value + at_end for name, value in fields]
        return b"\r\n".join([start, *written, b"", b""])

    return with_raw(change)


def _syntax_error(name: str, what: str, *changes: Change, may_wait: bool = False) -> Case:
    return refusing(
        f"4.2.1/{name}",
        (_HTTP, _BY_RULE),
        f"A request with {what} is refused.",
        *changes,
        may_wait=may_wait,
    )


_SYNTAX: Final = (
    _syntax_error(
        "space-before-colon-of-host",
        "a space before the colon behind Host",
        _in_line("Host", lambda line: line.replace(b":", b" :", 1)),
    ),
    *(
        _syntax_error(
            f"space-before-colon-of-{header.lower()}",
            f"a space before the colon behind {header}",
            _in_line(header, lambda line: line.replace(b":", b" :", 1)),
        )
        for header in ("Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version")
    ),
    _syntax_error(
        "space-before-colon-of-unknown-header",
        "a space before the colon of a header that does not matter",
        _last_line(b"X-Wsref : check"),
    ),
    _syntax_error(
        "tab-before-colon",
        "a tab before the colon of a header",
        _last_line(b"X-Wsref\t: check"),
    ),
    _syntax_error(
        "space-before-every-colon",
        "a space before all colons",
        _around_colons(b" ", b" "),
    ),
    _syntax_error("line-without-colon", "a header line without a colon", _last_line(b"X-Wsref")),
    _syntax_error(
        "line-of-words", "a header line that is a sentence", _last_line(b"this is no header")
    ),
    _syntax_error("header-without-name", "a header without a name", _last_line(b": check")),
    _syntax_error(
        "space-in-header-name", "a space in a header's name", _last_line(b"X Wsref: check")
    ),
    *(
        _syntax_error(
            f"{name}-in-header-name", f"{what} in a header's name", _last_line(b"X" + data + b": x")
        )
        for name, what, data in (
            ("parenthesis", "a parenthesis", b"(Wsref)"),
            ("slash", "a slash", b"/Wsref"),
            ("quotation-mark", "a quotation mark", b'"Wsref"'),
            ("comma", "a comma", b",Wsref"),
            ("control-character", "a control character", b"\x01"),
            ("non-ascii", "a byte above 127", b"\xe9"),
        )
    ),
    _syntax_error(
        "two-hosts", "two Host headers that differ", adding("Host", "wsref-check.invalid")
    ),
    _syntax_error("same-host-twice", "the same Host header twice", repeating("Host")),
    _syntax_error(
        "two-hosts-the-other-first",
        "two Host headers that differ, the wrong one first",
        sending_headers(lambda fields: (("Host", "wsref-check.invalid"), *fields)),
    ),
    *(
        bearing(
            f"4.2.1/{name}",
            _HTTP,
            f"A request with {what} may be refused (RFC 9112 leaves the choice).",
            change,
            may_wait=True,
        )
        for name, what, change in (
            ("bare-lf", "bare LF at the ends of lines", with_raw(lambda r: r.replace(b"\r", b""))),
            (
                "one-bare-lf",
                "a bare LF behind a header",
                _in_line("Upgrade", lambda line: line + b"\nX-Wsref: check"),
            ),
            (
                "bare-cr",
                "a bare CR in a header's value",
                _last_line(b"X-Wsref: a\rb"),
            ),
            ("nul-in-value", "a NUL in a header's value", _last_line(b"X-Wsref: a\x00b")),
            (
                "control-character-in-value",
                "a control character in a header's value",
                _last_line(b"X-Wsref: a\x01b"),
            ),
            ("folded-header", "a header on two lines", _last_line(b"X-Wsref: a\r\n b")),
            (
                "folded-connection",
                "Connection on two lines",
                _in_line("Connection", lambda _line: b"Connection: keep-alive,\r\n Upgrade"),
            ),
            (
                "space-before-first-header",
                "a space before the first header",
                _in_line("Host", lambda line: b" " + line),
            ),
        )
    ),
)


# Host

_AUTHORITY: Final = "RFC6455-4.2.1-04"

_HOST: Final = (
    refusing(
        "4.2.1/no-host",
        (_AUTHORITY, _BY_RULE),
        "A request without Host is refused.",
        without("Host"),
    ),
    refusing(
        "4.2.1/no-host-with-absolute-target",
        (_AUTHORITY, _BY_RULE),
        "A request without Host is refused, even if its target names the server.",
        _absolute("http"),
        without("Host"),
    ),
    refusing(
        "4.2.1/empty-host",
        (_AUTHORITY, _BY_RULE),
        "A request with an empty Host names no server.",
        replacing("Host", ""),
        gravity=warn,
    ),
    *(
        refusing(
            f"4.2.1/host-{name}",
            (_HTTP, _AUTHORITY, _BY_RULE),
            f"A request with a Host that is no host ({value!r}) is refused.",
            replacing("Host", value),
            gravity=warn,
        )
        for name, value in (
            ("of-two-words", "wsref check"),
            ("with-path", "wsref.invalid/path"),
            ("with-bad-port", "wsref.invalid:port"),
        )
    ),
)


# Upgrade and Connection

_UPGRADE: Final = (
    *(
        accepting(
            f"4.2.1/upgrade-{name}",
            "RFC6455-4.2.1-05",
            f"Upgrade: {value} is recognised.",
            replacing("Upgrade", value),
        )
        for name, value in (
            ("mixed-case", "WebSocket"),
            ("capitals", "WEBSOCKET"),
            ("odd-case", "wEbsOcKeT"),
            ("capitalised", "Websocket"),
        )
    ),
    refusing(
        "4.2.1/no-upgrade",
        "RFC6455-4.2.1-06",
        "A request without Upgrade is no handshake.",
        without("Upgrade"),
        page=True,
    ),
    *(
        refusing(
            f"4.2.1/upgrade-to-{name}",
            "RFC6455-4.2.1-06",
            f"Upgrade: {value} does not name websocket.",
            replacing("Upgrade", value),
            page=True,
        )
        for name, value in (
            ("nothing", ""),
            ("another-protocol", "foo"),
            ("an-unknown-protocol", "x-wsref/2"),
            ("websockets", "websockets"),
            ("websocket2", "websocket2"),
            ("notwebsocket", "notwebsocket"),
            ("x-websocket", "x-websocket"),
            ("web-socket", "web-socket"),
            ("two-words", "web socket"),
            ("words-around", "a websocket please"),
            ("its-beginning", "websocke"),
            ("other-protocols", "foo, bar"),
            ("lists-of-longer-names", "notwebsocket, websockets"),
            ("upgrade", "Upgrade"),
        )
    ),
    *(
        accepting(
            f"4.2.1/upgrade-list-{name}",
            "RFC6455-4.2.1-19",
            f"Upgrade is a list, in which websocket counts wherever it stands ({shown}).",
            replacing("Upgrade", *values),
            gravity=warn,
        )
        for name, shown, values in (
            ("last", "foo, websocket", ["foo, websocket"]),
            ("first", "websocket, foo", ["websocket, foo"]),
            ("middle", "foo, WebSocket, bar/2", ["foo, WebSocket, bar/2"]),
            ("without-space", "foo,websocket", ["foo,websocket"]),
            ("with-empty-element", ", websocket,", [", websocket,"]),
            ("second-line", "in a second line", ["foo", "websocket"]),
            ("first-line", "in the first of two lines", ["websocket", "foo"]),
        )
    ),
)

_LISTED: Final = "RFC6455-4.2.1-07"

_CONNECTION: Final = (
    *(
        accepting(
            f"4.2.1/connection-{name}",
            _LISTED,
            f"Connection: {value.strip()} lists upgrade.",
            replacing("Connection", value),
        )
        for name, value in (
            ("lower-case", "upgrade"),
            ("capitals", "UPGRADE"),
            ("odd-case", "uPgRaDe"),
            ("last", "keep-alive, Upgrade"),
            ("first", "Upgrade, keep-alive"),
            ("middle", "keep-alive, Upgrade, x-wsref"),
            ("capitals-last", "KEEP-ALIVE, UPGRADE"),
            ("without-space", "keep-alive,Upgrade"),
            ("without-space-first", "Upgrade,keep-alive"),
            ("with-more-space", "upgrade , keep-alive"),
            ("with-space-around", "keep-alive  ,  Upgrade  "),
            ("with-tabs", "keep-alive,\tUpgrade\t,x-wsref"),
            ("with-empty-elements", "keep-alive, , Upgrade"),
            ("with-empty-first", ", Upgrade"),
            ("with-empty-last", "Upgrade,"),
            ("among-many", "a, b, c, d, e, f, g, h, Upgrade, i, j"),
            ("twice", "Upgrade, Upgrade"),
        )
    ),
    *(
        accepting(
            f"4.2.1/connection-{name}",
            ("RFC6455-4.2.1-20", _LISTED),
            f"Connection in several lines is one list ({' / '.join(values)}).",
            replacing("Connection", *values),
        )
        for name, values in (
            ("second-line", ["keep-alive", "Upgrade"]),
            ("first-line", ["Upgrade", "keep-alive"]),
            ("line-between", ["keep-alive", "Upgrade", "x-wsref"]),
            ("end-of-second-line", ["keep-alive", "x-wsref, upgrade"]),
            ("same-line-twice", ["Upgrade", "Upgrade"]),
        )
    ),
    accepting(
        "4.2.1/connection-lines-apart",
        ("RFC6455-4.2.1-20", _LISTED),
        "Lines of Connection need not stand next to each other.",
        sending_headers(lambda fields: (("Connection", "keep-alive"), *fields)),
    ),
    refusing(
        "4.2.1/no-connection",
        "RFC6455-4.2.1-08",
        "A request without Connection is no handshake.",
        without("Connection"),
        page=True,
    ),
    *(
        refusing(
            f"4.2.1/connection-{name}",
            "RFC6455-4.2.1-08",
            f"Connection: {value} does not list upgrade.",
            replacing("Connection", value),
            page=True,
        )
        for name, value in (
            ("empty", ""),
            ("keep-alive", "keep-alive"),
            ("close", "close"),
            ("websocket", "websocket"),
            ("notupgrade", "notupgrade"),
            ("upgraded", "Upgraded"),
            ("upgrade-and-more", "upgrade-insecure-requests"),
            ("x-upgrade", "x-upgrade"),
            ("its-beginning", "upgrad"),
            ("words", "keep-alive Upgrade"),
            ("list-without", "keep-alive, notupgrade, Upgraded"),
        )
    ),
    refusing(
        "4.2.1/connection-lines-without-upgrade",
        "RFC6455-4.2.1-08",
        "Two lines of Connection that do not list upgrade do not do so together.",
        replacing("Connection", "keep-alive", "Up", "grade"),
        page=True,
    ),
    refusing(
        "4.2.1/neither-upgrade-nor-connection",
        ("RFC6455-4.2.1-06", "RFC6455-4.2.1-08"),
        "A request with neither Upgrade nor Connection is no handshake.",
        without("Upgrade", "Connection"),
        page=True,
    ),
)


# Sec-WebSocket-Key

_SIXTEEN: Final = "RFC6455-4.2.1-10"
_ANSWERED: Final = "RFC6455-4.2.2-19"


def _key_of(data: bytes) -> str:
    return b64encode(data).decode("ascii")


#: Keys that are base64 for 16 bytes.
_GOOD_KEYS: Final = {
    "as-published": "dGhlIHNhbXBsZSBub25jZQ==",
    "of-zeros": _key_of(bytes(16)),
    "of-ones": _key_of(b"\xff" * 16),
    "of-plus-signs": "+" * 21 + "w==",
    "of-slashes": "/" * 21 + "A==",
    "with-slash-and-plus": "a/b+c/d+e/f+g/h+i/j+kQ==",
    "of-digits": "0123456789" * 2 + "0g==",
    "of-capitals": "ABCDEFGHIJKLMNOPQRSTUA==",
    "of-small-letters": "abcdefghijklmnopqrstuw==",
    "of-text": _key_of(b"the sample nonce"),
    "of-line-breaks": _key_of(b"\r\n" * 8),
}

#: Keys that are not: what they are, and the text.
_BAD_KEYS: Final = {
    "empty": ("empty", ""),
    "of-15-bytes": ("base64 for 15 bytes", _key_of(b"fifteen bytes..")),
    "of-17-bytes": ("base64 for 17 bytes", _key_of(b"seventeen bytes..")),
    "of-18-bytes": ("base64 for 18 bytes, 24 characters", _key_of(b"eighteen bytes....")),
    "of-1-byte": ("base64 for one byte", "QQ=="),
    "of-8-bytes": ("base64 for 8 bytes", _key_of(b"8 bytes!")),
    "of-20-bytes": ("base64 for 20 bytes", _key_of(b"twenty bytes........")),
    "of-32-bytes": ("base64 for 32 bytes", _key_of(bytes(range(32)))),
    "of-300-bytes": ("base64 for 300 bytes", _key_of(bytes(300))),
    "of-padding": ("nothing but padding", "=" * 24),
    "not-base64": ("24 characters that are not base64", "!" * 24),
    "with-bad-character": ("24 characters, one of which is not base64", "dGhlIHNhbX!sZSBub25jZQ=="),
    "with-extra-character": ("a good one with a '!' put into it", "dGhlIHNhbX!BsZSBub25jZQ=="),
    "with-url-alphabet": ("in the base64 that is for URLs", "a_b-c_d-e_f-g_h-i_j-kQ=="),
    "without-padding": ("without its padding", "dGhlIHNhbXBsZSBub25jZQ"),
    "with-half-its-padding": ("with one '=' too few", "dGhlIHNhbXBsZSBub25jZQ="),
    "with-more-padding": ("with one '=' too many", "dGhlIHNhbXBsZSBub25jZQ==="),
    "with-more-behind": ("a good one with more behind it", "dGhlIHNhbXBsZSBub25jZQ==AAAA"),
    "with-padding-first": ("a good one, its padding first", "==dGhlIHNhbXBsZSBub25jZQ"),
    "with-space": ("a good one with a space in it", "dGhlIHNhbXBs ZSBub25jZQ=="),
    "with-tab": ("a good one with a tab in it", "dGhlIHNhbXBs\tZSBub25jZQ=="),
    "quoted": ("a good one in quotes", '"dGhlIHNhbXBsZSBub25jZQ=="'),
    "listed": ("two good ones in a list", "dGhlIHNhbXBsZSBub25jZQ==, AQIDBAUGBwgJCgsMDQ4PEA=="),
    "of-plain-text": ("16 characters that are not encoded", "the sample nonce"),
    "in-hexadecimal": ("16 bytes in hexadecimal", b"the sample nonce".hex()),
    "with-non-ascii": ("24 bytes, some of which are not ASCII", "dGhlIHNhbXBsZSBub25j\xe9\xe9=="),
    "of-one-word": ("a word", "wsref"),
}

_OTHER_KEY: Final = "AQIDBAUGBwgJCgsMDQ4PEA=="


def _repeats(name: str, what: str, change: Change, *, same: bool = False) -> Case:
    return refusing(
        f"11.3.1/{name}",
        ("RFC6455-11.3.1-02", _BY_RULE),
        f"A request with {what} is refused.",
        change,
        gravity=warn if same else fail,
    )


_KEYS: Final = (
    *(
        accepting(
            f"4.2.1/key-{name}",
            (_SIXTEEN, _ANSWERED),
            f"A key that is base64 for 16 bytes is accepted, and answered ({key}).",
            replacing(_KEY, key),
        )
        for name, key in _GOOD_KEYS.items()
    ),
    *(
        accepting(
            f"4.2.1/random-key-{number}",
            (_SIXTEEN, _ANSWERED),
            "A random key is accepted, and answered.",
        )
        for number in range(1, 5)
    ),
    bearing(
        "4.2.1/key-with-pad-bits",
        (_SIXTEEN, _ANSWERED),
        "A key whose last letter has bits that stand for nothing may be refused, or answered.",
        replacing(_KEY, "AQIDBAUGBwgJCgsMDQ4PEC=="),
        gravity=info,
    ),
    refusing(
        "4.2.1/no-key",
        ("RFC6455-4.2.1-09", _BY_RULE),
        "A request without a key is refused.",
        without(_KEY),
    ),
    *(
        refusing(
            f"4.2.1/key-{name}",
            (_SIXTEEN, _BY_RULE),
            f"A key that is {what} is refused.",
            replacing(_KEY, key),
        )
        for name, (what, key) in _BAD_KEYS.items()
    ),
    *(
        accepting(
            f"4.2.2/key-{name}",
            (_ANSWERED, _BY_RULE),
            f"White space {what} the key is not part of it.",
            change,
        )
        for name, what, change in (
            ("with-space-behind", "behind", _in_line(_KEY, lambda line: line + b"  ")),
            ("with-tab-behind", "behind", _in_line(_KEY, lambda line: line + b"\t")),
            (
                "with-space-before",
                "before",
                _in_line(_KEY, lambda line: line.replace(b": ", b":   ")),
            ),
        )
    ),
    _repeats("two-keys", "two keys that differ", adding(_KEY, _OTHER_KEY)),
    _repeats(
        "two-keys-the-other-first",
        "two keys that differ, the other one first",
        sending_headers(lambda fields: ((_KEY, _OTHER_KEY), *fields)),
    ),
    _repeats("second-key-empty", "a second key that is empty", adding(_KEY, "")),
    _repeats("second-key-bad", "a second key that is no key", adding(_KEY, "wsref")),
    _repeats("same-key-twice", "the same key twice", repeating(_KEY), same=True),
)


# Order, names, unknown headers, white space


def _cased(rewrite: Callable[[str], str], *names: str) -> Change:
    """Write the names of headers in another case: all of them if none are given."""
    chosen = {name.lower() for name in names}

    def change(fields: Headers) -> Headers:
        return tuple(
            (rewrite(name) if not chosen or name.lower() in chosen else name, value)
            for name, value in fields
        )

    return sending_headers(change)


def _swapped(text_: str) -> str:
    return "".join(c.upper() if i % 2 else c.lower() for i, c in enumerate(text_))


def _to_front(*names: str) -> Change:
    wanted = [name.lower() for name in names]

    def change(fields: Headers) -> Headers:
        def place(field: tuple[str, str]) -> int:
            name = field[0].lower()
            return wanted.index(name) if name in wanted else len(wanted)

        return tuple(sorted(fields, key=place))

    return sending_headers(change)


def _to_back(name: str) -> Change:
    return sending_headers(
        lambda fields: tuple(sorted(fields, key=lambda field: field[0].lower() == name.lower()))
    )


_ORDER: Final = (
    *(
        accepting(
            f"4.2.1/headers-{name}",
            "RFC6455-4.2.1-13",
            f"Headers come in any order: {what}.",
            change,
        )
        for name, what, change in (
            ("reversed", "reversed", sending_headers(lambda fields: tuple(reversed(fields)))),
            ("sorted", "by their names", sending_headers(lambda fields: tuple(sorted(fields)))),
            ("host-last", "Host at the end", _to_back("Host")),
            ("upgrade-last", "Upgrade at the end", _to_back("Upgrade")),
            ("connection-last", "Connection at the end", _to_back("Connection")),
            ("key-first", "the key first", _to_front(_KEY)),
            ("key-last", "the key at the end", _to_back(_KEY)),
            ("version-first", "the version first", _to_front("Sec-WebSocket-Version", _KEY)),
            (
                "shuffled",
                "shuffled",
                _to_front("Connection", "Sec-WebSocket-Version", "Host", _KEY, "Upgrade"),
            ),
        )
    ),
    accepting(
        "4.2.1/headers-of-a-browser",
        ("RFC6455-4.2.1-13", "RFC6455-4.2.1-14"),
        "Headers come as a browser sends them.",
        _to_front("Host", "Connection"),
        sending_headers(
            lambda fields: (
                *fields[:2],
                ("Pragma", "no-cache"),
                ("Cache-Control", "no-cache"),
                *fields[2:],
                ("Accept-Encoding", "gzip, deflate, br, zstd"),
                ("Accept-Language", "en-GB,en;q=0.9"),
                ("Sec-Fetch-Mode", "websocket"),
                ("Cookie", "a=b; c=d"),
            )
        ),
        replacing("Connection", "keep-alive, Upgrade"),
    ),
)

_NAMES: Final = (
    *(
        accepting(
            f"4.2.1/header-names-{name}",
            "RFC6455-4.2.1-15",
            f"Names of headers may be written {what}.",
            _cased(rewrite),
        )
        for name, what, rewrite in (
            ("lower-case", "in lower case", str.lower),
            ("capitals", "in capitals", str.upper),
            ("odd-case", "in mixed case", _swapped),
            ("capitalised", "Like-This", str.title),
        )
    ),
    *(
        accepting(
            f"4.2.1/name-of-{header.lower()}-{name}",
            "RFC6455-4.2.1-15",
            f"The name of {header} may be written {what}.",
            _cased(rewrite, header),
        )
        for header in ("Host", "Upgrade", "Connection", _KEY, "Sec-WebSocket-Version")
        for name, what, rewrite in (
            ("lower-case", "in lower case", str.lower),
            ("capitals", "in capitals", str.upper),
        )
    ),
)


def _bears_bytes(requirement: str) -> Judge:
    """Want a value that is not ASCII to be ignored, if it is not answered by an HTTP error."""
    accepted_well = works(requirement)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if not record.is_open and record.status is not None and 400 <= record.status < 500:
            yield warn(requirement, f"{answer_of(record)}, where 101 was wanted")
        else:
            yield from accepted_well(record, facts)

    return judge


def _bears_size(requirement: str, *, strict: bool) -> Judge:
    """Want a request of that size to be accepted, unless the server says that it is too large."""
    accepted_well = works(requirement)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        statuses = (413, 414, 431) if strict else range(400, 600)
        if not record.is_open and (record.status in statuses or not strict):
            yield from refused_properly(record, may_wait=True)
            yield info(requirement, f"the request is too large for the server: {answer_of(record)}")
        else:
            yield from accepted_well(record, facts)

    return judge


_IGNORED: Final = "RFC6455-4.2.1-14"

_UNKNOWN: Final = (
    *(
        accepting(
            f"4.2.1/unknown-header-{name}",
            _IGNORED,
            f"A header that is not known is ignored: {what}.",
            *changes,
        )
        for name, what, changes in (
            ("x", "X-Wsref", [adding("X-Wsref", "check")]),
            ("without-x", "Wsref-Check", [adding("Wsref-Check", "1")]),
            ("of-one-letter", "one letter", [adding("Q", "1")]),
            ("empty", "without a value", [adding("X-Wsref", "")]),
            (
                "with-every-character",
                "all characters that are visible",
                [adding("X-Wsref", "".join(map(chr, range(0x21, 0x7F))))],
            ),
            ("with-colons", "a value with colons", [adding("X-Wsref", "a: b:c ::")]),
            ("with-tab", "a value with a tab", [adding("X-Wsref", "a\tb")]),
            ("with-odd-name", "all characters of tokens", [adding("!#$%&'*+-.^_`|~0aZ", "x")]),
            ("twice", "twice", [adding("X-Wsref", "a"), adding("X-Wsref", "b")]),
            ("first", "before all others", [_to_front("User-Agent")]),
            ("sec-websocket", "Sec-WebSocket-Wsref", [adding("Sec-WebSocket-Wsref", "check")]),
            ("sec-websocket-key1", "that of an old draft", [adding("Sec-WebSocket-Key1", "4 @1")]),
            ("sec", "Sec-Wsref", [adding("Sec-Wsref", "check")]),
            ("cookie", "a cookie", [adding("Cookie", "wsref=check; other=1")]),
            ("like-upgrade", "X-Upgrade", [adding("X-Upgrade", "foo")]),
            ("like-connection", "Proxy-Connection", [adding("Proxy-Connection", "keep-alive")]),
            ("of-40", "40 of them", [adding(f"X-Wsref-{number}", "check") for number in range(40)]),
            ("of-1500-bytes", "1500 bytes", [adding("X-Wsref", "wsref " * 250)]),
        )
    ),
    accepting(
        "4.2.1/unknown-header-of-4000-bytes",
        _IGNORED,
        "A header that is not known is ignored, though it is long.",
        adding("X-Wsref", "wsref check " * 333),
        judge=_bears_size(_IGNORED, strict=True),
    ),
    *(
        accepting(
            f"4.2.1/head-of-{size}-kib",
            _IGNORED,
            f"A request of {size} KiB is accepted, or refused as too large.",
            adding("X-Wsref", "wsref check " * (size * 1024 // 12)),
            judge=_bears_size(_IGNORED, strict=False),
        )
        for size in (10, 20, 70)
    ),
    accepting(
        "4.2.1/200-headers",
        _IGNORED,
        "A request with 200 headers is accepted, or refused as too large.",
        *(adding(f"X-Wsref-{number}", "check") for number in range(200)),
        judge=_bears_size(_IGNORED, strict=False),
    ),
    accepting(
        "4.2.1/unknown-header-in-utf-8",
        (_IGNORED, "RFC6455-8.1-07"),
        "A header that is not known is ignored, though it is not ASCII.",
        _last_line("X-Wsref: κόσμε".encode()),
        judge=_bears_bytes(_IGNORED),
    ),
    accepting(
        "4.2.1/unknown-header-in-latin-1",
        (_IGNORED, "RFC6455-8.1-07"),
        "A header that is not known is ignored, though it is not UTF-8.",
        _last_line(b"X-Wsref: caf\xe9 \xff\xfe \xc0\xaf"),
        judge=_bears_bytes(_IGNORED),
    ),
    bearing(
        "4.2.1/content-length-0",
        _IGNORED,
        "Content-Length: 0 says that there is no body, as in any GET.",
        adding("Content-Length", "0"),
        gravity=info,
    ),
)

_WHITE_SPACE: Final = (
    *(
        accepting(
            f"4.2.1/{name}",
            (_BY_RULE, _VALID),
            f"A request with {what} is a valid one.",
            change,
        )
        for name, what, change in (
            ("no-space-behind-colons", "no space behind colons", _around_colons(b"", b"")),
            ("more-space-behind-colons", "more space behind colons", _around_colons(b"", b"   ")),
            ("tabs-behind-colons", "tabs behind colons", _around_colons(b"", b"\t")),
            ("space-at-ends-of-lines", "space at the ends", _around_colons(b"", b" ", b" \t ")),
        )
    ),
)


# What may be left out, and Origin

_OPTIONAL: Final = "RFC6455-4.2.1-17"

#: Answers by which a server says that it wants something, not that the request is malformed.
_POLICY: Final = frozenset({401, 402, 403, 404, 407, 429, 503})


def _may_lack(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want a request that lacks something optional not to be taken for malformed."""
    status = record.status or 0
    if not record.is_open and (status in _POLICY or 300 <= status < 400):
        yield info(_OPTIONAL, f"{answer_of(record)}: is it the server's policy?")
    else:
        yield from works(_OPTIONAL)(record, facts)


_LEFT_OUT: Final = (
    *(
        accepting(
            f"4.2.1/no-{name}",
            _OPTIONAL,
            f"A request without {header} is a valid one.",
            without(header),
            judge=_may_lack,
        )
        for name, header in (
            ("origin", "Origin"),
            ("subprotocols", "Sec-WebSocket-Protocol"),
            ("extensions", "Sec-WebSocket-Extensions"),
            ("user-agent", "User-Agent"),
        )
    ),
    accepting(
        "4.2.1/only-mandatory-headers",
        _OPTIONAL,
        "A request with nothing but what is mandatory is a valid one.",
        without("Origin", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "User-Agent"),
        judge=_may_lack,
    ),
    accepting(
        "4.2.2/valid-request",
        (_VALID, "RFC6455-4.2.2-16"),
        "A valid request is accepted, and the connection is open.",
    ),
)


def _distinct(*clauses: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(clauses))


def _origin_decides(record: Record, facts: Facts) -> Iterator[Finding]:
    """Say whether the Origin made a difference; a refusal is by HTTP, best with 403."""
    if record.is_open:
        for finding in goes_on("RFC6455-4.2.2-06")(record, facts):
            what = "accepted, and the connection did not last"
            yield finding._replace(message=f"the Origin was {what}: {finding.message}")
        return
    findings = list(refused_properly(record, page=True))
    if findings:
        yield from findings
    elif record.status == 403:
        yield info("RFC6455-10.2-01", "this Origin is refused")
    else:
        yield fail("RFC6455-10.2-02", f"{answer_of(record)} refuses this Origin; 403 was wanted")


_ORIGINS: Final = (
    *(
        case(
            f"10.2/{name}-origin",
            _distinct(clause, "RFC6455-10.2-02", "RFC6455-4.2.2-06", "RFC6455-10.2-01"),
            f"If a request with Origin: {origin} is refused, it is by an HTTP error, best 403.",
            opened_by(replacing("Origin", origin)),
            _origin_decides,
            opens=False,
        )
        for name, clause, origin in (
            ("foreign", "RFC6455-10.2-02", "http://wsref-check.invalid"),
            ("null", "RFC6455-4.2.2-06", "null"),
        )
    ),
)


# How the request comes

_EARLY: Final = "RFC6455-6.2-01"


def _payloads(record: Record, facts: Facts) -> list[bytes]:
    return [message.payload for message in messages_of(record, facts)]


def _keeps_early(*, echo: bytes | None = None, pong: bytes | None = None) -> Judge:
    """Want what came with the request to be kept, if the request is accepted."""
    stays_open = goes_on(_EARLY, gravity=warn)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if not record.is_open:
            yield from refused_properly(record)
            yield info("RFC6455-4.1-38", f"what comes early is refused: {answer_of(record)}")
            return
        problems = list(stays_open(record, facts))
        if problems:
            yield from problems
        elif pong is not None and pong not in [one.payload for one in record.pongs]:
            yield warn(_EARLY, "the Ping that came with the request is lost")
        elif echo is not None and facts.echoes and echo not in _payloads(record, facts):
            yield warn(_EARLY, "the message that came with the request is lost")

    return judge


def _closes_early(record: Record, facts: Facts) -> Iterator[Finding]:
    del facts
    if not record.is_open:
        yield from refused_properly(record)
    elif not record.closes:
        yield warn(_EARLY, "the Close that came with the request is not answered")


_LONG: Final = adding("X-Wsref", "the last header, which is longer than any other " * 2)
_PING: Final = ping(b"early")
_TEXT: Final = text("early")

_SEGMENTS: Final = (
    case(
        "4.2.2/request-byte-by-byte",
        (_VALID, "RFC6455-4.2.2-16"),
        "A request that comes byte by byte is accepted, when it is whole.",
        opened_by(_LONG, bytewise=True),
        works(_VALID),
        opens=False,
    ),
    case(
        "4.2.1/bad-request-byte-by-byte",
        (_BY_RULE, _HTTP),
        "A request that comes byte by byte is refused over its last header.",
        (Open(Opening((_last_line(b"X-Wsref : check"),)), bytewise=True),),
        refuses_request(_BY_RULE),
        opens=False,
    ),
    case(
        "4.2.2/text-with-request",
        _EARLY,
        "A message in the same segment as the request is kept, or the request is refused.",
        (Open(behind=_TEXT), Await("messages"), Probe()),
        _keeps_early(echo=b"early"),
        opens=False,
    ),
    case(
        "4.2.2/ping-with-request",
        _EARLY,
        "A Ping in the same segment as the request is kept, or the request is refused.",
        (Open(behind=_PING), Await("pongs"), Probe()),
        _keeps_early(pong=b"early"),
        opens=False,
    ),
    case(
        "4.2.2/half-a-frame-with-request",
        _EARLY,
        "Half a frame in the same segment as the request is kept, or the request is refused.",
        (
            Open(behind=_TEXT[:7]),
            Send(_TEXT[7:], "the other half of the frame"),
            Await("messages"),
            Probe(),
        ),
        _keeps_early(echo=b"early"),
        opens=False,
    ),
    case(
        "4.2.2/several-frames-with-request",
        _EARLY,
        "Frames in the same segment as the request are kept, or the request is refused.",
        (
            Open(behind=_PING + _TEXT + text("0" * 300)),
            Await("pongs"),
            Await("messages"),
            Probe(),
        ),
        _keeps_early(echo=b"early", pong=b"early"),
        opens=False,
    ),
    case(
        "4.2.2/close-with-request",
        _EARLY,
        "A Close in the same segment as the request is answered, or the request is refused.",
        (Open(behind=close(1000)), Await("end")),
        _closes_early,
        opens=False,
    ),
)


# The answer


def _is_no_frame(stream: bytes, *, compressing: bool) -> bool:
    """Whether bytes look like a body, or like what was left over, and not like a bad frame."""
    first, second = stream[0], stream[1:2]
    if first >= 0x80:
        return False
    if first & 15 == CONTINUATION and not first & 0x70:
        return not second or second[0] >= 0x80
    return bool(first & (0x30 if compressing else 0x70)) or is_reserved(first & 15)


def _only_frames(record: Record, facts: Facts) -> Iterator[Finding]:
    """Want the bytes behind the empty line to be frames, from the first on."""
    del facts
    clause = "RFC6455-4.2.2-23"
    before = record.received[: max(0, record.received.find(b"HTTP/"))]
    if before:
        yield fail(clause, f"bytes come before the status line: {before[:16].hex(' ')}")
        return
    stream = record.stream
    if record.response is not None and not record.is_open and record.status is None:
        yield fail("RFC6455-4.2.2-16", f"{answer_of(record)} is no HTTP response")
    compressing = record.deflate is not None
    starts = [received.start for received in record.frames]
    starts += [record.frames[-1].stop if record.frames else 0]
    for start in starts:
        if start >= len(stream):
            break
        again = stream[start : start + 5] == b"HTTP/"
        if again or (start == 0 and _is_no_frame(stream, compressing=compressing)):
            yield fail(clause, f"behind the 101 comes no frame: {stream[start:][:16]!r}")
            break


def _has_no_body(record: Record, facts: Facts) -> Iterator[Finding]:
    """Tell of headers that announce a body, which a 101 has not."""
    yield from _only_frames(record, facts)
    if record.is_open and record.response is not None:
        for name in ("Content-Length", "Transfer-Encoding"):
            if record.response.get(name) is not None:
                yield info("RFC6455-4.2.2-23", f"the 101 has {name}, which HTTP forbids")


def _answers_with_websocket(record: Record, facts: Facts) -> Iterator[Finding]:
    del facts
    if record.is_open and record.response is not None:
        value = record.response.get("Upgrade") or ""
        if value.lower() != "websocket":
            yield fail("RFC6455-11.2-01", f"the 101 has Upgrade: {value!r}, not websocket")
        elif value != "websocket":
            yield info("RFC6455-11.2-01", f"the 101 has Upgrade: {value}, which is registered")


_ANSWERS: Final = (
    case(
        "4.2.2/nothing-but-frames",
        "RFC6455-4.2.2-23",
        "Before the 101 there is nothing, and behind it nothing but frames.",
        (Open(), Send(text("Hello"), "a text message"), Await("messages"), Probe()),
        _has_no_body,
        opens=False,
        watches=True,
    ),
    case(
        "11.2/upgrade-token",
        "RFC6455-11.2-01",
        "The 101 upgrades to websocket, best in lower case.",
        (Open(), Probe()),
        _answers_with_websocket,
        opens=False,
        watches=True,
    ),
)


# How bad requests are answered


def _bad(name: str, requirement: str, what: str, judge: Judge, *changes: Change) -> Case:
    return case(
        name,
        (requirement, _BY_RULE),
        what,
        (Open(Opening(changes)),),
        judge,
        opens=False,
    )


def _serves_on(payload: bytes) -> Judge:
    """Want a server to be deaf to frames behind a request that it has refused."""
    refused = refuses_request(_BY_RULE)

    def judge(record: Record, facts: Facts) -> Iterator[Finding]:
        if not record.is_open and payload in record.received[len(record.head) :]:
            yield fail("RFC6455-7.2.2-01", "the request is refused, yet a Ping is answered")
        else:
            yield from refused(record, facts)

    return judge


_REFUSALS: Final = (
    _bad(
        "10.7/status-for-a-bad-key",
        "RFC6455-10.7-04",
        "A request with a bad key is answered by an HTTP status before TCP ends.",
        refuses_request(_BY_RULE, without_status=fail),
        replacing(_KEY, "wsref"),
    ),
    _bad(
        "10.7/status-for-bad-syntax",
        "RFC6455-10.7-04",
        "A request that is no valid HTTP is answered by an HTTP status before TCP ends.",
        refuses_request(_BY_RULE, without_status=fail),
        _last_line(b"X-Wsref : check"),
    ),
    _bad(
        "7.2.2/refusal-without-frames",
        "RFC6455-7.2.2-01",
        "A request is refused without a WebSocket frame.",
        refuses_request(_BY_RULE),
        without(_KEY),
    ),
    *(
        case(
            f"7.2.2/no-service-behind-a-refusal-{name}",
            ("RFC6455-7.2.2-01", _BY_RULE),
            "Behind a request that is refused frames are not answered.",
            (Open(Opening((change,)), behind=ping(b"wsref, are you there?")),),
            _serves_on(b"wsref, are you there?"),
            opens=False,
        )
        for name, change in (
            ("of-a-key", replacing(_KEY, "wsref")),
            ("of-a-version", replacing("Sec-WebSocket-Version", "99")),
        )
    ),
)


# UTF-8 in the request (§8.1)

_NOT_UTF8: Final = b"\xff\xfe\xc0\xaf\xed\xa0\x80"


def _not_utf8(name: str, what: str, change: Change) -> Case:
    return case(
        f"8.1/invalid-utf-8-in-{name}",
        ("RFC6455-8.1-07", _BY_RULE),
        f"Bytes that are not UTF-8 in {what} are refused, or ignored.",
        opened_by(change),
        does_either("RFC6455-8.1-07", may_wait=name == "target"),
        opens=False,
    )


_UTF8: Final = (
    _not_utf8("origin", "Origin", _last_line(b"Origin: http://" + _NOT_UTF8 + b".invalid")),
    _not_utf8(
        "subprotocol", "Sec-WebSocket-Protocol", _last_line(b"Sec-WebSocket-Protocol: " + _NOT_UTF8)
    ),
    _not_utf8(
        "extension", "an extension's name", _last_line(b"Sec-WebSocket-Extensions: " + _NOT_UTF8)
    ),
    _not_utf8("cookie", "a cookie", _last_line(b"Cookie: wsref=" + _NOT_UTF8)),
    _not_utf8(
        "target",
        "the request target",
        _first_line(lambda line: line.replace(b" HTTP/", b"?wsref=" + _NOT_UTF8 + b" HTTP/")),
    ),
)


# TLS (§4.2.2, §10.6)


def _not_in_clear(record: Record, facts: Facts) -> Iterator[Finding]:
    del facts
    if record.is_open:
        yield fail("RFC6455-4.2.2-02", "a handshake without TLS was accepted at the TLS port")
    elif record.response is None and not record.has_ended:
        yield info("RFC6455-4.2.2-02", "what is not TLS is neither answered nor refused")


_TLS: Final = (
    case(
        "4.2.2/no-handshake-in-clear",
        ("RFC6455-4.2.2-02", "RFC6455-10.6-01"),
        "Where TLS is wanted, a handshake in clear text is not accepted.",
        (Open(),),
        _not_in_clear,
        needs=["tls"],
        plain=True,
        opens=False,
    ),
    accepting(
        "10.6/handshake-inside-tls",
        ("RFC6455-10.6-01", "RFC6455-4.2.2-02"),
        "The opening handshake, and all that follows, is carried by TLS.",
        needs=["tls"],
    ),
)

CASES: Final[tuple[Case, ...]] = (
    *_METHODS,
    *_HTTP_VERSIONS,
    *_REQUEST_LINES,
    *_RESOURCES,
    *_SYNTAX,
    *_HOST,
    *_UPGRADE,
    *_CONNECTION,
    *_KEYS,
    *_ORDER,
    *_NAMES,
    *_UNKNOWN,
    *_WHITE_SPACE,
    *_LEFT_OUT,
    *_ORIGINS,
    *_SEGMENTS,
    *_ANSWERS,
    *_REFUSALS,
    *_UTF8,
    *_TLS,
)
