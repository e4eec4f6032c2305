"""The frame codec: what is written is read again, however it is cut, and garbage fails once.

Two machines.  :class:`FrameCodec` writes frames of all kinds into a stream and reads them from the
pieces in which it arrives.  :class:`Decoder` is an open connection whose peer says what is legal,
what is not and what means nothing at all.
"""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from spec_tests.expectations import ROLES, frames_in
from spec_tests.machines.noticing import noticed
from spec_tests.playbook import endpoint, frame
from wsref.protocol import frames as codec
from wsref.protocol.closing import State
from wsref.protocol.connection import Connection, Step
from wsref.protocol.events import Event, ProtocolError
from wsref.protocol.limits import Limits
from wsref.testing import (
    CLOSE,
    CONTINUATION,
    Item,
    LengthForm,
    Role,
    WireFrame,
    chunkings,
    clause_against,
    cut,
    frames,
    illegal_frames,
)

#: More than that is not cut in every way: reading it byte by byte takes too long.
SHORT: Final = 2000

#: In how many bits a header of so many bytes, without the key, has its length.
FORMS: Final[dict[int, LengthForm]] = {2: 7, 4: 16, 10: 64}


class FrameCodec(RuleBasedStateMachine):
    """A stream into which frames are written, and a reader at its end."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[WireFrame] = []
        self.in_transit = b""
        self.arrived = b""  # and not yet a frame
        self.read: list[codec.Frame] = []

    @rule(drawn=st.one_of(frames("client", max_payload=200), frames("server", max_payload=200)))
    def write(self, drawn: WireFrame) -> None:
        """Write a frame that may be sent."""
        data = codec.serialize_frame(drawn.first_byte, drawn.payload, drawn.masking_key)
        by_hand = frame(drawn.first_byte, drawn.payload, drawn.masking_key)
        assert len(data) == len(by_hand), "a frame is not minimal"
        assert data == by_hand, "a frame is not what RFC 6455 §5.2 says"
        self.written.append(drawn)
        self.in_transit += data

    @rule(drawn=frames("client"))
    def write_large(self, drawn: WireFrame) -> None:
        """Write a frame that may have as many bytes as need a length in 64 bits."""
        self.write(drawn)

    @rule(item=st.one_of(illegal_frames("client"), illegal_frames("server")))
    def write_illegal(self, item: Item) -> None:
        """Write what an endpoint may not send; to a reader that does not judge it is a frame."""
        drawn = item.frame._replace(announced=None)
        self.written.append(drawn)
        self.in_transit += drawn.data

    @rule(size=st.integers(1, 40))
    def deliver(self, size: int) -> None:
        """Let the reader have a few bytes."""
        self._arrive(self.in_transit[:size])
        self.in_transit = self.in_transit[size:]

    @rule(data=st.data())
    def deliver_all(self, data: st.DataObject) -> None:
        """Let the reader have everything, in any pieces."""
        stream, self.in_transit = self.in_transit, b""
        if len(stream) <= SHORT:
            pieces = data.draw(chunkings(stream))
        else:
            pieces = cut(stream, data.draw(st.lists(st.integers(997, 70000), min_size=1)))
        for piece in pieces:
            self._arrive(piece)

    @rule(garbage=st.binary(max_size=30))
    def read_garbage(self, garbage: bytes) -> None:
        """Read from anywhere in any bytes: what is found there is what stands there."""
        for start in range(len(garbage) + 1):
            header = codec.parse_header(garbage, start)
            parsed = codec.parse_frame(garbage, start)
            if parsed is None:
                continue
            found, stop = parsed
            assert found.header == header, "a frame has another header than there is"
            assert wire(found).data == garbage[start:stop], "a frame is not what stands there"

    @invariant()
    def frames_come_as_they_were_written(self) -> None:
        """Whole, in order, each once, and at the latest with its last byte."""
        written = [(one.first_byte, one.payload, one.masking_key) for one in self.written]
        read = [(head.first_byte, payload, head.masking_key) for head, payload in self.read]
        assert read == written[: len(read)], "a frame is read that was not written"
        missing = sum(len(one.data) for one in self.written[len(read) :])
        assert len(self.arrived) + len(self.in_transit) == missing, "a byte is lost"
        if not self.in_transit:
            assert len(read) == len(written), "a frame that is complete is not read"

    def _arrive(self, piece: bytes) -> None:
        stream = self.arrived + piece
        position = 0
        while parsed := codec.parse_frame(stream, position):
            found, position = parsed
            self.read.append(found)
        self.arrived = stream[position:]


def wire(found: codec.Frame) -> WireFrame:
    """Return a frame that was read as one to be written in just that form."""
    header, payload = found
    form = FORMS[header.size - (0 if header.masking_key is None else 4)]
    return WireFrame(header.first_byte, payload, header.masking_key, form)


FrameCodec.TestCase.settings = settings(FrameCodec.TestCase.settings, stateful_step_count=25)

TestFrameCodec = pytest.mark.rfc(
    "RFC6455-5.2-08",
    "RFC6455-5.2-10",
    "RFC6455-5.2-13",
    "RFC6455-5.2-14",
    "RFC6455-5.2-15",
    "RFC6455-5.2-16",
    "RFC6455-5.2-17",
    "RFC6455-5.2-18",
    "RFC6455-5.3-01",
    "RFC6455-5.3-05",
    "RFC6455-5.3-06",
    "RFC6455-5.3-07",
    "RFC6455-6.2-01",
)(FrameCodec.TestCase)


#: No conversation of so few steps goes beyond them.
LIMITS: Final = Limits(message_size=20_000, fragments=1000)

#: More than can belong to a message or a control frame, and nothing that begins a frame.
NOISE: Final = b"\xff" * 30_000

OPENED: Final = {
    (role, deflate): endpoint(role, limits=LIMITS, deflate=deflate).connection
    for role in ROLES
    for deflate in (False, True)
}


class Decoder(RuleBasedStateMachine):
    """An open connection whose peer says what it may; in a fork of it, anything else."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = self.connection = OPENED["server", False]
        self.within: int | None = None  # what kind of message the peer has not finished
        self.has_closed = False  # whether the peer has sent its Close
        self.stream = b""  # all that the peer said
        self.position = 0  # how much of it has arrived
        self.events: list[Event] = []
        self.output = b""

    @initialize(role=st.sampled_from(ROLES), deflate=st.booleans())
    def open(self, role: str, deflate: bool) -> None:
        """Begin with an open connection."""
        self.connection = self.begun = OPENED[role, deflate]

    @precondition(lambda self: self.has_closed)
    @rule(role=st.sampled_from(ROLES), deflate=st.booleans())
    def open_another(self, role: str, deflate: bool) -> None:
        """Begin again, since nothing is read any more."""
        self._go_by_the_bytes_alone()
        self.connection = self.begun = OPENED[role, deflate]
        self.within, self.has_closed, self.stream, self.position = None, False, b"", 0
        self.events, self.output = [], b""

    @precondition(lambda self: not self.has_closed)
    @rule(data=st.data())
    def say(self, data: st.DataObject) -> None:
        """Send a frame that may come next."""
        drawn = data.draw(
            frames(self._peer, deflate=self.begun.deflate, within=self.within, max_payload=130)
        )
        self.stream += drawn.data
        self.has_closed = drawn.opcode == CLOSE
        if not drawn.is_control:
            opcode = self.within if drawn.opcode == CONTINUATION else drawn.opcode
            self.within = None if drawn.fin else opcode

    @rule(size=st.integers(1, 40))
    def deliver(self, size: int) -> None:
        """Deliver a few bytes."""
        self._deliver([self.stream[self.position : self.position + size]])

    @rule(data=st.data())
    def deliver_all(self, data: st.DataObject) -> None:
        """Deliver what has not arrived, in any pieces."""
        self._deliver(data.draw(chunkings(self.stream[self.position :])))

    @precondition(lambda self: not self.has_closed)
    @rule(data=st.data(), behind=st.binary(max_size=9))
    def break_a_rule(self, data: st.DataObject, behind: bytes) -> None:
        """In a fork, send a frame that breaks one requirement: it fails for that, and at once."""
        deflate, within = self.begun.deflate, self.within
        illegal = data.draw(
            illegal_frames(self._peer, deflate=deflate, within=within, max_payload=130)
        )
        sound = receive(self.connection, [self.stream[self.position :]])
        assert failures_in(sound) == []
        failed = receive(sound.connection, data.draw(chunkings(illegal.data)))
        failures = failures_in(failed)
        assert failures, "it takes what is illegal"
        (failure,) = failures
        assert failure.clause == illegal.clauses[0], "it fails for another reason"
        assert failure.code == illegal.status_codes[0], "it fails with another code"
        assert not failure.critical
        receive(failed.connection, [behind, illegal.data, NOISE])

    @rule(data=st.data(), garbage=st.binary(max_size=40))
    def say_anything(self, data: st.DataObject, garbage: bytes) -> None:
        """In a fork, send what means nothing: that comes to an end too."""
        stream = self.stream[self.position :] + garbage
        after = receive(self.connection, [*data.draw(chunkings(stream)), NOISE, garbage])
        assert not after.connection.reads, "it goes on reading noise"
        failures_in(after)

    @invariant()
    def nothing_that_is_legal_makes_it_fail(self) -> None:
        """Nor say anything but Pongs."""
        assert failures_in(Step(self.connection, tuple(self.events), self.output)) == []
        has_ended = self.has_closed and self.position == len(self.stream)
        assert self.connection.state is (State.CLOSE_RECEIVED if has_ended else State.OPEN)

    def teardown(self) -> None:
        """Only the bytes counted."""
        self._go_by_the_bytes_alone()

    @property
    def _peer(self) -> Role:
        return "server" if self.begun.is_client else "client"

    def _deliver(self, pieces: list[bytes]) -> None:
        self.connection, events, output = receive(self.connection, pieces)
        self.position += sum(map(len, pieces))
        self.events += events
        self.output += output

    def _go_by_the_bytes_alone(self) -> None:
        whole = self.begun.receive(self.stream[: self.position])
        in_pieces = Step(self.connection, tuple(self.events), self.output)
        assert whole == in_pieces, "it depends on how the stream was cut"


def receive(connection: Connection, pieces: list[bytes]) -> Step:
    """Receive pieces one by one; who reads no more is silent."""
    all_events: list[Event] = []
    all_output = b""
    for piece in pieces:
        before = connection
        connection, events, output = before.receive(piece)
        all_events += events
        all_output += output
        if not before.reads:
            assert (connection, events, output) == (before, (), b""), "it is not silent"
    return Step(connection, tuple(all_events), all_output)


def failures_in(step: Step) -> list[ProtocolError]:
    """Return how it failed, not more than once, having checked how that was said."""
    failures = [event for event in step.events if isinstance(event, ProtocolError)]
    closes = [payload for first, payload in frames_in(step.output) if first == 0x88]
    assert len(failures) == (step.connection.state is State.FAILED), "not just one failure"
    if not failures:
        assert not closes, "a Close without a failure"
        return []
    assert step.events[-1] is failures[0], "something happens behind the failure"
    code = failures[0].code
    assert clause_against(code) is None, "it fails with a code that may not be sent"
    said = [int.from_bytes(payload[:2], "big") for payload in closes]
    assert said == [code], "the failure's code is not said in one Close"
    assert frames_in(step.output)[-1][0] == 0x88, "a frame behind the Close"
    return failures


Decoder.TestCase.settings = settings(Decoder.TestCase.settings, stateful_step_count=25)

TestDecoder = pytest.mark.rfc(
    "RFC6455-5.1-02",
    "RFC6455-5.1-05",
    "RFC6455-5.2-03",
    "RFC6455-5.2-04",
    "RFC6455-5.2-05",
    "RFC6455-5.2-06",
    "RFC6455-5.2-09",
    "RFC6455-5.2-11",
    "RFC6455-5.2-12",
    "RFC6455-5.4-03",
    "RFC6455-5.4-04",
    "RFC6455-5.5-02",
    "RFC6455-5.5-03",
    "RFC6455-5.5.1-03",
    "RFC6455-5.5.1-05",
    "RFC6455-5.5.1-20",
    "RFC6455-6.2-01",
    "RFC6455-7.1.7-05",
    "RFC6455-7.1.7-07",
    "RFC6455-8.1-01",
    "RFC6455-10.7-03",
    "RFC7692-6.1-04",
    "RFC7692-6.1-05",
    "RFC7692-6.1-06",
    "RFC7692-6.1-09",
    "RFC7692-7.2.2-02",
)(Decoder.TestCase)


# What would be noticed

PARSE_FRAME: Final = codec.parse_frame
PARSE_HEADER: Final = codec.parse_header
RECEIVE: Final = Connection.receive
SERIALIZE_FRAME: Final = codec.serialize_frame


def writes_long_lengths(first_byte: int, payload: bytes, masking_key: bytes | None) -> bytes:
    """Write a length of 125 in 16 bits."""
    if len(payload) == 125:
        return WireFrame(first_byte, payload, masking_key, 16).data
    return SERIALIZE_FRAME(first_byte, payload, masking_key)


def forgets_the_key_of_nothing(first_byte: int, payload: bytes, masking_key: bytes | None) -> bytes:
    """Leave the masking key out where there is nothing to mask."""
    data = SERIALIZE_FRAME(first_byte, payload, masking_key)
    return data if payload else data[:2]


def loses_a_byte(data: bytes, position: int = 0) -> tuple[codec.Frame, int] | None:
    """Skip a byte behind every frame that ends where a read ends, but for the first."""
    parsed = PARSE_FRAME(data, position)
    if parsed is None or not position or parsed[1] != len(data):
        return parsed
    return parsed[0], parsed[1] - 1


def waits_for_more(data: bytes, position: int = 0) -> tuple[codec.Frame, int] | None:
    """Need one byte more than there are in an empty frame."""
    parsed = PARSE_FRAME(data, position)
    return None if parsed and not parsed[0].payload and parsed[1] == len(data) else parsed


def stumbles(data: bytes, position: int = 0) -> codec.FrameHeader | None:
    """Take it for granted that the first two bytes come together."""
    if position < len(data):
        assert data[position + 1] >= 0
    return PARSE_HEADER(data, position)


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("serialize_frame", writes_long_lengths, "a frame is not minimal"),
        ("serialize_frame", forgets_the_key_of_nothing, "a frame is not minimal"),
        ("parse_frame", loses_a_byte, "a byte is lost"),
        ("parse_frame", waits_for_more, "a frame that is complete is not read"),
    ],
)
def test_a_wrong_codec_is_noticed(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: object, message: str
) -> None:
    """Whether it writes wrongly or reads wrongly."""
    monkeypatch.setattr(codec, name, wrong)
    assert noticed(FrameCodec) == message


def test_a_codec_that_raises_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the exception itself."""
    monkeypatch.setattr(codec, "parse_header", stumbles)
    assert noticed(FrameCodec, IndexError) == "index out of range"


def fails_again(connection: Connection, data: bytes, now: float = 0.0) -> Step:
    """Report another failure when more comes behind the first."""
    step = RECEIVE(connection, data, now)
    if connection.state is State.FAILED and data:
        return step._replace(events=(ProtocolError("again", True, "RFC6455-5.2-05", 1002),))
    return step


def fails_silently(connection: Connection, data: bytes, now: float = 0.0) -> Step:
    """Fail without a Close."""
    step = RECEIVE(connection, data, now)
    return step._replace(output=b"") if step.connection.state is State.FAILED else step


def fails_with_1006(connection: Connection, data: bytes, now: float = 0.0) -> Step:
    """Fail with the code that stands for a lost connection."""
    step = RECEIVE(connection, data, now)
    if step.connection.state is not State.FAILED or not step.events:
        return step
    wrong = ProtocolError("wrong", False, "RFC6455-5.2-05", 1006)
    return step._replace(events=(*step.events[:-1], wrong))


def loses_single_bytes(connection: Connection, data: bytes, now: float = 0.0) -> Step:
    """Forget what comes in single bytes."""
    return RECEIVE(connection, b"" if len(data) == 1 else data, now)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (fails_again, "it is not silent"),
        (fails_silently, "the failure's code is not said in one Close"),
        (fails_with_1006, "it fails with a code that may not be sent"),
        (loses_single_bytes, "it depends on how the stream was cut"),
    ],
)
def test_a_decoder_that_fails_wrongly_is_noticed(
    monkeypatch: pytest.MonkeyPatch, wrong: object, message: str
) -> None:
    """Twice, without a word, with a code of its own, or not at all."""
    monkeypatch.setattr(Connection, "receive", wrong)
    assert noticed(Decoder) == message


@pytest.mark.long
@pytest.mark.parametrize(
    ("check", "messages"),
    [
        ("frames._check_reserved_bits", ["it takes what is illegal"]),
        # Text is looked at once more when it is whole: too late, or for another reason.
        ("reading.check_utf8", ["it takes what is illegal", "it fails for another reason"]),
    ],
)
def test_a_decoder_without_one_of_its_checks_is_noticed(
    monkeypatch: pytest.MonkeyPatch, check: str, messages: list[str]
) -> None:
    """Of the reserved bits, or of text that is not complete yet."""

    def passes(*_arguments: object) -> bytes:
        return b""

    monkeypatch.setattr(f"wsref.protocol.{check}", passes)
    assert noticed(Decoder) in messages
