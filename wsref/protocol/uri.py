"""WebSocket URIs (RFC 6455 §3, §11.1): from a text that a person wrote to what a client needs.

::

    wss://user:secret@example.com:8443/chat?room=1
    └┬┘   └────┬────┘ └────┬────┘ └┬─┘└────┬─────┘
    secure  authorization  host  port   resource

Four things are done to the text: a host that is not ASCII gets its IDNA form, characters
that URIs do not have are percent-encoded as UTF-8 in the path and the query, the missing
parts get their defaults, and credentials become the header of HTTP's Basic scheme.  The
last departs from RFC 6455 §3, whose grammar has no credentials; they are what users expect,
and they never show up on the wire as part of the URI.

Whatever two readers could take for different URIs is refused rather than repaired.
"""

from __future__ import annotations

from binascii import b2a_base64
from typing import Final, NamedTuple

__all__ = ["WebSocketURI", "is_authority", "parse_uri"]

_DEFAULT_PORTS: Final = {False: 80, True: 443}
_SCHEMES: Final = {"ws": False, "wss": True}

_DIGITS: Final = frozenset("0123456789")
_HEX_DIGITS: Final = frozenset("0123456789ABCDEFabcdef")
_CONTROLS: Final = frozenset(map(chr, [*range(0x20), *range(0x7F, 0xA0)]))

# The sets of characters in RFC 3986 §2.2 and §2.3, and what they make up.
_UNRESERVED: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SUB_DELIMITERS: Final = frozenset("!$&'()*+,;=")
_REGISTERED_NAME: Final = _UNRESERVED | _SUB_DELIMITERS | {"%"}
_USERINFO: Final = _REGISTERED_NAME | {":"}
_PATH_AND_QUERY: Final = _REGISTERED_NAME | frozenset(":@/?")

# What names of hosts are made of; the underscore is not by the book, but in use.
_HOST_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_MAX_HOST: Final = 253
_MAX_LABEL: Final = 63

#: How each byte of a path or query is written.
_ENCODED: Final = tuple(
    chr(byte) if chr(byte) in _PATH_AND_QUERY else f"%{byte:02X}" for byte in range(256)
)


class WebSocketURI(NamedTuple):
    """The components of a WebSocket URI (RFC 6455 §3).

    Attributes:
        secure: whether the connection goes through TLS, that is, the scheme is wss.
        host: a name in its ASCII form and in lower case, or an address; IPv6 without brackets.
        port: 1 to 65535.
        resource: the RFC's *resource name*: the path, and ``?`` with the query unless that
            is empty.  Percent-encoded, begins with ``/``.
        authorization: the value for an Authorization header, None without credentials.
    """

    secure: bool
    host: str
    port: int
    resource: str
    authorization: str | None = None

    @property
    def host_header(self) -> str:
        """The value of the Host header: no port if it is the scheme's default (§4.1)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.secure] else f"{host}:{self.port}"

    def __repr__(self) -> str:
        hidden = None if self.authorization is None else "***"
        return (
            f"WebSocketURI(secure={self.secure}, host={self.host!r}, port={self.port},"
            f" resource={self.resource!r}, authorization={hidden!r})"
        )


def parse_uri(url: str) -> WebSocketURI:
    """Read a WebSocket URI (RFC 6455 §3, §11.1.1, §11.1.2).

    Paths below ``/.well-known/`` are nothing special here (RFC 8307 §1).

    Args:
        url: such as ``wss://example.com/chat``.  White space and control characters do not
            belong into it, with one exception: spaces inside the path and the query are
            percent-encoded, as everything else there that URIs do not have.

    Raises:
        TypeError: *url* is not a string.
        ValueError: it is not a WebSocket URI; the message does not show credentials.
    """
    text = _checked_text(url)
    try:
        return _parse(text)
    except ValueError as error:
        message = f"url: {_without_credentials(text)} is not a WebSocket URL: {error}"
        raise ValueError(message) from None


def is_authority(text: str) -> bool:
    """Whether *text* is a host and perhaps a port, as in a Host header (RFC 3986 §3.2)."""
    try:
        host, port = _split_address(text)
        _parse_port(port, 0)
        if host.startswith("["):
            _parse_ipv6(host)
            return True
        _check_percent(host)
    except ValueError:
        return False
    return bool(host) and _REGISTERED_NAME.issuperset(host)


def _checked_text(url: object) -> str:
    if not isinstance(url, str):
        raise TypeError(f"url must be str, not {type(url).__name__}: {url!r}")
    return url


def _parse(url: str) -> WebSocketURI:
    """Do the work of :func:`parse_uri`, with errors that show nothing of the authority."""
    if not _CONTROLS.isdisjoint(url):
        raise ValueError("it contains a control character")
    if url != url.strip():
        raise ValueError("there is white space around it")
    scheme, separator, rest = url.partition("://")
    secure = _SCHEMES.get(scheme.lower())
    if not separator or secure is None:
        raise ValueError("it does not begin with ws:// or wss://")
    if "#" in rest:
        raise ValueError('it has a fragment, which no WebSocket has; as data, "#" is written "%23"')
    authority = rest.partition("/")[0].partition("?")[0]
    path, _mark, query = rest[len(authority) :].partition("?")
    userinfo, _at, address = authority.rpartition("@")
    host, port = _split_address(address)
    return WebSocketURI(
        secure,
        _parse_ipv6(host) if host.startswith("[") else _parse_host_name(host),
        _parse_port(port, _DEFAULT_PORTS[secure]),
        (_encoded(path) or "/") + (f"?{_encoded(query)}" if query else ""),
        _parse_userinfo(userinfo) if userinfo else None,
    )


def _split_address(address: str) -> tuple[str, str]:
    """Split ``host:port`` into the host, with brackets if it has any, and the port or nothing."""
    if not address.startswith("["):
        host, _colon, port = address.partition(":")
        if ":" in port:
            raise ValueError("an IPv6 address needs square brackets")
        return host, port
    literal, bracket, rest = address.partition("]")
    if not bracket:
        raise ValueError("a square bracket is never closed")
    if rest and not rest.startswith(":"):
        raise ValueError("there is more than a port behind the IPv6 address")
    return literal + bracket, rest[1:]


def _parse_port(text: str, default: int) -> int:
    if not text:
        return default
    if not _DIGITS.issuperset(text):
        raise ValueError("the port is not a decimal number")
    digits = text.lstrip("0")
    if not digits or len(digits) > 5 or int(digits) > 65535:
        raise ValueError("the port is not from 1 to 65535")
    return int(digits)


def _parse_ipv6(literal: str) -> str:
    """Return the address in *literal*, which has its brackets still.

    Zone identifiers (``%eth0``) are refused: they mean something on one machine only, and
    would have to be kept out of the Host header.
    """
    from ipaddress import IPv6Address  # here since few need it, and importing it takes a while

    address = literal[1:-1]
    try:
        if "%" in address:
            raise ValueError
        IPv6Address(address)
    except ValueError:
        raise ValueError("what the square brackets hold is not an IPv6 address") from None
    return address.lower()


def _parse_host_name(text: str) -> str:
    """Return a name, or IPv4 address, in ASCII: by IDNA if need be (RFC 6455 §11.1.1)."""
    if not text:
        raise ValueError("it has no host")
    try:
        name = _percent_decoded(text).decode("utf-8")
        if len(name) <= _MAX_HOST and not name.isascii():
            name = name.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError("the host has no form in ASCII (IDNA)") from None
    # The rules of IDNA can turn a single character into "/", "@" or a space,
    # so what counts is what comes out.
    name = name.lower()
    labels = name.removesuffix(".").split(".")
    if len(name) > _MAX_HOST or not all(1 <= len(label) <= _MAX_LABEL for label in labels):
        raise ValueError("the host, or a label of it, is empty or too long")
    if not all(map(_HOST_NAME.issuperset, labels)):
        raise ValueError("the host has a character that names of hosts do not have")
    return name


def _parse_userinfo(userinfo: str) -> str:
    """Return the credentials as HTTP's Basic scheme has them (RFC 7617)."""
    if any(character.isascii() and character not in _USERINFO for character in userinfo):
        raise ValueError(
            "the credentials have a character that is to be percent-encoded there;"
            ' "@" is written "%40"'
        )
    username, _colon, password = map(_percent_decoded, userinfo.partition(":"))
    if b":" in username:
        raise ValueError('the user name has a ":", which Basic authentication cannot carry')
    credentials = username + b":" + password
    if not _CONTROLS.isdisjoint(credentials.decode("utf-8", "replace")):
        raise ValueError("the credentials have a control character")
    return "Basic " + b2a_base64(credentials, newline=False).decode("ascii")


def _check_percent(text: str) -> None:
    """Check that only two hexadecimal digits follow a per cent sign (RFC 3986 §2.1)."""
    for part in text.split("%")[1:]:
        if len(part) < 2 or not _HEX_DIGITS.issuperset(part[:2]):
            raise ValueError('no two hexadecimal digits follow a "%"; as data it is written "%25"')


def _percent_decoded(text: str) -> bytes:
    _check_percent(text)
    first, *others = text.split("%")
    decoded = [_utf8(first)]
    for part in others:
        decoded += bytes.fromhex(part[:2]), _utf8(part[2:])
    return b"".join(decoded)


def _encoded(text: str) -> str:
    """Percent-encode all that a path and query cannot have (RFC 6455 §11.1.1)."""
    _check_percent(text)
    return "".join([_ENCODED[byte] for byte in _utf8(text)])


def _utf8(text: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("it contains half of a surrogate pair") from None


def _without_credentials(url: str) -> str:
    """Return *url* for a message: whatever might belong to credentials is left out."""
    before, at, rest = url.rpartition("@")
    if not at:
        return repr(url)
    scheme, separator, _credentials = before.partition("://")
    return repr(f"{scheme if separator else ''}{separator}***@{rest}")
