"""Frames, legal and with one requirement broken (RFC 6455 §5, RFC 7692 §6).

:func:`frames` draws frames that may be sent, :func:`illegal_frames` such as break exactly one
requirement where they stand, together with the id of that requirement and the status codes
that fit a Close because of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple, TypeAlias

from hypothesis import strategies as st

from ..protocol.deflate import DeflateParameters
from ..protocol.frames import FIN, RSV1
from .compression import CORRUPT_STATUS_CODES, Context, compress, corrupt_payloads, shapes
from .status import close_payloads, illegal_close_payloads
from .utf8 import NearMissKind, near_misses, text_branches
from .wire import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, LengthForm, Role, WireFrame

__all__ = [
    "Item",
    "binary_payloads",
    "control_frames",
    "frames",
    "illegal_frames",
    "masking_keys",
    "requirements_to_break",
    "text_payloads",
]

#: Lengths beside the borders between the forms of a length (RFC 6455 §5.2).
_BORDERS: Final = (125, 126, 127, 128)
_FAR_BORDERS: Final = (65535, 65536)


class Item(NamedTuple):
    """A frame, and whether it may stand where it stands.

    Attributes:
        frame: the frame.
        clauses: the ids of the requirements that it breaks, none if it is legal.  The first
            names the fault; others are the same fault seen from elsewhere.
        status_codes: the codes that fit a Close because of it, the best first.
    """

    frame: WireFrame
    clauses: tuple[str, ...] = ()
    status_codes: tuple[int, ...] = ()

    @property
    def data(self) -> bytes:
        """The bytes of the frame."""
        return self.frame.data

    @property
    def is_legal(self) -> bool:
        """Whether the frame breaks nothing."""
        return not self.clauses

    @property
    def description(self) -> str:
        """The frame in a few words, and what it breaks, for people."""
        if not self.clauses:
            return self.frame.description
        return f"{self.frame.description} (breaks {', '.join(self.clauses)})"


def masking_keys() -> st.SearchStrategy[bytes]:
    r"""Draw a masking key: four bytes, zeros too, which are legal (RFC 6455 §5.3).

    Shrinks to ``b"\x00\x00\x00\x00"``, which leaves a payload as it is.
    """
    return _MASKING_KEYS


_MASKING_KEYS: Final = st.integers(0, 0xFFFFFFFF).map(lambda key: key.to_bytes(4, "big"))


def binary_payloads(max_size: int = 65536) -> st.SearchStrategy[bytes]:
    r"""Draw the payload of a binary frame: mostly short, some at the borders of the length.

    Those of 125 to 128, of 65535 and of 65536 bytes consist of one byte over and over.

    Args:
        max_size: the most bytes.

    Shrinks to ``b""``, then to fewer bytes and to ``b"\x00"``.
    """
    return _payloads(max_size, False)


def text_payloads(max_size: int = 65536) -> st.SearchStrategy[bytes]:
    """Draw the payload of a text frame: valid UTF-8, mostly short, some at the borders.

    Args:
        max_size: the most bytes.

    Shrinks to ``b""``, then to fewer characters and to ``b"0"``.
    """
    return _payloads(max_size, True)


@cache
def _payloads(max_size: int, is_text: bool) -> st.SearchStrategy[bytes]:
    return st.one_of(payload_branches(max_size, is_text))


def payload_branches(max_size: int, is_text: bool) -> list[st.SearchStrategy[bytes]]:
    """Return the strategies among which a payload is drawn, most often one of the first.

    Those take a single choice.  Hypothesis counts choices to say which of two values is the
    simpler one, and leaves out up to five in a row at once.  The others begin with the same
    choice, so that what is found with a long payload is tried with a short one.
    """
    branches: list[st.SearchStrategy[bytes]] = []
    for _ in range(8):  # each is a strategy of its own: st.one_of counts what is the same once
        if is_text:
            texts = text_branches(min(max_size, 20))
            branches += [characters.map(_fitting(max_size)) for characters in texts]
        else:
            branches += [st.binary(max_size=min(max_size, 24)).map(bytes) for _ in range(2)]
    short = branches[0]
    for borders, weight in ((_BORDERS, 2), (_FAR_BORDERS, 1)):
        fitting = [size for size in borders if size <= max_size]
        if fitting:
            long = st.tuples(short, st.sampled_from(fitting))
            branches += [long.map(_repeated(is_text)) for _ in range(weight)]
    return branches


def _repeated(is_text: bool) -> Callable[[tuple[bytes, int]], bytes]:
    """Repeat the first byte of some data, so that it can be shown in a few characters."""

    def repeated(pair: tuple[bytes, int]) -> bytes:
        data, size = pair
        first = data[:1]
        if is_text and not first.isascii():
            first = b""
        return (first or (b"0" if is_text else b"\0")) * size

    return repeated


def _fitting(max_size: int) -> Callable[[str], bytes]:
    return lambda text: text.encode()[:max_size].decode(errors="ignore").encode()


def control_frames(
    role: Role = "client", *opcodes: int, max_payload: int = 125
) -> st.SearchStrategy[WireFrame]:
    """Draw a legal Ping or Pong (RFC 6455 §5.5).

    Args:
        role: who sends it.
        opcodes: PING, PONG and CLOSE, those to draw; Ping and Pong by default.
        max_payload: the most bytes of a payload, at most 125.

    Shrinks to an empty Ping with a masking key of zeros.
    """
    return _control_frames(role, opcodes or (PING, PONG), min(max_payload, 125))


@cache
def _control_frames(
    role: Role, opcodes: tuple[int, ...], max_payload: int
) -> st.SearchStrategy[WireFrame]:
    return _sent(role, _control_bodies(role, opcodes, max_payload))


def frames(
    role: Role = "client",
    *,
    deflate: DeflateParameters | None = None,
    within: int | None = None,
    max_payload: int = 65536,
) -> st.SearchStrategy[WireFrame]:
    """Draw one frame that may be sent next (RFC 6455 §5.2, §5.4, §5.5; RFC 7692 §6).

    A whole message or the beginning of one, or a continuation if a message is unfinished; or a
    Ping, Pong or Close.  Text does not end inside a character.

    Args:
        role: who sends it: frames of a client are masked.
        deflate: what was agreed on about permessage-deflate; None: nothing.  Whole messages are
            compressed now and then, as the first compressed message of the sender.
        within: TEXT or BINARY if an uncompressed message of that kind is unfinished.
        max_payload: the most bytes of a payload, before any compression.

    Shrinks to an empty final text frame, or continuation, with a masking key of zeros.
    """
    return _frames(role, deflate, within, max_payload)


@cache
def _frames(
    role: Role, deflate: DeflateParameters | None, within: int | None, max_payload: int
) -> st.SearchStrategy[WireFrame]:
    data = _data_bodies(within, max_payload)
    branches = [data]
    if deflate is not None and within is None:
        branches.append(_compressed_bodies(Context.of(deflate, role), max_payload))
    branches.append(_control_bodies(role, (PING, PONG, CLOSE), min(max_payload, 125)))
    return _sent(role, st.one_of(branches))


def illegal_frames(
    role: Role = "client",
    *clauses: str,
    deflate: DeflateParameters | None = None,
    within: int | None = None,
    max_payload: int = 65536,
) -> st.SearchStrategy[Item]:
    """Draw a frame that breaks exactly one requirement, and which one that is.

    Which requirements there are to break depends on the other arguments;
    :func:`requirements_to_break` lists them.

    Args:
        role: who sends the frame.
        clauses: the ids of the requirements to break; any of them by default.
        deflate: what was agreed on about permessage-deflate; None: nothing.
        within: TEXT or BINARY if an uncompressed message of that kind is unfinished, and does
            not end inside a character.  For an unfinished *compressed* message pass BINARY:
            its payloads cannot be judged one by one either.
        max_payload: the most bytes of a payload; a fault that takes more has what it takes.

    Raises:
        ValueError: none of *clauses* can be broken here.

    Shrinks to the frame that breaks the requirement with the fewest bytes, a text or a
    continuation if that will do, with a masking key of zeros: ``83 80 00 00 00 00`` for the
    reserved opcodes of data frames.
    """
    return _illegal_frames(role, clauses, deflate is not None, within, max_payload)


def requirements_to_break(
    role: Role = "client", *, deflate: DeflateParameters | None = None, within: int | None = None
) -> tuple[str, ...]:
    """Return the ids of the requirements that a frame can break here.

    Args:
        role: who sends the frame.
        deflate: what was agreed on about permessage-deflate; None: nothing.
        within: TEXT or BINARY if a message of that kind is unfinished.
    """
    kinds = fault_kinds(role, deflate is not None, within)
    return tuple(dict.fromkeys(clause for kind in kinds for clause in kind))


@cache
def _illegal_frames(
    role: Role,
    clauses: tuple[str, ...],
    compressing: bool,
    within: int | None,
    max_payload: int,
) -> st.SearchStrategy[Item]:
    faults = _faults(role, compressing, within, max_payload)
    if clauses:
        faults = tuple(fault for fault in faults if not set(clauses).isdisjoint(fault.clauses))
    if not faults:
        raise ValueError(f"clauses: no frame breaks any of {', '.join(clauses)} here")
    return st.one_of([_items(fault) for fault in faults])


def fault_kinds(role: Role, compressing: bool, within: int | None) -> tuple[tuple[str, ...], ...]:
    """Return what can go wrong here, each kind by the ids of the requirements broken."""
    return tuple(fault.clauses for fault in _faults(role, compressing, within, 65536))


@cache
def items_of_kind(
    kind: tuple[str, ...],
    role: Role,
    compressing: bool,
    within: int | None,
    max_payload: int,
) -> st.SearchStrategy[Item]:
    """Draw an illegal frame that breaks just the requirements of *kind*."""
    faults = _faults(role, compressing, within, max_payload)
    return st.one_of([_items(fault) for fault in faults if fault.clauses == kind])


def _items(fault: _Fault) -> st.SearchStrategy[Item]:
    return fault.frames.map(lambda frame: Item(frame, fault.clauses, fault.status_codes))


#: First byte and payload.
_Body: TypeAlias = tuple[int, bytes]


def _sent(
    role: Role, bodies: st.SearchStrategy[_Body], length_form: LengthForm = None
) -> st.SearchStrategy[WireFrame]:
    """Make frames of bodies, as *role* sends them."""
    key: st.SearchStrategy[bytes | None] = st.none() if role == "server" else _MASKING_KEYS
    return st.tuples(bodies, key).map(lambda pair: WireFrame(*pair[0], pair[1], length_form))


def _with(bit: int, bodies: st.SearchStrategy[_Body]) -> st.SearchStrategy[_Body]:
    return bodies.map(lambda body: (body[0] | bit, body[1]))


@cache
def _data_bodies(within: int | None, max_payload: int) -> st.SearchStrategy[_Body]:
    fin = st.sampled_from([FIN, 0])
    text, binary = text_payloads(max_payload), binary_payloads(max_payload)
    if within is not None:
        payload = text if within == TEXT else binary
        # As many choices as between messages, so that shrinking gets from here to there.
        return st.one_of(st.tuples(fin, payload), st.tuples(fin, payload))
    return st.one_of(
        st.tuples(fin.map(lambda bit: bit | TEXT), text),
        st.tuples(fin.map(lambda bit: bit | BINARY), binary),
    )


@cache
def _control_bodies(
    role: Role, opcodes: tuple[int, ...], max_payload: int
) -> st.SearchStrategy[_Body]:
    def bodies(opcode: int) -> st.SearchStrategy[_Body]:
        payload = close_payloads(role) if opcode == CLOSE else binary_payloads(max_payload)
        # What takes fewer choices counts as simpler.  Two that change nothing make a control
        # frame no simpler than a data frame, so that where either will do there is a text.
        return st.tuples(st.booleans(), st.booleans(), payload).map(
            lambda parts: (FIN | opcode, parts[2])
        )

    return st.one_of([bodies(opcode) for opcode in opcodes])


@cache
def _compressed_bodies(context: Context, max_payload: int) -> st.SearchStrategy[_Body]:
    # Text is as good for binary messages.
    return st.tuples(
        st.sampled_from([FIN | RSV1 | TEXT, FIN | RSV1 | BINARY]),
        st.tuples(text_payloads(max_payload), shapes()),
    ).map(lambda body: (body[0], compress(context, *body[1])))


class _Fault(NamedTuple):
    """Frames that all break the same requirement."""

    clauses: tuple[str, ...]
    status_codes: tuple[int, ...]
    frames: st.SearchStrategy[WireFrame]


@cache
def _faults(
    role: Role, compressing: bool, within: int | None, max_payload: int
) -> tuple[_Fault, ...]:
    """Return all that can go wrong here, the simplest first."""
    short = min(max_payload, 125)
    data = _data_bodies(within, max_payload)
    control = _control_bodies(role, (PING, PONG, CLOSE), short)
    legal = st.one_of(data, control)
    faults: list[_Fault] = []

    def fault(
        clauses: str, found: st.SearchStrategy[WireFrame], codes: tuple[int, ...] = (1002,)
    ) -> None:
        faults.append(_Fault(tuple(clauses.split()), codes, found))

    def sent(bodies: st.SearchStrategy[_Body]) -> st.SearchStrategy[WireFrame]:
        return _sent(role, bodies)

    # The header, whatever the state.
    if role == "client":
        fault("RFC6455-5.1-02 RFC6455-5.1-01", _sent("server", legal))
    else:
        fault("RFC6455-5.1-05 RFC6455-5.1-04", _sent("client", legal))
    if within is None:
        begun = st.tuples(st.sampled_from([FIN, 0]), binary_payloads(max_payload))
        fault("RFC6455-5.4-03", sent(begun))
    else:
        fault("RFC6455-5.4-04", sent(_data_bodies(None, max_payload)))
    reserved_bits = "RFC6455-5.2-04" if compressing else "RFC6455-5.2-03"
    fault(
        f"{reserved_bits} RFC6455-5.2-02",
        sent(st.one_of([_with(bits, legal) for bits in (0x10, 0x20, 0x30)])),
    )
    if compressing:
        fault("RFC7692-6.1-04 RFC7692-6.1-03", sent(_with(RSV1, control)))
        if within is not None:
            fault("RFC7692-6.1-05 RFC7692-6.1-03", sent(_with(RSV1, data)))
    else:
        fault("RFC7692-6.1-06 RFC6455-5.2-03 RFC6455-5.2-02", sent(_with(RSV1, legal)))
    anything = binary_payloads(max_payload)
    first = st.builds(int.__or__, st.sampled_from([FIN, 0]), st.integers(3, 7))
    fault("RFC6455-5.2-05 RFC6455-5.2-07", sent(st.tuples(first, anything)))
    first = st.integers(0x8B, 0x8F)
    fault("RFC6455-5.2-06 RFC6455-5.2-07", sent(st.tuples(first, binary_payloads(short))))
    fault("RFC6455-5.5-03 RFC6455-5.4-07", sent(control.map(lambda body: (body[0] ^ FIN, body[1]))))
    fault("RFC6455-5.5-02 RFC6455-5.5-01", sent(_too_long()))
    fault("RFC6455-5.2-11 RFC6455-5.2-10", _sent(role, _data_bodies(within, short), 16))
    data_below_64 = _data_bodies(within, min(max_payload, 65535))
    fault("RFC6455-5.2-12 RFC6455-5.2-10", _sent(role, data_below_64, 64))
    announced = _sent(role, _data_bodies(within, short), 64).map(
        lambda frame: frame._replace(announced=1 << 63 | len(frame.payload))
    )
    fault("RFC6455-5.2-09 RFC6455-5.2-08", announced, (1002, 1009))

    # The payload.
    for clause, codes in _CLOSE_FAULTS:
        bodies = illegal_close_payloads(clause).map(lambda close: (FIN | CLOSE, close.data))
        fault(clause, sent(bodies), codes)
    if within != BINARY:
        for clauses, kinds in _TEXT_FAULTS:
            fault(clauses, sent(_not_text(within, kinds, max_payload)), (1007,))
    if compressing and within is None:
        for clause in _DEFLATE_FAULTS:
            corrupt = corrupt_payloads(clause)
            bodies = corrupt.map(lambda payload: (FIN | RSV1 | TEXT, payload.data))
            fault(clause, sent(bodies), CORRUPT_STATUS_CODES)
    return tuple(faults)


_CLOSE_FAULTS: Final = (
    ("RFC6455-5.5.1-03", (1002,)),
    ("RFC6455-7.4.1-06", (1002,)),
    ("RFC6455-7.4.1-07", (1002,)),
    ("RFC6455-7.4.1-08", (1002,)),
    ("RFC6455-7.4.1-16", (1002,)),
    ("RFC6455-7.4.2-01", (1002,)),
    ("RFC6455-7.4.2-02", (1002,)),
    ("RFC6455-7.4.2-06", (1002,)),
    ("RFC6455-5.5.1-05", (1007, 1002)),
)

_TEXT_FAULTS: Final[tuple[tuple[str, tuple[NearMissKind, ...]], ...]] = (
    ("RFC6455-8.1-01", ("lone continuation", "not a beginning", "interrupted")),
    ("RFC6455-8.1-01 RFC6455-8.1-02", ("overlong", "surrogate", "too large")),
    ("RFC6455-8.1-03", ("truncated",)),
)

_DEFLATE_FAULTS: Final = (
    "RFC7692-7.2.2-14",
    "RFC7692-7.2.2-02",
    "RFC7692-7.2.2-03",
    "RFC7692-7.2.2-04",
    "RFC7692-6.1-09",
)


def _too_long() -> st.SearchStrategy[_Body]:
    """Control frames of more than 125 bytes, with nothing else wrong."""

    def body(parts: tuple[int, int]) -> _Body:
        opcode, size = parts
        code = b"\x03\xe8" if opcode == CLOSE else b""
        return FIN | opcode, code + b"0" * (size - len(code))

    sizes = st.sampled_from([126, 127, 128, 65535, 65536])
    return st.tuples(st.sampled_from([PING, PONG, CLOSE]), sizes).map(body)


def _not_text(
    within: int | None, kinds: tuple[NearMissKind, ...], max_payload: int
) -> st.SearchStrategy[_Body]:
    """A text frame, or a continuation, that is not UTF-8."""
    opcode = CONTINUATION if within == TEXT else TEXT
    # A text that is cut off has to end; what can stand nowhere is wrong in any fragment.
    bits = [FIN] if kinds == ("truncated",) else [FIN, 0]
    first = st.sampled_from([bit | opcode for bit in bits])
    misses = near_misses(*kinds, max_size=max(8, min(125, max_payload)))
    return st.tuples(first, misses.map(lambda miss: miss.data))
