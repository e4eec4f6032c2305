"""What one message leaves behind for the next (RFC 7692 §7.1.1, §7.2.3.2)."""

from __future__ import annotations

import copy
import pickle

import pytest

from wsref.protocol.deflate import (
    DeflateParameters,
    Deflating,
    Inflating,
    deflate,
    deflate_fragment,
    deflating,
    inflate,
    inflating,
)
from wsref.protocol.violations import Violation

HELLO = bytes.fromhex("f2 48 cd c9 c9 07 00")
HELLO_AGAIN = bytes.fromhex("f2 00 11 00 00")
TAIL = bytes.fromhex("00 00 ff ff")
LIMIT = 1 << 20

KEEPING = DeflateParameters()
FORGETTING = DeflateParameters(True, True)


@pytest.mark.rfc("RFC7692-7.2.2-06", "RFC7692-7.2.2-08", "RFC7692-7.2.3.2-01")
@pytest.mark.parametrize("role_is_client", [True, False])
def test_second_hello_refers_to_the_first(role_is_client: bool) -> None:
    """§7.2.3.2: f2 00 11 00 00 is "Hello" once there was one."""
    context = inflating(KEEPING, role_is_client)
    context, message = inflate(context, HELLO, LIMIT)
    assert message == b"Hello"
    context, message = inflate(context, HELLO_AGAIN, LIMIT)
    assert message == b"Hello"
    assert context.window == b"HelloHello"


@pytest.mark.rfc("RFC7692-7.2.1-10", "RFC7692-7.2.1-12")
@pytest.mark.parametrize("role_is_client", [True, False])
def test_second_hello_is_sent_as_a_reference(role_is_client: bool) -> None:
    """What is sent are the bytes of §7.2.3.2."""
    context, first = deflate(deflating(KEEPING, role_is_client), b"Hello")
    context, second = deflate(context, b"Hello")
    assert (first, second) == (HELLO, HELLO_AGAIN)


@pytest.mark.rfc("RFC7692-7.2.1-09", "RFC7692-7.2.1-11", "RFC7692-7.2.3.2-01")
@pytest.mark.parametrize("role_is_client", [True, False])
def test_message_is_sent_afresh_without_takeover(role_is_client: bool) -> None:
    """§7.2.3.2: the same bytes for each "Hello", and the same context."""
    context = deflating(FORGETTING, role_is_client)
    for _ in range(3):
        after, payload = deflate(context, b"Hello")
        assert payload == HELLO
        assert after is context


@pytest.mark.rfc("RFC7692-7.2.2-03", "RFC7692-7.2.2-05", "RFC7692-7.2.2-07")
@pytest.mark.parametrize("role_is_client", [True, False])
def test_reference_to_an_earlier_message_is_invalid_without_takeover(role_is_client: bool) -> None:
    """The window is empty at the beginning of each message."""
    context = inflating(FORGETTING, role_is_client)
    after, message = inflate(context, HELLO, LIMIT)
    assert message == b"Hello"
    assert after is context
    with pytest.raises(Violation) as caught:
        inflate(after, HELLO_AGAIN, LIMIT)
    assert caught.value.clause == "RFC7692-7.2.2-03"
    assert caught.value.status_code == 1007


@pytest.mark.rfc("RFC7692-7.2.1-09", "RFC7692-7.2.1-11")
def test_each_direction_has_its_own_parameters() -> None:
    """Takeover and bits: what one role sends by, the other receives by."""
    parameters = DeflateParameters(True, False, 9, 12)
    assert repr(inflating(parameters, True)) == ("<inflating with 9 bits, 0 bytes in the window>")
    assert repr(deflating(parameters, True)) == ("<deflating with 12 bits, 0 bytes in the window>")
    assert (inflating(parameters, True).bits, inflating(parameters, True).takeover) == (9, False)
    assert (deflating(parameters, False).bits, deflating(parameters, False).takeover) == (9, False)
    assert (inflating(parameters, False).bits, inflating(parameters, False).takeover) == (12, True)
    assert (deflating(parameters, True).bits, deflating(parameters, True).takeover) == (12, True)


@pytest.mark.rfc("RFC7692-7.2.1-09", "RFC7692-7.2.1-11", "RFC7692-7.2.1-07")
@pytest.mark.parametrize("last", [b"Hello", b""])
def test_fragments_share_a_window_that_ends_with_the_message(last: bytes) -> None:
    """Without takeover too, a message may refer to itself; the next one begins with nothing."""
    context = start = deflating(FORGETTING, True)
    context, first = deflate_fragment(context, b"Hello", False)
    context, second = deflate_fragment(context, b"Hello", False)
    assert (first, second) == (HELLO + TAIL, HELLO_AGAIN + TAIL)
    context, third = deflate_fragment(context, last, True)
    assert context == start
    message = inflate(inflating(FORGETTING, False), first + second + third, LIMIT)[1]
    assert message == b"HelloHello" + last
    assert deflate(context, b"Hello")[1] == HELLO


@pytest.mark.rfc("RFC7692-7.2.2-06")
def test_old_contexts_can_be_used_again() -> None:
    """A context is a value: each use of it gives the same, and changes nothing."""
    start = inflating(KEEPING, True)
    after_hello, _ = inflate(start, HELLO, LIMIT)
    for _ in range(3):
        assert inflate(after_hello, HELLO_AGAIN, LIMIT)[1] == b"Hello"
        assert inflate(start, HELLO, LIMIT) == (after_hello, b"Hello")
        with pytest.raises(Violation):
            inflate(start, HELLO_AGAIN, LIMIT)
    sending, _ = deflate(deflating(KEEPING, True), b"Hello")
    for _ in range(3):
        assert inflate(after_hello, deflate(sending, b"Hello")[1], LIMIT)[1] == b"Hello"


@pytest.mark.rfc("RFC7692-7.2.2-06")
def test_context_survives_a_message_that_failed() -> None:
    """The same context still inflates a good one."""
    context, _ = inflate(inflating(KEEPING, True), HELLO, LIMIT)
    for bad in (b"\x07", b"\xf2", HELLO):
        with pytest.raises(Violation):
            inflate(context, bad, 3)
    assert inflate(context, HELLO_AGAIN, LIMIT)[1] == b"Hello"


def test_contexts_are_compared_by_parameters_and_window() -> None:
    """How the data came does not matter, nor what zlib keeps."""
    whole, _ = inflate(inflating(KEEPING, True), HELLO, LIMIT)
    parts = inflating(KEEPING, True)
    for payload in ("f2 48 cd 01 00", "ca c9 07 00"):  # "Hel" and "lo"
        parts, _ = inflate(parts, bytes.fromhex(payload), LIMIT)
    assert parts.window == b"Hello"
    assert parts == whole
    assert hash(parts) == hash(whole)
    assert whole != inflating(KEEPING, True)
    assert whole != inflating(DeflateParameters(server_max_window_bits=14), True)
    assert whole != "whole"

    one, _ = deflate(deflating(KEEPING, True), b"Hello")
    two, _ = deflate(deflate(deflating(KEEPING, True), b"Hel")[0], b"lo")
    assert one == two
    assert hash(one) == hash(two)
    assert one != deflating(KEEPING, True)
    assert one != deflate(deflating(KEEPING, True, level=9), b"Hello")[0]
    assert one != "one"


def test_contexts_are_copied_and_pickled_by_value() -> None:
    """What rides along is left out, and nothing can be told from that."""
    receiving, _ = inflate(inflating(KEEPING, True), HELLO, LIMIT)
    sending, _ = deflate(deflating(KEEPING, True), b"Hello")
    contexts: list[Inflating | Deflating] = [receiving, sending]
    for context in contexts:
        for other in (
            copy.copy(context),
            copy.deepcopy(context),
            pickle.loads(pickle.dumps(context)),
        ):
            assert other == context
            assert hash(other) == hash(context)
            assert repr(other) == repr(context)
            assert other.live == []
    revived = pickle.loads(pickle.dumps(receiving))
    assert inflate(revived, HELLO_AGAIN, LIMIT)[1] == b"Hello"
    assert inflate(receiving, deflate(copy.copy(sending), b"Hello")[1], LIMIT)[1] == b"Hello"


@pytest.mark.rfc("RFC7692-7.2.1-16")
def test_empty_message_leaves_the_same_context() -> None:
    """A step that changes nothing returns the same object, for both directions."""
    receiving, _ = inflate(inflating(KEEPING, True), HELLO, LIMIT)
    assert inflate(receiving, b"\x00", LIMIT)[0] is receiving
    sending, _ = deflate(deflating(KEEPING, True), b"Hello")
    assert deflate(sending, b"")[0] is sending
    assert deflate_fragment(sending, b"", False) == (sending, b"")
