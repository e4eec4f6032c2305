"""Offers and answers as a whole (RFC 7692 §5)."""

from __future__ import annotations

import pytest

from spec_tests.expectations import ROLES, failed, frames_in
from spec_tests.playbook import Endpoint, open_pair
from wsref.protocol.deflate import (
    DEFAULT_OFFER,
    DEFAULT_POLICY,
    DeflateOffer,
    DeflateParameters,
    DeflatePolicy,
    answer_offers,
    check_answer,
    offer_extension,
)
from wsref.protocol.events import Text
from wsref.protocol.headers import Extension, parse_extensions, serialize_extensions
from wsref.protocol.violations import Violation


def answer(header: str, policy: DeflatePolicy = DEFAULT_POLICY) -> str | None:
    """Return the server's answer to a request with this header."""
    agreed = answer_offers(parse_extensions([header]), policy)
    return None if agreed is None else serialize_extensions([agreed[1]])


def check(header: str, *offers: DeflateOffer) -> DeflateParameters:
    """Have a client that made *offers* read a response with this header."""
    (extension,) = parse_extensions([header])
    return check_answer(extension, offers)


@pytest.mark.rfc("RFC6455-9.1-05", "RFC7692-4-02")
@pytest.mark.rfc("RFC7692-5-01", "RFC7692-5-06", "RFC7692-7.1.2.2-01")
def test_default_offer_lets_the_server_limit_the_window_of_the_client() -> None:
    """The client names the extension and the parameter without a value."""
    header = serialize_extensions([offer_extension(DEFAULT_OFFER)])
    assert header == "permessage-deflate; client_max_window_bits"


@pytest.mark.rfc("RFC6455-9.1-09")
@pytest.mark.rfc("RFC7692-5-02", "RFC7692-5-04")
def test_first_acceptable_offer_wins() -> None:
    """The extension is offered twice; the answer is to the first."""
    header = "permessage-deflate; server_max_window_bits=10, permessage-deflate"
    assert answer(header) == "permessage-deflate; server_max_window_bits=10"


@pytest.mark.rfc("RFC7692-5-03", "RFC7692-7-01")
def test_offer_that_must_be_declined_does_not_spoil_the_others() -> None:
    """An unknown parameter in the first offer: the second is accepted."""
    header = "permessage-deflate; bogus=1, permessage-deflate; server_no_context_takeover"
    assert answer(header) == "permessage-deflate; server_no_context_takeover"


@pytest.mark.rfc("RFC7692-5-13")
@pytest.mark.rfc("RFC7692-5-10", "RFC7692-5-11", "RFC7692-5-09", "RFC7692-5-07")
def test_one_element_alone_is_accepted() -> None:
    """Of an unknown extension and two offers one is taken, with what it asks."""
    extensions = parse_extensions(
        [
            "x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=12",
            "permessage-deflate",
        ]
    )
    assert answer_offers(extensions) == (
        DeflateParameters(server_max_window_bits=12),
        Extension("permessage-deflate", (("server_max_window_bits", "12"),)),
    )


@pytest.mark.rfc("RFC7692-5-15")
@pytest.mark.parametrize("header", ["permessage-deflate; bogus", "permessage-bzip2, foo; a=1"])
def test_no_acceptable_offer_has_no_answer(header: str) -> None:
    """The server goes on without compression."""
    assert answer(header) is None


@pytest.mark.rfc("RFC7692-5-15")
def test_request_without_extensions_has_no_answer() -> None:
    """There is nothing to accept."""
    assert answer_offers(()) is None


@pytest.mark.rfc("RFC7692-5-17")
def test_client_refuses_an_extension_that_it_never_offered() -> None:
    """Another name, and the right one if nothing was offered."""
    with pytest.raises(Violation, match="permessage-bzip2") as caught:
        check("permessage-bzip2", DEFAULT_OFFER)
    assert caught.value.clause == "RFC7692-5-17"
    with pytest.raises(Violation) as caught:
        check("permessage-deflate")
    assert caught.value.clause == "RFC7692-5-17"


@pytest.mark.rfc("RFC7692-5-02", "RFC7692-5-17")
def test_answer_may_fit_any_of_the_offers() -> None:
    """An answer without the limit that the first offer demands fits the second."""
    strict = DeflateOffer(server_max_window_bits=10)
    assert check("permessage-deflate", strict, DEFAULT_OFFER) == DeflateParameters()
    with pytest.raises(Violation) as caught:
        check("permessage-deflate", strict, DeflateOffer(server_no_context_takeover=True))
    assert caught.value.clause == "RFC7692-7.1.2.1-04"  # of the first


@pytest.mark.rfc("RFC7692-5-08", "RFC7692-7.1.1.1-04", "RFC7692-7.1.1.2-02", "RFC7692-7.1.2.1-06")
def test_policy_of_the_server_is_answered_unasked_where_that_is_allowed() -> None:
    """All but the window of the client, which was not offered."""
    policy = DeflatePolicy(True, True, 11, 10)
    assert answer("permessage-deflate", policy) == (
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover;"
        " server_max_window_bits=11"
    )


@pytest.mark.rfc("RFC7692-5-08")
@pytest.mark.parametrize("bits", [7, 16, 0, -9])
def test_policy_with_an_impossible_window_is_the_callers_mistake(bits: int) -> None:
    """The message names the field and its value."""
    with pytest.raises(ValueError, match=f"policy.server_max_window_bits .* not {bits}"):
        answer("permessage-deflate", DeflatePolicy(server_max_window_bits=bits))
    with pytest.raises(ValueError, match=f"policy.client_max_window_bits .* not {bits}"):
        answer("permessage-deflate", DeflatePolicy(client_max_window_bits=bits))


@pytest.mark.rfc("RFC7692-5-16")
@pytest.mark.parametrize("role", ROLES)
def test_without_an_answer_nothing_is_compressed(role: str) -> None:
    """The client offered, the server declined: RSV1 has no meaning to either."""
    client, server = open_pair(offers=[DEFAULT_OFFER], policy=None)
    assert client.deflate is None
    assert server.deflate is None
    step = (client if role == "client" else server).send_text("Hello" * 20)
    assert frames_in(step.output) == [(0x81, b"Hello" * 20)]
    peer = Endpoint(step.connection)
    assert peer.receive(peer.from_peer(0x81, b"Hello")).events == (Text("Hello"),)
    compressed = peer.from_peer(0xC1, bytes.fromhex("f248cdc9c90700"))
    assert failed(peer.receive(compressed), 1002, "RFC7692-6.1-06") == ()


@pytest.mark.rfc("RFC7692-7.3-01")
def test_windows_are_as_large_as_can_be_by_default() -> None:
    """32 KiB each way."""
    client, server = open_pair(offers=[DEFAULT_OFFER])
    assert client.deflate == server.deflate == DeflateParameters(False, False, 15, 15)
