"""Opening handshakes, legal and with one requirement broken (RFC 6455 §4).

There are many ways to write the same handshake: fields in any order, names in any case, lists in
one field or in several, white space around values, other fields in between.  What is legal is
drawn in all of them, and what breaks a requirement as well, so that nothing but the broken
requirement tells the two apart.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import cache
from typing import Final, NamedTuple, TypeAlias, TypeVar

from hypothesis import strategies as st

from ..protocol.deflate import PERMESSAGE_DEFLATE, DeflateOffer, DeflateParameters, offer_extension
from ..protocol.handshake import Agreement, Asked, accept_token
from ..protocol.headers import Extension, serialize_extensions
from .extensions import (
    broken_extension_headers,
    declinable_offers,
    deflate_offers,
    extensions,
    join,
    misfitting_answers,
    spell,
    tokens,
)

__all__ = [
    "HandshakeRequest",
    "HandshakeResponse",
    "IllegalHandshake",
    "handshake_requests",
    "handshake_responses",
    "illegal_handshake_requests",
    "illegal_handshake_responses",
    "keys",
]

_T = TypeVar("_T")


class HandshakeRequest(NamedTuple):
    """A client's opening handshake that a server accepts.

    Attributes:
        data: the bytes.
        asked: what the response is to be checked against.
    """

    data: bytes
    asked: Asked


class HandshakeResponse(NamedTuple):
    """A server's answer that opens the connection.

    Attributes:
        data: the bytes.
        agreement: what both sides use from now on.
    """

    data: bytes
    agreement: Agreement


class IllegalHandshake(NamedTuple):
    """A request or a response that breaks a requirement.

    Attributes:
        data: the bytes.
        clauses: the ids of the requirements broken; the first names the fault best.
        http_statuses: the HTTP status codes that answer a request, the best first.
    """

    data: bytes
    clauses: tuple[str, ...]
    http_statuses: tuple[int, ...] = ()


def keys() -> st.SearchStrategy[str]:
    """Draw a Sec-WebSocket-Key: base64 of 16 bytes (RFC 6455 §4.1).

    Shrinks to ``"AAAAAAAAAAAAAAAAAAAAAA=="``.
    """
    return _KEYS


_KEYS: Final = st.binary(min_size=16, max_size=16).map(lambda nonce: b64encode(nonce).decode())


def handshake_requests(
    *,
    subprotocols: Sequence[str] | None = None,
    offers: Sequence[DeflateOffer] | None = None,
) -> st.SearchStrategy[HandshakeRequest]:
    """Draw a client's opening handshake that every server has to understand (RFC 6455 §4.1).

    Args:
        subprotocols: what to offer; drawn if None.
        offers: how to offer permessage-deflate; drawn if None.  Other extensions and offers that
            have to be declined may come with it.

    Shrinks to the request with only the fields that have to be there, plainly written.
    """
    return _requests(
        None if subprotocols is None else tuple(subprotocols),
        None if offers is None else tuple(offers),
    )


def illegal_handshake_requests(*clauses: str) -> st.SearchStrategy[IllegalHandshake]:
    """Draw a client's opening handshake that breaks exactly one requirement (RFC 6455 §4.2.1).

    Args:
        clauses: the ids of the requirements to break; any of them by default.

    Raises:
        ValueError: none of *clauses* can be broken by a request.

    Shrinks to a request by POST instead of GET, with nothing else special about it.
    """
    return _illegal_requests(clauses)


def handshake_responses(asked: Asked) -> st.SearchStrategy[HandshakeResponse]:
    """Draw a server's answer that opens the connection (RFC 6455 §4.2.2).

    Args:
        asked: what the client asked for.

    Shrinks to the response with only the fields that have to be there, plainly written.
    """
    return _responses(asked)


def illegal_handshake_responses(asked: Asked, *clauses: str) -> st.SearchStrategy[IllegalHandshake]:
    """Draw a server's answer that breaks exactly one requirement (RFC 6455 §4.1, RFC 7692 §7).

    Args:
        asked: what the client asked for.  It decides which requirements there are: how an answer
            can misfit an offer, for instance.
        clauses: the ids of the requirements to break; any of them by default.

    Raises:
        ValueError: none of *clauses* can be broken by an answer to this.

    Shrinks to a response with status 200, with nothing else special about it.
    """
    return _illegal_responses(asked, clauses)


# Heads, before it is decided how they are written


class _Draft(NamedTuple):
    """A head: its start line, and fields by their names.

    Attributes:
        start: the start line.
        fields: by their names, each with the values of its lines.
        spoiled: bytes to replace, once, when the head is written, and what by.
    """

    start: str
    fields: tuple[tuple[str, tuple[str, ...]], ...]
    spoiled: tuple[bytes, bytes] = (b"", b"")

    def having(self, name: str, *values: str) -> _Draft:
        """Return this with other lines of a field; without it, if there are no *values*."""
        fields = [field for field in self.fields if field[0] != name]
        if values:
            fields.append((name, values))
        return self._replace(fields=tuple(fields))


_AROUND: Final = st.sampled_from([" ", "", "\t", "  "])
_BEHIND: Final = st.sampled_from(["", " ", "\t "])
_FURTHER: Final = st.lists(
    st.one_of(
        st.tuples(tokens().map(lambda name: f"X-{name}"), st.sampled_from(["", "0", "a, b; c=d"])),
        st.sampled_from(
            [
                ("Origin", "https://example.com"),
                ("User-Agent", "0"),
                ("Cookie", "a=b"),
                ("Date", "Thu, 01 Jan 1970 00:00:00 GMT"),
                ("X-Latin", "\xe9"),
            ]
        ),
    ),
    max_size=3,
    unique_by=lambda field: field[0].lower(),
)


_SPELLING: Final[st.SearchStrategy[Callable[[str], str]]] = st.sampled_from(
    [str, str.lower, str.upper, str.swapcase]
)


def _write(draw: st.DrawFn, draft: _Draft) -> bytes:
    """Write a head in any way; several lines of one field stay in order."""
    fields = [*draft.fields, *((name, (value,)) for name, value in draw(_FURTHER))]
    lines = [draft.start]
    for place in draw(_orders(len(fields))):
        name, values = fields[place]
        for value in values:
            lines.append(f"{draw(_SPELLING)(name)}:{draw(_AROUND)}{value}{draw(_BEHIND)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1").replace(*draft.spoiled, 1)


@cache
def _orders(count: int) -> st.SearchStrategy[list[int]]:
    return st.permutations(range(count))


@st.composite
def _upgrade_among_others(draw: st.DrawFn) -> tuple[str, ...]:
    return join(draw, draw(_OPTIONS))


_OPTIONS: Final = st.permutations(["Upgrade", "keep-alive", "x"])
_CONNECTION: Final = st.one_of(
    st.sampled_from([("Upgrade",), ("upgrade",), ("UPGRADE",)]), _upgrade_among_others()
)


def _choose(draw: st.DrawFn, choices: Sequence[_T]) -> _T:
    """Choose one of what is not known beforehand: quicker than a strategy made for it."""
    return choices[draw(_places(len(choices)))]


@cache
def _places(count: int) -> st.SearchStrategy[int]:
    return st.sampled_from(range(count))


# Requests

#: What a request is made from that has only what it must.
_Asking: TypeAlias = tuple[_Draft, Asked]


@st.composite
def _asking(
    draw: st.DrawFn,
    subprotocols: tuple[str, ...] | None,
    offers: tuple[DeflateOffer, ...] | None,
) -> _Asking:
    """Draw what a legal request says."""
    key = draw(_KEYS)
    if subprotocols is None:
        subprotocols = tuple(draw(_SUBPROTOCOLS))
    listed: list[Extension] = []
    if offers is None:
        offers = tuple(draw(_OFFERS))
        listed = draw(_OTHER_EXTENSIONS)
    listed += map(offer_extension, offers)
    target, host = draw(_TARGET), draw(_HOST)
    if "://" in target:
        host = "example.com"
    draft = _Draft(
        f"GET {target} HTTP/1.1",
        (
            ("Host", (host,)),
            ("Upgrade", draw(_UPGRADE)),
            ("Connection", draw(_CONNECTION)),
            ("Sec-WebSocket-Key", (key,)),
            ("Sec-WebSocket-Version", ("13",)),
        ),
    )
    if subprotocols:
        draft = draft.having("Sec-WebSocket-Protocol", *join(draw, subprotocols))
    if listed:
        draft = draft.having("Sec-WebSocket-Extensions", *spell(draw, tuple(listed)))
    return draft, Asked(key, subprotocols, offers)


_SUBPROTOCOLS: Final = st.lists(tokens(), max_size=3, unique=True)
_OFFERS: Final = st.lists(deflate_offers(), max_size=2)
_OTHER_EXTENSIONS: Final = st.lists(
    st.one_of(extensions(), declinable_offers().map(lambda offer: offer.extension)), max_size=2
)
_TARGET: Final = st.sampled_from(
    ["/", "/chat?a=b", "/%41", "http://example.com/", "https://example.com/?"]
)
_HOST: Final = st.sampled_from(["example.com", "example.com:8080", "127.0.0.1", "[::1]:80"])
_UPGRADE: Final = st.sampled_from(
    [("websocket",), ("WebSocket",), ("WEBSOCKET",), ("x/1, websocket",), ("x", "websocket")]
)


@cache
def _requests(
    subprotocols: tuple[str, ...] | None, offers: tuple[DeflateOffer, ...] | None
) -> st.SearchStrategy[HandshakeRequest]:
    return _requesting(_asking(subprotocols, offers))


@st.composite
def _requesting(draw: st.DrawFn, asking: st.SearchStrategy[_Asking]) -> HandshakeRequest:
    draft, asked = draw(asking)
    return HandshakeRequest(_write(draw, draft), asked)


#: How to break a head.
_Break: TypeAlias = Callable[[_Draft], _Draft]


class _Mutation(NamedTuple):
    """Ways to break one requirement.

    Attributes:
        clauses: the ids of the requirements.
        ways: how to change what the head says.
        http_statuses: what answers a request.
    """

    clauses: tuple[str, ...]
    ways: st.SearchStrategy[_Break]
    http_statuses: tuple[int, ...] = ()


def _mutation(clauses: str, ways: st.SearchStrategy[_Break], *http_statuses: int) -> _Mutation:
    return _Mutation(tuple(clauses.split()), ways, http_statuses)


def _field(name: str, *lines: tuple[str, ...]) -> st.SearchStrategy[_Break]:
    """One field as it must not be: each of *lines* are the values of its lines."""

    def breaking(values: tuple[str, ...]) -> _Break:
        return lambda draft: draft.having(name, *values)

    return st.sampled_from(lines).map(breaking)


def _start(old: str, *news: str) -> st.SearchStrategy[_Break]:
    """A part of the start line as it must not be."""

    def breaking(new: str) -> _Break:
        return lambda draft: draft._replace(start=draft.start.replace(old, new, 1))

    return st.sampled_from(news).map(breaking)


def _target(*targets: str) -> st.SearchStrategy[_Break]:
    def breaking(target: str) -> _Break:
        return lambda draft: draft._replace(start=f"GET {target} HTTP/1.1")

    return st.sampled_from(targets).map(breaking)


def _twice(name: str, *others: str) -> st.SearchStrategy[_Break]:
    """A field that is there twice, with the same value, or with one of *others*."""

    def breaking(other: str) -> _Break:
        def broken(draft: _Draft) -> _Draft:
            values = dict(draft.fields)[name]
            return draft.having(name, *values, other or values[0])

        return broken

    return st.sampled_from(["", *others]).map(breaking)


def _spoiled() -> st.SearchStrategy[_Break]:
    """Ways to write a head that HTTP/1.1 does not know."""

    def breaking(spoiled: tuple[bytes, bytes]) -> _Break:
        return lambda draft: draft._replace(spoiled=spoiled)

    return st.sampled_from(
        [
            (b"\r\n", b"\n"),  # a bare LF ends the start line
            (b"\r\n", b"\r\n "),  # what seems to go on with it
            (b"\r\n", b"\r\n0\r\n"),
            (b"\r\n", b"\r\n: 0\r\n"),
            (b"\r\n", b"\r\n0 : 0\r\n"),
            (b"\r\n", b"\r\n(: 0\r\n"),
            (b"\r\n", b"\r\n0: \0\r\n"),
            (b"\r\n", b"\r\n0: \r0\r\n"),
            (b"\r\n", b"\r\n0: \x7f\r\n"),
            (b" ", b"\t"),
        ]
    ).map(breaking)


def _extension_header(values: st.SearchStrategy[str]) -> st.SearchStrategy[_Break]:
    def breaking(value: str) -> _Break:
        return lambda draft: draft.having("Sec-WebSocket-Extensions", value)

    return values.map(breaking)


def _bad_grammar(*http_statuses: int) -> list[_Mutation]:
    """Ways to break the grammar of Sec-WebSocket-Extensions (RFC 6455 §9.1, §4.3)."""
    return [
        _mutation(
            clauses,
            _extension_header(
                broken_extension_headers(clauses.split()[0]).map(lambda broken: broken.value)
            ),
            *http_statuses,
        )
        for clauses in ("RFC6455-9.1-01 RFC6455-4.3-02", "RFC6455-4.3-01 RFC6455-9.1-02")
    ]


@cache
def _request_mutations() -> tuple[_Mutation, ...]:
    key = "Sec-WebSocket-Key"
    version = "Sec-WebSocket-Version"
    protocol = "Sec-WebSocket-Protocol"
    not_keys = [
        "",
        "A" * 20,
        "A" * 22,
        "A" * 24,
        "A" * 23 + "=",
        "=" * 24,
        "-" * 22 + "==",
        "A" * 11 + " " + "A" * 10 + "==",
        "A" * 43 + "=",
    ]
    return (
        _mutation(
            "RFC6455-4.2.1-02 RFC6455-4.1-18",
            _start("GET", "POST", "HEAD", "OPTIONS", "get", "G"),
            *(405, 400, 501),
        ),
        _mutation(
            "RFC6455-4.2.1-03 RFC6455-4.1-19",
            _start("HTTP/1.1", "HTTP/1.0", "HTTP/0.9"),
            *(505, 400, 426),
        ),
        _mutation("RFC6455-4.2.1-04 RFC6455-4.1-21", _field("Host", (), ("",)), 400),
        _mutation(
            "RFC6455-4.2.1-06 RFC6455-4.1-23",
            _field("Upgrade", (), ("",), ("x",), ("websockets",), ("x, websocket/13",)),
            *(426, 400),
        ),
        _mutation(
            "RFC6455-4.2.1-08 RFC6455-4.1-24",
            _field("Connection", (), ("",), ("keep-alive",), ("Upgraded",), ("x-upgrade", "close")),
            *(426, 400),
        ),
        _mutation("RFC6455-4.2.1-09 RFC6455-4.1-25", _field(key, ()), 400),
        _mutation(
            "RFC6455-4.2.1-10 RFC6455-4.1-26", _field(key, *((value,) for value in not_keys)), 400
        ),
        _mutation("RFC6455-11.3.1-02 RFC6455-11.3.1-01", _twice(key, "A" * 22 + "=="), 400),
        _mutation("RFC6455-4.2.1-11 RFC6455-4.1-30", _field(version, ()), *(400, 426)),
        _mutation(
            "RFC6455-4.2.2-07 RFC6455-4.1-31",
            _field(version, ("8",), ("0",), ("7",), ("9",), ("12",), ("14",), ("255",)),
            *(426, 400),
        ),
        _mutation(
            "RFC6455-4.3-04 RFC6455-4.3-03",
            _field(version, ("",), ("x",), ("013",), ("+13",), ("13.0",), ("256",), ("1 3",)),
            *(400, 426),
        ),
        _mutation("RFC6455-11.3.5-03 RFC6455-11.3.5-02", _twice(version, "8"), *(400, 426)),
        _mutation("RFC6455-11.3.5-03", _field(version, ("13, 8",), ("8, 13",)), *(400, 426)),
        _mutation(
            "RFC6455-4.3-06 RFC6455-4.1-33",
            _field(protocol, ("",), (",",), ("a b",), ("a;b",), ('"a"',), ("a", "(b"), ("\xe9",)),
            400,
        ),
        _mutation("RFC6455-4.1-34", _field(protocol, ("a, a",), ("a, b", "a")), 400),
        *_bad_grammar(400),
        _mutation("RFC6455-4.2.1-18 RFC6455-4.1-17", _spoiled(), 400),
        _mutation(
            "RFC6455-4.2.1-18 RFC6455-4.1-17",
            _start(" HTTP/1.1", "", " HTTP/1.1 x", " HTTP/1", " HTTP/1.1.1", " http/1.1", " 1.1"),
            400,
        ),
        _mutation("RFC6455-4.2.1-18 RFC6455-4.1-17", _twice("Host", "a"), 400),
        _mutation(
            "RFC6455-4.2.1-18 RFC6455-4.1-17",
            st.one_of(
                _field("Host", ("a b",), ("a/b",), ("a@b",), ("a:b",), ("a, b",), ("[::1",)),
                _field("Upgrade", ("websocket, (",), ("websocket, a b",)),
                _field("Connection", ("Upgrade, (",), ("Upgrade", "a b")),
            ),
            400,
        ),
        _mutation(
            "RFC6455-4.1-38",
            st.one_of(
                _field("Content-Length", ("1",), ("00",), ("x",)),
                _field("Transfer-Encoding", ("chunked",)),
            ),
            400,
        ),
        _mutation("RFC6455-3-06", _target("/#", "/a#b", "http://example.com/#a"), 400),
        _mutation("RFC6455-4.1-20", _target("*", "chat", "ws://example.com/", "a:80"), 400),
    )


@cache
def _illegal_requests(clauses: tuple[str, ...]) -> st.SearchStrategy[IllegalHandshake]:
    return _broken(_asking(None, None).map(lambda asking: asking[0]), _request_mutations(), clauses)


def _broken(
    drafts: st.SearchStrategy[_Draft], mutations: Sequence[_Mutation], clauses: tuple[str, ...]
) -> st.SearchStrategy[IllegalHandshake]:
    """Draw heads made of *drafts*, each broken by a mutation that breaks one of *clauses*."""
    mutations = [
        mutation
        for mutation in mutations
        if not clauses or not set(clauses).isdisjoint(mutation.clauses)
    ]
    if not mutations:
        raise ValueError(f"clauses: no head breaks any of {', '.join(clauses)} here")
    return _mutated(drafts, mutations)


@st.composite
def _mutated(
    draw: st.DrawFn, drafts: st.SearchStrategy[_Draft], mutations: Sequence[_Mutation]
) -> IllegalHandshake:
    clauses, ways, http_statuses = _choose(draw, mutations)
    draft = draw(drafts)
    return IllegalHandshake(_write(draw, draw(ways)(draft)), clauses, http_statuses)


# Responses


@st.composite
def _answering(draw: st.DrawFn, asked: Asked) -> _Draft:
    return _answer(draw, asked)[0]


def _answer(draw: st.DrawFn, asked: Asked) -> tuple[_Draft, Agreement]:
    """Draw what a legal response says."""
    draft = _Draft(
        f"HTTP/1.1 101{draw(_REASON)}",
        (
            ("Upgrade", (draw(_UPGRADED),)),
            ("Connection", draw(_CONNECTION)),
            ("Sec-WebSocket-Accept", (accept_token(asked.key),)),
        ),
    )
    subprotocol = _choose(draw, [None, *asked.subprotocols])
    if subprotocol is not None:
        draft = draft.having("Sec-WebSocket-Protocol", subprotocol)
    parameters: DeflateParameters | None = None
    offer = _choose(draw, [None, *asked.offers])
    if offer is not None:
        answer = draw(_answers(offer))
        parameters = DeflateParameters(
            answer.server_no_context_takeover,
            answer.client_no_context_takeover,
            answer.server_max_window_bits or 15,
            answer.client_max_window_bits or 15,
        )
        values = spell(draw, (offer_extension(answer),))
        draft = draft.having("Sec-WebSocket-Extensions", *values)
    return draft, Agreement(subprotocol, parameters)


_REASON: Final = st.sampled_from([" Switching Protocols", " ", "", " \xe9"])
_UPGRADED: Final = st.sampled_from(["websocket", "WebSocket", "WEBSOCKET"])


@cache
def _answers(offer: DeflateOffer) -> st.SearchStrategy[DeflateOffer]:
    """Draw the parameters of an answer that accepts *offer* (RFC 7692 §7.1)."""
    limit = offer.server_max_window_bits
    any_bits = st.one_of(st.none(), st.integers(8, 15))
    return st.builds(
        DeflateOffer,
        st.just(True) if offer.server_no_context_takeover else st.booleans(),
        st.booleans(),
        any_bits if limit is None else st.integers(8, limit),
        any_bits if offer.client_max_window_bits else st.none(),
    )


@st.composite
def _responses(draw: st.DrawFn, asked: Asked) -> HandshakeResponse:
    draft, agreement = _answer(draw, asked)
    return HandshakeResponse(_write(draw, draft), agreement)


def _response_mutations(asked: Asked) -> tuple[_Mutation, ...]:
    accept = "Sec-WebSocket-Accept"
    protocol = "Sec-WebSocket-Protocol"
    token = accept_token(asked.key)
    other = accept_token(asked.key + "A")
    unknown = next(name for name in ("x", "y", "z", "xx") if name not in asked.subprotocols)

    mutations = [
        _mutation("RFC6455-4.1-40", _start(" 101", " 200", " 100", " 102", " 302", " 400", " 426")),
        _mutation(
            "RFC6455-4.1-42 RFC6455-4.2.2-17",
            _field("Upgrade", (), ("",), ("x",), ("websockets",), ("websocket/13",)),
        ),
        _mutation(
            "RFC6455-4.1-43 RFC6455-4.2.2-18",
            _field("Connection", (), ("",), ("keep-alive",), ("Upgraded",), ("close", "x-upgrade")),
        ),
        _mutation(
            "RFC6455-4.1-44 RFC6455-4.2.2-19",
            _field(accept, (), ("",), (asked.key,), (other,), (token[:-1],), (token.swapcase(),)),
        ),
        _mutation("RFC6455-11.3.3-02 RFC6455-11.3.3-01", _twice(accept, other)),
        _mutation("RFC6455-4.1-48 RFC6455-4.2.2-09", _field(protocol, (unknown,), ("a b",))),
        _mutation("RFC6455-4.2.2-11", _field(protocol, ("",))),
        _mutation(
            "RFC6455-11.3.4-04 RFC6455-11.3.4-03",
            _field(protocol, *((name, name) for name in (*asked.subprotocols, unknown))),
        ),
        *_bad_grammar(),
        _mutation("RFC6455-4.1-49 RFC6455-4.2.2-16", _start("HTTP/1.1", "HTTP/1.0", "HTTP/0.9")),
        _mutation("RFC6455-4.1-49 RFC6455-4.2.2-16", _spoiled()),
        _mutation("RFC6455-4.1-49", _start(" 101", "", " 0101", " 10", " x", "  101")),
        _mutation("RFC6455-4.1-49", _field("Connection", ("Upgrade, (",), ("Upgrade", "a b"))),
        _mutation(
            "RFC6455-4.1-47 RFC6455-4.2.2-14",
            _extension_header(st.sampled_from(_not_offered(asked))),
        ),
    ]
    mutations.extend(
        _mutation(clauses, _extension_header(st.sampled_from(values)))
        for clauses, values in _misfits(asked)
    )
    if any(_demands_nothing(offer) for offer in asked.offers):
        mutations.extend(
            _mutation(
                clause,
                _extension_header(
                    misfitting_answers(clause).map(
                        lambda answer: serialize_extensions([answer.extension])
                    )
                ),
            )
            for clause in ("RFC7692-7-07", "RFC7692-7-08", "RFC7692-7-09")
        )
    return tuple(mutations)


def _not_offered(asked: Asked) -> list[str]:
    """Return extensions that were not offered."""
    return ["x", "x-webkit-deflate-frame", *([] if asked.offers else [PERMESSAGE_DEFLATE])]


def _demands_nothing(offer: DeflateOffer) -> bool:
    """Whether any answer with good parameters fits."""
    demands = offer.server_no_context_takeover or offer.server_max_window_bits is not None
    return not demands and bool(offer.client_max_window_bits)


def _misfits(asked: Asked) -> list[tuple[str, list[str]]]:
    """Return answers that do not fit the only offer, by the requirement that they break."""
    if len(asked.offers) != 1:
        return []
    (offer,) = asked.offers
    takeover = ["server_no_context_takeover"] if offer.server_no_context_takeover else []
    limit = offer.server_max_window_bits
    bits = [] if limit is None else [f"server_max_window_bits={limit}"]
    good = "; ".join([PERMESSAGE_DEFLATE, *takeover, *bits])
    misfits = [("RFC7692-5-12 RFC7692-5-10", [f"{good}, {good}"])]
    if takeover:
        misfits.append(("RFC7692-7.1.1.1-02", ["; ".join([PERMESSAGE_DEFLATE, *bits])]))
    if limit is not None:
        none = "; ".join([PERMESSAGE_DEFLATE, *takeover])
        larger = [f"{none}; server_max_window_bits={above}" for above in range(limit + 1, 16)]
        misfits.append(("RFC7692-7.1.2.1-04", [none, *larger]))
    if not offer.client_max_window_bits:
        unasked = [f"{good}; client_max_window_bits={value}" for value in (15, 8)]
        misfits.append(("RFC7692-7.1.2.2-06 RFC7692-7.1.2.2-05", unasked))
    return misfits


def _illegal_responses(
    asked: Asked, clauses: tuple[str, ...]
) -> st.SearchStrategy[IllegalHandshake]:
    return _broken(_answering(asked), _response_mutations(asked), clauses)
