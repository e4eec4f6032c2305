"""The opening handshake, both roles (RFC 6455 §4).

::

    client                                                          server
      build_request    ──  GET, Upgrade: websocket,            ──►    check_request
                           Sec-WebSocket-Key, -Version,                 │ fails: rejection_for
                           what it would like to use                    │ unwanted: build_rejection
      check_response   ◄──  101, Upgrade: websocket,           ──     build_acceptance
                            Sec-WebSocket-Accept, what is used

What either side *uses* afterwards is in the response and nowhere else: the server picks from
the subprotocols and extensions that the client named, and the client checks that it did.

``Sec-WebSocket-Accept`` shows that the server read this very request and knows the protocol;
neither it nor the key has anything to do with secrecy (§10.3, §1.3).

The checks go through a head in the order in which §4.1 and §4.2.1 list what it must have,
and raise a :class:`~wsref.protocol.violations.Violation` for the first that is missing.
The functions that build check what the *caller* passes, and raise TypeError or ValueError.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

from .deflate import (
    DeflateOffer,
    DeflateParameters,
    DeflatePolicy,
    answer_offers,
    check_answer,
    offer_extension,
)
from .headers import is_token, parse_extensions, parse_tokens, serialize_extensions, shown
from .http import (
    Headers,
    Request,
    Response,
    check_field_value,
    check_headers,
    serialize_request,
    serialize_response,
)
from .uri import WebSocketURI, is_authority
from .violations import Violation

__all__ = [
    "Agreement",
    "Asked",
    "accept_token",
    "build_acceptance",
    "build_rejection",
    "build_request",
    "check_origin",
    "check_request",
    "check_response",
    "choose_subprotocol",
    "http_status_of",
    "rejection_for",
]

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_VERSION: Final = "13"
_NONCE_BYTES: Final = 16
_DEFLATE: Final = "permessage-deflate"

_BASE64: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")

#: Version numbers by the grammar of RFC 6455 §4.3: 0 to 255 without leading zeros.
_VERSIONS: Final = frozenset(map(str, range(256)))

#: Fields that say how to go on with the connection; a caller who sets them breaks that.
_FRAMING: Final = frozenset({"connection", "content-length", "transfer-encoding"})

#: Fields that a caller of the handshake cannot set: those, and the handshake's own.
_RESERVED: Final = _FRAMING | {
    "upgrade",
    "sec-websocket-accept",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "sec-websocket-version",
}

#: The HTTP status codes for violations; for all others 400, Bad Request (RFC 6455 §4.2.1).
_HTTP_STATUSES: Final = {
    "RFC6455-4.2.1-02": 405,  # Method Not Allowed
    "RFC6455-4.2.1-03": 505,  # HTTP Version Not Supported
    "RFC6455-4.2.1-06": 426,  # Upgrade Required
    "RFC6455-4.2.1-08": 426,
    "RFC6455-4.2.2-07": 426,
    "RFC6455-10.4-01": 431,  # Request Header Fields Too Large
}

#: Violations about the version: the refusal tells which one is supported (RFC 6455 §4.4).
_ABOUT_VERSION: Final = frozenset(
    {"RFC6455-4.2.1-11", "RFC6455-4.2.2-07", "RFC6455-4.3-04", "RFC6455-11.3.5-03"}
)


class Asked(NamedTuple):
    """What a client's request asked for; the response is checked against it.

    Attributes:
        key: Sec-WebSocket-Key, the text as sent.
        subprotocols: in order of preference.
        offers: of permessage-deflate, in order of preference.
    """

    key: str
    subprotocols: tuple[str, ...]
    offers: tuple[DeflateOffer, ...]


class Agreement(NamedTuple):
    """What the response said is in use, and so nothing else (RFC 6455 §5.8, §9.2).

    Attributes:
        subprotocol: None if there is none.
        deflate: the parameters of permessage-deflate, None if messages are not compressed.
    """

    subprotocol: str | None
    deflate: DeflateParameters | None

    @property
    def extensions(self) -> frozenset[str]:
        """The names of the extensions in use."""
        return frozenset() if self.deflate is None else frozenset({_DEFLATE})


def accept_token(key: str) -> str:
    """Return the value of Sec-WebSocket-Accept for a key (RFC 6455 §4.2.2).

    It is made from the text of the key, not from the 16 bytes that it stands for.
    """
    from hashlib import sha1  # here since importing it takes longer than most modules

    digest = sha1(key.encode("latin-1") + _GUID, usedforsecurity=False).digest()
    return b2a_base64(digest, newline=False).decode("ascii")


# The client's part (RFC 6455 §4.1)


def build_request(
    uri: WebSocketURI,
    nonce: bytes,
    *,
    subprotocols: Sequence[str] = (),
    offers: Sequence[DeflateOffer] = (),
    headers: Headers = (),
    origin: str | None = None,
    user_agent: str | None = None,
) -> tuple[bytes, Asked]:
    """Write a client's opening handshake (RFC 6455 §4.1).

    Args:
        uri: where to, from :func:`~wsref.protocol.uri.parse_uri`.
        nonce: 16 random bytes, new for every connection.
        subprotocols: wanted subprotocols, the most preferred first: tokens, none twice.
        offers: permessage-deflate as offered, the most preferred first.
        headers: further header fields.  Host, Origin, User-Agent and Authorization replace
            what the other arguments say.  Those that are the handshake's own, and those
            that announce a body, are refused.
        origin: the Origin header, for clients that act on behalf of a page.
        user_agent: the User-Agent header.

    Returns:
        The request, and what to check the response against.

    Raises:
        TypeError, ValueError: an argument that cannot be sent; it is named.
    """
    key = b2a_base64(_checked_nonce(nonce), newline=False).decode("ascii")
    further = _checked_headers(headers, _RESERVED)
    wanted = _checked_subprotocols(subprotocols)
    if len(set(wanted)) != len(wanted):
        raise ValueError(f"subprotocols: one is named twice in {wanted!r}")
    given = [name.lower() for name, _value in further]
    if given.count("host") > 1:
        raise ValueError("headers: Host is given more than once")
    host = further[given.index("host")][1] if "host" in given else uri.host_header
    if not is_authority(host):
        raise ValueError(f"{'headers' if 'host' in given else 'uri'}: Host cannot be {host!r}")
    if not uri.resource.startswith("/") or "#" in uri.resource:
        raise ValueError(f"uri: no resource can be {uri.resource!r}")

    fields = [
        ("Host", host),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", key),
        ("Sec-WebSocket-Version", _VERSION),
    ]
    if wanted:
        fields.append(("Sec-WebSocket-Protocol", ", ".join(wanted)))
    if offers:
        fields.append(
            ("Sec-WebSocket-Extensions", serialize_extensions(map(offer_extension, offers)))
        )
    for name, argument, value in (
        ("Origin", "origin", origin),
        ("User-Agent", "user_agent", user_agent),
        ("Authorization", "uri.authorization", uri.authorization),
    ):
        if value is not None and name.lower() not in given:
            if not check_field_value(argument, value).strip():
                raise ValueError(f"{argument} must not be empty; None leaves the header out")
            fields.append((name, value))
    fields += [field for field in further if field[0].lower() != "host"]
    return serialize_request("GET", uri.resource, fields), Asked(key, wanted, tuple(offers))


def check_response(response: Response, asked: Asked) -> Agreement:
    """Check the server's answer, clause by clause (RFC 6455 §4.1, §11.2, §11.3.2 to §11.3.4).

    That a 101 has no body goes without saying, whatever Content-Length may say (RFC 9112
    §6.3): the WebSocket frames begin behind the empty line.

    Args:
        response: the answer's head.
        asked: what the request asked for.

    Returns:
        What is in use from now on.

    Raises:
        Violation: the connection is not to be used.  If the clause is RFC6455-4.1-40, the
            server just refused, by an HTTP status.
    """
    if response.status_code != 101:
        status = f"{response.status_code} {response.status}".rstrip()
        raise Violation("RFC6455-4.1-40", f"the server answered {shown(status)}, not 101")
    if response.http_ver < "HTTP/1.1":  # one digit each, so they compare as text
        raise Violation("RFC6455-4.1-49", f"101 does not exist in {response.http_ver}")
    upgrade = response.get("Upgrade")
    if upgrade is None:
        raise Violation("RFC6455-4.1-42", "the response has no Upgrade header")
    if upgrade.lower() != "websocket":
        raise Violation("RFC6455-4.1-42", f"Upgrade is {shown(upgrade)}, not 'websocket'")
    if not _lists_upgrade(response.get_all("Connection"), "RFC6455-4.1-49"):
        raise Violation("RFC6455-4.1-43", "the response's Connection header does not list Upgrade")
    accept = _only(
        "Sec-WebSocket-Accept",
        response.get_all("Sec-WebSocket-Accept"),
        missing="RFC6455-4.1-44",
        repeated="RFC6455-11.3.3-02",
    )
    if accept != accept_token(asked.key):
        raise Violation(
            "RFC6455-4.1-44", f"Sec-WebSocket-Accept is {shown(accept)}, which fits another key"
        )
    deflate = _check_accepted_extensions(response, asked)
    return Agreement(_check_chosen_subprotocol(response, asked), deflate)


def _check_accepted_extensions(response: Response, asked: Asked) -> DeflateParameters | None:
    parameters: DeflateParameters | None = None
    for extension in parse_extensions(response.get_all("Sec-WebSocket-Extensions")):
        if extension.name != _DEFLATE or not asked.offers:
            raise Violation(
                "RFC6455-4.1-47", f"the extension {shown(extension.name)} was not offered"
            )
        if parameters is not None:
            raise Violation("RFC7692-5-12", f"{_DEFLATE} is accepted more than once")
        parameters = check_answer(extension, asked.offers)
    return parameters


def _check_chosen_subprotocol(response: Response, asked: Asked) -> str | None:
    values = response.get_all("Sec-WebSocket-Protocol")
    if not values:
        return None
    chosen, *others = values
    if others:
        raise Violation("RFC6455-11.3.4-04", "there is more than one Sec-WebSocket-Protocol header")
    if not chosen:
        raise Violation("RFC6455-4.2.2-11", "the response names an empty subprotocol")
    if chosen not in asked.subprotocols:
        raise Violation("RFC6455-4.1-48", f"the subprotocol {shown(chosen)} was not offered")
    return chosen


# The server's part (RFC 6455 §4.2)


def check_request(request: Request) -> None:
    """Check a client's opening handshake, clause by clause (RFC 6455 §4.2.1, §11.2, §11.3.1).

    What may be there once, and what counts as one list, is in §11.3.4 and §11.3.5.

    Raises:
        Violation: the handshake has to be refused; :func:`rejection_for` writes the answer.
    """
    _check_request_line(request)
    _check_host(request)
    _check_upgrade(request)
    _check_body_headers(request)
    _check_version(request)
    _check_key(request)
    _check_offered_subprotocols(request)
    parse_extensions(request.get_all("Sec-WebSocket-Extensions"))


def _check_request_line(request: Request) -> None:
    if request.method != "GET":
        raise Violation("RFC6455-4.2.1-02", f"the method is {shown(request.method)}, not GET")
    # "HTTP/1.1 or higher", so a later version is no reason to refuse.
    if request.version < "HTTP/1.1":  # one digit each, so they compare as text
        raise Violation("RFC6455-4.2.1-03", f"the version is {request.version}, below HTTP/1.1")
    target = request.target
    if "#" in target:
        raise Violation("RFC6455-3-06", f"the request target {shown(target)} has a raw '#'")
    if not target.startswith("/"):
        scheme, _separator, rest = target.partition("://")
        authority = rest.partition("/")[0].partition("?")[0]
        if scheme.lower() not in ("http", "https") or not is_authority(authority):
            raise Violation(
                "RFC6455-4.1-20", f"{shown(target)} is neither a path nor an http or https URI"
            )


def _check_host(request: Request) -> None:
    host = _only(
        "Host",
        request.get_all("Host"),
        missing="RFC6455-4.2.1-04",
        repeated="RFC6455-4.2.1-18",
    )
    if not host:
        raise Violation("RFC6455-4.2.1-04", "the Host header is empty")
    if not is_authority(host):
        raise Violation("RFC6455-4.2.1-18", f"Host {shown(host)} is not a host with a port")


def _check_upgrade(request: Request) -> None:
    names: list[str] = []
    for element in ",".join(request.get_all("Upgrade")).split(","):
        name, slash, version = element.strip(" \t").partition("/")  # such as HTTP/2.0
        if (name or slash) and not (is_token(name) and (is_token(version) or not slash)):
            raise Violation("RFC6455-4.2.1-18", f"the Upgrade header has {shown(element)}")
        names.append(f"{name}{slash}{version}".lower())
    if "websocket" not in names:
        raise Violation("RFC6455-4.2.1-06", "the Upgrade header does not name websocket")
    if not _lists_upgrade(request.get_all("Connection"), "RFC6455-4.2.1-18"):
        raise Violation("RFC6455-4.2.1-08", "the Connection header does not list Upgrade")


def _check_body_headers(request: Request) -> None:
    """Refuse a request that announces a body.

    What follows the head of a handshake are WebSocket frames.  A proxy that goes by
    Content-Length or Transfer-Encoding would see a body there: the two would differ about
    which bytes belong to whom, the ground on which requests are smuggled.  A length of 0
    changes nothing, and some clients send it.
    """
    if request.get_all("Transfer-Encoding"):
        raise Violation("RFC6455-4.1-38", "the request has a body, by its Transfer-Encoding")
    if any(length != "0" for length in request.get_all("Content-Length")):
        raise Violation("RFC6455-4.1-38", "the request has a body, by its Content-Length")


def _check_version(request: Request) -> None:
    version = _only(
        "Sec-WebSocket-Version",
        request.get_all("Sec-WebSocket-Version"),
        missing="RFC6455-4.2.1-11",
        repeated="RFC6455-11.3.5-03",
    )
    if "," in version:
        raise Violation("RFC6455-11.3.5-03", "Sec-WebSocket-Version is a list, not one version")
    if version not in _VERSIONS:
        raise Violation(
            "RFC6455-4.3-04", f"Sec-WebSocket-Version {shown(version)} is not a number up to 255"
        )
    if version != _VERSION:
        raise Violation(
            "RFC6455-4.2.2-07", f"version {version} of the protocol is not supported, {_VERSION} is"
        )


def _check_key(request: Request) -> None:
    key = _only(
        "Sec-WebSocket-Key",
        request.get_all("Sec-WebSocket-Key"),
        missing="RFC6455-4.2.1-09",
        repeated="RFC6455-11.3.1-02",
    )
    # Sixteen bytes are 22 characters and two of padding.  The last character has four bits to
    # spare; they should be zero, but they are not in the RFC's own example (erratum 3150).
    if not (len(key) == 24 and key.endswith("==") and _BASE64.issuperset(key[:22])):
        raise Violation(
            "RFC6455-4.2.1-10", f"Sec-WebSocket-Key {shown(key)} is not base64 for 16 bytes"
        )


def _check_offered_subprotocols(request: Request) -> None:
    values = request.get_all("Sec-WebSocket-Protocol")
    subprotocols = parse_tokens(values)
    if values and not subprotocols:
        raise Violation("RFC6455-4.3-06", "Sec-WebSocket-Protocol names no subprotocol")
    if len(set(subprotocols)) != len(subprotocols):
        raise Violation("RFC6455-4.1-34", "Sec-WebSocket-Protocol names a subprotocol twice")


def choose_subprotocol(request: Request, supported: Sequence[str]) -> str | None:
    """Return the first of the client's subprotocols that is supported (RFC 6455 §4.2.2).

    Names are compared as they are, case included (RFC 7936 §2).

    Args:
        request: one that passed :func:`check_request`.
        supported: the server's subprotocols; their order does not matter.

    Raises:
        TypeError, ValueError: *supported* is not a sequence of tokens.
    """
    known = _checked_subprotocols(supported)
    offered = parse_tokens(request.get_all("Sec-WebSocket-Protocol"))
    return next((subprotocol for subprotocol in offered if subprotocol in known), None)


def check_origin(request: Request, allowed: Collection[str | None] | None) -> bool:
    """Whether the request comes from an allowed origin (RFC 6455 §10.1, §10.2).

    Scheme and host are compared without regard to case, as URIs have it; there is nothing
    else in an origin that has a case.

    Args:
        request: the client's request.
        allowed: origins, such as ``https://example.com``, with None among them if requests
            that have no Origin are allowed, which is how programs other than browsers
            connect.  None allows every request.

    Raises:
        TypeError: *allowed* is a single string, which would be searched for parts of it.
    """
    if allowed is None:
        return True
    if isinstance(allowed, str):
        raise TypeError(f"allowed must be a collection of origins, not the string {allowed!r}")
    values = request.get_all("Origin")
    if not values:
        return None in allowed
    origin, *others = values
    known = {origin.lower() for origin in allowed if origin is not None}
    return not others and origin.lower() in known


def build_acceptance(
    request: Request,
    *,
    subprotocol: str | None = None,
    deflate_policy: DeflatePolicy | None = None,
    headers: Headers = (),
) -> tuple[bytes, Response, Agreement]:
    """Write the server's answer that opens the connection (RFC 6455 §4.2.2).

    Args:
        request: one that passed :func:`check_request`.
        subprotocol: the one to use, of those that the client named; None for none.
        deflate_policy: how to agree on permessage-deflate, None to decline it.
        headers: further header fields.  Those that are the handshake's own, and those that
            announce a body, are refused.

    Returns:
        The response, once as bytes and once parsed, and what is in use from now on.

    Raises:
        TypeError, ValueError: an argument that cannot be sent; it is named.
    """
    further = _checked_headers(headers, _RESERVED)
    fields = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Accept", accept_token(request.get("Sec-WebSocket-Key") or "")),
    ]
    if subprotocol is not None:
        if subprotocol not in parse_tokens(request.get_all("Sec-WebSocket-Protocol")):
            raise ValueError(f"subprotocol: the client did not name {subprotocol!r}")
        fields.append(("Sec-WebSocket-Protocol", subprotocol))
    parameters: DeflateParameters | None = None
    if deflate_policy is not None:
        offered = parse_extensions(request.get_all("Sec-WebSocket-Extensions"))
        answer = answer_offers(offered, deflate_policy)
        if answer is not None:
            parameters, extension = answer
            fields.append(("Sec-WebSocket-Extensions", serialize_extensions([extension])))
    head = serialize_response(101, "Switching Protocols", [*fields, *further])
    return head, Response(head), Agreement(subprotocol, parameters)


def build_rejection(status: int, headers: Headers = (), body: bytes = b"") -> bytes:
    """Write an HTTP response that refuses the handshake (RFC 6455 §4.2.2).

    The connection is closed behind it.  The fields that this takes are added, and with
    status 426 those that say what to upgrade to (RFC 6455 §4.4, RFC 9110 §15.5.22).

    Args:
        status: the HTTP status code, 300 to 599.
        headers: further header fields; not Connection, Content-Length, Transfer-Encoding.
        body: what a person will read: plain text in UTF-8 unless *headers* has a Content-Type.

    Raises:
        TypeError, ValueError: an argument that cannot be sent; it is named.
    """
    from http import HTTPStatus  # here since it is for refusals only

    if status not in range(300, 600):
        raise ValueError(f"status must be from 300 to 599, not {status!r}")
    fields = list(_checked_headers(headers, _FRAMING))
    given = {name.lower() for name, _value in fields}
    if body and "content-type" not in given:
        fields.append(("Content-Type", "text/plain; charset=utf-8"))
    fields.append(("Content-Length", str(len(body))))
    connection = "close"
    if status == HTTPStatus.UPGRADE_REQUIRED:
        connection = "close, Upgrade"
        for name, value in (("Upgrade", "websocket"), ("Sec-WebSocket-Version", _VERSION)):
            if name.lower() not in given:
                fields.append((name, value))
    fields.append(("Connection", connection))
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:  # a status code that is not registered needs no phrase
        reason = ""
    return serialize_response(status, reason, fields, body)


def http_status_of(violation: Violation) -> int:
    """Return the HTTP status that answers a violation in a request (RFC 6455 §4.2.1, §10.7)."""
    return _HTTP_STATUSES.get(violation.clause, 400)


def rejection_for(violation: Violation) -> bytes:
    """Write the HTTP response that answers a violation in a request, saying what was wrong."""
    headers: list[tuple[str, str]] = []
    status = http_status_of(violation)
    if status == 405:
        headers.append(("Allow", "GET"))
    if violation.clause in _ABOUT_VERSION:
        headers.append(("Sec-WebSocket-Version", _VERSION))
    body = f"The opening handshake is refused: {violation}.\n"
    return build_rejection(status, tuple(headers), body.encode("utf-8", "backslashreplace"))


# What both parts need


def _lists_upgrade(values: Iterable[str], clause: str) -> bool:
    """Whether the fields of a Connection header list upgrade, in whatever case."""
    return "upgrade" in (token.lower() for token in parse_tokens(values, clause))


def _only(name: str, values: Sequence[str], *, missing: str, repeated: str) -> str:
    """Return the value of a header that has to be there once; else raise for that clause."""
    if not values:
        raise Violation(missing, f"the {name} header is missing")
    value, *others = values
    if others:
        raise Violation(repeated, f"there is more than one {name} header")
    return value


def _checked_nonce(nonce: object) -> bytes:
    if not isinstance(nonce, bytes):
        raise TypeError(f"nonce must be bytes, not {type(nonce).__name__}: {nonce!r}")
    if len(nonce) != _NONCE_BYTES:
        raise ValueError(f"nonce must have {_NONCE_BYTES} bytes, not {len(nonce)}: {nonce!r}")
    return nonce


def _checked_subprotocols(subprotocols: Sequence[object]) -> tuple[str, ...]:
    if isinstance(subprotocols, str):
        raise TypeError(f"subprotocols must be a list of strings, not {subprotocols!r} alone")
    checked: list[str] = []
    for subprotocol in subprotocols:
        if not isinstance(subprotocol, str):
            raise TypeError(f"subprotocols: {subprotocol!r} is not a string")
        if not is_token(subprotocol):
            raise ValueError(f"subprotocols: {subprotocol!r} is not a token")
        checked.append(subprotocol)
    return tuple(checked)


def _checked_headers(headers: Headers, reserved: frozenset[str]) -> Headers:
    checked = check_headers(headers)
    for name, value in checked:
        if name.lower() in reserved:
            raise ValueError(f"headers: {name} is not for the caller to set (to {value!r})")
    return checked
