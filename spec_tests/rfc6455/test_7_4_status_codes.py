"""Status codes (RFC 6455 §7.4, the IANA registry, erratum 3227)."""

from __future__ import annotations

import pytest

from spec_tests.expectations import ROLES, close_in, failed
from spec_tests.playbook import endpoint
from wsref.protocol.closing import State
from wsref.protocol.events import Closed, Closing
from wsref.protocol.opcode import Opcode, is_reserved
from wsref.protocol.status import Status, is_legal_on_the_wire

LEGAL = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}

#: Every code up to the last range and beyond its end, then a sample, then the last.
ALL = [*range(5101), *range(5101, 65535, 257), 65535]


def clause_against(code: int) -> str:
    """Return the requirement that an illegal code breaks."""
    named = {
        1004: "RFC6455-7.4.1-06",
        1005: "RFC6455-7.4.1-07",
        1006: "RFC6455-7.4.1-08",
        1015: "RFC6455-7.4.1-16",
    }
    if code < 1000:
        return "RFC6455-7.4.2-01"
    return named.get(code, "RFC6455-7.4.2-02" if code < 3000 else "RFC6455-7.4.2-06")


@pytest.mark.rfc(
    "RFC6455-7.4.1-01",
    "RFC6455-7.4.2-03",
    "RFC6455-7.4.2-04",
    "RFC6455-7.4.2-05",
    "RFC6455-7.4.1-02",
    "RFC6455-7.4.1-03",
    "RFC6455-7.4.1-10",
    "RFC6455-7.4.1-15",
)
@pytest.mark.parametrize("role", ROLES)
def test_every_legal_code_received_is_a_normal_close(role: str) -> None:
    """It is reported, whether the peer begins or answers."""
    peer = endpoint(role)
    closing = peer.connection.close().connection
    for code in sorted(LEGAL):
        data = peer.from_peer(0x88, code.to_bytes(2, "big") + b"x")
        step = peer.receive(data)
        assert step.events == (Closing(code, "x"),)
        assert step.connection.closing_code == code
        assert closing.receive(data).events == (Closed(code, "x"),)


@pytest.mark.rfc(
    "RFC6455-7.4.1-06",
    "RFC6455-7.4.1-07",
    "RFC6455-7.4.1-08",
    "RFC6455-7.4.1-16",
    "RFC6455-7.4.2-01",
    "RFC6455-7.4.2-02",
    "RFC6455-7.4.2-06",
)
@pytest.mark.parametrize("role", ROLES)
def test_every_other_code_received_fails_with_1002(role: str) -> None:
    """It is never repeated, nor reported."""
    peer = endpoint(role)
    for code in ALL:
        if code not in LEGAL:
            step = peer.receive(peer.from_peer(0x88, code.to_bytes(2, "big")))
            assert failed(step, 1002, clause_against(code)) == ()


@pytest.mark.rfc("RFC6455-5.5.1-12")
@pytest.mark.parametrize("role", ROLES)
def test_every_legal_code_received_is_repeated_in_the_reply(role: str) -> None:
    """By the reply code; 1010 has a test of its own."""
    peer = endpoint(role)
    for code in sorted(LEGAL - {1010}):
        connection = peer.receive(peer.from_peer(0x88, code.to_bytes(2, "big"))).connection
        step = connection.close(connection.reply_code)
        assert close_in(step.output) == (code, "")


@pytest.mark.rfc("RFC6455-7.4.1-12", "RFC6455-7.4.1-14")
@pytest.mark.parametrize("role", ROLES)
def test_1010_received_is_a_normal_close_that_is_answered(role: str) -> None:
    """A client repeats it; a server, which must not send it, answers with an empty Close."""
    peer = endpoint(role)
    step = peer.receive(peer.from_peer(0x88, b"\x03\xf2"))
    assert step.events == (Closing(1010, ""),)
    step = step.connection.close(step.connection.reply_code)
    assert step.connection.state is State.CLOSE_EXCHANGED
    assert step.connection.closing_code == 1010
    assert close_in(step.output) == (1010 if role == "client" else None, "")


@pytest.mark.rfc("RFC6455-7.4.1-01", "RFC6455-7.4.1-05", "RFC6455-7.4.1-09", "RFC6455-7.4.1-11")
@pytest.mark.parametrize("role", ROLES)
def test_every_legal_code_can_be_sent(role: str) -> None:
    """But for 1010, which is a client's."""
    connection = endpoint(role).connection
    for code in sorted(LEGAL - {1010}):
        assert close_in(connection.close(code, "x").output) == (code, "x")


@pytest.mark.rfc("RFC6455-7.4.1-12", "RFC6455-7.4.1-14")
def test_1010_is_sent_by_clients_only() -> None:
    """A server can refuse the handshake instead."""
    step = endpoint("client").connection.close(1010, "permessage-deflate")
    assert close_in(step.output) == (1010, "permessage-deflate")
    with pytest.raises(ValueError, match="code: 1010 may only be sent by a client"):
        endpoint("server").connection.close(1010)


@pytest.mark.rfc(
    "RFC6455-7.4.1-06",
    "RFC6455-7.4.1-07",
    "RFC6455-7.4.1-08",
    "RFC6455-7.4.1-16",
    "RFC6455-7.4.2-01",
    "RFC6455-7.4.2-02",
    "RFC6455-7.4.2-06",
)
@pytest.mark.parametrize("role", ROLES)
def test_no_other_code_can_be_sent(role: str) -> None:
    """The call names it and nothing changes; also in a state that would send nothing."""
    connection = endpoint(role).connection
    for code in [-1, *ALL, 65536, 10**9]:
        if code not in LEGAL:
            with pytest.raises(ValueError, match=f"code: {code} may not be sent"):
                connection.close(code)
    with pytest.raises(ValueError, match="code: 1005 may not be sent"):
        connection.close().connection.close(1005)


def test_the_set_of_legal_codes_is_the_same_everywhere() -> None:
    """1000 to 1003, 1007 to 1014 and 3000 to 4999."""
    assert {code for code in range(-10, 70_000) if is_legal_on_the_wire(code)} == LEGAL
    assert set(range(3000)) - LEGAL == Status.invalid_codes


@pytest.mark.rfc("RFC6455-7.4.1-15", "RFC6455-7.4.2-03")
def test_named_codes_have_the_numbers_of_the_registry() -> None:
    """Members are plain integers."""
    assert {status.name: status.value for status in Status} == {
        "NORMAL": 1000,
        "GOING_AWAY": 1001,
        "PROTOCOL_ERROR": 1002,
        "DATA_NOT_UNDERSTOOD": 1003,
        "RESERVED": 1004,
        "NO_STATUS": 1005,
        "ABNORMAL": 1006,
        "BAD_DATA": 1007,
        "POLICY_VIOLATION": 1008,
        "MESSAGE_TOO_LARGE": 1009,
        "EXTENSION_FAILED": 1010,
        "UNEXPECTED_CONDITION": 1011,
        "SERVICE_RESTART": 1012,
        "TRY_AGAIN_LATER": 1013,
        "BAD_GATEWAY": 1014,
        "TLS_HANDSHAKE": 1015,
    }


@pytest.mark.rfc("RFC6455-5.2-05", "RFC6455-5.2-06", "RFC6455-5.2-07")
def test_opcodes_have_names_and_ten_are_reserved() -> None:
    """3 to 7 and 0xB to 0xF."""
    reserved = [*range(3, 8), *range(0xB, 0x10)]
    assert [opcode for opcode in range(-1, 20) if is_reserved(opcode)] == reserved
    names = {0: "CONTINUATION", 1: "TEXT", 2: "BINARY", 8: "CLOSE", 9: "PING", 10: "PONG"}
    names |= {opcode: f"RESERVED{number}" for number, opcode in enumerate(reserved, 1)}
    assert [Opcode.to_str(opcode) for opcode in range(16)] == [names[n] for n in range(16)]
    assert Opcode.to_str(16) == Opcode.to_str(-1) == "?"
