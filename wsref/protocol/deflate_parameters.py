"""Agreeing on permessage-deflate (RFC 7692 §5 and §7).

The client *offers*: an element of ``Sec-WebSocket-Extensions`` for each configuration it
would work with, the best first.  The server *answers* with one element that accepts one
of them, or with none.  From then on only the answer counts.

Four parameters, two for each direction (§7.1.1.1, §7.1.1.2, §7.1.2.1, §7.1.2.2):

=============================== ==================== =======================================
parameter                       in an offer          in the answer
=============================== ==================== =======================================
``server_no_context_takeover``  a demand             given if offered; may come unasked
``client_no_context_takeover``  a hint               a demand; may come unasked
``server_max_window_bits=n``    a demand             given if offered, not above n; may come
                                                     unasked
``client_max_window_bits[=n]``  "you may ask", and   a demand, always with a value; only if
                                perhaps a hint       offered
=============================== ==================== =======================================

A *demand* binds the one who gets it.  A *hint* binds nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .headers import Extension
from .violations import Violation

__all__ = [
    "DEFAULT_OFFER",
    "DEFAULT_POLICY",
    "PERMESSAGE_DEFLATE",
    "DeflateOffer",
    "DeflateParameters",
    "DeflatePolicy",
    "answer_offers",
    "check_answer",
    "offer_extension",
]

PERMESSAGE_DEFLATE = "permessage-deflate"

_SERVER_NO_CONTEXT_TAKEOVER = "server_no_context_takeover"
_CLIENT_NO_CONTEXT_TAKEOVER = "client_no_context_takeover"
_SERVER_MAX_WINDOW_BITS = "server_max_window_bits"
_CLIENT_MAX_WINDOW_BITS = "client_max_window_bits"
_NAMES = frozenset(
    {
        _SERVER_NO_CONTEXT_TAKEOVER,
        _CLIENT_NO_CONTEXT_TAKEOVER,
        _SERVER_MAX_WINDOW_BITS,
        _CLIENT_MAX_WINDOW_BITS,
    }
)

#: The values of the two window parameters, as they are written: decimal, no leading zeros.
_WINDOW_BITS = {str(bits): bits for bits in range(8, 16)}


class DeflateOffer(NamedTuple):
    """One configuration that a client offers (§7.1.1.1, §7.1.1.2, §7.1.2.1, §7.1.2.2).

    Attributes:
        server_no_context_takeover: the server has to forget each message.
        client_no_context_takeover: a hint that the client will not refer to earlier messages.
        server_max_window_bits: the largest window of the server, 8 to 15, or None for no limit.
        client_max_window_bits: True: the server may limit the client's window; 8 to 15: it may,
            and the client would not use more than this; None or False: it may not.
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int | None = None
    client_max_window_bits: int | bool | None = True


class DeflatePolicy(NamedTuple):
    """What a server answers offers with, as far as they let it.

    Windows are as large as they can be unless it says otherwise (RFC 7692 §7.3).

    Attributes:
        server_no_context_takeover: forget each message sent, asked or not.
        client_no_context_takeover: demand that the client forgets each message.
        server_max_window_bits: the largest window to compress with, 8 to 15.
        client_max_window_bits: the largest window that the client may use, 8 to 15.  It
            has no effect on a client that did not offer the parameter.
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = 15
    client_max_window_bits: int = 15


class DeflateParameters(NamedTuple):
    """What both sides agreed on: what the answer says, or else the default of §7.1.

    Silence means that contexts are kept (§7.1.1.1, §7.1.1.2) and that windows have 15 bits
    (§7.1.2.1, §7.1.2.2).
    """

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = 15
    client_max_window_bits: int = 15


DEFAULT_OFFER = DeflateOffer()
DEFAULT_POLICY = DeflatePolicy()


def offer_extension(offer: DeflateOffer) -> Extension:
    """Return the element of ``Sec-WebSocket-Extensions`` that makes *offer* (RFC 7692 §4, §7.1).

    Raises:
        ValueError: a window is not from 8 to 15 bits.
    """
    server_bits, client_bits = offer.server_max_window_bits, offer.client_max_window_bits
    if server_bits is not None:
        _check_window_bits(_SERVER_MAX_WINDOW_BITS, server_bits)
    if client_bits is not None and not isinstance(client_bits, bool):
        _check_window_bits(_CLIENT_MAX_WINDOW_BITS, client_bits)
    return _extension(offer)


def answer_offers(
    extensions: Sequence[Extension], policy: DeflatePolicy = DEFAULT_POLICY
) -> tuple[DeflateParameters, Extension] | None:
    """Accept the first offer that can be accepted (RFC 6455 §9, RFC 7692 §5).

    An offer that breaks a rule of §7 is passed over; the others are looked at
    as if it were not there.

    Args:
        extensions: all elements of the request's ``Sec-WebSocket-Extensions``.
        policy: what the server wants.

    Returns:
        What is agreed on and the element for the response; None if there is no such offer.

    Raises:
        ValueError: a window of *policy* is not from 8 to 15 bits.
    """
    _check_window_bits("policy.server_max_window_bits", policy.server_max_window_bits)
    _check_window_bits("policy.client_max_window_bits", policy.client_max_window_bits)
    for extension in extensions:
        if extension.name == PERMESSAGE_DEFLATE:
            try:
                offer = _parse(extension, is_answer=False)
            except Violation:
                continue
            answer = _answer(offer, policy)
            return _agreed(answer), _extension(answer)
    return None


def check_answer(answer: Extension, offers: Sequence[DeflateOffer]) -> DeflateParameters:
    """Check the server's answer against all that was offered (RFC 6455 §9, RFC 7692 §5, §7).

    Args:
        answer: the response's element.
        offers: what the request offered.

    Returns:
        What is agreed on.

    Raises:
        Violation: the answer breaks a rule of its own, or fits none of the offers; then
            the violation is that of the first offer.
    """
    if answer.name != PERMESSAGE_DEFLATE or not offers:
        raise Violation("RFC7692-5-17", f"the server accepted {answer.name!r}, never offered")
    given = _parse(answer, is_answer=True)
    faults: list[Violation] = []
    for offer in offers:
        fault = _misfit(given, offer)
        if fault is None:
            return _agreed(given)
        faults.append(fault)
    raise faults[0]


def _check_window_bits(name: str, bits: int) -> None:
    if bits not in range(8, 16):
        raise ValueError(f"{name} must be from 8 to 15, not {bits!r}")


def _parse(extension: Extension, *, is_answer: bool) -> DeflateOffer:
    """Read an offer, or an answer, which has the same parameters (RFC 7692 §7.1).

    Values come without the quotes they may have had, so ``"10"`` is ``10`` here (§7).

    Raises:
        Violation: by the clauses about answers; for an offer it only matters that it is raised.
    """
    given: dict[str, str | None] = {}
    for name, value in extension.parameters:
        if name not in _NAMES:
            raise Violation("RFC7692-7-07", f"unknown parameter {name!r} of permessage-deflate")
        if name in given:
            raise Violation("RFC7692-7-09", f"{name} is given twice")
        given[name] = value
    server_bits = _parse_window_bits(given, _SERVER_MAX_WINDOW_BITS)
    if not is_answer and given.get(_CLIENT_MAX_WINDOW_BITS, "") is None:
        client_bits: int | None = True
    else:
        client_bits = _parse_window_bits(given, _CLIENT_MAX_WINDOW_BITS)
    return DeflateOffer(
        _parse_flag(given, _SERVER_NO_CONTEXT_TAKEOVER),
        _parse_flag(given, _CLIENT_NO_CONTEXT_TAKEOVER),
        server_bits,
        client_bits,
    )


def _parse_flag(given: dict[str, str | None], name: str) -> bool:
    value = given.get(name)
    if value is not None:
        raise Violation("RFC7692-7-08", f"{name} takes no value, but has {value!r}")
    return name in given


def _parse_window_bits(given: dict[str, str | None], name: str) -> int | None:
    if name not in given:
        return None
    value = given[name]
    if value not in _WINDOW_BITS:
        raise Violation("RFC7692-7-08", f"{name} must be from 8 to 15, not {value!r}")
    return _WINDOW_BITS[value]


def _answer(offer: DeflateOffer, policy: DeflatePolicy) -> DeflateOffer:
    """Return the answer to a valid *offer* (§7.1.1.1, §7.1.1.2, §7.1.2.1, §7.1.2.2).

    Whatever a parameter says, both directions can be done (a window of 8 bits
    too, see :mod:`.deflate`), so no valid offer is declined.
    """
    server_bits = min(offer.server_max_window_bits or 15, policy.server_max_window_bits)
    client_bits = 15
    if offer.client_max_window_bits:
        # The hint costs the client nothing and saves us memory, so it is made binding.
        hint = 15 if offer.client_max_window_bits is True else offer.client_max_window_bits
        client_bits = min(hint, policy.client_max_window_bits)
    return DeflateOffer(
        offer.server_no_context_takeover or policy.server_no_context_takeover,
        offer.client_no_context_takeover or policy.client_no_context_takeover,
        None if offer.server_max_window_bits is None and server_bits == 15 else server_bits,
        None if client_bits == 15 else client_bits,
    )


def _misfit(answer: DeflateOffer, offer: DeflateOffer) -> Violation | None:
    """Say why *answer* does not accept *offer*; None if it does (RFC 7692 §7.1).

    A client window above the hint is no reason: §7.2.1 foresees it.
    """
    if offer.server_no_context_takeover and not answer.server_no_context_takeover:
        return Violation(
            "RFC7692-7.1.1.1-02", f"{_SERVER_NO_CONTEXT_TAKEOVER} was offered and not answered"
        )
    limit, bits = offer.server_max_window_bits, answer.server_max_window_bits
    if limit is not None and (bits is None or bits > limit):
        return Violation(
            "RFC7692-7.1.2.1-04", f"{_SERVER_MAX_WINDOW_BITS}={limit} was offered, answer: {bits}"
        )
    if answer.client_max_window_bits is not None and not offer.client_max_window_bits:
        return Violation(
            "RFC7692-7.1.2.2-06", f"{_CLIENT_MAX_WINDOW_BITS} was answered and not offered"
        )
    return None


def _agreed(answer: DeflateOffer) -> DeflateParameters:
    return DeflateParameters(
        answer.server_no_context_takeover,
        answer.client_no_context_takeover,
        answer.server_max_window_bits or 15,
        answer.client_max_window_bits or 15,
    )


def _extension(given: DeflateOffer) -> Extension:
    """Write an offer or an answer: the parameters that say something, in the RFC's order."""
    parameters: list[tuple[str, str | None]] = []
    if given.server_no_context_takeover:
        parameters.append((_SERVER_NO_CONTEXT_TAKEOVER, None))
    if given.client_no_context_takeover:
        parameters.append((_CLIENT_NO_CONTEXT_TAKEOVER, None))
    if given.server_max_window_bits is not None:
        parameters.append((_SERVER_MAX_WINDOW_BITS, str(given.server_max_window_bits)))
    if given.client_max_window_bits is True:
        parameters.append((_CLIENT_MAX_WINDOW_BITS, None))
    elif given.client_max_window_bits:
        parameters.append((_CLIENT_MAX_WINDOW_BITS, str(given.client_max_window_bits)))
    return Extension(PERMESSAGE_DEFLATE, tuple(parameters))
