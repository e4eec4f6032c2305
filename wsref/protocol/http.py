"""Heads of HTTP requests and responses, as much of HTTP/1.1 as RFC 6455 §4 needs.

A head is a start line and header fields, each ended by CRLF, and an empty line::

    GET /chat HTTP/1.1␍␊              HTTP/1.1 101 Switching Protocols␍␊
    Host: example.com␍␊               Upgrade: websocket␍␊
    ␍␊                                ␍␊

The opening handshake has to be valid HTTP (RFC 6455 §4.1, §4.2.1), and a head that two
parties may read differently is how requests are smuggled past proxies.  So reading is
strict: folded lines, line ends other than CRLF, control characters, white space before a
colon and names that are not tokens are refused.  Writing is as strict: nothing that a
caller passes can end a line.

Header values are Latin-1, which is a way to say bytes: ``value.encode("latin-1")`` is what
was on the wire, and ``data.decode("latin-1")`` sends any bytes but control characters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple, TypeAlias

from .headers import is_token, shown
from .values import Value, put
from .violations import Violation

__all__ = [
    "Headers",
    "Request",
    "Response",
    "check_field_value",
    "check_headers",
    "end_of_head",
    "parse_request",
    "parse_response",
    "serialize_request",
    "serialize_response",
]

#: Header fields in order, names as they were written.
Headers: TypeAlias = tuple[tuple[str, str], ...]

_SPACE: Final = " \t"
_DIGITS: Final = frozenset("0123456789")
_VISIBLE_ASCII: Final = frozenset(map(chr, range(0x21, 0x7F)))
_SENDABLE: Final = frozenset(map(chr, [*range(0x20, 0x7F), *range(0x80, 0x100)]))
_RECEIVABLE: Final = _SENDABLE | {"\t"}


class Request(NamedTuple):
    """The head of a request.

    Attributes:
        method: such as ``GET``.
        target: as it was sent: a path with a query, or an absolute URI.
        version: such as ``HTTP/1.1``.
        headers: the header fields in order, names as they were sent.
    """

    method: str
    target: str
    version: str
    headers: Headers

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the value of a header, or *default*; several fields are joined by commas."""
        values = self.get_all(name)
        return ", ".join(values) if values else default

    def get_all(self, name: str) -> tuple[str, ...]:
        """Return the values of all fields called *name*, in whatever case."""
        return _get_all(self.headers, name)

    @property
    def resource(self) -> str:
        """The resource name (RFC 6455 §3): path and query, also of an absolute URI."""
        if self.target.startswith("/"):
            return self.target
        rest = self.target.partition("://")[2]
        authority = rest.partition("/")[0].partition("?")[0]
        resource = rest[len(authority) :]
        return resource if resource.startswith("/") else f"/{resource}"

    @property
    def path(self) -> str:
        """The path alone, percent-encoded as it was sent."""
        return self.resource.partition("?")[0]

    def __repr__(self) -> str:
        return f"<request {_for_repr(f'{self.method} {self.target} {self.version}')}>"


class Response(Value):
    """The head of a response, read without complaint however badly it is written.

    Responses are compared, and hashed, by the bytes that were received.

    Attributes:
        raw: the bytes received.
        http_ver: the version, such as ``HTTP/1.1``.
        status_code: None if it does not have three digits.
        status: the reason phrase.
        fields: the header fields in order, names as they were received.
    """

    __slots__ = ("fields", "http_ver", "raw", "status", "status_code")
    __match_args__ = ("raw",)
    raw: bytes
    http_ver: str
    status_code: int | None
    status: str
    fields: Headers

    def __init__(self, raw: bytes) -> None:
        start, *lines = raw.decode("latin-1").split("\r\n")
        version, code, reason, *_none = *start.split(None, 2), "", "", ""
        fields: list[tuple[str, str]] = []
        for line in lines:
            name, _colon, value = line.partition(":")
            if line.startswith(("\t", " ")):
                if fields:  # a folded line goes on with the one before
                    name, value = fields.pop()
                    fields.append((name, f"{value} {line.strip(_SPACE)}".strip(_SPACE)))
            elif line:
                fields.append((name.strip(_SPACE), value.strip(_SPACE)))
        put(self, "raw", raw)
        put(self, "http_ver", version)
        put(self, "status_code", int(code) if _is_status_code(code) else None)
        put(self, "status", reason)
        put(self, "fields", tuple(fields))

    def __reduce__(self) -> tuple[object, ...]:
        return Response, (self.raw,)

    @property
    def headers(self) -> dict[str, str]:
        """The values by the names in lower case, several fields joined by commas: a new dict."""
        joined: dict[str, str] = {}
        for name, value in self.fields:
            key = name.lower()
            joined[key] = f"{joined[key]}, {value}" if key in joined else value
        return joined

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the value of a header, or *default*; several fields are joined by commas."""
        values = self.get_all(name)
        return ", ".join(values) if values else default

    def get_all(self, name: str) -> tuple[str, ...]:
        """Return the values of all fields called *name*, in whatever case."""
        return _get_all(self.fields, name)

    def get_list(self, name: str) -> list[str]:
        """Return the elements of a header that is a comma list, without the space around them."""
        value = self.get(name) or ""
        return [element.strip() for element in value.split(",")] if value else []

    def __repr__(self) -> str:
        return f"<response {_for_repr(f'{self.http_ver} {self.status_code} {self.status}')}>"


def end_of_head(data: bytes, searched: int = 0) -> int:
    """Return the position behind the empty line that ends a head, or -1.

    An empty line counts whether its end, and that of the line before, is CRLF or a bare LF.
    The latter is refused when the head is parsed; not to see it would mean to wait for more
    from a peer that has said all it wants to say.

    Args:
        data: the bytes so far.
        searched: where to begin: up to three bytes before those that are new.
    """
    end = data.find(b"\n\r\n", searched)
    bare = data.find(b"\n\n", searched, len(data) if end < 0 else end)
    if bare >= 0:
        return bare + 2
    return end + 3 if end >= 0 else -1


def parse_request(head: bytes) -> Request:
    """Read a request's head, up to and including its empty line (RFC 6455 §4.2.1).

    Raises:
        Violation: it is not a head as HTTP/1.1 defines it.
    """
    clause = "RFC6455-4.2.1-18"
    start, fields = _parse_head(head, clause)
    parts = start.split(" ")
    if (
        len(parts) != 3
        or not is_token(parts[0])
        or not (parts[1] and _VISIBLE_ASCII.issuperset(parts[1]))
        or not _is_version(parts[2])
    ):
        raise Violation(clause, f"the request line is malformed: {shown(start)}")
    method, target, version = parts
    return Request(method, target, version, fields)


def parse_response(head: bytes) -> Response:
    """Read a response's head, up to and including its empty line (RFC 6455 §4.1).

    Raises:
        Violation: it is not a head as HTTP/1.1 defines it.
    """
    clause = "RFC6455-4.1-49"
    start, _fields = _parse_head(head, clause)
    version, _space, rest = start.partition(" ")
    # The space before a reason phrase that is empty is often left out, and harmless to miss.
    code, _space, _reason = rest.partition(" ")
    if not _is_version(version) or not _is_status_code(code):
        raise Violation(clause, f"the status line is malformed: {shown(start)}")
    return Response(head)


def serialize_request(method: str, target: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """Write the head of an HTTP/1.1 request.

    Raises:
        TypeError, ValueError: an argument that does not fit into a head; it is named.
    """
    if not is_token(method):
        raise ValueError(f"method: {method!r} is not a token")
    if not (target and _VISIBLE_ASCII.issuperset(target)):
        raise ValueError(f"target: {target!r} is not visible ASCII")
    return _serialize_head(f"{method} {target} HTTP/1.1", headers)


def serialize_response(
    status: int, reason: str, headers: Iterable[tuple[str, str]], body: bytes = b""
) -> bytes:
    """Write an HTTP/1.1 response.

    Args:
        status: the status code, 100 to 599.
        reason: the reason phrase, which may be empty.
        headers: all header fields, those that describe the body included.
        body: what comes behind the head.

    Raises:
        TypeError, ValueError: an argument that does not fit into a response; it is named.
    """
    if status not in range(100, 600):
        raise ValueError(f"status must be from 100 to 599, not {status!r}")
    check_field_value("reason", reason)
    _check_body(body)
    return _serialize_head(f"HTTP/1.1 {int(status)} {reason}", headers) + body


def check_headers(headers: Iterable[object]) -> Headers:
    """Check header fields that a caller wants to be sent, and return them.

    Raises:
        TypeError: something is not a pair of strings.
        ValueError: a name that is not a token; a value with control characters, or with
            characters that Latin-1 does not have.
    """
    checked: list[tuple[str, str]] = []
    for pair in headers:
        match pair:
            case (str(name), str(value)):
                if not is_token(name):
                    raise ValueError(f"headers: the name {name!r} is not a token")
                checked.append((name, check_field_value(f"headers: the value of {name}", value)))
            case _:
                raise TypeError(f"headers: {pair!r} is not a pair of strings")
    return tuple(checked)


def check_field_value(argument: str, value: object) -> str:
    """Check a header's value, or other text for a head, that a caller passed as *argument*.

    Raises:
        TypeError: it is not a string.
        ValueError: it has control characters, or characters that Latin-1 does not have.
    """
    if not isinstance(value, str):
        raise TypeError(f"{argument} must be str, not {type(value).__name__}: {value!r}")
    if not _SENDABLE.issuperset(value):
        raise ValueError(f"{argument} has a character that cannot be sent in a header: {value!r}")
    return value


def _serialize_head(start: str, headers: Iterable[tuple[str, str]]) -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in check_headers(headers)), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _check_body(body: object) -> None:
    if not isinstance(body, bytes):
        raise TypeError(f"body must be bytes, not {type(body).__name__}: {body!r}")


def _parse_head(head: bytes, clause: str) -> tuple[str, Headers]:
    """Split a head into its start line and its fields."""
    lines = head.decode("latin-1").split("\r\n")
    for line in lines:
        if not _RECEIVABLE.issuperset(line):
            raise Violation(clause, f"a control character, or bare CR or LF, in {shown(line)}")
    start, *lines = lines
    if lines[-2:] != ["", ""]:
        raise Violation(clause, "the head does not end in an empty line")
    fields: list[tuple[str, str]] = []
    for line in lines[:-2]:
        name, colon, value = line.partition(":")
        if not colon or not is_token(name):
            raise Violation(clause, f"the header line {shown(line)} is malformed")
        fields.append((name, value.strip(_SPACE)))
    return start, tuple(fields)


def _for_repr(start: str) -> str:
    """Return a peer's start line: nothing that confuses a terminal, and not too much of it."""
    return start[:80].encode("unicode_escape").decode("ascii")


def _get_all(headers: Headers, name: str) -> tuple[str, ...]:
    wanted = name.lower()
    return tuple(value for key, value in headers if key.lower() == wanted)


def _is_version(text: str) -> bool:
    """Whether *text* is written like ``HTTP/1.1``: one digit each."""
    return (
        len(text) == 8
        and text.startswith("HTTP/")
        and text[6] == "."
        and _DIGITS.issuperset(text[5] + text[7])
    )


def _is_status_code(text: str) -> bool:
    return len(text) == 3 and _DIGITS.issuperset(text)
